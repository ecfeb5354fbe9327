import { Button } from "@mantine/core";
import { IconLock } from "@tabler/icons-react";
import { endSession } from "@/lib/server/session-actions";
import { Command } from "./Command";
import { EmptyState } from "./EmptyState";

/** For people who are signed in and whom no admin has let in yet. */
export function NotMember({ email, reason }: { email: string; reason: string }) {
  return (
    <EmptyState
      icon={<IconLock size={20} />}
      title="You are signed in, but not a member yet"
      action={<Button onClick={() => void endSession()}>Sign in as somebody else</Button>}
    >
      <p>{reason}</p>
      <p>An admin adds you under Settings, People, or with:</p>
      <Command>{`oblivion member add ${email} --role viewer`}</Command>
    </EmptyState>
  );
}
