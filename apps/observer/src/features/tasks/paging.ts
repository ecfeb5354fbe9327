import type { Task } from "./params";

/** A task in the list. */
export type Row = Task & {
  /** Since when nobody has been at work on it, in milliseconds; null when it does not wait. */
  waitingSince: number | null;
};

export function rowOf(task: Task, now: number): Row {
  return { ...task, waitingSince: task.waiting_seconds === null ? null : now - task.waiting_seconds * 1000 };
}

/** All rows in order, each conversation once: the newest page, which is read again and again, and the older ones. */
export function merged(newest: readonly Row[], older: readonly Row[]): Row[] {
  const rows = new Map<string, Row>();
  for (const row of [...newest, ...older]) {
    if (!rows.has(row.conversation_id)) rows.set(row.conversation_id, row);
  }
  return [...rows.values()];
}

/**
 * What becomes of the older pages when the newest one was read again. New tasks push others off its end: those belong
 * before the older ones, or there would be a hole. `reset` when so many came that nothing of the old page is left, and
 * nobody knows what is in between.
 */
export function spilled(before: readonly Row[], now: readonly Row[]): { rows: Row[]; reset: boolean } {
  const present = new Set(now.map((row) => row.conversation_id));
  const lastShared = before.findLastIndex((row) => present.has(row.conversation_id));
  if (lastShared < 0) return { rows: [], reset: before.length > 0 };
  return { rows: before.slice(lastShared + 1), reset: false };
}
