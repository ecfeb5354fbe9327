import { dayOf, type Entry } from "./entry";
import type { Gap } from "./store";

/** What one row of the log shows. */
export type Row = Entry | { type: "day"; id: string; at: number } | { type: "gap"; id: string };

/**
 * The rows for these lines: the lines that match, each day under its name, and a divider wherever lines are missing,
 * whether or not its neighbours match.
 */
export function rowsOf(
  entries: readonly Entry[],
  gaps: readonly Gap[],
  matches: (entry: Entry) => boolean,
): Row[] {
  const rows: Row[] = [];
  let day: number | null = null;
  let gap = 0;
  for (const entry of entries) {
    for (let next = gaps[gap]; next !== undefined && entry.at > next.after; next = gaps[++gap]) {
      rows.push({ type: "gap", id: next.id });
    }
    if (!matches(entry)) continue;
    const its = dayOf(entry.at);
    if (its !== day) rows.push({ type: "day", id: `day-${its}`, at: entry.at });
    day = its;
    rows.push(entry);
  }
  return rows;
}

/** The next row with a line from `index` in the direction of `step`; `index` itself when there is none. */
export function nextLine(rows: readonly Row[], index: number, step: 1 | -1): number {
  for (let at = index + step; at >= 0 && at < rows.length; at += step) {
    if (rows[at]?.type === "line") return at;
  }
  return index;
}
