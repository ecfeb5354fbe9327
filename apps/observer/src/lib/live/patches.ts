import type { Presence, TaskChanged } from "@oblivion/protocol";
import type { Model } from "../api/client";

/** A list as queries keep it: one page, or the pages of an infinite query. */
type Kept<Item> = { items: Item[] } | { pages: { items: Item[] }[] };

/** The same list with each item mapped; the same object when nothing changed, so that nothing is drawn anew. */
export function mapItems<Item, Data extends Kept<Item>>(data: Data, change: (item: Item) => Item): Data {
  if ("items" in data) {
    const items = mapped(data.items, change);
    return items === data.items ? data : { ...data, items };
  }
  const pages = mapped(data.pages, (page) => mapItems<Item, typeof page>(page, change));
  return pages === data.pages ? data : { ...data, pages };
}

/** An agent with what presence says of it. */
export function withPresence(agent: Model<"AgentResource">, presence: Presence): Model<"AgentResource"> {
  const seen = byId(presence).get(agent.id);
  if (seen === undefined) return agent;
  const { online, load, capacity, muted, last_seen_at = agent.last_seen_at } = seen;
  const same =
    agent.online === online &&
    agent.load === load &&
    agent.capacity === capacity &&
    agent.muted === muted &&
    agent.last_seen_at === last_seen_at;
  return same ? agent : { ...agent, online, load, capacity, muted, last_seen_at };
}

/**
 * Whether more is new than a frame can tell: with a changed load come other tasks, with a coming or a going other
 * processes. When an agent was heard of last is no such thing: it changes all the time.
 */
export function tellsOfMore(agents: Model<"AgentResource">[], presence: Presence): boolean {
  const live = agents.filter(({ revoked_at }) => !revoked_at);
  return (
    live.length !== presence.agents.length ||
    live.some((agent) => {
      const seen = byId(presence).get(agent.id);
      return (
        seen === undefined ||
        seen.online !== agent.online ||
        seen.load !== agent.load ||
        seen.capacity !== agent.capacity ||
        seen.muted !== agent.muted
      );
    })
  );
}

const indexes = new WeakMap<Presence, Map<string, Presence["agents"][number]>>();

function byId(presence: Presence): Map<string, Presence["agents"][number]> {
  const known = indexes.get(presence);
  if (known !== undefined) return known;
  const index = new Map(presence.agents.map((agent) => [agent.id, agent]));
  indexes.set(presence, index);
  return index;
}

/** A task with what a `task` frame says of it, unless the task is newer than the frame. */
export function withChange(task: Model<"TaskResource">, change: TaskChanged): Model<"TaskResource"> {
  if (task.id !== change.id || Date.parse(task.updated_at) > Date.parse(change.updated_at)) return task;
  const { state, mirror, reason = null, agent = null, updated_at } = change;
  return { ...task, state, mirror, reason, agent, updated_at };
}

function mapped<T>(items: T[], change: (item: T) => T): T[] {
  const next = items.map(change);
  return next.some((item, index) => item !== items[index]) ? next : items;
}
