"use client";

import { Button, Group, NumberInput, Text } from "@mantine/core";
import { useState } from "react";
import { SubmitButton } from "@/ui/SubmitButton";
import { useSetMessageLimit } from "./queries";
import type { Agent } from "./roster";

const MAX_MESSAGES_PER_MINUTE = 600;

/** How much an agent may say before it is muted, and a way to change that. */
export function MessageLimit({ agent }: { agent: Agent }) {
  const [wanted, setWanted] = useState<number | null>(null);
  const setLimit = useSetMessageLimit();
  if (wanted === null) {
    return (
      <Group gap="xs">
        <Text size="sm">
          Muted by itself when it says more than {agent.messages_per_minute} things within a minute.
        </Text>
        <Button
          size="compact-sm"
          variant="subtle"
          onClick={() => {
            setWanted(agent.messages_per_minute);
          }}
        >
          Change
        </Button>
      </Group>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        setLimit.mutate({ agent, messagesPerMinute: wanted });
        setWanted(null);
      }}
    >
      <Group gap="xs" align="end">
        <NumberInput
          label="Messages a minute"
          min={1}
          max={MAX_MESSAGES_PER_MINUTE}
          clampBehavior="strict"
          allowDecimal={false}
          value={wanted}
          onChange={(value) => {
            if (typeof value === "number") setWanted(value);
          }}
        />
        <SubmitButton needs="write">Save</SubmitButton>
        <Button
          onClick={() => {
            setWanted(null);
          }}
        >
          Cancel
        </Button>
      </Group>
    </form>
  );
}
