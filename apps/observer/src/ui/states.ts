import type { TaskState } from "@oblivion/protocol";

/** What colour means here, and nothing else does. */
export type Tone = "ok" | "active" | "waiting" | "failed" | "offline";

/** How a state is said and shown. */
export interface StateLook {
  label: string;
  tone: Tone;
}

const TASK: Record<TaskState, StateLook> = {
  submitted: { label: "Waiting for an agent", tone: "waiting" },
  offered: { label: "Offered", tone: "waiting" },
  working: { label: "Working", tone: "active" },
  input_required: { label: "Question open", tone: "waiting" },
  approval_required: { label: "Approval open", tone: "waiting" },
  completed: { label: "Completed", tone: "ok" },
  failed: { label: "Failed", tone: "failed" },
  canceled: { label: "Canceled", tone: "offline" },
  rejected: { label: "Rejected", tone: "failed" },
  expired: { label: "Expired", tone: "failed" },
};

/** The look of a task's state; null is a task that nobody was asked to do yet. */
export function taskLook(state: TaskState | null): StateLook {
  return state === null ? { label: "Not mapped", tone: "waiting" } : TASK[state];
}

const OTHERS: Record<string, StateLook> = {
  pending: { label: "Pending", tone: "active" },
  retrying: { label: "Retrying", tone: "waiting" },
  held: { label: "Held", tone: "waiting" },
  delivered: { label: "Delivered", tone: "ok" },
  done: { label: "Done", tone: "ok" },
  dead: { label: "Dead", tone: "failed" },
  ok: { label: "OK", tone: "ok" },
  warning: { label: "Warning", tone: "waiting" },
  degraded: { label: "Degraded", tone: "waiting" },
  down: { label: "Down", tone: "failed" },
  broken: { label: "Broken", tone: "failed" },
  failed: { label: "Failed", tone: "failed" },
  online: { label: "Online", tone: "ok" },
  offline: { label: "Offline", tone: "offline" },
  muted: { label: "Muted", tone: "waiting" },
  revoked: { label: "Revoked", tone: "offline" },
};

/** The look of any other state, by its name; an unknown one is shown as it is, in grey. */
export function stateLook(state: string): StateLook {
  return OTHERS[state] ?? { label: state, tone: "offline" };
}
