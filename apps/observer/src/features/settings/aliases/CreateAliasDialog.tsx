"use client";

import { Button, Group, Modal, MultiSelect, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { aliasProblem } from "@/features/agents/agent-form";
import type { Agent } from "@/features/agents/roster";
import { FormError } from "@/ui/FormError";
import { SubmitButton } from "@/ui/SubmitButton";
import { toastDone } from "@/ui/toasts";
import { sameHandle, type Alias } from "./handles";
import { handle, useCreateAlias } from "./queries";

export interface CreateAliasDialogProps {
  agents: Agent[];
  aliases: Alias[];
  onClose: () => void;
}

/** Makes a handle for one agent or for a squad. */
export function CreateAliasDialog({ agents, aliases, onClose }: CreateAliasDialogProps) {
  const create = useCreateAlias();
  const form = useForm({
    initialValues: { alias: "", agents: [] as string[] },
    validate: {
      alias: (alias) =>
        aliasProblem(alias) ??
        (aliases.some((each) => sameHandle(each.alias, alias.trim()))
          ? "There is such an alias already: add agents to it in the list."
          : null),
      agents: (chosen) => (chosen.length === 0 ? "Choose at least one agent." : null),
    },
  });
  const free = agents.filter(({ revoked_at }) => revoked_at === null).map(({ name }) => name);
  return (
    <Modal opened onClose={onClose} title="New alias">
      <form
        onSubmit={form.onSubmit((values) => {
          const wanted = { ...values, alias: values.alias.trim() };
          create.mutate(wanted, {
            onSuccess: () => {
              toastDone(`${handle(wanted.alias)} can be mentioned now.`);
              onClose();
            },
          });
        })}
      >
        <Stack gap="md">
          <TextInput
            data-autofocus
            label="Alias"
            description="What people write in ClickUp. Upper and lower case are the same."
            placeholder="@AI_Squad"
            autoComplete="off"
            spellCheck={false}
            {...form.getInputProps("alias")}
          />
          <MultiSelect
            size="xs"
            label="Agents"
            description="Several are a squad: the least busy one that has the skill gets the task."
            placeholder={form.values.agents.length === 0 ? "Choose agents" : ""}
            searchable
            hidePickedOptions
            nothingFoundMessage={free.length === 0 ? "There are no agents yet" : "No agent matches"}
            data={free}
            {...form.getInputProps("agents")}
          />
          <FormError title="The alias was not made" error={create.error} />
          <Group justify="flex-end" gap="xs">
            <Button onClick={onClose}>Cancel</Button>
            <SubmitButton needs="write" loading={create.isPending}>
              Create alias
            </SubmitButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
