import type { Agent } from "@/features/agents/roster";

const EXAMPLE = "The export loses a row";

/** What to write in ClickUp so that an agent takes it: whom to mention, and a type of work that somebody can do. */
export interface FirstTask {
  alias: string;
  description: string;
}

/**
 * A description that one of the agents can do: preferably of one that is online, and of a handle that it shares with
 * nobody less able. Null while no agent can be addressed.
 */
export function firstTask(agents: Agent[]): FirstTask | null {
  const addressable = agents.filter(({ revoked_at, aliases }) => revoked_at === null && aliases.length > 0);
  const agent = addressable.find(({ online }) => online) ?? addressable[0];
  const alias = agent?.aliases[0];
  if (agent === undefined || alias === undefined) return null;
  const handle = `@${alias.replace(/^@/, "")}`;
  const skills = [...agent.skills, ...agent.sessions.flatMap((session) => session.skills)];
  const skill = skills.includes("default") ? undefined : skills[0];
  return { alias: handle, description: [handle, skill, EXAMPLE].filter(Boolean).join(" ") };
}

/** The agent to start first: the newest that is not there. Null when all are, or none exists. */
export function agentToStart(agents: Agent[]): Agent | null {
  const away = agents.filter(({ revoked_at, online }) => revoked_at === null && !online);
  return away.sort((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at))[0] ?? null;
}
