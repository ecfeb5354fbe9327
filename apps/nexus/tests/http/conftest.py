"""A real PostgreSQL, the application in-process, and two tenants that must never see each other."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import select, text
from support.servers import TEMPLATE, statement, url_of

from nexus.auth.agents import AgentDirectory
from nexus.auth.clients import Clients
from nexus.auth.errors import NotFound
from nexus.auth.keys import SigningKeys
from nexus.auth.members import Members
from nexus.auth.throttle import FailureThrottle
from nexus.auth.tokens import Tokens
from nexus.http.app import create_app
from nexus.http.parts import HealthParts, HttpParts, Listing
from nexus.kit.embedded import EmbeddedPostgres
from nexus.kit.pulse import Pulses
from nexus.kit.sealing import Sealer
from nexus.pipeline.links import mapping_resource
from nexus.store.database import Database
from nexus.store.tables import (
    Base,
    Connection,
    Delivery,
    InboxEvent,
    ProjectMapping,
    Task,
    TaskEvent,
    TaskMapping,
    Tenant,
)

ISSUER = "https://nexus.example"


class HeldClock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Vendors:
    """Linker, catalog, canceller and connector in one, with what they were asked for; `broken` is raised instead."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.broken: Exception | None = None
        self.connected: list[tuple[UUID, str, Mapping[str, str]]] = []
        self.synced_at = datetime(2026, 1, 2, tzinfo=UTC)

    async def link(self, tenant_id: UUID, list_id: str, channel_id: str, **rules: Any) -> Any:
        if self.broken:
            raise self.broken
        async with self._db.tenant(tenant_id) as session:
            ids = {row.vendor: row.id for row in await session.scalars(select(Connection))}
            row = ProjectMapping(
                tenant_id=tenant_id,
                tracker="clickup",
                tracker_connection_id=ids["clickup"],
                list_id=list_id,
                list_name="Named",
                chat="slack",
                chat_connection_id=ids["slack"],
                channel_id=channel_id,
                channel_name="named",
                sync_rule=rules["sync_rule"],
                sync_keyword=rules["sync_keyword"],
            )
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return mapping_resource(row)

    async def unlink(self, tenant_id: UUID, mapping_id: UUID, actor: str) -> bool:
        async with self._db.tenant(tenant_id) as session:
            row = await session.get(ProjectMapping, mapping_id)
            if row is None:
                return False
            await session.delete(row)
            return True

    async def lists(self, tenant_id: UUID, vendor: str) -> Listing:
        if vendor != "clickup":
            raise NotFound(f"No integration is called {vendor}.")
        return Listing([{"id": "901", "name": f"Inbox of {tenant_id}"}], self.synced_at)

    async def channels(self, tenant_id: UUID, vendor: str) -> Listing:
        return Listing([{"id": "C1", "name": "general", "member": True}], self.synced_at)

    async def cancel(self, tenant_id: UUID, task_id: UUID, actor: str) -> bool:
        if self.broken:
            raise self.broken
        async with self._db.tenant(tenant_id) as session:
            task = await session.get(Task, task_id)
            if task is None or task.finished_at is not None:
                return False
            task.state, task.reason, task.finished_at = "canceled", f"canceled by {actor}", datetime.now(UTC)
            return True

    async def connect(
        self, tenant_id: UUID, vendor: str, credentials: Mapping[str, str], actor: str
    ) -> Mapping[str, Any]:
        if self.broken:
            raise self.broken
        self.connected.append((tenant_id, vendor, credentials))
        made = {"id": uuid4(), "vendor": vendor, "workspace_id": "T1", "name": "Acme", "sealed": "hush"}
        return made | {"created_at": datetime.now(UTC), "credentials": credentials}


@dataclass(frozen=True)
class Member:
    """A tenant, with an administrator's client and token."""

    id: UUID
    name: str
    client_id: str
    secret: str
    headers: dict[str, str]


