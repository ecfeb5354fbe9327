import { duration } from "@/lib/time";
import type { Row } from "./paging";
import type { Task } from "./params";

const WAITS: Record<string, string> = {
  agent_offline: "no agent online",
  agent_busy: "every agent is busy",
  muted: "the agent is muted",
  no_agent: "no agent has this name",
  not_accepted: "the agent did not take it in time",
  lease_lost: "its agent was lost on the way",
  rejected: "the agent declined it",
  reassigned: "given to another agent",
};

/** Beside the state, why it is so, in a few words: "4 min: no agent online". Null when the state says it all. */
export function stateWords(task: Row, now: number): string | null {
  switch (task.state) {
    case null:
      return task.mirror === "addressed, not mapped"
        ? waited(task, now, "its list is not linked")
        : closed(task);
    case "submitted":
      return waited(task, now, waitReason(task));
    case "offered":
      return task.agent === null ? null : `to ${task.agent}`;
    case "working":
      return task.reason === "stale" ? "no sign of life for 30 min" : null;
    case "input_required":
    case "approval_required":
      return task.agent === null ? null : `asked by ${task.agent}`;
    case "failed":
    case "canceled":
    case "rejected":
    case "expired":
      return task.reason;
    case "completed":
      return null;
  }
}

/** Why nobody is at work on it, in a few words. */
export function waitReason({ reason, type, alias }: Pick<Task, "reason" | "type" | "alias">): string {
  if (reason === null || reason === "") return "about to be offered";
  if (reason === "no_skill") return `no agent can do ${type ?? "this"}`;
  if (reason === "no_agent") return `no agent behind @${alias}`;
  return WAITS[reason] ?? reason;
}

function waited({ waitingSince }: Row, now: number, why: string): string {
  if (waitingSince === null || now === 0) return why;
  return `${roughly(Math.max(now - waitingSince, 0))}: ${why}`;
}

function closed({ reason }: Row): string | null {
  return reason === null ? null : `closed: ${reason}`;
}

/** As `duration`, in whole minutes from a minute on: seconds that tick in every row are noise. */
function roughly(ms: number): string {
  const minutes = 60_000;
  return duration(ms < minutes ? Math.floor(ms / 1000) * 1000 : Math.floor(ms / minutes) * minutes);
}
