import type { FeedLine } from "@oblivion/protocol";

/** A line as the feed keeps it: with what it is ordered, grouped and found by, worked out once. */
export interface Entry {
  type: "line";
  id: string;
  line: FeedLine;
  /** Microseconds since 1970: a JavaScript date would lose what tells two lines of one millisecond apart. */
  at: number;
  /** What a text filter looks at, in lower case: everything that a row shows. */
  text: string;
}

export function entryOf(line: FeedLine): Entry {
  const text = `${line.level} ${line.source} ${line.kind} ${line.agent ?? ""} ${line.message} ${line.task_id ?? ""}`;
  return { type: "line", id: line.id, line, at: microseconds(line.ts), text: text.toLowerCase() };
}

/** The order of the feed: by time, then by id. */
export function compare(a: Entry, b: Entry): number {
  if (a.at !== b.at) return a.at - b.at;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** A line as one line of text, to paste elsewhere. */
export function asText({ line }: Entry): string {
  return [
    line.ts,
    line.level,
    line.source,
    line.kind,
    line.agent,
    line.message,
    line.task_id && `task=${line.task_id}`,
  ]
    .filter(Boolean)
    .join(" ");
}

/** "14:03:22" and ".418", here. */
export function clockTime(at: number): [string, string] {
  const date = new Date(at / 1000);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits);
  return [`${hours}:${minutes}:${seconds}`, `.${String(date.getMilliseconds()).padStart(3, "0")}`];
}

/** Which day it is here, as a number that days of one another differ by. */
export function dayOf(at: number): number {
  const date = new Date(at / 1000);
  return date.getFullYear() * 10_000 + date.getMonth() * 100 + date.getDate();
}

function microseconds(ts: string): number {
  const fraction = /\.(\d+)/.exec(ts)?.[1] ?? "";
  const beyond = Number(fraction.slice(3, 6).padEnd(3, "0"));
  return Date.parse(ts) * 1000 + beyond;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
