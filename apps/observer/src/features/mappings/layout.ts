import type { ChannelRow, ListRow } from "./boardModel";

/** What a column shows, from top to bottom. Heights are fixed, so that where a row is can be calculated. */
export type Item<Row> =
  | { kind: "heading"; key: string; label: string; count: number }
  | { kind: "invitation"; key: string }
  | { kind: "row"; key: string; row: Row };

/** Heights in pixels. */
export interface Heights {
  row: number;
  heading: number;
  invitation: number;
}

export const WIDE: Heights = { row: 38, heading: 32, invitation: 72 };
/** For fingers. */
export const NARROW: Heights = { row: 46, heading: 34, invitation: 76 };

export const GONE_LISTS = "Not in ClickUp any more";
export const GONE_CHANNELS = "Not in Slack any more";
const IN = "Oblivion is a member";
const NOT_IN = "Oblivion is not a member";
/** How people bring Oblivion into a channel. */
export const INVITE = "/invite @Oblivion";

export function listItems(lists: readonly ListRow[]): Item<ListRow>[] {
  return itemsOf(lists, ({ isGone, group }) => {
    if (isGone) return GONE_LISTS;
    return group === "" ? "Without a space" : group;
  });
}

export function channelItems(channels: readonly ChannelRow[]): Item<ChannelRow>[] {
  const items = itemsOf(channels, ({ isGone, isMember }) => {
    if (isGone) return GONE_CHANNELS;
    return isMember ? IN : NOT_IN;
  });
  const at = items.findIndex((item) => item.kind === "heading" && item.label === NOT_IN);
  return at < 0 ? items : items.toSpliced(at + 1, 0, { kind: "invitation", key: "invitation" });
}

export function heightOf(item: { kind: Item<unknown>["kind"] }, heights: Heights): number {
  return heights[item.kind];
}

/** The middle of each row, in pixels from the top of the column's content, by row id. */
export function centresOf(items: readonly Item<unknown>[], heights: Heights): Map<string, number> {
  const centres = new Map<string, number>();
  let top = 0;
  for (const item of items) {
    const height = heightOf(item, heights);
    if (item.kind === "row") centres.set(item.key, top + height / 2);
    top += height;
  }
  return centres;
}

/** The index of the heading above each item. */
export function headingAbove(items: readonly Item<unknown>[], index: number): number | null {
  for (let at = Math.min(index, items.length - 1); at >= 0; at--) {
    if (items[at]?.kind === "heading") return at;
  }
  return null;
}

/** The key of the row that is `step` rows away from this one; the first row when there is none. */
export function rowAway(items: readonly Item<unknown>[], from: string | null, step: number): string | null {
  const rows = items.flatMap((item) => (item.kind === "row" ? [item.key] : []));
  const at = from === null ? -1 : rows.indexOf(from);
  if (at < 0) return rows[0] ?? null;
  return rows[Math.min(rows.length - 1, Math.max(0, at + step))] ?? null;
}

function itemsOf<Row extends { id: string }>(
  rows: readonly Row[],
  labelOf: (row: Row) => string,
): Item<Row>[] {
  const items: Item<Row>[] = [];
  const headings = new Map<string, Extract<Item<Row>, { kind: "heading" }>>();
  for (const row of rows) {
    const label = labelOf(row);
    let heading = headings.get(label);
    if (heading === undefined) {
      heading = { kind: "heading", key: `heading:${label}`, label, count: 0 };
      headings.set(label, heading);
      items.push(heading);
    }
    heading.count += 1;
    items.push({ kind: "row", key: row.id, row });
  }
  return items;
}
