"""The whole extension contract: what an integration is, and what it is given.

One vendor is one folder below `nexus/integrations`. It offers an `Integration`; everything else about it stays
inside that folder. A tracker also implements `Tracker`, a chat also `Chat`; both are sources and sinks.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import UUID

from nexus.pipeline.facts import (
    CardView,
    CommentPosted,
    Fact,
    Intent,
    Item,
    ItemDeleted,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    MuteView,
    QuestionView,
    ReactionAdded,
)
from oblivion_protocol.operating import ChatChannel, Check, IntegrationResource, TrackerList

Answered = Callable[[str], None]
"""Told of each request to a vendor what came back: an HTTP status such as `200`, `refused` where the vendor says no
within a success, `none` where nothing came back that could be read. For figures only; it never raises."""


def uncounted(_status: str) -> None:
    """For whoever wants no figures."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A webhook exactly as it came in; `headers` have lower-case names."""

    body: bytes
    headers: Mapping[str, str]
    path: str
    """What stands after `/webhooks/{source}`, without slashes at its ends: empty, or such as `interactive`."""
    parsed: dict[type, Any] = field(default_factory=dict[type, Any], compare=False, repr=False)
    """What its source has made of the body already, by type: it is asked twice, and need not parse twice."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """What a verified request holds, from a shallow read: enough to store it, nothing more."""

    dedup_key: str
    """Equal for two deliveries of the same event, different for any two events."""
    stream_key: str
    """Events with the same key are handled one at a time, in the order of `occurred_at`."""
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """A verified request that is answered on the spot and stored nowhere, such as a URL challenge."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A verified request that is acknowledged and stored nowhere: it can never matter."""

    reason: str


class Unreadable(Exception):
    """The body is not what this source sends: answered 400. The text says what is wrong with it."""


class Source(Protocol):
    """The way in. Pure: no I/O, so that it can run in the request and in the worker alike."""

    name: str

    def key_of(self, request: RawRequest) -> str:
        """Which webhook this claims to come from; chooses the secret. Raises Unreadable."""
        ...

    def verify(self, request: RawRequest, secret: str, now: datetime) -> bool:
        """Whether the raw bytes were signed with the secret. Never raises, whatever the input."""
        ...

    def read(self, request: RawRequest) -> Incoming | Reply | Drop:
        """A shallow read of a verified request. Raises Unreadable."""
        ...

    def facts(self, body: bytes, content_type: str, connection: "Connected") -> list[Fact]:
        """What happened, from a stored body. Raises Unreadable (the event is then dead, with this reason)."""
        ...


@dataclass(frozen=True, slots=True)
class Connected:
    """An open connection to a vendor workspace: credentials, and facts learned about it."""

    id: UUID
    tenant_id: UUID
    vendor: str
    workspace_id: str
    credentials: Mapping[str, Any]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One delivery as a sink sees it, with what it needs to know of its conversation."""

    id: UUID
    intent: Intent
    attempted_at: datetime | None
    """When it was first tried; a lookup need not read further back."""
    root_ts: str | None
    item_id: str
    twin_id: str | None
    """For an edit: the id of our own message or comment that is to be changed."""
    card: CardView | None
    """For a card: what to draw, as it is at this moment."""
    permalink: str | None
    """For a comment: the permalink of the message that it mirrors; for a note: the thread's, with the note's mark."""
    question: QuestionView | None = None
    """For a question or a note: what to draw, as it is at this moment."""
    mute: MuteView | None = None
    """For the notice of a silenced agent: likewise."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an effect exists: its id at the vendor."""

    external_id: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    """How often a vendor takes something. Everything with the same `key` on one connection shares the limit."""

    key: str
    per_second: float
    burst: int


