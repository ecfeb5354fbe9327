import type { Model } from "@/lib/api/client";
import type { StateLook } from "@/ui/states";
import { capital, counted, toolName } from "@/ui/words";

export type Delivery = Model<"DeliveryResource">;
export type Group = Model<"DeliveryGroup">;

const KINDS: Record<string, string> = {
  webhook: "Event",
  card: "Card",
  card_update: "Card update",
  reply: "Reply",
  reply_edit: "Edit of a reply",
  comment: "Comment",
  comment_edit: "Edit of a comment",
  question: "Question",
  question_update: "Question update",
  note: "Note",
  note_edit: "Edit of a note",
};

const OUTGOING: Record<string, StateLook> = {
  pending: { label: "On its way", tone: "active" },
  sending: { label: "On its way", tone: "active" },
  done: { label: "Delivered", tone: "ok" },
  superseded: { label: "Not needed any more", tone: "offline" },
  dead: { label: "Given up", tone: "failed" },
};

const INCOMING: Record<string, StateLook> = {
  pending: { label: "Being handled", tone: "active" },
  done: { label: "Handled", tone: "ok" },
  ignored: { label: "Nothing to do", tone: "ok" },
  dead: { label: "Given up", tone: "failed" },
};

const TRIES: Record<string, StateLook> = {
  done: { label: "Got through", tone: "ok" },
  ignored: { label: "Nothing to do", tone: "ok" },
  retry: { label: "Failed, to be tried again", tone: "waiting" },
  deferred: { label: "Put off", tone: "waiting" },
  unsure: { label: "No clear answer", tone: "waiting" },
  crash: { label: "The worker died", tone: "waiting" },
  superseded: { label: "Not needed any more", tone: "offline" },
  dead: { label: "Given up", tone: "failed" },
  replayed: { label: "Replayed by hand", tone: "active" },
};

/** "Card update": what was to be done. */
export function kindName(kind: string): string {
  return KINDS[kind] ?? capital(kind.replaceAll("_", " "));
}

/** "Reply to Slack", "Event from ClickUp". */
export function whatItIs({ kind, origin, tool }: Pick<Delivery, "kind" | "origin" | "tool">): string {
  return `${kindName(kind)} ${origin === "inbox" ? "from" : "to"} ${toolName(tool)}`;
}

/** "Replies, questions": the kinds of a cause in one line. */
export function kindNames(kinds: string[]): string {
  return kinds.map((kind, index) => (index === 0 ? kindName(kind) : kindName(kind).toLowerCase())).join(", ");
}

export function deliveryLook({ state, origin }: Pick<Delivery, "state" | "origin">): StateLook {
  const looks = origin === "inbox" ? INCOMING : OUTGOING;
  return looks[state] ?? { label: capital(state), tone: "offline" };
}

export function tryLook(outcome: string): StateLook {
  return TRIES[outcome] ?? { label: capital(outcome.replaceAll("_", " ")), tone: "offline" };
}

/** Whether it still moves by itself, so that it is worth looking again soon. */
export function isMoving({ state }: Pick<Delivery, "state">): boolean {
  return state === "pending" || state === "sending";
}

/** "1 dead letter", "1,204 dead letters". */
export function deadLetters(count: number): string {
  return counted(count, "dead letter");
}

/** The trace id of a W3C traceparent; null when there is none in it. */
export function traceIdOf(traceparent: string | null): string | null {
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? "")?.[1] ?? null;
}
