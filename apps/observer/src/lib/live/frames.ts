import type {
  AuthRefreshRequested,
  Feed,
  FeedAnswer,
  Presence,
  ServerDraining,
  Stats,
  TaskChanged,
} from "@oblivion/protocol";
import * as v from "valibot";

/** What comes over the socket, parsed before anybody uses it. The types are the protocol's, so they cannot drift. */
const levels = v.picklist(["debug", "info", "warning", "error"]);

const feedLine = v.object({
  id: v.string(),
  ts: v.string(),
  level: levels,
  kind: v.string(),
  source: v.string(),
  tenant_id: v.string(),
  task_id: v.nullish(v.string()),
  delivery_id: v.nullish(v.string()),
  agent: v.nullish(v.string()),
  message: v.string(),
  data: v.optional(v.record(v.string(), v.unknown())),
});

const agentPresence = v.object({
  id: v.string(),
  name: v.string(),
  online: v.boolean(),
  load: v.number(),
  capacity: v.number(),
  muted: v.boolean(),
  last_seen_at: v.nullish(v.string()),
});

const taskState = v.picklist([
  "submitted",
  "offered",
  "working",
  "input_required",
  "approval_required",
  "completed",
  "failed",
  "canceled",
  "rejected",
  "expired",
]);

export const frames = {
  feed: v.object({ lines: v.array(feedLine), cursor: v.string() }) satisfies v.GenericSchema<unknown, Feed>,
  presence: v.object({ agents: v.array(agentPresence) }) satisfies v.GenericSchema<unknown, Presence>,
  task: v.object({
    id: v.string(),
    state: v.nullable(taskState),
    mirror: v.picklist(["mirrored", "addressed, not mapped", "closed"]),
    reason: v.nullish(v.string()),
    agent: v.nullish(v.string()),
    updated_at: v.string(),
  }) satisfies v.GenericSchema<unknown, TaskChanged>,
  stats: v.object({
    unanswered: v.number(),
    waiting_tasks: v.number(),
    dead: v.number(),
    agents_online: v.number(),
    at: v.string(),
  }) satisfies v.GenericSchema<unknown, Stats>,
  "auth.refresh": v.object({ expires_in: v.number() }) satisfies v.GenericSchema<
    unknown,
    AuthRefreshRequested
  >,
  "server.draining": v.object({
    reconnect_after_seconds: v.number(),
  }) satisfies v.GenericSchema<unknown, ServerDraining>,
};

export type FrameName = keyof typeof frames;
export type Frame<Name extends FrameName> = v.InferOutput<(typeof frames)[Name]>;

/** Answer to `subscribe` and `resume`. */
export const feedAnswer = v.object({
  ok: v.literal(true),
  cursor: v.string(),
  truncated: v.optional(v.boolean()),
}) satisfies v.GenericSchema<unknown, FeedAnswer>;

/** Where to connect and with what; from Observer's own server. */
export const ticket = v.object({ url: v.string(), token: v.string() });
export type Ticket = v.InferOutput<typeof ticket>;
