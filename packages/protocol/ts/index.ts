// Generated from schema.json by scripts/generate-ts.mjs: do not edit.

export type HandshakeCode = "unauthorized" | "token_expired" | "forbidden";
export type RefusalCode = "stale_epoch" | "muted" | "rate_limited" | "invalid" | "not_found";
export type Scope = "agent" | "admin:read" | "admin:operate" | "admin:write" | "delegate";
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
  feed: Feed;
  presence: Presence;
  resume: Resume;
  stats: Stats;
  subscribe: Subscribe;
  task: TaskChanged;
}
/**
 * Lines in the order of (`ts`, `id`). One that was committed late may be older than what was sent before.
 */
export interface Feed {
  lines: FeedLine[];
  cursor: string;
}
/**
 * One line of the live feed: something that happened, in a sentence. Never a body, a token or a secret.
 */
export interface FeedLine {
  /**
   * Stable: the same line, sent again, has the same.
   */
  id: string;
  ts: string;
  level: "debug" | "info" | "warning" | "error";
  /**
   * `webhook.done`, `delivery.retry`, `task.accepted`, `agent.online`, …
   */
  kind: string;
  /**
   * `agent`, `oblivion`, `people`, or an integration's name, such as `clickup`.
   */
  source: string;
  tenant_id: string;
  task_id?: string | null;
  delivery_id?: string | null;
  /**
   * Its name.
   */
  agent?: string | null;
  message: string;
  data?: {
    [k: string]: unknown;
  };
}
/**
 * All agents that are not revoked, whenever one of them came, went or changed.
 */
export interface Presence {
  agents: AgentPresence[];
}
/**
 * How one agent is at this moment.
 */
export interface AgentPresence {
  id: string;
  name: string;
  online: boolean;
  /**
   * Tasks that it holds.
   */
  load: number;
  /**
   * Tasks that its connected processes would hold.
   */
  capacity: number;
  muted: boolean;
  last_seen_at?: string | null;
}
/**
 * After a reconnect, instead of or after `subscribe`: everything since a cursor, so that there is no gap.
 */
export interface Resume {
  since: string;
  /**
   * Absent: those of this socket's `subscribe`.
   */
  filters?: FeedFilters | null;
}
/**
 * Which lines the client wants; what is empty or absent lets everything through.
 */
export interface FeedFilters {
  levels?: ("debug" | "info" | "warning" | "error")[];
  /**
   * `task` takes `task.accepted`, too.
   */
  kinds?: string[];
  sources?: string[];
  task_id?: string | null;
  /**
   * Part of the message, in any case.
   */
  q?: string | null;
}
/**
 * Figures that are seen on every page.
 */
export interface Stats {
  /**
   * What people did and wait for: no outcome yet, or one that they cannot see.
   */
  unanswered: number;
  waiting_tasks: number;
  dead: number;
  agents_online: number;
  at: string;
}
/**
 * Which lines the client wants from now on, and how many from before.
 */
export interface Subscribe {
  filters?: FeedFilters;
  tail?: number;
}
/**
 * A task, or a conversation that nobody works on yet, is not what it was. The id is the task's, if there is one.
 */
export interface TaskChanged {
  id: string;
  /**
   * Null when nobody was asked yet.
   */
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
  reason?: string | null;
  /**
   * The name of the agent that has it.
   */
  agent?: string | null;
  updated_at: string;
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
  icon: string | null;
  skills: string[];
  online: boolean;
  muted: boolean;
  muted_at: string | null;
  muted_reason: string | null;
  /**
   * How much it may say; with one message more it is muted.
   */
  messages_per_minute: number;
  /**
   * Messages that wait until it may speak again.
   */
  held: number;
  /**
   * Those that it holds, oldest first, at most 20.
   */
  current_tasks: CurrentTask[];
  load: number;
  capacity: number;
  last_seen_at: string | null;
  sessions: AgentSession[];
  aliases: string[];
  created_at: string;
  revoked_at: string | null;
}
/**
 * A task that an agent holds.
 */
export interface CurrentTask {
  id: string;
  title: string;
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
}
/**
 * One connected process of an agent.
 */
export interface AgentSession {
  instance: string;
  online: boolean;
  connected_at: string;
  last_seen_at: string;
  /**
   * Which process of Nexus it is connected to; `mcp` when it asks from time to time.
   */
  gateway: string;
  /**
   * What this process said it can do, beside the agent's own skills.
   */
  skills: string[];
  capacity: number;
  version: string;
}
/**
 * The agents that are not revoked.
 */
export interface AgentsNow {
  online: number;
  total: number;
  muted: number;
  /**
   * Agents that hold a task.
   */
  busy: number;
  /**
   * Tasks that all connected processes would hold.
   */
  capacity: number;
}
/**
 * A handle such as `@AI_Squad` and the agents behind it.
 */
