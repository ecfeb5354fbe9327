import type { Model } from "@/lib/api/client";
import type { Task } from "./params";

type Agent = Pick<
  Model<"AgentResource">,
  "name" | "aliases" | "skills" | "sessions" | "online" | "muted" | "load" | "capacity" | "revoked_at"
>;

/** An agent that a task might go to. */
export interface Choice {
  name: string;
  online: boolean;
  /** How it is now, in a few words. */
  status: string;
  /** Why it cannot have the task; null when it can. Nexus decides. */
  whyNot: string | null;
}

/** Agents that could have a task, first those that could take it at once. */
export function choicesFor(task: Pick<Task, "alias" | "type" | "agent">, agents: readonly Agent[]): Choice[] {
  return agents
    .filter((agent) => agent.revoked_at === null && agent.name !== task.agent)
    .map((agent) => ({
      name: agent.name,
      online: agent.online,
      status: statusOf(agent),
      whyNot: whyNot(task, agent),
    }))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function whyNot({ alias, type }: Pick<Task, "alias" | "type">, agent: Agent): string | null {
  const handle = `@${alias}`.toLowerCase();
  if (!agent.aliases.some((each) => each.toLowerCase() === handle)) return `is not behind @${alias}`;
  const skills = [...agent.skills, ...agent.sessions.flatMap((session) => session.skills)];
  return type !== null && !skills.includes(type) ? `cannot do ${type}` : null;
}

function statusOf({ online, muted, load, capacity }: Agent): string {
  if (!online) return "offline";
  if (muted) return "muted";
  return load >= capacity ? `busy, ${load} of ${capacity}` : `${load} of ${capacity} busy`;
}

function rank({ whyNot: why, online }: Choice): number {
  return why !== null ? 2 : online ? 0 : 1;
}