@dataclass
class Goods:
    """What `stock` put into a tenant."""

    agent: str
    agent_id: UUID
    alias: str
    tracker: UUID
    chat: UUID
    mapping: UUID
    conversation: UUID
    unmapped: UUID
    task: UUID
    dead_webhook: UUID
    dead_tried: UUID
    dead_untried: UUID
    done: UUID
    secrets: list[str] = field(default_factory=list[str])


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres) -> str:
    """One database for all of these tests; each works in tenants of its own."""
    name = f"http_{uuid4().hex[:8]}"
    asyncio.run(statement(postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    return url_of(postgres, name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url, pool_size=5)
    yield db
    await db.aclose()


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def vendors(database: Database) -> Vendors:
    return Vendors(database)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(["a secret key of the tests"])


@pytest.fixture
def make_parts(clock: HeldClock, sealer: Sealer) -> Callable[..., HttpParts]:
    def make(db: Database, **changes: Any) -> HttpParts:
        keys, clients, vendors = SigningKeys(db, sealer, clock), Clients(db, sealer, clock), Vendors(db)
        registry = CollectorRegistry()
        Counter("oblivion_webhooks", "Webhooks", registry=registry).inc(7)

        async def redis_ping() -> None:
            return None

        health = HealthParts(
            db=db,
            registry=registry,
            redis_ping=redis_ping,
            complaint=str,
            pulses=Pulses(),
            draining=lambda: False,
            version="1.2.3",
        )
        parts = HttpParts(
            db=db,
            keys=keys,
            tokens=Tokens(keys, ISSUER + "/", clock),
            clients=clients,
            directory=AgentDirectory(db, clients, clock),
            members=Members(db, clock),
            linker=vendors,
            catalog=vendors,
            canceller=vendors,
            connector=vendors,
            clock=clock,
            health=replace(health, **{name: changes.pop(name) for name in {*changes} & {*HealthParts.__slots__}}),
            throttle=FailureThrottle(clock),
        )
        return replace(parts, **changes)

    return make


@pytest.fixture
def parts(make_parts: Callable[..., HttpParts], database: Database, vendors: Vendors) -> HttpParts:
    return make_parts(database, linker=vendors, catalog=vendors, canceller=vendors, connector=vendors)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[HttpParts], httpx.AsyncClient]]:
    """The application of some parts, as a client that raises whatever the application lets out."""
    clients: list[httpx.AsyncClient] = []

    def make(parts: HttpParts) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(create_app(parts))
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://nexus"))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
def api(serve: Callable[[HttpParts], httpx.AsyncClient], parts: HttpParts) -> httpx.AsyncClient:
    return serve(parts)


@pytest.fixture
def join(parts: HttpParts) -> Callable[..., Awaitable[Member]]:
    async def make(*scopes: str, name: str = "") -> Member:
        name = name or f"tenant-{uuid4().hex[:12]}"
        wanted = scopes or ("admin:read", "admin:write")
        async with parts.db.system() as session:
            tenant = Tenant(name=name)
            session.add(tenant)
        client_id, secret = await parts.clients.create(tenant.id, f"{name} admin", wanted)
        token = await parts.tokens.issue(client_id, tenant.id, wanted)
        return Member(tenant.id, name, client_id, secret, {"Authorization": f"Bearer {token.access_token}"})

    return make


@pytest.fixture
async def acme(join: Callable[..., Awaitable[Member]]) -> Member:
    return await join()


@pytest.fixture
async def rival(join: Callable[..., Awaitable[Member]]) -> Member:
    return await join()