export interface AliasResource {
  alias: string;
  agents: string[];
}
/**
 * One try, and what became of it.
 */
export interface Attempt {
  at: string;
  /**
   * Such as `done`, `retry`, `deferred`, `unsure`, `rejected`, `replayed`.
   */
  outcome: string;
  reason: string | null;
}
/**
 * One part of the window; `at` is its beginning.
 */
export interface Bucket {
  at: string;
  received: number;
  delivered: number;
  failed: number;
  /**
   * From being owed to being out, in milliseconds; null when nothing was.
   */
  p95_ms: number | null;
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
 * All channels, as they were at `synced_at`.
 */
export interface ChannelCatalog {
  items: ChatChannel[];
  next_cursor?: null;
  synced_at: string;
}
/**
 * A channel of a chat that could be linked.
 */
export interface ChatChannel {
  id: string;
  name: string;
  is_member: boolean;
  is_private: boolean;
}
/**
 * One thing that has to be right for a connection to work.
 */
export interface Check {
  name: string;
  state: "ok" | "warning" | "failed";
  detail: string;
  /**
   * What to do about it.
   */
  hint?: string | null;
}
/**
 * A vendor workspace, without anything secret. `broken_reason` says what to do when access is gone.
 */
export interface ConnectionResource {
  id: string;
  vendor: string;
  workspace_id: string;
  name: string;
  state: "ok" | "degraded" | "broken";
  broken_reason: string | null;
  /**
   * What was found when somebody looked last.
   */
  checks: Check[];
  checked_at: string | null;
  created_at: string;
}
/**
 * What was found at the vendor just now.
 */
export interface ConnectionTest {
  /**
   * No check failed.
   */
  ok: boolean;
  checks: Check[];
}
/**
 * One thing said about a task, by whomever and wherever.
 */
export interface ConversationEntry {
  id: string;
  at: string;
  author: string;
  author_kind: "person" | "agent" | "oblivion";
  kind: "root" | "message" | "question" | "answer" | "result" | "note";
  text: string;
  seen_in: Sighting[];
  edited_at: string | null;
  deleted_at: string | null;
}
/**
 * Whether something that was said can be seen in one of the tools, and if not, why.
 */
export interface Sighting {
  /**
   * The vendor, such as `clickup`.
   */
  tool: string;
  state: "origin" | "mirrored" | "pending" | "failed" | "not_mirrored";
  url: string | null;
  why: string | null;
}
/**
 * Dead letters.
 */
export interface Dead {
  count: number;
}
/**
 * A delivery with what it carries. Secrets in it are masked as `••••`.
 */
export interface DeliveryDetail {
  id: string;
  origin: "inbox" | "outbox";
  sink: string;
  /**
   * The vendor that it came from or goes to, such as `slack`.
   */
  tool: string;
  kind: string;
  state: string;
  attempts: number;
  reason: string | null;
  /**
   * Equal for rows with the same cause.
   */
  fingerprint: string;
  /**
   * Of the task that it belongs to, if it is known.
   */
  title: string | null;
  task_id: string | null;
  created_at: string;
  updated_at: string;
  /**
   * JSON; a body that is none is a string.
   */
  payload: unknown;
  /**
   * Each try, oldest first.
   */
  history: Attempt[];
  conversation_id: string | null;
  /**
   * Id of the effect at the vendor.
   */
  external_id: string | null;
  traceparent: string | null;
}
/**
 * Deliveries with the same cause.
 */
export interface DeliveryGroup {
  fingerprint: string;
  /**
   * The reason that they share; what differs is written as `…`.
   */
  reason: string;
  /**
   * The newest of them.
   */
  sample_id: string;
  sinks: string[];
  kinds: string[];
  count: number;
  first_seen_at: string;
  last_seen_at: string;
}
/**
 * One effect on the outside world, or the reason why there is none.
 */
export interface DeliveryResource {
  id: string;
  origin: "inbox" | "outbox";
  sink: string;
  /**
   * The vendor that it came from or goes to, such as `slack`.
   */
  tool: string;
  kind: string;
  state: string;
  attempts: number;
  reason: string | null;
  /**
   * Equal for rows with the same cause.
   */
  fingerprint: string;
  /**
   * Of the task that it belongs to, if it is known.
   */
  title: string | null;
  task_id: string | null;
  created_at: string;
  updated_at: string;
}
/**
 * A server that Nexus needs.
 */
export interface Dependency {
  state: "ok" | "degraded" | "down";
  detail: string;
}
/**
 * Successful answer of `POST /auth/token` to a token exchange, RFC 8693 §2.2.1.
 */
export interface ExchangedTokenResponse {
  access_token: string;
  token_type?: "Bearer";
  /**
   * Seconds.
   */
  expires_in: number;
  scope: string;
  issued_token_type?: "urn:ietf:params:oauth:token-type:access_token";
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
 * Answer to `subscribe` and `resume`; the lines come as `feed`.
 */
export interface FeedAnswer {
  ok?: true;
  cursor: string;
  /**
   * There were more lines than are sent: the oldest are missing.
   */
  truncated?: boolean;
}
/**
 * What has been done of the way from nothing to the first mirrored task.
 */
export interface FirstRun {
  clickup: boolean;
  slack: boolean;
  mapping: boolean;
  agent: boolean;
  agent_online: boolean;
  mirrored: boolean;
  mirrored_task_id?: string | null;
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
 * One credential that somebody has to enter.
 */
export interface IntegrationField {
  name: string;
  label: string;
  secret: boolean;
  required: boolean;
  help: string;
  placeholder: string;
}
/**
 * A vendor that can be connected, and how.
 */
export interface IntegrationResource {
  vendor: string;
  role: "tracker" | "chat";
  title: string;
  summary: string;
  fields: IntegrationField[];
  /**
   * What to do at the vendor, in order; one sentence or two each, plain text.
   */
  steps: string[];
  docs_url: string;
  /**
   * What to paste at the vendor to make its app, with our addresses in it.
   */
  manifest: string | null;
}
/**
 * All lists, as they were at `synced_at`.
 */
export interface ListCatalog {
  items: TrackerList[];
  next_cursor?: null;
  synced_at: string;
}
/**
 * A list of a tracker that could be linked.
 */
export interface TrackerList {
  id: string;
  name: string;
  /**
   * Where it stands, such as `Space / Folder`; empty when nowhere in particular.
   */
  group: string;
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
  /**
   * Who linked them; null where nobody wrote it down.
   */
  created_by: string | null;
  created_at: string;
  updated_at: string;
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
    | "invalid_target"
    | "server_error"
    | "temporarily_unavailable";
  error_description: string;
}
/**
 * Everything on one page, as of `generated_at`.
 */
export interface Overview {
  generated_at: string;
  unanswered: Unanswered;
  waiting: Waiting;
  dead: Dead;
  agents: AgentsNow;
  /**
   * Failed, of all that came in and was to go out within the window.
   */
  error_rate: number;
  throughput: Throughput;
  /**
   * Oldest first; empty buckets included; the last one is still filling.
   */
  series: Bucket[];
  p95_ms: number | null;
  vendors: VendorHealth[];
  postgres: Dependency;
  redis: Dependency;
  first_run: FirstRun;
}
/**
 * The headline figure.
 */
export interface Unanswered {
  count: number;
  oldest_seconds: number | null;
  /**
   * The oldest, at most 10.
   */
  items: UnansweredItem[];
}
/**
 * Something a person did that has no visible outcome yet, and why.
 */
export interface UnansweredItem {
  id: string;
  kind: "event" | "delivery" | "task";
  title: string;
  why: string;
  since: string;
  task_id?: string | null;
}
/**
 * What is under way or waits for its turn.
 */
export interface Waiting {
  tasks: number;
  events: number;
  deliveries: number;
  oldest_seconds: number | null;
}
/**
 * Sums over the window.
 */
export interface Throughput {
  /**
   * Events that came in.
   */
  received: number;
  /**
   * Effects that are out.
   */
  delivered: number;
  /**
   * Events and effects that became dead letters.
   */
  failed: number;
}
/**
 * A connection to a vendor, as it was when it was looked at last.
 */
export interface VendorHealth {
  connection_id: string;
  vendor: string;
  name: string;
  state: "ok" | "degraded" | "down";
  checks: Check[];
  checked_at: string | null;
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
 * What became of each row, and how many of those that were meant are dead now.
 */
export interface ReplayResult {
  items: Replayed[];
  remaining: number;
}
/**
 * What became of one row.
 */
export interface Replayed {
  id: string;
  outcome: "replayed" | "not_dead" | "not_found";
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
  /**
   * Whom people addressed, without the @.
   */
  alias: string;
  /**
   * Who asked for it; empty when nobody knows.
   */
  requested_by: string;
  /**
   * How long nobody has been at work on it; null when it waits not.
   */
  waiting_seconds: number | null;
  /**
   * An agent asked something, and nobody has answered yet.
   */
  open_question: boolean;
  item_id: string;
  list_id: string;
  list_name: string | null;
  channel_id: string | null;
  channel_name: string | null;
  root_ts: string | null;
  url: string;
  /**
   * W3C trace id, from the webhook that it began with.
   */
  trace_id: string | null;
  created_at: string;
  updated_at: string;
}
/**
 * One hop of a task.
 */
export interface TimelineEntry {
  id: string;
  /**
   * When it ended, or happened.
   */
  at: string;
  started_at: string | null;
  /**
   * How long the hop took; null for what takes no time.
   */
  duration_ms: number | null;
  level: "info" | "warning" | "error";
  kind: string;
  summary: string;
  attempts: Attempt[];
  trace_id: string | null;
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
