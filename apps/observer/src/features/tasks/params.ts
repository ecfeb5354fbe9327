import type { TaskState } from "@oblivion/protocol";
import { parseAsBoolean, parseAsString, parseAsStringLiteral } from "nuqs";
import type { Model } from "@/lib/api/client";

export type Task = Model<"TaskResource">;

/** Groups of states, as somebody looks for them. */
export const GROUPS = {
  working: ["offered", "working"],
  people: ["input_required", "approval_required"],
  done: ["completed"],
  failed: ["failed", "rejected", "expired"],
  stopped: ["canceled"],
} as const satisfies Record<string, readonly TaskState[]>;
export type Group = keyof typeof GROUPS;

export const MIRRORS = ["mirrored", "addressed, not mapped", "closed"] as const;
export const TABS = ["timeline", "conversation", "why"] as const;

/** The filters, in the URL: `?waiting=true&agent=fixer&q=export`. */
export const filterParams = {
  show: parseAsStringLiteral(["working", "people", "done", "failed", "stopped"]),
  waiting: parseAsBoolean.withDefault(false),
  mirror: parseAsStringLiteral(MIRRORS),
  agent: parseAsString,
  list: parseAsString,
  q: parseAsString.withDefault(""),
};

/** Which task is open, and what of it. */
export const openParams = {
  task: parseAsString,
  tab: parseAsStringLiteral(TABS).withDefault("timeline"),
};
export type Tab = (typeof TABS)[number];

export interface TaskFilters {
  show: Group | null;
  waiting: boolean;
  mirror: (typeof MIRRORS)[number] | null;
  agent: string | null;
  list: string | null;
  q: string;
}

export const NO_FILTERS: TaskFilters = {
  show: null,
  waiting: false,
  mirror: null,
  agent: null,
  list: null,
  q: "",
};

export function isFiltered({ show, waiting, mirror, agent, list, q }: TaskFilters): boolean {
  return show !== null || waiting || mirror !== null || agent !== null || list !== null || q !== "";
}

/** The query of `GET /v1/tasks` for these filters. */
export function queryOf({ show, waiting, mirror, agent, list, q }: TaskFilters) {
  return {
    ...(show === null ? {} : { state: [...GROUPS[show]] }),
    ...(waiting ? { waiting } : {}),
    ...(mirror === null ? {} : { mirror }),
    ...(agent === null ? {} : { agent }),
    ...(list === null ? {} : { list_id: list }),
    ...(q.trim() === "" ? {} : { q: q.trim() }),
  };
}

/** Whether a task still is one of those that were asked for, after events have changed it. */
export function isWanted(task: Task, { show, waiting, mirror, agent }: TaskFilters): boolean {
  const states: readonly (TaskState | null)[] | null = show === null ? null : GROUPS[show];
  return (
    (states === null || states.includes(task.state)) &&
    (!waiting || isWaiting(task)) &&
    (mirror === null || task.mirror === mirror) &&
    (agent === null || task.agent === agent)
  );
}

/** Whether nobody is at work on it, and it is not over. */
export function isWaiting({ state, mirror }: Task): boolean {
  return (
    state === "submitted" || state === "offered" || (state === null && mirror === "addressed, not mapped")
  );
}

const OVER: readonly (TaskState | null)[] = ["completed", "failed", "canceled", "rejected", "expired"];

/** Whether nothing can happen to it any more. */
export function isOver({ state }: Pick<Task, "state">): boolean {
  return OVER.includes(state);
}
