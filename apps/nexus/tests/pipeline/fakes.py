"""One small integration that does what a test says, and a tenant that is connected to it."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import SystemClock
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.pipeline.claims import Claims
from nexus.pipeline.connections import Connections
from nexus.pipeline.delivery import Deliverer
from nexus.pipeline.facts import Fact, Ignored, Intent
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.outbox import enqueue
from nexus.pipeline.ports import (
    Connected,
    Drop,
    HookSecret,
    Incoming,
    Integration,
    Outgoing,
    Probe,
    RateLimit,
    RawRequest,
    Receipt,
    Reply,
    Unreadable,
)
from nexus.store.database import Database
from nexus.store.tables import Connection, Message, ProjectMapping, TaskMapping, Tenant, WebhookKey

SECRET = "the webhook's secret"
HOOK = "hook-1"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHANNEL = "C1"
ITEM = "item-1"


class FakeSource:
    """Says everything in headers, so that a body may be any bytes."""

    name = "faketool"

    def key_of(self, request: RawRequest) -> str:
        if "x-key" not in request.headers:
            raise Unreadable("no x-key")
        return request.headers["x-key"]

    def verify(self, request: RawRequest, secret: str, now: datetime) -> bool:
        return hmac.compare_digest(request.headers.get("x-signature", ""), signature(request.body, secret))

    def read(self, request: RawRequest) -> Incoming | Reply | Drop:
        match request.path:
            case "challenge":
                return Reply(b"pong", "text/plain")
            case "noise":
                return Drop("it can never matter")
            case _:
                occurred_at = datetime.fromisoformat(request.headers["x-at"])
                return Incoming(request.headers["x-dedup"], request.headers["x-stream"], occurred_at)

    def facts(self, body: bytes, content_type: str, connection: Connected) -> list[Fact]:
        return [Ignored("a test")]


def signature(body: bytes, secret: str) -> str:
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def webhook(
    dedup: str,
    body: bytes = b"{}",
    *,
    stream: str = "s",
    at: datetime = NOON,
    key: str = HOOK,
    secret: str = SECRET,
    path: str = "",
    **headers: str,
) -> RawRequest:
    """A signed request."""
    about = {"x-key": key, "x-dedup": dedup, "x-stream": stream, "x-at": at.isoformat()}
    return RawRequest(body, about | {"x-signature": signature(body, secret)} | headers, path)


class ScriptedSink:
    """Sends as the script says, and remembers what it was asked; a script that has ended succeeds."""

    def __init__(self) -> None:
        self.asked: list[tuple[Literal["send", "find"], Outgoing]] = []
        self.sends: list[Receipt | Exception] = []
        self.finds: list[Receipt | Exception | None] = []
        self.while_sending: Callable[[], Any] | None = None
        self.rate_limit: RateLimit | None = None
        self.removed: list[tuple[str, str]] = []

    @property
    def calls(self) -> list[str]:
        return [verb for verb, _ in self.asked]

    @property
    def sent(self) -> list[Outgoing]:
        return [outgoing for verb, outgoing in self.asked if verb == "send"]

    async def send(self, outgoing: Outgoing) -> Receipt:
        self.asked.append(("send", outgoing))
        receipt = Receipt(f"sent-{len(self.sent)}")
        if self.while_sending is not None:
            await self.while_sending()
        return self._play(self.sends.pop(0) if self.sends else receipt)

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        self.asked.append(("find", outgoing))
        found = self.finds.pop(0) if self.finds else None
        return None if found is None else self._play(found)

    def limit(self, intent: Intent) -> RateLimit | None:
        return self.rate_limit

    async def remove(self, place_id: str, external_id: str) -> None:
        self.removed.append((place_id, external_id))

    async def permalink(self, channel_id: str, ts: str) -> str:
        return f"https://chat.example/{channel_id}/{ts}"

    @staticmethod
    def _play(scripted: Receipt | Exception) -> Receipt:
        if isinstance(scripted, Exception):
            raise scripted
        return scripted


class FakeIntegration:
    """A tracker and a chat at once."""

    name = "faketool"
    label = "Fake"
    role: Literal["tracker", "chat"] = "chat"

    def __init__(self, sink: ScriptedSink) -> None:
        self.source = FakeSource()
        self.sink = sink

    async def probe(self, credentials: Mapping[str, Any]) -> Probe:
        return Probe("w", "Workspace", {})

    async def subscribe(self, connection: Connected, public_url: str) -> list[HookSecret]:
        return [HookSecret(HOOK, SECRET)]

    def open(self, connection: Connected) -> Any:
        return self.sink

    async def aclose(self) -> None:
        return None


class SilentBell:
    """Remembers rings; nobody hears them."""

    def __init__(self) -> None:
        self.rung: list[UUID] = []

    def ring_inbox(self, inbox_ids: Sequence[UUID]) -> None:
        self.rung.extend(inbox_ids)

    def ring(self, topic: str) -> None:
        return None


class HeldDatabase:
    """The same database, whose system transactions stop right before their commit until they are let go."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.at_commit = asyncio.Event()
        self.let_go = asyncio.Event()

    @asynccontextmanager
    async def system(self, **how: Any) -> AsyncGenerator[AsyncSession]:
        async with self._db.system(**how) as session:
            yield session
            self.at_commit.set()
            await self.let_go.wait()

    def as_database(self) -> Database:
        return cast("Database", self)


