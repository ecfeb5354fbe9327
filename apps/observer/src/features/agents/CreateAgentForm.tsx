"use client";

import { Button, Group, Stack, TagsInput, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { FormError } from "@/ui/FormError";
import { SubmitButton } from "@/ui/SubmitButton";
import { aliasesProblem, nameProblem, skillsProblem } from "./agent-form";
import type { AgentToBe } from "./queries";
import { allSkills, type Agent } from "./roster";

export interface CreateAgentFormProps {
  /** Those that exist: their names are taken, their skills and aliases are offered. */
  agents: Agent[];
  isPending: boolean;
  error: unknown;
  onCancel: () => void;
  onSubmit: (agent: AgentToBe) => void;
}

/** What a new agent is called, what it can do, and how people address it. */
export function CreateAgentForm({ agents, isPending, error, onCancel, onSubmit }: CreateAgentFormProps) {
  const taken = agents.map(({ name }) => name);
  const form = useForm<AgentToBe>({
    initialValues: { name: "", skills: [], aliases: [] },
    validateInputOnBlur: ["skills", "aliases"],
    validate: {
      name: (name) => nameProblem(name.trim(), taken),
      skills: skillsProblem,
      aliases: aliasesProblem,
    },
  });
  const known = [...new Set(agents.flatMap(({ aliases }) => aliases))];
  return (
    <form
      onSubmit={form.onSubmit((values) => {
        onSubmit({ ...values, name: values.name.trim() });
      })}
    >
      <Stack gap="md">
        <TextInput
          data-autofocus
          label="Name"
          description="How it signs in Slack. It cannot be changed later."
          placeholder="fixer"
          autoComplete="off"
          spellCheck={false}
          {...form.getInputProps("name")}
        />
        <TagsInput
          size="xs"
          label="Skills"
          description="The words that people write after the alias, such as fix_bug. Without one it takes “default” work."
          placeholder={form.values.skills.length === 0 ? "fix_bug, write_tests" : ""}
          data={allSkills(agents)}
          splitChars={[",", " "]}
          {...form.getInputProps("skills")}
        />
        <TagsInput
          size="xs"
          label="Aliases"
          description="Handles that people mention in ClickUp. Several agents behind one handle are a squad."
          placeholder={form.values.aliases.length === 0 ? "@AI_Squad" : ""}
          data={known}
          splitChars={[",", " "]}
          {...form.getInputProps("aliases")}
        />
        <FormError title="The agent was not created" error={error} />
        <Group justify="flex-end" gap="xs">
          <Button onClick={onCancel}>Cancel</Button>
          <SubmitButton needs="write" loading={isPending}>
            Create agent
          </SubmitButton>
        </Group>
      </Stack>
    </form>
  );
}