@runtime_checkable
class Sink(Protocol):
    """The way out, to one connection."""

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Does it, once. Raises Retryable, Deferred, Unsure or Rejected."""
        ...

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        """Looks whether an unsure effect exists. Raises Retryable or Rejected."""
        ...

    def limit(self, intent: Intent) -> RateLimit | None:
        """Under which published limit of the vendor this falls; None when only its answers tell."""
        ...

    async def remove(self, place_id: str, external_id: str) -> None:
        """Takes back a message or comment of ours; done as well when it is gone. Raises as `send` does."""
        ...


class Tracker(Sink, Protocol):
    """An open connection to a tool with lists of items."""

    async def fetch_item(self, item_id: str) -> Item | None:
        """The item as it is now; None when it is gone or not visible to us."""
        ...

    def hint(self, item_id: str, token: str, at: datetime | None = None) -> RawRequest:
        """An event in the source's own format that says: look at this item again. Once for each `token`.

        It takes its place among the other events of the item at `at`, by default at the end.
        """
        ...

    async def list_name(self, list_id: str) -> str | None:
        """The name of a list; None when there is none."""
        ...

    async def lists(self) -> list[TrackerList]:
        """Every list that we can see, those of one group together."""
        ...


class Chat(Sink, Protocol):
    """An open connection to a tool with channels and threads."""

    async def person_name(self, user_id: str) -> str:
        """How people call somebody; the id itself when nobody knows."""
        ...

    async def handles(self, user_id: str) -> frozenset[str]:
        """By what else somebody may be listed as an approver; see `Person.handles`."""
        ...

    async def readable_text(self, text: str) -> str:
        """The chat's markup as plain text: mentions to names, links kept, entities resolved."""
        ...

    async def permalink(self, channel_id: str, ts: str) -> str:
        """The address of a message, for people and as proof."""
        ...

    async def fetch_message(self, channel_id: str, ts: str) -> Fact | None:
        """A message by its id, as the fact that it was posted; None when it is gone or not a person's."""
        ...

    async def channel_name(self, channel_id: str) -> str | None:
        """The name of a channel; None when there is none or it is not visible to us."""
        ...

    async def channels(self) -> list[ChatChannel]:
        """Every channel that we can see."""
        ...


@dataclass(frozen=True, slots=True)
class Probe:
    """What a look at the vendor with some credentials found."""

    workspace_id: str
    name: str
    facts: dict[str, Any]
    """Such as our own user id there, by which echoes are recognised."""


@dataclass(frozen=True, slots=True)
class HookSecret:
    """A webhook that the vendor will send us: its key (see `Source.key_of`) and the signing secret."""

    key: str
    secret: str


class Integration(Protocol):
    """One vendor."""

    name: str
    label: str
    """How people spell it, such as `ClickUp`."""
    role: Literal["tracker", "chat"]
    source: Source

    def describe(self, public_url: str) -> IntegrationResource:
        """What to do at the vendor and what to enter here, for the page where it is connected."""
        ...

    async def probe(self, credentials: Mapping[str, Any]) -> Probe:
        """Tries the credentials. Raises Rejected with what to do."""
        ...

    async def subscribe(self, connection: Connected, public_url: str) -> list[HookSecret]:
        """Makes sure that the vendor sends us webhooks, and returns how they are signed."""
        ...

    async def examine(self, connection: Connected, public_url: str) -> list[Check]:
        """Looks at everything that has to be right at the vendor, and changes nothing there.

        What is wrong is a check that says so. Raises Retryable or Deferred when the vendor does not answer.
        """
        ...

    async def unsubscribe(self, connection: Connected, public_url: str) -> None:
        """Has the vendor send us nothing more. Raises as a sink's `remove` does."""
        ...

    def open(self, connection: Connected) -> Tracker | Chat:
        """The live ends of a connection; cheap, may be kept."""
        ...

    async def aclose(self) -> None:
        """Closes HTTP pools."""
        ...


Accept = Callable[[RawRequest], Awaitable[None]]
"""Stores an event that came over an authenticated connection of ours; returns once it is durable."""


