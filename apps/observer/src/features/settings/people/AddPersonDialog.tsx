"use client";

import { Button, Group, Modal, Radio, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { ROLES, ROLE_SUMMARY, type Role } from "@/lib/roles";
import { FormError } from "@/ui/FormError";
import { SubmitButton } from "@/ui/SubmitButton";
import { emailProblem, type Member } from "./members";
import { useAddMember } from "./queries";
import { capital } from "@/ui/words";

/** Lets a person in, by the e-mail address that they sign in with. */
export function AddPersonDialog({ members, onClose }: { members: Member[]; onClose: () => void }) {
  const add = useAddMember();
  const form = useForm<{ email: string; role: Role }>({
    initialValues: { email: "", role: "viewer" },
    validate: { email: (email) => emailProblem(email, members) },
  });
  return (
    <Modal opened onClose={onClose} title="Add a person">
      <form
        onSubmit={form.onSubmit(({ email, role }) => {
          add.mutate({ email: email.trim().toLowerCase(), role }, { onSuccess: onClose });
        })}
      >
        <Stack gap="md">
          <TextInput
            data-autofocus
            label="E-mail"
            description="The address that they sign in with. Nothing is sent to it."
            placeholder="ann@example.com"
            inputMode="email"
            autoComplete="off"
            {...form.getInputProps("email")}
          />
          <Radio.Group label="Role" {...form.getInputProps("role")}>
            <Stack gap={8} mt={8}>
              {ROLES.map((role) => (
                <Radio
                  key={role}
                  size="xs"
                  value={role}
                  label={capital(role)}
                  description={ROLE_SUMMARY[role]}
                />
              ))}
            </Stack>
          </Radio.Group>
          <FormError title="The person was not added" error={add.error} />
          <Group justify="flex-end" gap="xs">
            <Button onClick={onClose}>Cancel</Button>
            <SubmitButton needs="write" loading={add.isPending}>
              Add person
            </SubmitButton>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
