import type { Tone } from "@/ui/states";
import { taskLook } from "@/ui/states";
import type { Entry } from "../detail-queries";
import { isOver, type Task } from "../params";
import { hopWords, outcomeOf, textOf, toolOf } from "./hop-words";
import type { Span } from "./waterfall";

/** One row of the timeline. */
export interface Hop extends Span {
  /** Null for what goes on at this moment and is no entry yet. */
  entry: Entry | null;
  words: string;
  /** The vendor that it came from or went to; null for what agents and Oblivion did. */
  tool: string | null;
  /** What became of it, where that is not what was meant: "given up". */
  outcome: string | null;
  tone: Tone;
  /** It has not ended. */
  isOpen: boolean;
}

/** Events since which a task is in the state that it is in. */
const TURNS = new Set([
  "task.submitted",
  "task.offered",
  "task.accept",
  "task.requeued",
  "task.reassigned",
  "task.ask",
  "task.approve",
  "question.answered",
  "question.expired",
]);

/** All hops by when they began, with what the task does now at the end. `now` in milliseconds. */
export function hopsOf(entries: readonly Entry[], task: Task | undefined, now: number): Hop[] {
  const hops = entries.map((entry) => hopOf(entry, now));
  const current = task === undefined ? null : currentHop(entries, task, now);
  if (current !== null) hops.push(current);
  return hops.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** The hop that is opened first: the newest one that failed. */
export function failedOf(hops: readonly Hop[]): string | null {
  return hops.findLast(({ tone }) => tone === "failed")?.id ?? null;
}

function hopOf(entry: Entry, now: number): Hop {
  const took = entry.duration_ms;
  const isOpen = entry.started_at !== null && took === null;
  const start = entry.started_at === null ? Date.parse(entry.at) - (took ?? 0) : Date.parse(entry.started_at);
  const end = isOpen ? Math.max(now, start) : start + (took ?? 0);
  const outcome = outcomeOf(entry.kind);
  return {
    id: entry.id,
    entry,
    start,
    end,
    // One try is the hop itself.
    marks:
      entry.attempts.length < 2
        ? []
        : entry.attempts.map(({ at }) => Date.parse(at)).filter((at) => at >= start && at <= end),
    words: hopWords(entry),
    tool: toolOf(entry),
    outcome,
    tone: toneOf(entry, isOpen),
    isOpen,
  };
}

function toneOf({ level, kind }: Entry, isOpen: boolean): Tone {
  if (level === "error") return "failed";
  if (level === "warning") return "waiting";
  if (isOpen) return "active";
  return kind.endsWith(".ignored") || kind.endsWith(".superseded") ? "offline" : "ok";
}

function currentHop(entries: readonly Entry[], task: Task, now: number): Hop | null {
  if (isOver(task) || task.mirror === "closed") return null;
  const since = entries.findLast(({ kind }) => TURNS.has(kind))?.at ?? task.created_at;
  const start = Date.parse(since);
  const { label, tone } = taskLook(task.state);
  return {
    id: "now",
    entry: null,
    start,
    end: Math.max(now, start),
    marks: [],
    words: task.agent === null ? label : `${label} · ${task.agent}`,
    tool: null,
    outcome: null,
    tone,
    isOpen: true,
  };
}

/** Why it ended as it did, when that was written down. */
export function reasonOf(entry: Entry): string | null {
  return textOf(entry, "reason");
}
