import { Command } from "@/ui/Command";
import { StatusBadge } from "@/ui/StatusBadge";
import { stateLook } from "@/ui/states";
import { Time } from "@/ui/Time";
import classes from "./AgentSessions.module.css";
import type { Agent } from "./roster";
import { Words } from "./Words";

/** The processes of an agent: where each is connected, what it runs, how much it takes. */
export function AgentSessions({ agent }: { agent: Agent }) {
  if (agent.sessions.length === 0) {
    return agent.revoked_at !== null ? (
      <p className={classes.none}>No process is connected.</p>
    ) : (
      <>
        <p className={classes.none}>
          No process of it is connected. Start one with its three environment variables:
        </p>
        <Command>oblivion-agent run agent.py</Command>
      </>
    );
  }
  return (
    <ul className={classes.list}>
      {agent.sessions.map((session) => (
        <li key={session.instance} className={classes.session}>
          <div className={classes.head}>
            <StatusBadge look={stateLook(session.online ? "online" : "offline")} plain />
            <span className="mono truncate" title={session.instance}>
              {session.instance}
            </span>
            <span className={classes.version}>{session.version}</span>
          </div>
          <div className={classes.facts}>
            <span>
              connected <Time at={session.connected_at} />
            </span>
            <span>
              heard of <Time at={session.last_seen_at} />
            </span>
            <span>{session.capacity === 1 ? "1 slot" : `${session.capacity} slots`}</span>
            <span>{session.gateway === "mcp" ? "over MCP" : `at ${session.gateway}`}</span>
          </div>
          {session.skills.length > 0 && <Words words={session.skills} />}
        </li>
      ))}
    </ul>
  );
}
