"use client";

import { Button, Group, Stack } from "@mantine/core";
import { useConfig } from "@/lib/config";
import { CodeBlock } from "@/ui/CodeBlock";
import { CopyButton } from "@/ui/CopyButton";
import { Notice } from "@/ui/Notice";
import { tokenCommand } from "./keys";
import classes from "./KeySecret.module.css";

export interface KeySecretProps {
  clientId: string;
  clientSecret: string;
  /** What becomes of the previous secret, or what to do with this one. */
  note: string;
  onDone: () => void;
}

/** The secret of a key, this once, and how a program uses it. */
export function KeySecret({ clientId, clientSecret, note, onDone }: KeySecretProps) {
  const { nexusUrl } = useConfig();
  return (
    <Stack gap="md">
      <Notice tone="waiting" title="This is the only time that the secret is shown" live>
        {note}
      </Notice>
      <dl className={classes.facts}>
        <dt>Client id</dt>
        <dd>
          <span className="mono">{clientId}</span>
          <CopyButton value={clientId} what="client id" />
        </dd>
        <dt>Client secret</dt>
        <dd>
          <span className="mono">{clientSecret}</span>
          <CopyButton value={clientSecret} what="client secret" />
        </dd>
      </dl>
      <div>
        <p className={classes.how}>A program gets a token with it, and sends that as a bearer token:</p>
        <CodeBlock what="command that gets a token">
          {tokenCommand(nexusUrl, clientId, clientSecret)}
        </CodeBlock>
      </div>
      <Group justify="flex-end">
        <Button variant="filled" onClick={onDone}>
          I have stored the secret
        </Button>
      </Group>
    </Stack>
  );
}
