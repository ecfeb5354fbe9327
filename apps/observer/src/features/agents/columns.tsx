import { Tooltip } from "@mantine/core";
import { ActionButton } from "@/ui/ActionButton";
import type { Column } from "@/ui/DataTable";
import { StatusBadge } from "@/ui/StatusBadge";
import { stateLook } from "@/ui/states";
import { Time } from "@/ui/Time";
import { AgentMark } from "./AgentMark";
import { CurrentTaskLine } from "./CurrentTasks";
import { LoadBar } from "./LoadBar";
import { presenceLook, skillsOf, versionsOf, type Agent } from "./roster";
import classes from "./Agents.module.css";
import { Words } from "./Words";

/** What the columns of the roster can do. */
export interface RosterActions {
  open: (agent: Agent) => void;
  unmute: (agent: Agent) => void;
}

/** The columns of the roster. */
export function rosterColumns({ open, unmute }: RosterActions): Column<Agent>[] {
  return [
    {
      key: "name",
      header: "Agent",
      render: (agent) => (
        <span className={classes.name}>
          <AgentMark agent={agent} />
          <span className="truncate">{agent.name}</span>
          {agent.aliases.length > 0 && (
            <span className={classes.aliases}>
              <span className="truncate">{agent.aliases.join(" ")}</span>
            </span>
          )}
        </span>
      ),
    },
    {
      key: "state",
      header: "State",
      render: (agent) => (
        <span className={classes.state}>
          <StatusBadge look={presenceLook(agent)} plain />
          {agent.muted && agent.revoked_at === null && <Muted agent={agent} onUnmute={unmute} />}
        </span>
      ),
    },
    {
      key: "load",
      header: "Load",
      width: 130,
      render: (agent) => <LoadBar load={agent.load} capacity={agent.capacity} />,
    },
    {
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
      secondary: true,
      render: (agent) => <Words words={skillsOf(agent)} most={2} />,
    },
    {
      key: "version",
      header: "Version",
      width: 110,
      secondary: true,
      render: (agent) => <span className={classes.version}>{versionsOf(agent).join(", ") || "–"}</span>,
    },
    {
      key: "seen",
      header: "Last seen",
      width: 110,
      align: "right",
      secondary: true,
      render: (agent) => <Time at={agent.revoked_at ?? agent.last_seen_at} />,
    },
  ];
}

function Muted({ agent, onUnmute }: { agent: Agent; onUnmute: (agent: Agent) => void }) {
  return (
    <>
      <Tooltip label={agent.muted_reason ?? "No reason was given"} maw={320} multiline>
        <span
          className={classes.muted}
          tabIndex={0}
          aria-label={`Muted: ${agent.muted_reason ?? "no reason was given"}`}
        >
          <StatusBadge look={stateLook("muted")} />
          <span className={classes.reason}>{agent.muted_reason}</span>
        </span>
      </Tooltip>
      <ActionButton
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
