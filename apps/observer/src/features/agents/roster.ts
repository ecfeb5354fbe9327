import type { Model } from "@/lib/api/client";
import { stateLook, type StateLook } from "@/ui/states";

export type Agent = Model<"AgentResource">;

/** Which part of the roster is shown; revoked agents are history and have a place of their own. */
export const SHOWN = ["all", "online", "offline", "muted", "revoked"] as const;
export type Shown = (typeof SHOWN)[number];

/** What narrows the roster. */
export interface RosterFilter {
  shown: Shown;
  /** Agents with this skill only. */
  skill: string | null;
  /** Stands in the name, an alias or a skill. */
  text: string;
}

const TESTS: Record<Shown, (agent: Agent) => boolean> = {
  all: (agent) => agent.revoked_at === null,
  online: (agent) => agent.revoked_at === null && agent.online,
  offline: (agent) => agent.revoked_at === null && !agent.online,
  muted: (agent) => agent.revoked_at === null && agent.muted,
  revoked: (agent) => agent.revoked_at !== null,
};

/** Whether it is there at all; being muted is another question. */
export function presenceLook(agent: Agent): StateLook {
  if (agent.revoked_at !== null) return stateLook("revoked");
  return stateLook(agent.online ? "online" : "offline");
}

/** What it can do: by its registration, and by what its processes say beside that. */
export function skillsOf(agent: Agent): string[] {
  return [...new Set([...agent.skills, ...agent.sessions.flatMap(({ skills }) => skills)])];
}

/** The versions that its processes run, newest process first; more than one during a rollout. */
export function versionsOf(agent: Agent): string[] {
  return [...new Set(agent.sessions.map(({ version }) => version).reverse())];
}

/** The agents that a filter lets through, by name. */
export function matching(agents: Agent[], { shown, skill, text }: RosterFilter): Agent[] {
  const wanted = text.trim().toLowerCase();
  return agents
    .filter(TESTS[shown])
    .filter((agent) => skill === null || skillsOf(agent).includes(skill))
    .filter(
      (agent) =>
        wanted === "" ||
        [agent.name, ...agent.aliases, ...skillsOf(agent)].some((word) =>
          word.toLowerCase().includes(wanted),
        ),
    )
    .sort(byName);
}

/** How many agents each part has. */
export function counts(agents: Agent[]): Record<Shown, number> {
  const found: Record<Shown, number> = { all: 0, online: 0, offline: 0, muted: 0, revoked: 0 };
  for (const agent of agents) {
    for (const part of SHOWN) {
      if (TESTS[part](agent)) found[part] += 1;
    }
  }
  return found;
}

/** Every skill that somebody has who is not revoked, in alphabetical order. */
export function allSkills(agents: Agent[]): string[] {
  return [...new Set(agents.filter(TESTS.all).flatMap(skillsOf))].sort((one, other) =>
    one.localeCompare(other),
  );
}

/** Slots and how many of them are taken, of all agents that are online. */
export function totals(agents: Agent[]): { load: number; capacity: number } {
  const online = agents.filter(TESTS.online);
  return {
    load: online.reduce((sum, agent) => sum + agent.load, 0),
    capacity: online.reduce((sum, agent) => sum + agent.capacity, 0),
  };
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function byName(one: Agent, other: Agent): number {
  return collator.compare(one.name, other.name);
}
