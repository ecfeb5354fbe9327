import type {
  AuthRefreshRequested,
  Feed,
  FeedAnswer,
  Presence,
  ServerDraining,
  Stats,
  TaskChanged,
} from "@oblivion/protocol";
import { z } from "zod";

/** What comes over the socket, parsed before anybody uses it. The types are the protocol's, so they cannot drift. */
const levels = z.enum(["debug", "info", "warning", "error"]);

const feedLine = z.object({
  id: z.string(),
  ts: z.string(),
  level: levels,
  kind: z.string(),
  source: z.string(),
  tenant_id: z.string(),
  task_id: z.string().nullish(),
  delivery_id: z.string().nullish(),
  agent: z.string().nullish(),
  message: z.string(),
  data: z.record(z.string(), z.unknown()).optional(),
});

const agentPresence = z.object({
  id: z.string(),
  name: z.string(),
  online: z.boolean(),
  load: z.number(),
  capacity: z.number(),
  muted: z.boolean(),
  last_seen_at: z.string().nullish(),
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
  feed: z.object({ lines: z.array(feedLine), cursor: z.string() }) satisfies z.ZodType<Feed>,
  presence: z.object({ agents: z.array(agentPresence) }) satisfies z.ZodType<Presence>,
  task: z.object({
    id: z.string(),
    state: taskState.nullable(),
    mirror: z.enum(["mirrored", "addressed, not mapped", "closed"]),
    reason: z.string().nullish(),
    agent: z.string().nullish(),
    updated_at: z.string(),
  }) satisfies z.ZodType<TaskChanged>,
  stats: z.object({
    unanswered: z.number(),
    waiting_tasks: z.number(),
    dead: z.number(),
    agents_online: z.number(),
    at: z.string(),
  }) satisfies z.ZodType<Stats>,
  "auth.refresh": z.object({ expires_in: z.number() }) satisfies z.ZodType<AuthRefreshRequested>,
  "server.draining": z.object({
    reconnect_after_seconds: z.number(),
  }) satisfies z.ZodType<ServerDraining>,
};

export type FrameName = keyof typeof frames;
export type Frame<Name extends FrameName> = z.infer<(typeof frames)[Name]>;

/** Answer to `subscribe` and `resume`. */
export const feedAnswer = z.object({
  ok: z.literal(true),
  cursor: z.string(),
  truncated: z.boolean().optional(),
}) satisfies z.ZodType<FeedAnswer>;

/** Where to connect and with what; from Observer's own server. */
export const ticket = z.object({ url: z.string(), token: z.string() });
export type Ticket = z.infer<typeof ticket>;
