"use client";

import { Group, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { FormError } from "@/ui/FormError";
import { SubmitButton } from "@/ui/SubmitButton";
import { credentialsOf, enteredProblems, type Entered, type Integration } from "./connecting";

export interface ConnectFormProps {
  integration: Integration;
  isRenewal: boolean;
  isPending: boolean;
  error: unknown;
  submitLabel: string;
  onSubmit: (credentials: Record<string, string>) => void;
}

/** The fields that an integration asks for. What is entered is kept nowhere but here. */
export function ConnectForm(props: ConnectFormProps) {
  const { integration, isRenewal, isPending, error, submitLabel, onSubmit } = props;
  const [entered, setEntered] = useState<Entered>({});
  const [problems, setProblems] = useState<Entered>({});

  function submit(): void {
    if (isPending) return;
    const found = enteredProblems(integration, entered);
    setProblems(found);
    if (Object.keys(found).length === 0) onSubmit(credentialsOf(integration, entered));
  }
  return (
    <form
      noValidate
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Stack gap="md">
        {isRenewal && (
          <Text size="sm" c="dimmed">
            Enter all of them: together they replace those from before.
          </Text>
        )}
        {integration.fields.map(({ name, label, help, placeholder, required, secret }) => {
          const Input = secret ? PasswordInput : TextInput;
          return (
            <Input
              key={name}
              name={name}
              label={required ? label : `${label} (optional)`}
              description={help}
              placeholder={placeholder}
              autoComplete="off"
              spellCheck={false}
              data-1p-ignore
              error={problems[name]}
              value={entered[name] ?? ""}
              onChange={(event) => {
                setEntered({ ...entered, [name]: event.currentTarget.value });
              }}
            />
          );
        })}
        <FormError title={`${integration.title} is not connected`} error={error} />
        <Group justify="flex-end">
          <SubmitButton needs="write" loading={isPending}>
            {submitLabel}
          </SubmitButton>
        </Group>
      </Stack>
    </form>
  );
}
