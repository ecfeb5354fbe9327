"use client";

import { Alert, Button, Stack, Text, Title } from "@mantine/core";
import { IconBrandGithub, IconChevronRight, IconLogin2 } from "@tabler/icons-react";
import { useTransition } from "react";
import type { SignInOption } from "@/lib/auth";
import { ROLES, ROLE_SUMMARY } from "@/lib/roles";
import { signInAsDeveloper, signInWith } from "@/lib/server/session-actions";
import { Logo } from "@/ui/Logo";
import classes from "./Login.module.css";

const ERRORS: Record<string, string> = {
  AccessDenied: "This account may not sign in. The provider must vouch for its e-mail address.",
  Configuration: "The sign-in is not set up correctly; the log of Observer says what is missing.",
};

export interface LoginProps {
  options: SignInOption[];
  /** Whether this build has the development sign-in. */
  isLocal: boolean;
  /** The path to go to afterwards. */
  from: string;
  /** Why it did not work the last time, as Auth.js names it. */
  error: string | null;
}

/** The sign-in page. */
export function Login({ options, isLocal, from, error }: LoginProps) {
  const [isPending, start] = useTransition();
  return (
    <main className={classes.page}>
      <div className={classes.card}>
        <Logo size={36} />
        <Title order={1} mt={16}>
          Sign in to Oblivion
        </Title>
        <Text c="dimmed" size="sm" mb={20}>
          See what your agents do in ClickUp and Slack.
        </Text>
        {error !== null && (
          <Alert color="red" mb={16} role="alert">
            {ERRORS[error] ?? "The sign-in did not work. Try again."}
          </Alert>
        )}
        <Stack gap={8}>
          {options.map(({ id, name }) => (
            <Button
              key={id}
              size="sm"
              variant="filled"
              fullWidth
              loading={isPending}
              leftSection={id === "github" ? <IconBrandGithub size={16} /> : <IconLogin2 size={16} />}
              onClick={() => {
                start(() => signInWith(id, from));
              }}
            >
              Continue with {name}
            </Button>
          ))}
        </Stack>
        {isLocal && (
          <LocalPeople
            disabled={isPending}
            onChoose={(role) => {
              start(() => signInAsDeveloper(role, from));
            }}
          />
        )}
        {!isLocal && options.length === 0 && (
          <Alert color="orange" title="Nobody can sign in yet">
            Set AUTH_GITHUB_ID and AUTH_GITHUB_SECRET, or AUTH_OIDC_ISSUER, AUTH_OIDC_ID and AUTH_OIDC_SECRET,
            for this Observer.
          </Alert>
        )}
      </div>
    </main>
  );
}

function LocalPeople({ disabled, onChoose }: { disabled: boolean; onChoose: (role: string) => void }) {
  return (
    <section aria-labelledby="local-people" className={classes.local}>
      <Text id="local-people" size="xs" c="dimmed" mb={8}>
        On this machine, without a password
      </Text>
      {[...ROLES].reverse().map((role) => (
        <button
          key={role}
          type="button"
          className={classes.person}
          disabled={disabled}
          onClick={() => {
            onChoose(role);
          }}
        >
          <span>
            <span className={classes.role}>{role}</span>
            <span className={classes.summary}>{ROLE_SUMMARY[role]}</span>
          </span>
          <IconChevronRight size={16} />
        </button>
      ))}
    </section>
  );
}
