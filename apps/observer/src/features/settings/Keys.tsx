"use client";

import { Anchor, Button, Switch } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconFilterOff, IconKey, IconPlus } from "@tabler/icons-react";
import Link from "next/link";
import { parseAsBoolean, parseAsString, useQueryStates } from "nuqs";
import { useState } from "react";
import { ActionButton } from "@/ui/ActionButton";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { FilterInput } from "@/ui/FilterInput";
import { lazily } from "@/ui/lazily";
import { Panel } from "@/ui/Panel";
import { keyColumns } from "./keys/columns";
import { matchingKeys, type Key } from "./keys/keys";
import { useKeys, useRevokeKey } from "./keys/queries";
import { SettingsSection } from "./SettingsSection";

const CreateKeyDialog = lazily(() => import("./keys/CreateKeyDialog").then((file) => file.CreateKeyDialog));
const RotateKeyDialog = lazily(() => import("./keys/RotateKeyDialog").then((file) => file.RotateKeyDialog));

const PARSERS = { q: parseAsString.withDefault(""), revoked: parseAsBoolean.withDefault(false) };

/** Credentials of programs. */
export function Keys() {
  const keys = useKeys();
  const revoke = useRevokeKey();
  const [{ q, revoked }, setFilter] = useQueryStates(PARSERS);
  const [isNew, dialog] = useDisclosure(false);
  const [rotating, setRotating] = useState<Key | null>(null);
  const all = keys.data?.items;
  const rows = all && matchingKeys(all, q, revoked);
  const newButton = (
    <ActionButton
      needs="write"
      variant="filled"
      hotkey="n"
      hotkeyLabel="New key"
      leftSection={<IconPlus size={14} />}
      onClick={dialog.open}
    >
      New key
    </ActionButton>
  );
  return (
    <SettingsSection
      fill
      intro={
        <>
          For programs that use Nexus’s API. Agents get theirs on{" "}
          <Anchor component={Link} href="/agents" inherit>
            Agents
          </Anchor>
          , people need none.
        </>
      }
      actions={
        <>
          <Switch
            size="xs"
            label="Show revoked"
            checked={revoked}
            onChange={(event) => void setFilter({ revoked: event.currentTarget.checked || null })}
          />
          <FilterInput
            label="Filter keys"
            width={200}
            value={q}
            onChange={(next) => void setFilter({ q: next === "" ? null : next })}
          />
          {newButton}
        </>
      }
    >
      <Panel flush fill>
        {all === undefined && keys.isError ? (
          <ErrorState
            title="The keys could not be read"
            error={keys.error}
            onRetry={() => void keys.refetch()}
          />
        ) : (
          <DataTable
            label="API keys"
            fill
            fixed
            rows={rows}
            rowKey={({ client_id }) => client_id}
            columns={keyColumns({ rotate: setRotating, revoke: revoke.mutate })}
            empty={
              q === "" ? (
                <EmptyState icon={<IconKey size={20} />} title="No keys yet" action={newButton}>
                  A key lets a program of yours read or change what this dashboard shows.
                </EmptyState>
              ) : (
                <EmptyState
                  icon={<IconFilterOff size={20} />}
                  title="No key matches"
                  action={<Button onClick={() => void setFilter(null)}>Clear filters</Button>}
                />
              )
            }
          />
        )}
      </Panel>
      {isNew && <CreateKeyDialog onClose={dialog.close} />}
      {rotating !== null && (
        <RotateKeyDialog
          of={rotating}
          onClose={() => {
            setRotating(null);
          }}
        />
      )}
    </SettingsSection>
  );
}