@runtime_checkable
class Listener(Protocol):
    """An integration that can also fetch events over a connection of its own, for a hub behind a firewall."""

    def can_listen(self, connection: Connected) -> bool:
        """Whether the connection has the credentials for it."""
        ...

    async def listen(self, connection: Connected, accept: Accept) -> None:
        """Runs until cancelled, reconnecting by itself; acknowledges an event after `accept` returned."""
        ...


@dataclass(frozen=True, slots=True)
class RequestBudget:
    """How many requests a vendor still takes, of how many, until its window ends."""

    remaining: int
    limit: int
    scarce: bool
    """So little is left that work which can wait leaves it alone."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What a look at the vendor's side of our subscription found, and what was done about it."""

    status: str
    """How it was found, in the vendor's words such as `active` or `suspended`; `missing` when there was none."""
    sound: bool
    """False when events may not have reached us."""
    hooks: tuple[HookSecret, ...] = ()
    """The webhooks in force now; empty when nothing is known of them."""
    fail_count: int = 0
    repaired: bool = False
    problem: str | None = None
    """What a person has to do; None when there is nothing."""
    budget: "RequestBudget | None" = None
    """What is left of the vendor's allowance of requests; None when it does not say."""
    access_lost: bool = False
    """The credentials work no more, which `problem` explains: nothing can be done on this connection."""


@runtime_checkable
class Watched(Protocol):
    """An integration whose vendor may stop to send us events without a word."""

    async def watch(self, connection: Connected, public_url: str) -> Watch:
        """Looks at our webhooks there and repairs them. Raises Retryable or Deferred."""
        ...


class TrackerHistory(Protocol):
    """What happened in a tracker while its events did not reach us. Methods raise as a sink's `find` does."""

    def rest_seconds(self) -> float:
        """0 when the next request may go; else how long the budget should be left to the work of the day."""
        ...

    async def items_since(self, since: datetime) -> list[Item]:
        """Every item that was created or changed after `since`, the oldest change first."""
        ...

    async def comments(self, item_id: str, since: datetime) -> list[CommentPosted]:
        """At least the comments of people since then, the oldest first; older ones as far as they cost nothing."""
        ...

    def event_of(self, fact: CommentPosted | ItemDeleted) -> RawRequest:
        """What the vendor would have sent. The same fact is always the same event."""
        ...


@dataclass(frozen=True, slots=True)
class Threads:
    """A page of a channel: when each of its threads was last replied to."""

    latest_reply: Mapping[str, datetime]
    """By the `ts` of the first message of the thread."""
    cursor: str
    """Where the next page begins; empty at the end."""


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A person's message in a thread, as it is now."""

    posted: MessagePosted
    edited: MessageEdited | None
    reactions: tuple[ReactionAdded, ...]


@dataclass(frozen=True, slots=True)
class Replies:
    """A page of a thread."""

    replies: tuple[PastMessage, ...]
    cursor: str
    """Where the next page begins; empty at the end."""


class ChatHistory(Protocol):
    """What was said in a chat while its events did not reach us. Methods raise as a sink's `find` does.

    Buttons that were pressed meanwhile cannot be read back: no vendor keeps them. Whoever pressed one was told by
    the chat that it did not work.
    """

    def rest_seconds(self) -> float:
        """0 when the next request may go, which it then has to; else how long to leave the budget to others."""
        ...

    async def threads(self, channel_id: str, oldest_ts: str, cursor: str) -> Threads:
        """A page of the threads that began at `oldest_ts` or later, the newest first."""
        ...

    async def replies(self, channel_id: str, root_ts: str, since: datetime, cursor: str) -> Replies:
        """A page of what people have said in a thread since then."""
        ...

    def event_of(self, fact: MessagePosted | MessageEdited | MessageDeleted | ReactionAdded) -> RawRequest:
        """What the vendor would have sent. The same fact is always the same event."""
        ...


@runtime_checkable
class Rereadable(Protocol):
    """An integration that can tell what happened while its events did not reach us."""

    def history(self, connection: Connected) -> TrackerHistory | ChatHistory:
        """As the integration's role says; cheap, may be kept."""
        ...
