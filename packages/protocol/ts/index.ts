// Generated from schema.json by scripts/generate-ts.mjs: do not edit.

export type HandshakeCode = "unauthorized" | "token_expired" | "forbidden";
export type RefusalCode = "stale_epoch" | "muted" | "rate_limited" | "invalid" | "not_found";
export type Scope = "agent" | "admin:read" | "admin:write";
export type TaskState =
  | "submitted"
  | "offered"
  | "working"
  | "input_required"
  | "approval_required"
  | "completed"
  | "failed"
  | "canceled"
  | "rejected"
  | "expired";

/**
 * The message of each wire name in `x-events`.
 */
export interface EventMap {
  "agent.muted": AgentMuted;
  "agent.unmuted": AgentUnmuted;
  "auth.refresh": AuthRefreshRequested;
  "context.updated": ContextUpdate;
  "server.draining": ServerDraining;
  "task.assigned": TaskAssigned;
  "task.canceled": TaskCanceled;
}
/**
 * The agent posted too much; its posts are held until somebody unmutes it.
 */
export interface AgentMuted {
  delivery_id: string;
  /**
   * Per agent, strictly increasing, without meaning beyond order.
   */
  seq: number;
  reason: string;
}
/**
 * Posts flow again; held ones have been released or dropped by a person.
 */
export interface AgentUnmuted {
  delivery_id: string;
  /**
   * Per agent, strictly increasing, without meaning beyond order.
   */
  seq: number;
  by: string;
}
/**
 * The token of this connection expires soon: send `auth.refresh` with a fresh one.
 */
export interface AuthRefreshRequested {
  /**
   * Seconds until the socket is closed.
   */
  expires_in: number;
}
/**
 * Something new in the conversation of a task that the agent holds.
 */
export interface ContextUpdate {
  delivery_id: string;
  /**
   * Per agent, strictly increasing, without meaning beyond order.
   */
  seq: number;
  task_id: string;
  kind: "reply" | "edit" | "delete" | "comment" | "status" | "answer";
  author: string;
  source: string;
  text: string;
  message_id?: string | null;
  at: string;
  /**
   * Set when `kind` is `answer`.
   */
  question_id?: string | null;
  /**
   * Set when `kind` is `answer`.
   */
  outcome?: ("answered" | "expired" | "withdrawn") | null;
  traceparent?: string | null;
}
/**
 * This process is about to stop. Reconnect after the given time; leases are kept.
 */
export interface ServerDraining {
  reconnect_after_seconds: number;
}
/**
 * An offer: accept it within `accept_seconds`, then renew the lease until it is complete.
 */
export interface TaskAssigned {
  delivery_id: string;
  /**
   * Per agent, strictly increasing, without meaning beyond order.
   */
  seq: number;
  task_id: string;
  /**
   * Fencing token: every later write about this task must name it.
   */
  epoch: number;
  lease_seconds: number;
  accept_seconds?: number;
  /**
   * Which handler should take it, for example `fix_bug`.
   */
  type: string;
  title: string;
  /**
   * What the squad's owners configured; trusted.
   */
  instructions: string;
  untrusted?: UntrustedText[];
  links?: Link[];
  context?: ContextEntry[];
  traceparent?: string | null;
}
/**
 * Text written by somebody outside: material to work on, never instructions to obey.
 */
export interface UntrustedText {
  author: string;
  /**
   * Where it was written, such as `clickup.description` or `slack.reply`.
   */
  source: string;
  text: string;
}
/**
 * A place that people use for this task.
 */
export interface Link {
  label: string;
  url: string;
}
/**
 * One thing said or done in the conversation.
 */
export interface ContextEntry {
  kind: "reply" | "edit" | "delete" | "comment" | "status" | "answer";
  author: string;
  /**
   * `slack`, `clickup`, or another integration's name.
   */
  source: string;
  text: string;
  /**
   * Stable id of the message within its source.
   */
  message_id?: string | null;
  at: string;
}
/**
 * Stop working: nothing that this agent does for the task has an effect any more.
 */
export interface TaskCanceled {
  delivery_id: string;
  /**
   * Per agent, strictly increasing, without meaning beyond order.
   */
  seq: number;
  task_id: string;
  epoch: number;
  reason: string;
}
/**
 * The message of each wire name in `x-commands`.
 */
export interface CommandMap {
  ack: Ack;
  "auth.refresh": AuthRefresh;
  hello: Hello;
  "task.accept": TaskAccept;
  "task.approve": TaskApprove;
  "task.artifact": TaskArtifact;
  "task.ask": TaskAsk;
  "task.complete": TaskComplete;
  "task.fail": TaskFail;
  "task.heartbeat": TaskHeartbeat;
  "task.message": TaskMessage;
  "task.plan": TaskPlan;
  "task.progress": TaskProgress;
  "task.reject": TaskReject;
}
/**
 * Everything up to and including `seq` has been taken over by the agent.
 */
