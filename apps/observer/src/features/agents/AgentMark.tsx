import clsx from "clsx";
import classes from "./AgentMark.module.css";
import type { Agent } from "./roster";

/** The first letters of an agent's name, with a dot for whether it is there. For the eye only: a word says it beside. */
export function AgentMark({ agent, large = false }: { agent: Agent; large?: boolean }) {
  const presence = agent.revoked_at !== null ? "revoked" : agent.online ? "online" : "offline";
  return (
    <span className={clsx(classes.mark, large && classes.large)} data-presence={presence} aria-hidden>
      {initials(agent.name)}
      <span className={classes.dot} />
    </span>
  );
}

function initials(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => word.charAt(0)) : [name.slice(0, 2)];
  return letters.join("").toUpperCase();
}
