"""The whole extension contract: what an integration is, and what it is given.

One vendor is one folder below `nexus/integrations`. It offers an `Integration`; everything else about it stays
inside that folder. A tracker also implements `Tracker`, a chat also `Chat`; both are sources and sinks.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable
from uuid import UUID

from nexus.pipeline.facts import CardView, Fact, Intent, Item


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A webhook exactly as it came in; `headers` have lower-case names."""

    body: bytes
    headers: Mapping[str, str]
    path: str
    """What stands after `/webhooks/{source}`, without slashes at its ends: empty, or such as `interactive`."""


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
    """For a comment: the permalink of the message that it mirrors."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an effect exists: its id at the vendor."""

    external_id: str


@runtime_checkable
class Sink(Protocol):
    """The way out, to one connection."""

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Does it, once. Raises Retryable, Deferred, Unsure or Rejected."""
        ...

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        """Looks whether an unsure effect exists. Raises Retryable or Rejected."""
        ...


class Tracker(Sink, Protocol):
    """An open connection to a tool with lists of items."""

    async def fetch_item(self, item_id: str) -> Item | None:
        """The item as it is now; None when it is gone or not visible to us."""
        ...

    def hint(self, item_id: str, token: str) -> RawRequest:
        """An event in the source's own format that says: look at this item again. Once for each `token`."""
        ...

    async def list_name(self, list_id: str) -> str | None:
        """The name of a list; None when there is none."""
        ...

    async def lists(self) -> list[tuple[str, str]]:
        """(id, name) of every list that we can see."""
        ...


class Chat(Sink, Protocol):
    """An open connection to a tool with channels and threads."""

    async def person_name(self, user_id: str) -> str:
        """How people call somebody; the id itself when nobody knows."""
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

    async def channels(self) -> list[tuple[str, str, bool]]:
        """(id, name, whether we are a member) of every channel that we can see."""
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

    async def probe(self, credentials: Mapping[str, Any]) -> Probe:
        """Tries the credentials. Raises Rejected with what to do."""
        ...

    async def subscribe(self, connection: Connected, public_url: str) -> list[HookSecret]:
        """Makes sure that the vendor sends us webhooks, and returns how they are signed."""
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