export interface Ack {
  seq: number;
}
/**
 * A fresh access token for this connection.
 */
export interface AuthRefresh {
  token: string;
}
/**
 * First message after connecting: who I am, what I can do, where I stopped reading.
 */
export interface Hello {
  last_seq?: number;
  /**
   * Stable id of this process; a second one with it takes over.
   */
  instance: string;
  skills?: string[];
  /**
   * Tasks at a time; 0 takes no new ones.
   */
  capacity?: number;
  holding?: Holding[];
  version?: string;
}
/**
 * A task that the agent believes it holds.
 */
export interface Holding {
  task_id: string;
  epoch: number;
}
/**
 * Takes the offer; the lease starts now.
 */
export interface TaskAccept {
  task_id: string;
  epoch: number;
  event_id: string;
}
/**
 * Asks for permission; only listed approvers may give it, an expired request is not a denial.
 */
export interface TaskApprove {
  task_id: string;
  epoch: number;
  event_id: string;
  /**
   * Stable over epochs; absent means said for the first time.
   */
  key?: string | null;
  action: string;
  approvers?: string[];
  timeout_seconds?: number | null;
}
/**
 * Something produced: a link, or a short text.
 */
export interface TaskArtifact {
  task_id: string;
  epoch: number;
  event_id: string;
  /**
   * Stable over epochs; absent means said for the first time.
   */
  key?: string | null;
  name: string;
  url?: string | null;
  text?: string | null;
}
/**
 * Asks the people in the thread; the answer comes as `context.updated` of kind `answer`.
 */
export interface TaskAsk {
  task_id: string;
  epoch: number;
  event_id: string;
  /**
   * Stable over epochs; absent means said for the first time.
   */
  key?: string | null;
  question: string;
  options?: string[];
  timeout_seconds?: number | null;
}
/**
 * Done; the result is posted into the thread and the task is over.
 */
export interface TaskComplete {
  task_id: string;
  epoch: number;
  event_id: string;
  result?: string;
}
/**
 * Could not be done. `retryable` puts it back in the queue for another try.
 */
export interface TaskFail {
  task_id: string;
  epoch: number;
  event_id: string;
  error: string;
  retryable?: boolean;
}
/**
 * Renews the lease.
 */
export interface TaskHeartbeat {
  task_id: string;
  epoch: number;
  event_id: string;
}
/**
 * Something that people must read: posted into the thread.
 */
export interface TaskMessage {
  task_id: string;
  epoch: number;
  event_id: string;
  /**
   * Stable over epochs; absent means said for the first time.
   */
  key?: string | null;
  text: string;
}
/**
 * Replaces the plan shown on the card.
 */
export interface TaskPlan {
  task_id: string;
  epoch: number;
  event_id: string;
  steps: PlanStep[];
}
/**
 * One line of the plan shown on the card.
 */
export interface PlanStep {
  title: string;
  state?: "pending" | "running" | "done" | "failed";
}
/**
 * What the agent is doing now; shown on the card, not posted.
 */
export interface TaskProgress {
  task_id: string;
  epoch: number;
  event_id: string;
  text: string;
}
/**
 * Gives the offer back.
 */
export interface TaskReject {
  task_id: string;
  epoch: number;
  event_id: string;
  reason?: string;
}
/**
 * The message of each wire name in `x-frames`.
 */
export interface FrameMap {
  feed: FeedLine;
  presence: PresenceChanged;
  resume: Resume;
  stats: Stats;
  subscribe: Subscribe;
  task: TaskChanged;
}
/**
 * One line of the live feed.
 */
export interface FeedLine {
  ts: string;
  level: "debug" | "info" | "warning" | "error";
  kind: string;
  tenant_id: string;
  task_id?: string | null;
  delivery_id?: string | null;
  message: string;
  data?: {
    [k: string]: unknown;
  };
}
/**
 * An agent came, went, or changed what it can do.
 */
export interface PresenceChanged {
  agent_id: string;
  online: boolean;
  instance?: string | null;
  at: string;
}
/**
 * Lines after this instant, so that a reconnect leaves no gap.
 */
export interface Resume {
  since: string;
}
/**
 * Figures for the overview.
 */
export interface Stats {
  inbox_pending: number;
  inbox_oldest_seconds: number;
  deliveries_pending: number;
  dead_letters: number;
  agents_online: number;
}
/**
 * Which lines the client wants.
 */
export interface Subscribe {
  filters?: {
    [k: string]: string;
  };
}
/**
 * A task moved to another state.
 */
export interface TaskChanged {
  task_id: string;
  state:
    | "submitted"
    | "offered"
    | "working"
    | "input_required"
    | "approval_required"
    | "completed"
    | "failed"
    | "canceled"
    | "rejected"
    | "expired";
  reason?: string | null;
  agent_id?: string | null;
  at: string;
}
/**
 * The command was carried out, or had been already.
 */
