import type { ListRow } from "./boardModel";
import type { Pair } from "./pairing";
import { troubleTone } from "./trouble";

/** A line between a list and a channel. Says nothing that the rows do not say in words. */
export interface Line {
  listId: string;
  channelId: string;
  look: "linked" | "suggested" | "picked" | "failed" | "waiting";
}

/** What the pointer or the focus is on. */
export interface Lit {
  side: "list" | "channel";
  id: string;
}

/** The links, and the one that could be: of the pair in the bar, or of what the pointer is on. */
export function linesOf(rows: readonly ListRow[], pair: Pair, lit: Lit | null): Line[] {
  const lines: Line[] = [];
  const wanted = pair.kind === "link" || pair.kind === "move" ? pair : null;
  for (const { id: listId, mapping, suggestion, trouble } of rows) {
    if (mapping !== null) {
      lines.push({
        listId,
        channelId: mapping.channel_id,
        look: trouble === null ? "linked" : troubleTone(trouble),
      });
    } else if (
      suggestion !== null &&
      lit?.side === "list" &&
      lit.id === listId &&
      wanted?.list.id !== listId
    ) {
      lines.push({ listId, channelId: suggestion.channelId, look: "suggested" });
    }
  }
  if (wanted !== null) {
    const look = wanted.kind === "link" && wanted.isSuggested ? "suggested" : "picked";
    lines.push({ listId: wanted.list.id, channelId: wanted.channel.id, look });
  }
  return lines;
}

/** The rows at the other ends of the lines that shine, by id. */
export function endsOf(lines: readonly Line[], lit: Lit | null): ReadonlySet<string> {
  if (lit === null) return new Set();
  return new Set(
    lines.flatMap(({ listId, channelId }) => {
      if (lit.side === "list") return lit.id === listId ? [channelId] : [];
      return lit.id === channelId ? [listId] : [];
    }),
  );
}