@contextmanager
def transactions(db: Database) -> Generator[list[None]]:
    """One entry for each transaction that begins meanwhile."""
    begun: list[None] = []
    engine = db.engine.sync_engine

    def note(_connection: Any) -> None:
        begun.append(None)

    event.listen(engine, "begin", note)
    try:
        yield begun
    finally:
        event.remove(engine, "begin", note)


@dataclass
class Place:
    """A tenant with one workspace, and the parts of the pipeline around it."""

    db: Database
    sealer: Sealer
    sink: ScriptedSink
    connections: Connections
    bell: SilentBell
    inbox: Inbox
    tenant_id: UUID = field(default_factory=new_id)
    connection_id: UUID = field(default_factory=new_id)

    async def prepare(self) -> None:
        """Makes the tenant, its connection and its webhook."""
        about = {"tenant_id": self.tenant_id}
        async with self.db.system() as session:
            session.add(Tenant(id=self.tenant_id, name=f"tenant {self.tenant_id}"))
            await session.flush()
            session.add(
                Connection(
                    id=self.connection_id, vendor="faketool", workspace_id="w", name="Workspace",
                    sealed=self.sealer.seal({"token": "t"}), facts={}, **about,
                )
            )  # fmt: skip
        await self.add_webhook(HOOK)

    async def add_webhook(self, key: str) -> None:
        async with self.db.system() as session:
            session.add(
                WebhookKey(
                    tenant_id=self.tenant_id, connection_id=self.connection_id, source="faketool", key=key,
                    sealed=self.sealer.seal({"secret": SECRET}),
                )
            )  # fmt: skip

    async def conversation(self, *, root_ts: str | None = None, item_id: str = ITEM) -> TaskMapping:
        """A mapped conversation; with `root_ts` its card is out."""
        about = {"tenant_id": self.tenant_id}
        mapping = {"tracker_connection_id": self.connection_id, "chat_connection_id": self.connection_id}
        snapshot = {"list_name": "Inbox", "status": "open", "closed": False, "priority": None, "assignees": []}
        async with self.db.tenant(self.tenant_id) as session:
            project = ProjectMapping(
                id=new_id(), tracker="faketool", list_id=item_id, list_name="Inbox", chat="faketool",
                channel_id=CHANNEL, channel_name="general", **mapping, **about,
            )  # fmt: skip
            session.add(project)
            await session.flush()
            made = TaskMapping(
                id=new_id(), tracker="faketool", item_id=item_id, list_id=item_id, project_mapping_id=project.id,
                chat="faketool", channel_id=CHANNEL, root_ts=root_ts, title="Export loses a row",
                url="https://tracker.example/item-1", snapshot=snapshot, alias="AI_Squad", **mapping, **about,
            )  # fmt: skip
            session.add(made)
        return made

    async def message(self, conversation: TaskMapping, external_id: str, *, twin_id: str | None = None) -> Message:
        """Something that somebody said in the tracker."""
        async with self.db.tenant(self.tenant_id) as session:
            said = Message(
                id=new_id(), tenant_id=self.tenant_id, conversation_id=conversation.id, source="faketool",
                external_id=external_id, author_id="u1", author_name="Dana", text="hello", occurred_at=NOON,
                twin_id=twin_id,
            )  # fmt: skip
            session.add(said)
        return said

    async def owe(
        self, conversation: TaskMapping, intent: Intent, effect: str, *, order: int = 1, message: Message | None = None
    ) -> bool:
        """Enqueues one delivery, in a transaction of its own."""
        async with self.db.tenant(self.tenant_id) as session:
            return await enqueue(
                session, conversation, intent, effect_key=effect, order_key=order,
                message_id=message.id if message else None,
            )  # fmt: skip

    async def event(self, stream: str = "s", *, at: datetime = NOON, dedup: str | None = None) -> UUID:
        """A pending inbox row."""
        row_id = new_id()
        async with self.db.system() as session:
            await session.execute(
                text("INSERT INTO inbox (id, tenant_id, connection_id, source, dedup_key, stream_key, occurred_at, "
                     "content_type, body) "
                     "VALUES (:id, :tenant, :connection, 'faketool', :dedup, :stream, :at, '', '')"),
                {"id": row_id, "tenant": self.tenant_id, "connection": self.connection_id, "stream": stream, "at": at,
                 "dedup": (dedup or str(row_id)).encode()},
            )  # fmt: skip
        return row_id

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        """Looks with a connection of its own, as the owner."""
        async with self.db.engine.connect() as connection:
            return list((await connection.execute(text(query), parameters)).all())

    async def change(self, statement: str, **parameters: Any) -> None:
        """Reaches into the database, for what would otherwise take time or a fault."""
        async with self.db.engine.begin() as connection:
            await connection.execute(text(statement), parameters)

    async def make_due(self, table: Literal["inbox", "deliveries"] = "deliveries") -> None:
        """Lets the time until the next try pass."""
        await self.change(f"UPDATE {table} SET available_at = clock_timestamp()")


def place_on(db: Database) -> Place:
    """The parts, given a database."""
    sealer, sink, bell = Sealer(["k" * 40]), ScriptedSink(), SilentBell()
    integrations = {"faketool": cast("Integration", FakeIntegration(sink))}
    connections = Connections(db, sealer, integrations)
    return Place(db, sealer, sink, connections, bell, Inbox(db, connections, bell, SystemClock()))


def later(seconds: float) -> datetime:
    """Some time after noon."""
    return NOON + timedelta(seconds=seconds)


class Worker:
    """Claims and delivers, one round at a time."""

    def __init__(self, place: Place, claims: Claims) -> None:
        self.place = place
        self.claims = claims
        self.deliverer = Deliverer(place.db, place.connections, claims)

    async def round(self) -> list[str]:
        """The outcomes of everything that is due now."""
        return [await self.deliverer.deliver(row) for row in await self.claims.deliveries(10)]

    async def next_round(self) -> list[str]:
        """The same, once whatever waits for its time is due."""
        await self.place.make_due()
        return await self.round()


async def only(place: Place, kind: str = "%") -> Any:
    """The one delivery of a kind."""
    (row,) = await place.rows("SELECT * FROM deliveries WHERE kind LIKE :kind", kind=kind)
    return row
