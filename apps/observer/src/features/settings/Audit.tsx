"use client";

import { Autocomplete, Button, CloseButton, Select } from "@mantine/core";
import { IconFilterOff, IconHistory } from "@tabler/icons-react";
import { parseAsString, useQueryState, useQueryStates } from "nuqs";
import { useState } from "react";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { lazily } from "@/ui/lazily";
import { Panel } from "@/ui/Panel";
import { auditColumns } from "./audit/columns";
import { useAudit } from "./audit/queries";
import { ACTIONS } from "./audit/sentences";
import { useMembers } from "./people/queries";
import { SettingsSection } from "./SettingsSection";

const AuditDrawer = lazily(() => import("./audit/AuditDrawer").then((file) => file.AuditDrawer));

const PARSERS = { actor: parseAsString, action: parseAsString };

/** Who did what, and when. */
export function Audit() {
  const [filter, setFilter] = useQueryStates(PARSERS);
  const [openId, setOpenId] = useQueryState("entry", { history: "push" });
  const audit = useAudit(filter);
  const rows = audit.data?.pages.flatMap(({ items }) => items);
  const isFiltered = filter.actor !== null || filter.action !== null;
  const setActor = (actor: string | null) => void setFilter({ actor });
  return (
    <SettingsSection
      fill
      intro="Everything that a person or a program changed, newest first. Nothing here can be edited or removed."
      actions={
        <>
          <ActorFilter key={filter.actor} actor={filter.actor} onChange={setActor} />
          <Select
            aria-label="Kind of act"
            placeholder="Any kind"
            w={150}
            clearable
            data={actionsWith(filter.action)}
            value={filter.action}
            onChange={(action) => void setFilter({ action })}
          />
        </>
      }
    >
      <Panel flush fill>
        {rows === undefined && audit.isError ? (
          <ErrorState
            title="The audit log could not be read"
            error={audit.error}
            onRetry={() => void audit.refetch()}
          />
        ) : (
          <DataTable
            label="Audit log"
            fill
            rows={rows}
            rowKey={({ id }) => id}
            openKey={openId}
            onOpen={({ id }) => void setOpenId(id)}
            columns={auditColumns(setActor)}
            {...(audit.hasNextPage ? { onMore: () => void audit.fetchNextPage() } : {})}
            autoMore
            fixed
            isLoadingMore={audit.isFetchingNextPage}
            empty={
              isFiltered ? (
                <EmptyState
                  icon={<IconFilterOff size={20} />}
                  title="Nothing matches"
                  action={<Button onClick={() => void setFilter(null)}>Clear filters</Button>}
                >
                  People are found by their whole e-mail address, programs by their client id.
                </EmptyState>
              ) : (
                <EmptyState icon={<IconHistory size={20} />} title="Nothing was changed yet">
                  What people and programs do will be here, with their name and the time.
                </EmptyState>
              )
            }
          />
        )}
      </Panel>
      <AuditDrawer
        entry={rows?.find(({ id }) => id === openId) ?? null}
        onClose={() => void setOpenId(null)}
      />
    </SettingsSection>
  );
}

/** Whose acts: offers members, and takes any client id. */
function ActorFilter({
  actor,
  onChange,
}: {
  actor: string | null;
  onChange: (actor: string | null) => void;
}) {
  const members = useMembers();
  const [text, setText] = useState(actor ?? "");
  const apply = (to: string) => {
    onChange(to.trim() === "" ? null : to.trim());
  };
  return (
    <Autocomplete
      size="xs"
      w={220}
      aria-label="Who"
      placeholder="Anybody"
      data={members.data?.items.map(({ email }) => email) ?? []}
      value={text}
      onChange={setText}
      onOptionSubmit={apply}
      onBlur={() => {
        apply(text);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") apply(text);
      }}
      rightSection={
        text !== "" && (
          <CloseButton
            size="xs"
            aria-label="Clear who"
            onClick={() => {
              setText("");
              onChange(null);
            }}
          />
        )
      }
    />
  );
}

/** The kinds that can be chosen, with one from the URL that is not among them. */
function actionsWith(action: string | null) {
  return action === null || ACTIONS.some(({ value }) => value === action)
    ? [...ACTIONS]
    : [...ACTIONS, { value: action, label: action }];
}
