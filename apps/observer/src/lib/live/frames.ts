import type {
  AuthRefreshRequested,
  Feed,
  FeedAnswer,
  Presence,
  ServerDraining,
  Stats,
  TaskChanged,
} from "@oblivion/protocol";
import * as z from "zod/mini";

/** What comes over the socket, parsed before anybody uses it. The types are the protocol's, so they cannot drift. */
const levels = z.enum(["debug", "info", "warning", "error"]);

const feedLine = z.object({
  id: z.string(),
  ts: z.string(),
  level: levels,
  kind: z.string(),
  source: z.string(),
  tenant_id: z.string(),
  task_id: z.nullish(z.string()),
  delivery_id: z.nullish(z.string()),
  agent: z.nullish(z.string()),
  message: z.string(),
  data: z.optional(z.record(z.string(), z.unknown())),
});

const agentPresence = z.object({
  id: z.string(),
  name: z.string(),
  online: z.boolean(),
  load: z.number(),
  capacity: z.number(),
  muted: z.boolean(),
  last_seen_at: z.nullish(z.string()),
});

const taskState = z.enum([
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
  feed: z.object({ lines: z.array(feedLine), cursor: z.string() }) satisfies z.ZodMiniType<Feed>,
  presence: z.object({ agents: z.array(agentPresence) }) satisfies z.ZodMiniType<Presence>,
  task: z.object({
    id: z.string(),
    state: z.nullable(taskState),
    mirror: z.enum(["mirrored", "addressed, not mapped", "closed"]),
    reason: z.nullish(z.string()),
    agent: z.nullish(z.string()),
    updated_at: z.string(),
  }) satisfies z.ZodMiniType<TaskChanged>,
  stats: z.object({
    unanswered: z.number(),
    waiting_tasks: z.number(),
    dead: z.number(),
    agents_online: z.number(),
    at: z.string(),
  }) satisfies z.ZodMiniType<Stats>,
  "auth.refresh": z.object({ expires_in: z.number() }) satisfies z.ZodMiniType<AuthRefreshRequested>,
  "server.draining": z.object({
    reconnect_after_seconds: z.number(),
  }) satisfies z.ZodMiniType<ServerDraining>,
};

export type FrameName = keyof typeof frames;
export type Frame<Name extends FrameName> = z.infer<(typeof frames)[Name]>;

/** Answer to `subscribe` and `resume`. */
export const feedAnswer = z.object({
  ok: z.literal(true),
  cursor: z.string(),
  truncated: z.optional(z.boolean()),
}) satisfies z.ZodMiniType<FeedAnswer>;

/** Where to connect and with what; from Observer's own server. */
export const ticket = z.object({ url: z.string(), token: z.string() });
export type Ticket = z.infer<typeof ticket>;
