import type { ChannelRow, ListRow, Mapping } from "./boardModel";

/** What is chosen on both sides, and so what the bar offers. */
export type Pair =
  | { kind: "nothing" }
  /** A channel without a list. */
  | { kind: "channel"; channel: ChannelRow }
  /** A list that is not linked, and no channel. */
  | { kind: "list"; list: ListRow }
  | { kind: "link"; list: ListRow; channel: ChannelRow; isSuggested: boolean; blocked: string | null }
  /** A list with its own channel; null when the channels cannot be read. */
  | { kind: "linked"; list: ListRow; mapping: Mapping; channel: ChannelRow | null }
  | { kind: "move"; list: ListRow; mapping: Mapping; channel: ChannelRow; blocked: string | null };

/** What a list and a channel that somebody picked amount to; without a pick, the list's own or suggested channel. */
export function pairOf(
  list: ListRow | null,
  picked: ChannelRow | null,
  channelOf: (id: string) => ChannelRow | null,
): Pair {
  if (list === null) return picked === null ? { kind: "nothing" } : { kind: "channel", channel: picked };
  const { mapping, suggestion } = list;
  if (mapping !== null) {
    if (picked === null || picked.id === mapping.channel_id) {
      return { kind: "linked", list, mapping, channel: channelOf(mapping.channel_id) };
    }
    const blocked = list.isGone ? `${list.name} is not in ClickUp any more.` : blockOf(picked);
    return { kind: "move", list, mapping, channel: picked, blocked };
  }
  const suggested = suggestion === null ? null : channelOf(suggestion.channelId);
  const channel = picked ?? suggested;
  if (channel === null) return { kind: "list", list };
  return { kind: "link", list, channel, isSuggested: channel === suggested, blocked: blockOf(channel) };
}

/** The channel that a pair ends in. */
export function channelOfPair(pair: Pair): ChannelRow | null {
  return "channel" in pair ? pair.channel : null;
}

export function listOfPair(pair: Pair): ListRow | null {
  return "list" in pair ? pair.list : null;
}

/** Why nothing can be posted in a channel, and what to do; null when it can. */
function blockOf({ name, isGone, isMember, isPrivate }: ChannelRow): string | null {
  if (isGone) return `#${name} is not in Slack any more. Choose another channel.`;
  if (isPrivate && !isMember) return `#${name} is private, and Oblivion is not in it. Invite it first.`;
  return null;
}