export interface Accepted {
  ok?: true;
  lease_seconds?: number | null;
  question_id?: string | null;
  /**
   * Of a question that was settled in an earlier epoch.
   */
  answer?: QuestionAnswer | null;
  /**
   * True when the agent is muted and the message waits.
   */
  held?: boolean;
}
/**
 * What became of a question. `expired` is not a denial.
 */
export interface QuestionAnswer {
  outcome: "answered" | "expired" | "withdrawn";
  text?: string;
  author?: string;
}
/**
 * A row of the roster: the agents table joined with presence.
 */
export interface AgentResource {
  id: string;
  name: string;
  client_id: string;
  skills: string[];
  online: boolean;
  muted: boolean;
  load: number;
  capacity: number;
  last_seen_at: string | null;
  sessions: AgentSession[];
  aliases: string[];
  created_at: string;
  revoked_at: string | null;
}
/**
 * One connected process of an agent.
 */
export interface AgentSession {
  instance: string;
  online: boolean;
  last_seen_at: string;
  capacity: number;
  version: string;
}
/**
 * A handle such as `@AI_Squad` and the agents behind it.
 */
export interface AliasResource {
  alias: string;
  agents: string[];
}
/**
 * One process of an agent that stands behind the alias, and why it is, or is not, offered the task.
 */
export interface CandidateVerdict {
  agent: string;
  instance: string | null;
  eligible: boolean;
  reason: string;
}
/**
 * One effect on the outside world, or the reason why there is none.
 */
export interface DeliveryResource {
  id: string;
  origin: "inbox" | "outbox";
  sink: string;
  kind: string;
  state: string;
  attempts: number;
  reason: string | null;
  task_id: string | null;
  created_at: string;
  updated_at: string;
}
/**
 * Why something is as it is: routed there, waiting, or not mirrored. In words, for people.
 */
export interface Explanation {
  id: string;
  kind: "task" | "conversation" | "event" | "delivery";
  state: string;
  summary: string;
  steps?: ExplanationStep[];
  candidates?: CandidateVerdict[];
  task_id?: string | null;
  conversation_id?: string | null;
}
/**
 * One reason, in a sentence, and since when it holds.
 */
export interface ExplanationStep {
  at?: string | null;
  text: string;
}
/**
 * What Nexus confirms: keep `confirmed`, drop `revoked`; `replayed` events follow.
 */
export interface HelloAnswer {
  ok?: true;
  agent_id: string;
  session_epoch: number;
  confirmed: Holding[];
  revoked: Holding[];
  replayed: number;
  lease_seconds: number;
  heartbeat_seconds: number;
}
/**
 * One list of the tracker linked to one channel of the chat.
 */
export interface MappingResource {
  id: string;
  list_id: string;
  list_name: string;
  channel_id: string;
  channel_name: string;
  sync_rule: "keyword" | "metadata" | "reaction" | "all";
  sync_keyword: string;
  created_at: string;
}
/**
 * Refusal of `POST /auth/token`, RFC 6749 §5.2.
 */
export interface OAuthError {
  error:
    | "invalid_request"
    | "invalid_client"
    | "invalid_grant"
    | "unauthorized_client"
    | "unsupported_grant_type"
    | "invalid_scope"
    | "server_error"
    | "temporarily_unavailable";
  error_description: string;
}
/**
 * `application/problem+json`, RFC 9457, with our stable `code`.
 */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  request_id: string;
}
/**
 * The command had no effect.
 */
export interface Refused {
  ok?: false;
  code: "stale_epoch" | "muted" | "rate_limited" | "invalid" | "not_found";
  detail: string;
}
/**
 * One passage of the tenant's history.
 */
export interface SearchHit {
  task_id: string;
  title: string;
  text: string;
  source: string;
  url: string;
  score: number;
  at: string;
}
/**
 * A piece of work for an agent, with where people see it. `state` is null when nobody was asked yet.
 */
export interface TaskResource {
  id: string;
  conversation_id: string;
  title: string;
  type: string | null;
  state:
    | (
        | "submitted"
        | "offered"
        | "working"
        | "input_required"
        | "approval_required"
        | "completed"
        | "failed"
        | "canceled"
        | "rejected"
        | "expired"
      )
    | null;
  mirror: "mirrored" | "addressed, not mapped" | "closed";
  reason: string | null;
  agent: string | null;
  epoch: number;
  item_id: string;
  list_id: string;
  channel_id: string | null;
  root_ts: string | null;
  url: string;
  created_at: string;
  updated_at: string;
}
/**
 * One hop of a task.
 */
export interface TimelineEntry {
  at: string;
  kind: string;
  summary: string;
  data: {
    [k: string]: unknown;
  };
}
/**
 * Successful answer of `POST /auth/token`, RFC 6749 §5.1.
 */
export interface TokenResponse {
  access_token: string;
  token_type?: "Bearer";
  /**
   * Seconds.
   */
  expires_in: number;
  scope: string;
}