@pytest.fixture
def stock(parts: HttpParts, sealer: Sealer) -> Callable[[Member], Awaitable[Goods]]:
    """Puts one of everything into a tenant."""

    async def fill(member: Member) -> Goods:
        mark, tenant_id = uuid4().hex[:10], member.id
        agent = await parts.directory.create(
            tenant_id, f"fixer-{mark}", ["fix_bug"], [f"@Squad_{mark}"], actor=member.client_id
        )

        def connection(vendor: str) -> Connection:
            return Connection(
                tenant_id=tenant_id,
                vendor=vendor,
                workspace_id=f"{vendor}-{mark}",
                name=f"{vendor} of {mark}",
                sealed=sealer.seal({"token": f"xoxb-{mark}"}),
            )

        async with parts.db.tenant(tenant_id) as session:
            tracker, chat = connection("clickup"), connection("slack")
            session.add_all([tracker, chat])
            await session.flush()
            ends = {
                "tenant_id": tenant_id,
                "tracker": "clickup",
                "tracker_connection_id": tracker.id,
                "chat": "slack",
                "chat_connection_id": chat.id,
            }
            mapping = ProjectMapping(
                **ends, list_id=f"L{mark}", list_name="Inbox", channel_id=f"C{mark}", channel_name="squad"
            )
            session.add(mapping)
            await session.flush()
            talk = {"title": f"Title {mark}", "url": "https://t/1", "snapshot": {}, "alias": "squad"}
            conversation = TaskMapping(
                **ends,
                **talk,
                item_id=f"I{mark}",
                list_id=mapping.list_id,
                project_mapping_id=mapping.id,
                channel_id=mapping.channel_id,
                root_ts=f"{mark}.1",
            )
            unmapped = TaskMapping(
                tenant_id=tenant_id,
                tracker="clickup",
                tracker_connection_id=tracker.id,
                **talk,
                item_id=f"U{mark}",
                list_id=f"elsewhere-{mark}",
            )
            session.add_all([conversation, unmapped])
            await session.flush()
            task = Task(
                tenant_id=tenant_id,
                conversation_id=conversation.id,
                alias="squad",
                type="fix_bug",
                title=f"Task {mark}",
                instructions="do",
                state="working",
                agent_id=agent.agent_id,
                epoch=2,
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )
            session.add(task)
            await session.flush()

            def delivery(key: str, state: str, **changes: Any) -> Delivery:
                return Delivery(
                    tenant_id=tenant_id,
                    sink="slack",
                    connection_id=chat.id,
                    conversation_id=conversation.id,
                    task_id=task.id,
                    kind="reply",
                    effect_key=f"{key}-{mark}",
                    stream_key=f"{key}-{mark}",
                    order_key=1,
                    payload={},
                    state=state,
                    **changes,
                )

            failed = {"attempts": 12, "crashes": 3, "settled_at": datetime.now(UTC)}
            webhook = InboxEvent(
                tenant_id=tenant_id,
                connection_id=tracker.id,
                source="clickup",
                dedup_key=hashlib.sha256(mark.encode()).digest(),
                stream_key=mark,
                occurred_at=datetime.now(UTC),
                content_type="application/json",
                body=b'{"canary": "body"}',
                state="dead",
                reason="cannot be read",
                conversation_id=conversation.id,
                **failed,
            )
            tried = delivery("tried", "dead", reason="no answer", attempted_at=datetime.now(UTC), **failed)
            untried = delivery("untried", "dead", reason="not invited", **failed)
            done = delivery("done", "done", external_id="1.2", settled_at=datetime.now(UTC))
            session.add_all([webhook, tried, untried, done])
            session.add(
                TaskEvent(tenant_id=tenant_id, task_id=task.id, kind="task.accepted", data={"reason": f"why {mark}"})
            )
            await session.flush()
        return Goods(
            agent.name,
            agent.agent_id,
            f"Squad_{mark}",
            tracker.id,
            chat.id,
            mapping.id,
            conversation.id,
            unmapped.id,
            task.id,
            webhook.id,
            tried.id,
            untried.id,
            done.id,
            [agent.client_secret, f"xoxb-{mark}"],
        )

    return fill


@pytest.fixture
def everything_of(parts: HttpParts) -> Callable[[Member], Awaitable[str]]:
    """All rows of a tenant in all tables, as text: equal when nothing changed."""

    async def read(member: Member) -> str:
        found: list[str] = []
        async with parts.db.engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                if "tenant_id" in table.columns:
                    rows = await connection.execute(
                        text(f"SELECT t::text FROM {table.name} t WHERE tenant_id = :id ORDER BY id"),
                        {"id": member.id},
                    )
                    found += [f"{table.name}: {row}" for (row,) in rows]
        return "\n".join(found)

    return read
