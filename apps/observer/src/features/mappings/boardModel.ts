import type { Model } from "@/lib/api/client";
import { createSuggester, type Suggestion } from "./suggest";

export type Mapping = Model<"MappingResource">;

/** What keeps a link from working. */
export type Trouble = "channel_gone" | "not_member" | "list_gone";

/** A list of the tracker, with what it is linked to. */
export interface ListRow {
  id: string;
  name: string;
  /** "Space / Folder"; "" where the tracker has none. */
  group: string;
  mapping: Mapping | null;
  /** Only of lists that are not linked. */
  suggestion: Suggestion | null;
  trouble: Trouble | null;
  /** Linked, and not in the tracker any more. */
  isGone: boolean;
  /** Tasks that were addressed to agents and wait for a channel. */
  waiting: number;
}

/** A channel of the chat, with how many lists are linked to it. */
export interface ChannelRow {
  id: string;
  name: string;
  isMember: boolean;
  isPrivate: boolean;
  /** Linked, and not in the chat any more, as far as Oblivion can see. */
  isGone: boolean;
  lists: number;
}

export interface Board {
  lists: ListRow[];
  channels: ChannelRow[];
  counts: Record<Tab, number>;
}

export const TABS = ["all", "unlinked", "linked", "trouble"] as const;
export type Tab = (typeof TABS)[number];

export interface Sources {
  /** Undefined while they cannot be read: then nothing can be called gone. */
  lists: readonly Model<"TrackerList">[] | undefined;
  channels: readonly Model<"ChatChannel">[] | undefined;
  mappings: readonly Mapping[];
  /** Addressed tasks without a channel, by list id. */
  waiting: ReadonlyMap<string, number>;
}

/** Lists, channels and the links between them, in the order in which they are shown. */
export function boardOf({ lists, channels, mappings, waiting }: Sources): Board {
  const byList = new Map(mappings.map((mapping) => [mapping.list_id, mapping]));
  const byChannel = groupBy(mappings, (mapping) => mapping.channel_id);
  const known = new Map(channels?.map((channel) => [channel.id, channel]));
  const inTracker = new Set(lists?.map(({ id }) => id));
  const suggest = createSuggester((channels ?? []).filter(canBeLinked));

  const gone = lists === undefined ? [] : mappings.filter(({ list_id }) => !inTracker.has(list_id));
  const listRows = [
    ...gone.map((mapping): ListRow => {
      const { list_id: id, list_name: name } = mapping;
      const trouble = "list_gone";
      return { id, name, group: "", mapping, suggestion: null, trouble, isGone: true, waiting: 0 };
    }),
    ...grouped(lists ?? [], ({ group }) => group).map((list): ListRow => {
      const mapping = byList.get(list.id) ?? null;
      return {
        ...list,
        mapping,
        suggestion: mapping === null ? suggest(list) : null,
        trouble: mapping === null || channels === undefined ? null : troubleOf(known.get(mapping.channel_id)),
        isGone: false,
        waiting: waiting.get(list.id) ?? 0,
      };
    }),
  ];

  const lost = channels === undefined ? [] : [...byChannel].filter(([id]) => !known.has(id));
  const channelRows = [
    ...lost.map(([id, linked]): ChannelRow => ({
      id,
      name: linked[0]?.channel_name ?? id,
      isMember: false,
      isPrivate: false,
      isGone: true,
      lists: linked.length,
    })),
    ...(channels ?? []).map(({ id, name, is_member: isMember, is_private: isPrivate }): ChannelRow => ({
      id,
      name,
      isMember,
      isPrivate,
      isGone: false,
      lists: byChannel.get(id)?.length ?? 0,
    })),
  ].sort((one, other) => placeOf(one) - placeOf(other) || one.name.localeCompare(other.name));

  return { lists: listRows, channels: channelRows, counts: countsOf(listRows) };
}

/** The lists that are known from their links, for when the tracker cannot be read. */
export function linkedLists(mappings: readonly Mapping[]): Model<"TrackerList">[] {
  return mappings.map(({ list_id: id, list_name: name }) => ({ id, name, group: "Linked" }));
}

/** The channels that are known from their links, likewise. */
export function linkedChannels(mappings: readonly Mapping[]): Model<"ChatChannel">[] {
  const known = new Map(mappings.map(({ channel_id: id, channel_name: name }) => [id, name]));
  return [...known].map(([id, name]) => ({ id, name, is_member: true, is_private: false }));
}

/** Whether cards can be posted there: Oblivion joins a public channel by itself, a private one takes an invitation. */
export function canBeLinked(channel: Pick<Model<"ChatChannel">, "is_member" | "is_private">): boolean {
  return channel.is_member || !channel.is_private;
}

export function isIn(tab: Tab, list: ListRow): boolean {
  switch (tab) {
    case "all":
      return true;
    case "unlinked":
      return list.mapping === null;
    case "linked":
      return list.mapping !== null;
    case "trouble":
      return list.trouble !== null;
  }
}

/** The next list without a channel after this one, from the top again at the end; null when all are linked. */
export function nextUnlinked(lists: readonly ListRow[], after: string | null): ListRow | null {
  const at = lists.findIndex(({ id }) => id === after);
  const inOrder = [...lists.slice(at + 1), ...lists.slice(0, at + 1)];
  return inOrder.find(({ id, mapping }) => mapping === null && id !== after) ?? null;
}

/** Whether every word of a filter stands somewhere in these texts; accents and case do not matter. */
export function matches(filter: string, ...texts: string[]): boolean {
  const text = plain(texts.join(" "));
  return plain(filter)
    .split(/\s+/)
    .every((word) => text.includes(word));
}

function plain(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function troubleOf(channel: Model<"ChatChannel"> | undefined): Trouble | null {
  if (channel === undefined) return "channel_gone";
  return channel.is_member ? null : "not_member";
}

/** Gone ones first, as they need somebody; then those that Oblivion is in. */
function placeOf({ isGone, isMember }: ChannelRow): number {
  return isGone ? 0 : isMember ? 1 : 2;
}

/** Items of one group side by side; groups in the order of their first item. */
function grouped<T>(items: readonly T[], groupOf: (item: T) => string): T[] {
  return [...groupBy(items, groupOf).values()].flat();
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function countsOf(lists: readonly ListRow[]): Record<Tab, number> {
  const count = (tab: Tab) => lists.filter((list) => isIn(tab, list)).length;
  return {
    all: lists.length,
    unlinked: count("unlinked"),
    linked: count("linked"),
    trouble: count("trouble"),
  };
}
