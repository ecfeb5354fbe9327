import type { Model } from "@/lib/api/client";

export type Alias = Model<"AliasResource">;

/** Handles that differ in upper and lower case only are the same. */
export function sameHandle(one: string, other: string): boolean {
  return bare(one) === bare(other);
}

/** The handles with an agent put behind one of them, which is made when it is new. */
export function withAgent(aliases: Alias[], alias: string, agent: string): Alias[] {
  const found = aliases.find((each) => sameHandle(each.alias, alias));
  if (found === undefined)
    return [...aliases, { alias: alias.replace(/^@/, ""), agents: [agent] }].sort(byHandle);
  if (found.agents.includes(agent)) return aliases;
  return aliases.map((each) => (each === found ? { ...each, agents: [...each.agents, agent] } : each));
}

/** The handles with an agent taken away from one of them. A handle with nobody behind it does not exist. */
export function withoutAgent(aliases: Alias[], alias: string, agent: string): Alias[] {
  return aliases
    .map((each) =>
      sameHandle(each.alias, alias)
        ? { ...each, agents: each.agents.filter((name) => name !== agent) }
        : each,
    )
    .filter(({ agents }) => agents.length > 0);
}

/** The handles in whose name, or behind which, the text stands. */
export function matchingAliases(aliases: Alias[], text: string): Alias[] {
  const wanted = bare(text.trim());
  return aliases.filter(({ alias, agents }) =>
    [bare(alias), ...agents].some((word) => word.toLowerCase().includes(wanted)),
  );
}

function bare(alias: string): string {
  return alias.replace(/^@/, "").toLowerCase();
}

function byHandle(one: Alias, other: Alias): number {
  return bare(one.alias) < bare(other.alias) ? -1 : 1;
}
