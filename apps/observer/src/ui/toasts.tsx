"use client";

import { Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconCheck } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { asApiError } from "@/lib/api/problem";
import { Id } from "./Id";

const UNDO_MS = 10_000;
const FAILURE_MS = 20_000;

/** Says that something was done; with `undo`, it can be taken back for ten seconds. Returns the id to hide it by. */
export function toastDone(message: ReactNode, undo?: () => void): string {
  const id = crypto.randomUUID();
  notifications.show({
    id,
    icon: <IconCheck size={16} />,
    color: "teal",
    autoClose: undo === undefined ? 5000 : UNDO_MS,
    message: (
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm" component="div">
          {message}
        </Text>
        {undo !== undefined && (
          <Button
            size="compact-xs"
            flex="none"
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            Undo
          </Button>
        )}
      </Group>
    ),
  });
  return id;
}

/** Says what failed, why, under which request id, and offers to try again. `what`: "Could not link Backend sprint 42". */
export function toastFailed(what: string, error: unknown, retry?: () => void): void {
  const { message, requestId } = asApiError(error);
  const id = crypto.randomUUID();
  notifications.show({
    id,
    icon: <IconAlertTriangle size={16} />,
    color: "red",
    autoClose: FAILURE_MS,
    title: what,
    message: (
      <Stack gap={6}>
        <Text size="sm">{message}</Text>
        {(requestId !== null || retry !== undefined) && (
          <Group justify="space-between" wrap="nowrap" gap="sm" fz="xs" c="dimmed">
            {requestId !== null && <Id value={requestId} what="request id" />}
            {retry !== undefined && (
              <Button
                size="compact-xs"
                ml="auto"
                onClick={() => {
                  notifications.hide(id);
                  retry();
                }}
              >
                Retry
              </Button>
            )}
          </Group>
        )}
      </Stack>
    ),
  });
}
