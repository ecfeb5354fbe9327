import { Tooltip } from "@mantine/core";
import { ActionButton } from "@/ui/ActionButton";
import type { Column } from "@/ui/DataTable";
import { StatusBadge } from "@/ui/StatusBadge";
import { stateLook } from "@/ui/states";
import { Time } from "@/ui/Time";
import { AgentMark } from "./AgentMark";
import classes from "./Agents.module.css";
import { CurrentTaskLine } from "./CurrentTasks";
import { LoadBar } from "./LoadBar";
import { presenceLook, skillsOf, versionsOf, type Agent, type Shown } from "./roster";
import { Words } from "./Words";

/** What the columns of the roster can do. */
export interface RosterActions {
  open: (agent: Agent) => void;
  unmute: (agent: Agent) => void;
}

/** The columns of a part of the roster: where only muted agents are shown, why stands beside them. */
export function rosterColumns(shown: Shown, { open, unmute }: RosterActions): Column<Agent>[] {
  return [
    { key: "name", header: "Agent", render: (agent) => <Name agent={agent} /> },
    {
      key: "state",
      header: "State",
      width: "clamp(92px, 17.5vw, 222px)",
      render: (agent) => (
        <span className={classes.state} data-muted={agent.muted || undefined}>
          <StatusBadge look={presenceLook(agent)} plain />
          {agent.muted && agent.revoked_at === null && <Muted agent={agent} onUnmute={unmute} />}
        </span>
      ),
    },
    {
      key: "load",
      header: "Load",
      width: "clamp(64px, 9vw, 125px)",
      render: (agent) => <LoadBar load={agent.load} capacity={agent.capacity} />,
    },
    shown === "muted"
      ? {
          key: "why",
          header: "Why it is muted",
          secondary: true,
          render: ({ muted_reason }) => <span title={muted_reason ?? ""}>{muted_reason ?? "–"}</span>,
        }
      : {
          key: "tasks",
          header: "Working on",
          secondary: true,
          render: (agent) => (
            <CurrentTaskLine
              agent={agent}
              onMore={() => {
                open(agent);
              }}
            />
          ),
        },
    {
      key: "skills",
      header: "Skills",
      width: "clamp(130px, 14vw, 210px)",
      secondary: true,
      render: (agent) => <Words words={skillsOf(agent)} most={2} />,
    },
    {
      key: "version",
      header: "Version",
      width: 80,
      secondary: true,
      render: (agent) => <span className={classes.version}>{versionsOf(agent).join(", ") || "–"}</span>,
    },
    {
      key: "seen",
      header: shown === "muted" ? "Since" : shown === "revoked" ? "Revoked" : "Last seen",
      width: 100,
      align: "right",
      secondary: true,
      render: (agent) => (
        <Time at={shown === "muted" ? agent.muted_at : (agent.revoked_at ?? agent.last_seen_at)} />
      ),
    },
  ];
}

function Name({ agent }: { agent: Agent }) {
  return (
    <span className={classes.name}>
      <AgentMark agent={agent} />
      <span className="truncate">{agent.name}</span>
      {agent.aliases.length > 0 && (
        <span className={classes.aliases}>
          <span className="truncate">{agent.aliases.join(" ")}</span>
        </span>
      )}
    </span>
  );
}

function Muted({ agent, onUnmute }: { agent: Agent; onUnmute: (agent: Agent) => void }) {
  const reason = agent.muted_reason ?? "no reason was given";
  return (
    <>
      <Tooltip label={`Muted: ${reason}`} maw={320} multiline>
        <span tabIndex={0} role="note" aria-label={`Muted: ${reason}`}>
          <StatusBadge look={stateLook("muted")} />
        </span>
      </Tooltip>
      <ActionButton
        className={classes.unmute ?? ""}
        size="compact-xs"
        needs="operate"
        aria-label={`Unmute ${agent.name}`}
        onClick={() => {
          onUnmute(agent);
        }}
      >
        Unmute
      </ActionButton>
    </>
  );
}
