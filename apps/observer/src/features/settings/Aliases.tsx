"use client";

import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAt, IconFilterOff, IconPlus } from "@tabler/icons-react";
import { parseAsString, useQueryState } from "nuqs";
import { useRoster } from "@/features/agents/queries";
import { ActionButton } from "@/ui/ActionButton";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { FilterInput } from "@/ui/FilterInput";
import { lazily } from "@/ui/lazily";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeletons";
import { AliasRow } from "./aliases/AliasRow";
import { matchingAliases } from "./aliases/handles";
import { useAliases } from "./aliases/queries";
import classes from "./aliases/Aliases.module.css";
import { SettingsSection } from "./SettingsSection";

const CreateAliasDialog = lazily(() =>
  import("./aliases/CreateAliasDialog").then((file) => file.CreateAliasDialog),
);

/** Handles such as `@AI_Squad`, and the agents behind each. */
export function Aliases() {
  const aliases = useAliases();
  const roster = useRoster();
  const [text, setText] = useQueryState("q", parseAsString.withDefault(""));
  const [isNew, dialog] = useDisclosure(false);
  const all = aliases.data?.items;
  const shown = all && matchingAliases(all, text);
  const agents = roster.data?.items ?? [];
  const newButton = (
    <ActionButton
      needs="write"
      variant="filled"
      hotkey="n"
      hotkeyLabel="New alias"
      leftSection={<IconPlus size={14} />}
      onClick={dialog.open}
    >
      New alias
    </ActionButton>
  );
  return (
    <SettingsSection
      fill
      intro="People mention a handle in a ClickUp task, such as “@AI_Squad fix_bug”. With several agents behind it, it is a squad, and the least busy one that has the skill gets the task."
      actions={
        <>
          <FilterInput
            label="Filter aliases"
            width={200}
            value={text}
            onChange={(next) => void setText(next === "" ? null : next)}
          />
          {newButton}
        </>
      }
    >
      <Panel flush fill>
        {shown === undefined ? (
          aliases.isError ? (
            <ErrorState
              title="The aliases could not be read"
              error={aliases.error}
              onRetry={() => void aliases.refetch()}
            />
          ) : (
            <SkeletonRows rows={5} />
          )
        ) : all?.length === 0 ? (
          <EmptyState icon={<IconAt size={20} />} title="No aliases yet" action={newButton}>
            Until there is one, nobody can address an agent.
          </EmptyState>
        ) : shown.length === 0 ? (
          <EmptyState
            icon={<IconFilterOff size={20} />}
            title="No alias matches"
            action={<Button onClick={() => void setText(null)}>Clear filters</Button>}
          />
        ) : (
          <ul className={classes.list} aria-label="Aliases">
            {shown.map((alias) => (
              <AliasRow key={alias.alias} alias={alias} agents={agents} />
            ))}
          </ul>
        )}
      </Panel>
      {isNew && <CreateAliasDialog agents={agents} aliases={all ?? []} onClose={dialog.close} />}
    </SettingsSection>
  );
}
