"use client";

import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { duration } from "@/lib/time";
import { FormError } from "@/ui/FormError";
import { Notice } from "@/ui/Notice";
import { DEFAULT_OVERLAP_SECONDS, OverlapChoice } from "@/ui/OverlapChoice";
import { EnvironmentBlock } from "./EnvironmentBlock";
import { useRotateAgent } from "./queries";
import type { Agent } from "./roster";

/** Asks what becomes of the previous secret, then shows the new one, once. */
export function RotateDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const [overlapSeconds, setOverlapSeconds] = useState(DEFAULT_OVERLAP_SECONDS);
  const rotate = useRotateAgent();
  if (rotate.data !== undefined) {
    const { client_id, client_secret, overlap_seconds } = rotate.data;
    return (
      <Modal
        opened
        onClose={onClose}
        title={`New secret of ${agent.name}`}
        size="lg"
        withCloseButton={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
      >
        <Stack gap="md">
          <Notice tone="waiting" title="This is the only time that the secret is shown" live>
            {overlap_seconds === 0
              ? "The previous one has stopped working."
              : `The previous one works for another ${duration(overlap_seconds * 1000)}.`}
          </Notice>
          <EnvironmentBlock name={agent.name} clientId={client_id} clientSecret={client_secret} />
          <Group justify="flex-end">
            <Button variant="filled" onClick={onClose}>
              I have stored the secret
            </Button>
          </Group>
        </Stack>
      </Modal>
    );
  }
  return (
    <Modal opened onClose={onClose} title={`Rotate the secret of ${agent.name}`}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          A new secret is made and shown once. Secrets from before the previous one stop working now.
        </Text>
        <OverlapChoice value={overlapSeconds} onChange={setOverlapSeconds} />
        <FormError title={`Could not rotate the secret of ${agent.name}`} error={rotate.error} />
        <Group justify="flex-end" gap="xs">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            variant="filled"
            loading={rotate.isPending}
            onClick={() => {
              rotate.mutate({ name: agent.name, overlapSeconds });
            }}
          >
            Make a new secret
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
