import { capital, toolName } from "@/ui/words";
import type { Entry } from "../detail-queries";

type Words = (entry: Entry) => string;

const TASK: Record<string, Words> = {
  "task.submitted": (entry) =>
    `${who(entry, "by", "Somebody")} asked @${textOf(entry, "alias") ?? "an agent"} for ${textOf(entry, "type") ?? "work"}`,
  "task.offered": (entry) =>
    `${entry.started_at === null ? "Offered" : "Waited, then offered"} to ${agent(entry)}`,
  "task.accept": (entry) => `${agent(entry)} took it`,
  "task.plan": planWords,
  "task.message": (entry) => `${agent(entry)} wrote to the thread`,
  "task.ask": (entry) => `${agent(entry)} asked a question`,
  "task.approve": (entry) => `${agent(entry)} asked for an approval`,
  "task.complete": (entry) => `${agent(entry)} sent the result`,
  "task.fail": (entry) => `${agent(entry)} reported a failure`,
  "task.reject": (entry) => `${agent(entry)} declined it`,
  "task.completed": (entry) => `${agent(entry)} at work, until it was done`,
  "task.failed": (entry) => `${agent(entry)} at work, until it failed`,
  "task.canceled": () => "Stopped",
  "task.expired": () => "Expired",
  "task.requeued": () => "Back in the queue",
  "task.stale": () => "No sign of life for 30 min",
};

const ROWS: Record<string, string | null> = {
  done: null,
  dead: "given up",
  ignored: "nothing to do",
  superseded: "not needed any more",
  pending: "on its way",
  sending: "on its way",
};

/** What an entry says in its row. */
export function hopWords(entry: Entry): string {
  const tool = toolOf(entry);
  if (tool !== null && isWebhook(entry)) return `Webhook from ${toolName(tool)}`;
  if (tool !== null)
    return `${capital((textOf(entry, "kind") ?? "message").replaceAll("_", " "))} to ${toolName(tool)}`;
  return Object.hasOwn(TASK, entry.kind) ? (TASK[entry.kind]?.(entry) ?? entry.summary) : entry.summary;
}

/** Where a webhook came from, or an effect went to. */
export function toolOf(entry: Entry): string | null {
  if (isWebhook(entry)) return textOf(entry, "source");
  return entry.kind.startsWith("delivery.") ? textOf(entry, "sink") : null;
}

/** What became of a webhook or an effect, where it is not what was meant. */
export function outcomeOf(kind: string): string | null {
  const [what, state = ""] = kind.split(".");
  if (what !== "webhook" && what !== "delivery") return null;
  return Object.hasOwn(ROWS, state) ? (ROWS[state] ?? null) : state;
}

/** A text among the data of an entry; null when there is none. */
export function textOf(entry: Entry, name: string): string | null {
  const value = entry.data[name];
  return typeof value === "string" && value !== "" ? value : null;
}

function isWebhook({ kind }: Entry): boolean {
  return kind.startsWith("webhook.");
}

function agent(entry: Entry): string {
  return who(entry, "agent", "The agent");
}

function who(entry: Entry, name: string, otherwise: string): string {
  return textOf(entry, name) ?? otherwise;
}

function planWords(entry: Entry): string {
  const { steps } = entry.data;
  if (!Array.isArray(steps)) return entry.summary;
  const done = steps.filter(
    (step: unknown) => typeof step === "object" && step !== null && "state" in step && step.state === "done",
  );
  return `Plan: ${done.length} of ${steps.length} steps done`;
}
