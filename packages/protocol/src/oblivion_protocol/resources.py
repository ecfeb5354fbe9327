"""Bodies of the HTTP API that programs other than Nexus read."""

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field

from oblivion_protocol.base import Wire
from oblivion_protocol.errors import OAuthErrorCode
from oblivion_protocol.states import TaskState

T = TypeVar("T")


class TokenResponse(Wire):
    """Successful answer of `POST /auth/token`, RFC 6749 §5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - the RFC's word, not a secret
    expires_in: int = Field(description="Seconds.")
    scope: str


class ExchangedTokenResponse(TokenResponse):
    """Successful answer of `POST /auth/token` to a token exchange, RFC 8693 §2.2.1."""

    issued_token_type: Literal["urn:ietf:params:oauth:token-type:access_token"] = (
        "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the RFC's word, not a secret
    )


class OAuthError(Wire):
    """Refusal of `POST /auth/token`, RFC 6749 §5.2."""

    error: OAuthErrorCode
    error_description: str


class Problem(Wire):
    """`application/problem+json`, RFC 9457, with our stable `code`."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    request_id: str


class Page(Wire, Generic[T]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


class AgentSession(Wire):
    """One connected process of an agent."""

    instance: str
    online: bool
    connected_at: datetime
    last_seen_at: datetime
    gateway: str = Field(description="Which process of Nexus it is connected to; `mcp` when it asks from time to time.")
    skills: list[str] = Field(description="What this process said it can do, beside the agent's own skills.")
    capacity: int
    version: str


class CurrentTask(Wire):
    """A task that an agent holds."""

    id: str
    title: str
    state: TaskState


class AgentResource(Wire):
    """A row of the roster: the agents table joined with presence."""

    id: str
    name: str
    client_id: str
    icon: str | None
    skills: list[str]
    online: bool
    muted: bool
    muted_at: datetime | None
    muted_reason: str | None
    messages_per_minute: int = Field(description="How much it may say; with one message more it is muted.")
    held: int = Field(description="Messages that wait until it may speak again.")
    current_tasks: list[CurrentTask] = Field(description="Those that it holds, oldest first, at most 20.")
    load: int
    capacity: int
    last_seen_at: datetime | None
    sessions: list[AgentSession]
    aliases: list[str]
    created_at: datetime
    revoked_at: datetime | None


class AliasResource(Wire):
    """A handle such as `@AI_Squad` and the agents behind it."""

    alias: str
    agents: list[str]


SyncRule = Literal["keyword", "metadata", "reaction", "all"]


class MappingResource(Wire):
    """One list of the tracker linked to one channel of the chat."""

    id: str
    list_id: str
    list_name: str
    channel_id: str
    channel_name: str
    sync_rule: SyncRule
    sync_keyword: str
    created_by: str | None = Field(description="Who linked them; null where nobody wrote it down.")
    created_at: datetime
    updated_at: datetime


class TaskResource(Wire):
    """A piece of work for an agent, with where people see it. `state` is null when nobody was asked yet."""

    id: str
    conversation_id: str
    title: str
    type: str | None
    state: TaskState | None
    mirror: Literal["mirrored", "addressed, not mapped", "closed"]
    reason: str | None
    agent: str | None
    epoch: int
    alias: str = Field(description="Whom people addressed, without the @.")
    requested_by: str = Field(description="Who asked for it; empty when nobody knows.")
    waiting_seconds: float | None = Field(description="How long nobody has been at work on it; null when it waits not.")
    open_question: bool = Field(description="An agent asked something, and nobody has answered yet.")
    item_id: str
    list_id: str
    list_name: str | None
    channel_id: str | None
    channel_name: str | None
    root_ts: str | None
    url: str
    trace_id: str | None = Field(description="W3C trace id, from the webhook that it began with.")
    created_at: datetime
    updated_at: datetime


class Attempt(Wire):
    """One try, and what became of it."""

    at: datetime
    outcome: str = Field(description="Such as `done`, `retry`, `deferred`, `unsure`, `rejected`, `replayed`.")
    reason: str | None


class TimelineEntry(Wire):
    """One hop of a task."""

    id: str
    at: datetime = Field(description="When it ended, or happened.")
    started_at: datetime | None
    duration_ms: float | None = Field(description="How long the hop took; null for what takes no time.")
    level: Literal["info", "warning", "error"]
    kind: str
    summary: str
    attempts: list[Attempt]
    trace_id: str | None
    data: dict[str, Any]


class DeliveryResource(Wire):
    """One effect on the outside world, or the reason why there is none."""

    id: str
    origin: Literal["inbox", "outbox"]
    sink: str
    tool: str = Field(description="The vendor that it came from or goes to, such as `slack`.")
    kind: str
    state: str
    attempts: int
    reason: str | None
    fingerprint: str = Field(description="Equal for rows with the same cause.")
    title: str | None = Field(description="Of the task that it belongs to, if it is known.")
    task_id: str | None
    created_at: datetime
    updated_at: datetime


class ExplanationStep(Wire):
    """One reason, in a sentence, and since when it holds."""

    at: datetime | None = None
    text: str


class CandidateVerdict(Wire):
    """One process of an agent that stands behind the alias, and why it is, or is not, offered the task."""

    agent: str
    instance: str | None
    eligible: bool
    reason: str


class Explanation(Wire):
    """Why something is as it is: routed there, waiting, or not mirrored. In words, for people."""

    id: str
    kind: Literal["task", "conversation", "event", "delivery"]
    state: str
    summary: str
    steps: list[ExplanationStep] = Field(default_factory=list[ExplanationStep])
    candidates: list[CandidateVerdict] = Field(default_factory=list[CandidateVerdict])
    task_id: str | None = None
    conversation_id: str | None = None


class SearchHit(Wire):
    """One passage of the tenant's history."""

    task_id: str
    title: str
    text: str
    source: str
    url: str
    score: float
    at: datetime


RESOURCES: tuple[type[Wire], ...] = (
    TokenResponse,
    ExchangedTokenResponse,
    OAuthError,
    Problem,
    AgentResource,
    AliasResource,
    MappingResource,
    TaskResource,
    TimelineEntry,
    DeliveryResource,
    Explanation,
    SearchHit,
)
