import { Anchor } from "@mantine/core";
import Link from "next/link";
import { ActionButton } from "@/ui/ActionButton";
import { ConfirmButton } from "@/ui/ConfirmButton";
import { type Confirmation } from "@/ui/confirmations";
import { CopyButton } from "@/ui/CopyButton";
import type { Column } from "@/ui/DataTable";
import { StatusBadge } from "@/ui/StatusBadge";
import { stateLook } from "@/ui/states";
import { Time } from "@/ui/Time";
import { kindLabel, scopeLabel, whyNotRotated, type Key } from "./keys";
import classes from "./Keys.module.css";

export interface KeyActions {
  rotate: (key: Key) => void;
  revoke: (key: Key) => void;
}

/** The columns of the list of keys. */
export function keyColumns(actions: KeyActions): Column<Key>[] {
  return [
    {
      key: "name",
      header: "Name",
      render: (key) => (
        <span className={classes.name}>
          <span className="truncate">{key.name}</span>
          {key.revoked_at !== null && <StatusBadge look={stateLook("revoked")} />}
        </span>
      ),
    },
    { key: "kind", header: "For", width: 100, secondary: true, render: kindLabel },
    { key: "scope", header: "May", width: 130, secondary: true, render: scopeLabel },
    {
      key: "client",
      header: "Client id",
      width: "26%",
      secondary: true,
      render: ({ client_id }) => (
        <span className={classes.client}>
          <span className="mono truncate">{client_id}</span>
          <CopyButton value={client_id} what="client id" />
        </span>
      ),
    },
    {
      key: "used",
      header: "Last used",
      width: 110,
      secondary: true,
      render: ({ last_used_at }) => <Time at={last_used_at} />,
    },
    {
      key: "created",
      header: "Created",
      width: 110,
      secondary: true,
      render: ({ created_at }) => <Time at={created_at} />,
    },
    {
      key: "actions",
      header: <span className="visually-hidden">Actions</span>,
      width: 150,
      align: "right",
      render: (key) => <Actions of={key} {...actions} />,
    },
  ];
}

function Actions({ of: key, rotate, revoke }: KeyActions & { of: Key }) {
  if (key.revoked_at !== null) {
    return (
      <span className={classes.revoked}>
        revoked <Time at={key.revoked_at} />
      </span>
    );
  }
  if (key.kind === "agent") {
    return (
      <Anchor component={Link} size="xs" href={`/agents?agent=${encodeURIComponent(key.name)}`}>
        Manage agent
      </Anchor>
    );
  }
  return (
    <span className={classes.actions}>
      <ActionButton
        needs="write"
        size="compact-xs"
        aria-label={`Rotate the secret of ${key.name}`}
        disabledWhy={whyNotRotated(key)}
        onClick={() => {
          rotate(key);
        }}
      >
        Rotate
      </ActionButton>
      <ConfirmButton
        needs="write"
        size="compact-xs"
        variant="subtle"
        color="red"
        aria-label={`Revoke ${key.name}`}
        confirmation={revocation(key, revoke)}
      >
        Revoke
      </ConfirmButton>
    </span>
  );
}

function revocation(key: Key, revoke: KeyActions["revoke"]): Confirmation {
  return {
    title: `Revoke the key ${key.name}?`,
    children:
      key.kind === "observer"
        ? "If this dashboard uses it, it stops working at once, for everybody, until it has another one from “oblivion observer create”."
        : "Programs that use it are refused at once, also with tokens that they have already. This cannot be undone.",
    confirm: `Revoke ${key.name}`,
    onConfirm: () => {
      revoke(key);
    },
  };
}
