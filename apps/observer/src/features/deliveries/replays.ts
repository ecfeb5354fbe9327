import type { Model } from "@/lib/api/client";
import type { Delivery, Group } from "./words";

/** What Nexus replays in one call, at most: the oldest first. */
export const MAX_REPLAYS = 500;

/** What is to be replayed. */
export type Wish =
  | { what: "rows"; rows: Delivery[] }
  | { what: "cause"; group: Group; rows: Delivery[] }
  | { what: "all"; count: number; rows: Delivery[] };

/** How far the replay of a row is: asked for, granted, or not to be had any more. */
export type Grant = "asked" | "replayed" | "not_dead" | "not_found";

/** A row that somebody replayed here, as it was, and what came of it. It stays in sight with its result. */
export interface Replay {
  row: Delivery;
  grant: Grant;
  /** When that was known, in milliseconds: what was read before tells nothing about it. */
  at: number;
}

/** By the id of the row. */
export type Replays = ReadonlyMap<string, Replay>;

/** How many a wish is about. */
export function wishCount(wish: Wish): number {
  switch (wish.what) {
    case "rows":
      return wish.rows.length;
    case "cause":
      return wish.group.count;
    case "all":
      return wish.count;
  }
}

/** The rows of a wish as asked for, before Nexus has answered. */
export function asked(replays: Replays, wish: Wish, at: number): Replays {
  const next = new Map(replays);
  for (const row of wish.rows) next.set(row.id, { row, grant: "asked", at });
  return next;
}

/** With the answer. Rows that a call did not get to, as there were too many, are as if never asked for. */
export function answered(replays: Replays, items: Model<"Replayed">[], wish: Wish, at: number): Replays {
  const outcomes = new Map(items.map(({ id, outcome }) => [id, outcome]));
  const next = new Map(replays);
  for (const { id } of wish.rows) {
    const grant = outcomes.get(id);
    const replay = next.get(id);
    if (replay === undefined) continue;
    if (grant === undefined) next.delete(id);
    else next.set(id, { ...replay, grant, at });
  }
  return next;
}

/** As before the wish: Nexus refused it. */
export function refused(replays: Replays, before: Replays, wish: Wish): Replays {
  const next = new Map(replays);
  for (const { id } of wish.rows) {
    const was = before.get(id);
    if (was === undefined) next.delete(id);
    else next.set(id, was);
  }
  return next;
}

/** The causes with their counts as they will be once a wish is granted. */
export function groupsAfter(groups: Group[], wish: Wish): Group[] {
  switch (wish.what) {
    case "rows": {
      const goneOf = (group: Group) =>
        wish.rows.filter(({ fingerprint }) => fingerprint === group.fingerprint).length;
      return groups.map((group) => fewer(group, goneOf(group)));
    }
    case "cause":
      return groups.map((group) =>
        group.fingerprint === wish.group.fingerprint ? fewer(group, MAX_REPLAYS) : group,
      );
    case "all":
      // Which of them are the oldest is not known here.
      return wish.count > MAX_REPLAYS ? groups : groups.map((group) => fewer(group, group.count));
  }
}

/**
 * The causes to show: what is dead, and those that were emptied here, with their results. `seen` are those that were
 * there at the first replay: from then on they keep their places, so that nothing moves under the pointer.
 */
export function inPlace(groups: Group[], seen: Group[], replays: Replays): Group[] {
  const places = new Map(seen.map(({ fingerprint }, index) => [fingerprint, index]));
  const placeOf = ({ fingerprint }: Group) => places.get(fingerprint) ?? -1;
  const known = new Set(groups.map(({ fingerprint }) => fingerprint));
  const replayed = new Set([...replays.values()].map(({ row }) => row.fingerprint));
  const emptied = seen.filter(({ fingerprint }) => !known.has(fingerprint) && replayed.has(fingerprint));
  return [...groups, ...emptied.map((group) => ({ ...group, count: 0 }))].sort(
    (one, other) => placeOf(one) - placeOf(other),
  );
}

/** The rows to show: the dead ones, and those that were replayed here, where they were. Newest first. */
export function withReplayed(
  rows: Delivery[],
  replays: Replays,
  belongs: (row: Delivery) => boolean,
): Delivery[] {
  const known = new Set(rows.map(({ id }) => id));
  const kept = [...replays.values()]
    .map(({ row }) => row)
    .filter((row) => !known.has(row.id) && belongs(row));
  if (kept.length === 0) return rows;
  return [...rows, ...kept].sort((one, other) => Date.parse(other.created_at) - Date.parse(one.created_at));
}

/** What became of a wish, in a sentence. */
export function told(result: Model<"ReplayResult">): string {
  const count = (outcome: Grant) => result.items.filter((item) => item.outcome === outcome).length;
  const replayed = count("replayed");
  const late = count("not_dead") + count("not_found");
  const sentences = [
    replayed === 1 ? "1 dead letter is tried again." : `${replayed} dead letters are tried again.`,
    late > 0 && `${late} ${late === 1 ? "was" : "were"} not dead any more.`,
    result.remaining > 0 && result.items.length >= MAX_REPLAYS && `${result.remaining} are left.`,
  ];
  return sentences.filter(Boolean).join(" ");
}

function fewer(group: Group, by: number): Group {
  return by === 0 ? group : { ...group, count: Math.max(0, group.count - by) };
}
