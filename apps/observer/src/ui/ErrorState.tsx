"use client";

import { Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { asApiError } from "@/lib/api/problem";
import { Id } from "./Id";
import classes from "./States.module.css";

/** What failed, why, the id to find it in the log by, and a way to try again. */
export function ErrorState({
  title,
  error,
  onRetry,
}: {
  title: string;
  error: unknown;
  onRetry?: () => void;
}) {
  const { message, requestId } = asApiError(error);
  return (
    <Stack className={classes.state} align="center" gap={6} role="alert">
      <span className={classes.failed}>
        <IconAlertTriangle size={20} />
      </span>
      <Text fw={600}>{title}</Text>
      <Text c="dimmed" size="sm" maw={480}>
        {message}
      </Text>
      {requestId !== null && (
        <Group gap={6} c="dimmed" fz="xs" wrap="nowrap" maw="100%">
          Request <Id value={requestId} what="request id" whole />
        </Group>
      )}
      {onRetry !== undefined && (
        <Button className={classes.action} onClick={onRetry}>
          Try again
        </Button>
      )}
    </Stack>
  );
}
