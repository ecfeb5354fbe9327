"use client";

import { Button, Group, Stack, Text } from "@mantine/core";
import type { Model } from "@/lib/api/client";
import { Command } from "@/ui/Command";
import { Notice } from "@/ui/Notice";
import { StatusBadge } from "@/ui/StatusBadge";
import { EnvironmentBlock } from "./EnvironmentBlock";
import type { Agent } from "./roster";

export interface CreatedAgentProps {
  made: Model<"CreatedAgentResource">;
  /** Its row of the roster, as soon as that is read: tells when it is there. */
  agent: Agent | undefined;
  onDone: () => void;
}

/** The secret, this once, how to start the agent, and whether it has come. */
export function CreatedAgent({ made, agent, onDone }: CreatedAgentProps) {
  const isOnline = agent?.online === true;
  return (
    <Stack gap="md">
      <Notice tone="waiting" title="This is the only time that the secret is shown" live>
        Put it where the agent runs. If it is lost, rotate it.
      </Notice>
      <EnvironmentBlock name={made.name} clientId={made.client_id} clientSecret={made.client_secret} />
      <Stack gap={6} align="flex-start">
        <Text size="sm">No code yet? This makes a folder with an agent, its test and a Dockerfile:</Text>
        <Command>{`oblivion-agent new ${made.name} && cd ${made.name}`}</Command>
      </Stack>
      <Group justify="space-between">
        <span role="status">
          <StatusBadge
            look={
              isOnline
                ? { label: `${made.name} is online`, tone: "ok" }
                : { label: `Waiting for ${made.name} to connect`, tone: "waiting" }
            }
            plain
            pulse={!isOnline}
          />
        </span>
        <Button variant="filled" onClick={onDone}>
          I have stored the secret
        </Button>
      </Group>
    </Stack>
  );
}
