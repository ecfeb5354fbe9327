"use client";

import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconFilterOff, IconPlus } from "@tabler/icons-react";
import { parseAsString, useQueryState } from "nuqs";
import { useMe } from "@/lib/me";
import { ActionButton } from "@/ui/ActionButton";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { FilterInput } from "@/ui/FilterInput";
import { lazily } from "@/ui/lazily";
import { Panel } from "@/ui/Panel";
import { peopleColumns } from "./people/columns";
import { useChangeRole, useMembers, useRemoveMember } from "./people/queries";
import { SettingsSection } from "./SettingsSection";

const AddPersonDialog = lazily(() => import("./people/AddPersonDialog").then((file) => file.AddPersonDialog));

/** Who may use the dashboard, and what each may do. */
export function People() {
  const members = useMembers();
  const { data: me } = useMe();
  const changeRole = useChangeRole();
  const remove = useRemoveMember();
  const [text, setText] = useQueryState("q", parseAsString.withDefault(""));
  const [isNew, dialog] = useDisclosure(false);
  const all = members.data?.items;
  const rows = all?.filter(({ email }) => email.includes(text.trim().toLowerCase()));
  return (
    <SettingsSection
      fill
      intro="People sign in with your identity provider; what they may do is decided here, by their e-mail address. A change counts within a minute."
      actions={
        <>
          <FilterInput
            label="Filter people"
            width={200}
            value={text}
            onChange={(next) => void setText(next === "" ? null : next)}
          />
          <ActionButton
            needs="write"
            variant="filled"
            hotkey="n"
            hotkeyLabel="Add a person"
            leftSection={<IconPlus size={14} />}
            onClick={dialog.open}
          >
            Add a person
          </ActionButton>
        </>
      }
    >
      <Panel flush fill>
        {all === undefined && members.isError ? (
          <ErrorState
            title="The people could not be read"
            error={members.error}
            onRetry={() => void members.refetch()}
          />
        ) : (
          <DataTable
            label="People"
            fill
            fixed
            rows={rows}
            rowKey={({ email }) => email}
            columns={peopleColumns({
              members: all ?? [],
              me: me?.email ?? null,
              changeRole: (member, role) => {
                changeRole.mutate({ member, role });
              },
              remove: remove.mutate,
            })}
            empty={
              <EmptyState
                icon={<IconFilterOff size={20} />}
                title="Nobody matches"
                action={<Button onClick={() => void setText(null)}>Clear filters</Button>}
              />
            }
          />
        )}
      </Panel>
      {isNew && <AddPersonDialog members={all ?? []} onClose={dialog.close} />}
    </SettingsSection>
  );
}
