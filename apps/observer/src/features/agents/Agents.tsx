"use client";

import { Button } from "@mantine/core";
import { IconFilterOff, IconPlus, IconRobot } from "@tabler/icons-react";
import { parseAsBoolean, useQueryState } from "nuqs";
import { useDeferredValue } from "react";
import { usePermission } from "@/lib/me";
import { usePaletteAction } from "@/lib/palette";
import { ActionButton } from "@/ui/ActionButton";
import { DataTable } from "@/ui/DataTable";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { LiveDot } from "@/ui/LiveDot";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { lazily } from "@/ui/lazily";
import { rosterColumns } from "./columns";
import { useRoster, useSetMuted } from "./queries";
import { matching } from "./roster";
import { RosterToolbar } from "./RosterToolbar";
import { useRosterFilter } from "./useRosterFilter";

const AgentDrawer = lazily(() => import("./AgentDrawer").then((file) => file.AgentDrawer));
const CreateAgentDialog = lazily(() => import("./CreateAgentDialog").then((file) => file.CreateAgentDialog));

/** The roster: who works here, what they do now, and their credentials. */
export function Agents() {
  const roster = useRoster();
  const { filter, change, clear, isFiltered } = useRosterFilter();
  const [openName, setOpenName] = useQueryState("agent", { history: "push" });
  const [isNew, setNew] = useQueryState("new", parseAsBoolean.withDefault(false));
  const { allowed: mayCreate } = usePermission("write");
  const setMuted = useSetMuted();
  const agents = roster.data?.items;
  // Typing stays quick with a thousand agents: the rows may follow a moment later.
  const shown = useDeferredValue(filter);
  const rows = agents && matching(agents, shown);
  const openNew = () => void setNew(true);
  usePaletteAction("agents.new", "New agent", openNew, "Registers an agent and shows its secret");

  const newButton = (
    <ActionButton
      needs="write"
      variant="filled"
      hotkey="n"
      leftSection={<IconPlus size={14} />}
      hotkeyLabel="New agent"
      onClick={openNew}
    >
      New agent
    </ActionButton>
  );
  return (
    <Page
      title="Agents"
      purpose="Who works for you, and what they do now."
      badge={<LiveDot />}
      actions={newButton}
      fill
    >
      {agents === undefined && roster.isError ? (
        <ErrorState
          title="The agents could not be read"
          error={roster.error}
          onRetry={() => void roster.refetch()}
        />
      ) : agents?.length === 0 ? (
        <EmptyState icon={<IconRobot size={20} />} title="No agents yet" action={newButton}>
          Each program that works for you is an agent, with a name, skills and credentials of its own. Here
          you will see which are there, and what each is doing.
        </EmptyState>
      ) : (
        <Panel fill flush toolbar={<RosterToolbar agents={agents ?? []} filter={filter} onChange={change} />}>
          <DataTable
            label="Agents"
            key={shown.shown}
            fill
            fixed
            rows={rows}
            rowKey={(agent) => agent.name}
            openKey={openName}
            onOpen={(agent) => void setOpenName(agent.name)}
            columns={rosterColumns(shown.shown, {
              open: (agent) => void setOpenName(agent.name),
              unmute: (agent) => {
                setMuted.mutate({ agent, muted: false });
              },
            })}
            empty={
              <EmptyState
                icon={<IconFilterOff size={20} />}
                title={isFiltered ? "No agent matches" : "No agent is left"}
                action={isFiltered ? <Button onClick={clear}>Clear filters</Button> : newButton}
              >
                {isFiltered ? "Other agents exist, but not with this filter." : "All agents are revoked."}
              </EmptyState>
            }
          />
        </Panel>
      )}
      <AgentDrawer name={openName} agents={agents} onClose={() => void setOpenName(null)} />
      <CreateAgentDialog
        opened={isNew && mayCreate}
        agents={agents ?? []}
        onClose={() => void setNew(null)}
        onDone={(name) => {
          void setNew(null);
          void setOpenName(name);
        }}
      />
    </Page>
  );
}
