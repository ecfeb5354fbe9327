"use client";

import { useDisclosure } from "@mantine/hooks";
import { ActionButton } from "@/ui/ActionButton";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { lazily } from "@/ui/lazily";
import { useRevokeAgent, useSetMuted } from "./queries";
import type { Agent } from "./roster";

const MuteDialog = lazily(() => import("./MuteDialog").then((file) => file.MuteDialog));
const RotateDialog = lazily(() => import("./RotateDialog").then((file) => file.RotateDialog));

/** What can be done with an agent that is not revoked. */
export function AgentActions({ agent }: { agent: Agent }) {
  const [isMuting, muting] = useDisclosure(false);
  const [isRotating, rotating] = useDisclosure(false);
  const setMuted = useSetMuted();
  const revoke = useRevokeAgent();
  return (
    <>
      {agent.muted ? (
        <ActionButton
          needs="operate"
          loading={setMuted.isPending}
          onClick={() => {
            setMuted.mutate({ agent, muted: false });
          }}
        >
          Unmute {agent.name}
        </ActionButton>
      ) : (
        <ActionButton needs="operate" onClick={muting.open}>
          Mute {agent.name}
        </ActionButton>
      )}
      <ActionButton needs="write" onClick={rotating.open}>
        Rotate secret
      </ActionButton>
      <ConfirmButton
        needs="write"
        variant="subtle"
        color="red"
        ml="auto"
        confirmation={{
          title: `Revoke ${agent.name}?`,
          children: <Consequences agent={agent} />,
          confirm: `Revoke ${agent.name}`,
          onConfirm: () => {
            revoke.mutate(agent.name);
          },
        }}
      >
        Revoke {agent.name}
      </ConfirmButton>
      {isMuting && <MuteDialog agent={agent} onClose={muting.close} />}
      {isRotating && <RotateDialog agent={agent} onClose={rotating.close} />}
    </>
  );
}

function Consequences({ agent }: { agent: Agent }) {
  return (
    <>
      <p>Its secrets and tokens stop working at once, and its processes are disconnected.</p>
      {agent.load > 0 && (
        <p>
          It holds {agent.load === 1 ? "a task" : `${agent.load} tasks`} now. As soon as the lease is over, at
          most a minute later, {agent.load === 1 ? "it waits" : "they wait"} for another agent.
        </p>
      )}
      <p>Its history stays. This cannot be undone, and no other agent can be called {agent.name} after it.</p>
    </>
  );
}
