"use client";

import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { SubmitButton } from "@/ui/SubmitButton";
import { useSetMuted } from "./queries";
import type { Agent } from "./roster";

const MAX_REASON_CHARS = 200;

/** Asks why an agent is muted, as people and the agent read it. */
export function MuteDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const setMuted = useSetMuted();
  return (
    <Modal opened onClose={onClose} title={`Mute ${agent.name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setMuted.mutate({ agent, muted: true, reason: reason.trim() });
          onClose();
        }}
      >
        <Stack gap="md">
          <Text size="sm" c="dimmed">
            From now on it is offered nothing, and what it says is held back. Its tasks it may finish, and it
            can be unmuted at any time: then what it has said is posted.
          </Text>
          <TextInput
            data-autofocus
            label="Reason"
            description="Others see it beside the agent; the agent is told as well."
            placeholder="Posts the same answer twice"
            maxLength={MAX_REASON_CHARS}
            value={reason}
            onChange={(event) => {
              setReason(event.currentTarget.value);
            }}
          />
          <Group justify="flex-end" gap="xs">
            <Button onClick={onClose}>Cancel</Button>
            <SubmitButton needs="operate">Mute {agent.name}</SubmitButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
