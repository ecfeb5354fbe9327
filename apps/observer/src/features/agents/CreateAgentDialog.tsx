"use client";

import { Modal } from "@mantine/core";
import { CreatedAgent } from "./CreatedAgent";
import { CreateAgentForm } from "./CreateAgentForm";
import { useCreateAgent } from "./queries";
import type { Agent } from "./roster";

export interface CreateAgentDialogProps {
  opened: boolean;
  agents: Agent[];
  onClose: () => void;
  /** After the secret was shown. */
  onDone: (name: string) => void;
}

/** Registers an agent, then shows its secret once, and waits with the person until it is there. */
export function CreateAgentDialog({ opened, agents, onClose, onDone }: CreateAgentDialogProps) {
  const create = useCreateAgent();
  const made = create.data;
  function close(): void {
    create.reset();
    if (made === undefined) onClose();
    else onDone(made.name);
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={made === undefined ? "New agent" : `${made.name} is registered`}
      size="lg"
      withCloseButton={made === undefined}
      closeOnEscape={made === undefined}
      closeOnClickOutside={false}
    >
      {made === undefined ? (
        <CreateAgentForm
          agents={agents}
          isPending={create.isPending}
          error={create.error}
          onCancel={close}
          onSubmit={create.mutate}
        />
      ) : (
        <CreatedAgent made={made} agent={agents.find(({ id }) => id === made.id)} onDone={close} />
      )}
    </Modal>
  );
}
