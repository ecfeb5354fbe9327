"use client";

import { Button, Menu, Tooltip } from "@mantine/core";
import { IconDots } from "@tabler/icons-react";
import { asApiError } from "@/lib/api/problem";
import { usePermission } from "@/lib/me";
import { ActionButton } from "@/ui/ActionButton";
import { confirmFirst } from "@/ui/confirmations";
import { FormError } from "@/ui/FormError";
import { StatusBadge } from "@/ui/StatusBadge";
import { stateLook } from "@/ui/states";
import { Synced } from "@/ui/Synced";
import { toastFailed } from "@/ui/toasts";
import { CheckList } from "./CheckList";
import { verdict, type Connection, type Integration } from "./connecting";
import classes from "./Connections.module.css";
import { useConnectionTest, useDisconnect } from "./queries";
import { VendorMark } from "./VendorMark";

export interface ConnectionCardProps {
  connection: Connection;
  /** How its vendor describes itself, when that is known. */
  integration: Integration | undefined;
  onRenew: () => void;
}

/** One connected workspace: how it is, and what can be done. */
export function ConnectionCard({ connection, integration, onRenew }: ConnectionCardProps) {
  const test = useConnectionTest(connection.id);
  const title = integration?.title ?? connection.vendor;
  const tested = test.data;
  const result = tested && verdict(tested.checks);
  const isBroken = connection.state === "broken";
  return (
    <article className={classes.card} aria-label={`${title}: ${connection.name}`}>
      <header className={classes.cardHead}>
        <VendorMark vendor={connection.vendor} />
        <div className={classes.cardWords}>
          <h2 className={classes.cardTitle}>{connection.name}</h2>
          <span className={classes.cardSub}>
            {title} · <span className="mono">{connection.workspace_id}</span>
          </span>
        </div>
        <StatusBadge look={stateLook(result?.state ?? connection.state)} />
      </header>
      <div className={classes.checks} aria-live="polite" aria-busy={test.isFetching}>
        {result !== undefined && (
          <p className={classes.verdict} data-tone={result.tone}>
            {result.words}
          </p>
        )}
        <CheckList checks={tested?.checks ?? connection.checks} />
        <FormError title="The test did not come about" error={test.error} />
      </div>
      <footer className={classes.cardFoot}>
        <span className={classes.checked}>
          <Synced
            word={tested === undefined ? "checked" : "tested"}
            at={tested === undefined ? connection.checked_at : new Date(test.dataUpdatedAt).toISOString()}
          />
        </span>
        <ActionButton
          needs="operate"
          loading={test.isFetching}
          aria-label={`Test ${connection.name}`}
          onClick={() => void test.refetch()}
        >
          {tested === undefined ? "Test now" : "Test again"}
        </ActionButton>
        <ActionButton
          needs="write"
          variant={isBroken ? "filled" : "default"}
          aria-label={`Renew the credentials of ${connection.name}`}
          onClick={onRenew}
        >
          Renew credentials
        </ActionButton>
        <More connection={connection} title={title} />
      </footer>
    </article>
  );
}

function More({ connection, title }: { connection: Connection; title: string }) {
  const { allowed, why } = usePermission("write");
  const disconnect = useDisconnect();
  const { name } = connection;

  function remove(force: boolean): void {
    disconnect.mutate(
      { connection, force },
      {
        onError: (error) => {
          const { code, message } = asApiError(error);
          if (code === "in_use" && !force) confirmForce(message);
          else toastFailed(`Could not remove ${name}`, error);
        },
      },
    );
  }
  function confirmForce(reason: string): void {
    confirmFirst({
      title: `${name} is in use`,
      children: (
        <>
          <p>{reason}</p>
          <p>
            If you go on, those lists are unlinked and what was mirrored over this connection is forgotten:
            cards and comments stay where they are, but nothing updates them any more.
          </p>
        </>
      ),
      confirm: `Unlink all and remove ${name}`,
      onConfirm: () => {
        remove(true);
      },
    });
  }
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button px={8} aria-label={`More for ${name}`} loading={disconnect.isPending}>
          <IconDots size={15} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Tooltip label={why} disabled={why === null}>
          <Menu.Item
            color="red"
            aria-disabled={!allowed || undefined}
            data-disabled={!allowed || undefined}
            onClick={() => {
              if (!allowed) return;
              confirmFirst({
                title: `Remove ${name}?`,
                children: (
                  <>
                    <p>
                      Oblivion takes its webhook at {title} away and forgets the credentials. What it wrote
                      there stays there.
                    </p>
                    <p>While lists are linked over this connection, you are asked once more.</p>
                  </>
                ),
                confirm: `Remove ${name}`,
                onConfirm: () => {
                  remove(false);
                },
              });
            }}
          >
            Remove {name}…
          </Menu.Item>
        </Tooltip>
      </Menu.Dropdown>
    </Menu>
  );
}
