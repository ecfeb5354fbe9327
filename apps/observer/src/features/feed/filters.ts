import type { FeedFilters } from "@oblivion/protocol";
import { parseAsArrayOf, parseAsBoolean, parseAsString, parseAsStringLiteral } from "nuqs";
import type { Entry } from "./entry";

export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

/** Beside the integrations, which go by their own names. */
export const OWN_SOURCES = ["agent", "oblivion", "people"] as const;

const MAX_PATTERN_CHARS = 200;

/** What is in the URL. Nothing chosen among levels or sources lets all of them through. */
export const feedParams = {
  level: parseAsArrayOf(parseAsStringLiteral(LEVELS)).withDefault([]),
  source: parseAsArrayOf(parseAsString).withDefault([]),
  task: parseAsString,
  q: parseAsString.withDefault(""),
  regex: parseAsBoolean.withDefault(false),
};

export interface FeedParams {
  level: Level[];
  source: string[];
  task: string | null;
  q: string;
  regex: boolean;
}

export const NO_FILTERS: FeedParams = { level: [], source: [], task: null, q: "", regex: false };

export function isFiltered({ level, source, task, q }: FeedParams): boolean {
  return level.length > 0 || source.length > 0 || task !== null || q !== "";
}

/** What Nexus filters by. Text is matched here, in everything that a row shows. */
export function sentFilters({ level, source, task }: FeedParams): FeedFilters {
  return { levels: level, sources: source, task_id: task, kinds: [] };
}

/** Whether everything that `next` lets through came through `before` as well: then what is held is still whole. */
export function isNarrower(before: FeedFilters, next: FeedFilters): boolean {
  return (
    isSubset(next.levels, before.levels) &&
    isSubset(next.sources, before.sources) &&
    (!before.task_id || before.task_id === next.task_id)
  );
}

/** A test for lines; with what is wrong with the pattern when it is none, and then everything matches. */
export interface Matcher {
  matches: (entry: Entry) => boolean;
  /** Finds the same in a text, to mark it; null when there is nothing to find. */
  pattern: RegExp | null;
  error: string | null;
}

export function matcherOf({ level, source, task, q, regex }: FeedParams): Matcher {
  const levels = new Set<string>(level);
  const sources = new Set(source);
  const { pattern, error } = patternOf(q, regex);
  const plain = q.toLowerCase();
  const hasText = regex
    ? (text: string) => pattern === null || text.search(pattern) >= 0
    : (text: string) => text.includes(plain);
  const test = ({ line, text }: Entry) =>
    (levels.size === 0 || levels.has(line.level)) &&
    (sources.size === 0 || sources.has(line.source)) &&
    (task === null || line.task_id === task) &&
    hasText(text);
  return { pattern, error, matches: onceEach(test) };
}

/** Tests each line once: all of them are asked for anew with every batch. */
function onceEach(test: (entry: Entry) => boolean): (entry: Entry) => boolean {
  const known = new WeakMap<Entry, boolean>();
  return (entry) => {
    const before = known.get(entry);
    if (before !== undefined) return before;
    const result = test(entry);
    known.set(entry, result);
    return result;
  };
}

/** A text in pieces, where every other one, from the second on, is what the pattern finds. */
export function marked(text: string, pattern: RegExp | null): string[] {
  if (pattern === null) return [text];
  const pieces: string[] = [];
  let from = 0;
  for (const found of text.matchAll(pattern)) {
    if (found[0] === "") continue;
    pieces.push(text.slice(from, found.index), found[0]);
    from = found.index + found[0].length;
  }
  return [...pieces, text.slice(from)];
}

function patternOf(q: string, isRegex: boolean): Pick<Matcher, "pattern" | "error"> {
  if (q === "") return { pattern: null, error: null };
  if (q.length > MAX_PATTERN_CHARS) return { pattern: null, error: "This is too long to look for" };
  try {
    return { pattern: new RegExp(isRegex ? q : escaped(q), "gi"), error: null };
  } catch {
    return { pattern: null, error: "This is no regular expression yet" };
  }
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&");
}

function isSubset(inner: readonly string[] = [], outer: readonly string[] = []): boolean {
  if (outer.length === 0) return true;
  return inner.length > 0 && inner.every((each) => outer.includes(each));
}
