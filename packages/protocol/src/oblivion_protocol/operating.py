"""Bodies of the HTTP API by which operators look closer and mend: conversations, dead letters, vendors."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from oblivion_protocol.base import Wire
from oblivion_protocol.resources import Attempt, DeliveryResource


class Sighting(Wire):
    """Whether something that was said can be seen in one of the tools, and if not, why."""

    tool: str = Field(description="The vendor, such as `clickup`.")
    state: Literal["origin", "mirrored", "pending", "failed", "not_mirrored"]
    url: str | None
    why: str | None


class ConversationEntry(Wire):
    """One thing said about a task, by whomever and wherever."""

    id: str
    at: datetime
    author: str
    author_kind: Literal["person", "agent", "oblivion"]
    kind: Literal["root", "message", "question", "answer", "result", "note"]
    text: str
    seen_in: list[Sighting]
    edited_at: datetime | None
    deleted_at: datetime | None


class DeliveryDetail(DeliveryResource):
    """A delivery with what it carries. Secrets in it are masked as `••••`."""

    payload: Any = Field(description="JSON; a body that is none is a string.")
    history: list[Attempt] = Field(description="Each try, oldest first.")
    conversation_id: str | None
    external_id: str | None = Field(description="Id of the effect at the vendor.")
    traceparent: str | None


class DeliveryGroup(Wire):
    """Deliveries with the same cause."""

    fingerprint: str
    reason: str = Field(description="The reason that they share; what differs is written as `…`.")
    sample_id: str = Field(description="The newest of them.")
    sinks: list[str]
    kinds: list[str]
    count: int
    first_seen_at: datetime
    last_seen_at: datetime


class Replayed(Wire):
    """What became of one row."""

    id: str
    outcome: Literal["replayed", "not_dead", "not_found"]


class ReplayResult(Wire):
    """What became of each row, and how many of those that were meant are dead now."""

    items: list[Replayed]
    remaining: int


class TrackerList(Wire):
    """A list of a tracker that could be linked."""

    id: str
    name: str
    group: str = Field(description="Where it stands, such as `Space / Folder`; empty when nowhere in particular.")


class ChatChannel(Wire):
    """A channel of a chat that could be linked."""

    id: str
    name: str
    is_member: bool
    is_private: bool


class ListCatalog(Wire):
    """All lists, as they were at `synced_at`."""

    items: list[TrackerList]
    next_cursor: None = None
    synced_at: datetime


class ChannelCatalog(Wire):
    """All channels, as they were at `synced_at`."""

    items: list[ChatChannel]
    next_cursor: None = None
    synced_at: datetime


class Check(Wire):
    """One thing that has to be right for a connection to work."""

    name: str
    state: Literal["ok", "warning", "failed"]
    detail: str
    hint: str | None = Field(default=None, description="What to do about it.")


ConnectionState = Literal["ok", "degraded", "broken"]


class ConnectionResource(Wire):
    """A vendor workspace, without anything secret. `broken_reason` says what to do when access is gone."""

    id: str
    vendor: str
    workspace_id: str
    name: str
    state: ConnectionState
    broken_reason: str | None
    checks: list[Check] = Field(description="What was found when somebody looked last.")
    checked_at: datetime | None
    created_at: datetime


class ConnectionTest(Wire):
    """What was found at the vendor just now."""

    ok: bool = Field(description="No check failed.")
    checks: list[Check]


class IntegrationField(Wire):
    """One credential that somebody has to enter."""

    name: str
    label: str
    secret: bool
    required: bool
    help: str
    placeholder: str


class IntegrationResource(Wire):
    """A vendor that can be connected, and how."""

    vendor: str
    role: Literal["tracker", "chat"]
    title: str
    summary: str
    fields: list[IntegrationField]
    steps: list[str] = Field(description="What to do at the vendor, in order; one sentence or two each, plain text.")
    docs_url: str
    manifest: str | None = Field(description="What to paste at the vendor to make its app, with our addresses in it.")


OPERATING: tuple[type[Wire], ...] = (
    ConversationEntry,
    DeliveryDetail,
    DeliveryGroup,
    ReplayResult,
    ListCatalog,
    ChannelCatalog,
    ConnectionResource,
    ConnectionTest,
    IntegrationResource,
)
