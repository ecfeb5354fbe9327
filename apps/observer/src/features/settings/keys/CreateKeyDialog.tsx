"use client";

import { Button, Group, Modal, Radio, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { FormError } from "@/ui/FormError";
import { SubmitButton } from "@/ui/SubmitButton";
import { SCOPES, type Scope } from "./keys";
import { KeySecret } from "./KeySecret";
import { useCreateKey } from "./queries";

const MAX_NAME_CHARS = 200;

/** Makes a key for a program, and shows its secret once. */
export function CreateKeyDialog({ onClose }: { onClose: () => void }) {
  const create = useCreateKey();
  const form = useForm<{ name: string; scope: Scope }>({
    initialValues: { name: "", scope: "admin:read" },
    validate: { name: (name) => (name.trim() === "" ? "A key needs a name." : null) },
  });
  const made = create.data;
  if (made !== undefined) {
    return (
      <Modal
        opened
        onClose={onClose}
        title={`The key ${made.name} is made`}
        size="lg"
        withCloseButton={false}
        closeOnEscape={false}
        closeOnClickOutside={false}
      >
        <KeySecret
          clientId={made.client_id}
          clientSecret={made.client_secret}
          note="Put it where the program runs. If it is lost, rotate it."
          onDone={onClose}
        />
      </Modal>
    );
  }
  return (
    <Modal opened onClose={onClose} title="New API key">
      <form
        onSubmit={form.onSubmit(({ name, scope }) => {
          create.mutate({ name: name.trim(), scopes: [scope] });
        })}
      >
        <Stack gap="md">
          <TextInput
            data-autofocus
            label="Name"
            description="What the program is. The audit log shows its client id, which begins with it."
            placeholder="Nightly report"
            maxLength={MAX_NAME_CHARS}
            autoComplete="off"
            {...form.getInputProps("name")}
          />
          <Radio.Group label="It may" {...form.getInputProps("scope")}>
            <Stack gap={8} mt={8}>
              {SCOPES.map(({ scope, label, help }) => (
                <Radio key={scope} size="xs" value={scope} label={label} description={help} />
              ))}
            </Stack>
          </Radio.Group>
          <FormError title="The key was not made" error={create.error} />
          <Group justify="flex-end" gap="xs">
            <Button onClick={onClose}>Cancel</Button>
            <SubmitButton needs="write" loading={create.isPending}>
              Create key
            </SubmitButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
