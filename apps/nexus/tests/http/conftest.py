"""A real PostgreSQL, the application in-process, and two tenants that must never see each other."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from sqlalchemy import text
from support.people import Dashboard
from support.servers import TEMPLATE, statement, url_of
from support.standins import HeldClock, Silent, Vendors

from nexus.auth.agents import AgentDirectory
from nexus.auth.clients import Clients
from nexus.auth.keys import SigningKeys
from nexus.auth.members import Members
from nexus.auth.roles import Role
from nexus.auth.standing import Standing
from nexus.auth.tokens import Tokens
from nexus.http.app import create_app
from nexus.http.gauges import StateMetrics
from nexus.http.limits import RateLimits
from nexus.http.metrics import LimitMetrics
from nexus.http.parts import HealthParts, HttpParts
from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.kit.limiting import Limiter
from nexus.kit.pulse import Pulses
from nexus.kit.sealing import Sealer
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
from nexus.tasks.desk import TaskDesk
from nexus.tasks.muting import Muting
from nexus.tasks.steering import Steering

ISSUER = "https://nexus.example"


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
    member: str
    key: str
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
def vendors(database: Database, sealer: Sealer, clock: HeldClock) -> Vendors:
    return Vendors(database, sealer, clock)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(["a secret key of the tests"])


@pytest.fixture
async def limiter(valkey: EmbeddedValkey) -> AsyncIterator[Limiter]:
    """Counts in a Redis that others use as well, under a name of its own."""
    limiter = Limiter(valkey.url, prefix=f"limit:{uuid4().hex}", redis_seconds=1.0)
    yield limiter
    await limiter.aclose()


@pytest.fixture
def make_parts(clock: HeldClock, sealer: Sealer, limiter: Limiter) -> Callable[..., HttpParts]:
    def make(db: Database, **changes: Any) -> HttpParts:
        keys, clients, vendors = SigningKeys(db, sealer, clock), Clients(db, sealer, clock), Vendors(db, sealer, clock)
        registry = CollectorRegistry()
        Counter("oblivion_webhooks", "Webhooks", registry=registry).inc(7)

        async def redis_ping() -> None:
            return None

        health = HealthParts(
            db=db,
            registry=registry,
            refresh=StateMetrics(registry, db).refresh,
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
            standing=Standing(db, clients, clock),
            directory=AgentDirectory(db, clients, clock),
            members=Members(db, clock),
            linker=vendors,
            catalog=vendors,
            tasks=Steering(db, TaskDesk(clock), Silent(), clock),
            muting=Muting(db, Silent(), clock),
            connector=vendors,
            clock=clock,
            health=replace(health, **{name: changes.pop(name) for name in {*changes} & {*HealthParts.__slots__}}),
            limits=RateLimits(limiter, LimitMetrics(registry), requests_per_minute=600),
        )
        return replace(parts, **changes)

    return make


@pytest.fixture
def parts(make_parts: Callable[..., HttpParts], database: Database, vendors: Vendors) -> HttpParts:
    return make_parts(database, linker=vendors, catalog=vendors, connector=vendors)


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
def open_dashboard(api: httpx.AsyncClient, parts: HttpParts) -> Callable[[Member], Awaitable[Dashboard]]:
    """A dashboard for a tenant, of which ann@, otto@ and vera@example.com are admin, operator and viewer."""

    async def make(tenant: Member) -> Dashboard:
        people: dict[str, Role] = {"ann": "admin", "otto": "operator", "vera": "viewer"}
        for name, role in people.items():
            await parts.members.put(tenant.id, f"{name}@example.com", role, actor=tenant.client_id)
        return Dashboard(api, *await parts.clients.create(tenant.id, "dashboard", ["delegate"]))

    return make


@pytest.fixture
async def dashboard(open_dashboard: Callable[[Member], Awaitable[Dashboard]], acme: Member) -> Dashboard:
    return await open_dashboard(acme)


@pytest.fixture
def stock(parts: HttpParts, sealer: Sealer) -> Callable[[Member], Awaitable[Goods]]:
    """Puts one of everything into a tenant."""

    async def fill(member: Member) -> Goods:
        mark, tenant_id = uuid4().hex[:10], member.id
        agent = await parts.directory.create(
            tenant_id, f"fixer-{mark}", ["fix_bug"], [f"@Squad_{mark}"], actor=member.client_id
        )

        await parts.members.put(tenant_id, f"ann-{mark}@example.com", "admin", actor=member.client_id)
        await parts.members.put(tenant_id, f"vera-{mark}@example.com", "viewer", actor=member.client_id)
        key, key_secret = await parts.clients.create(tenant_id, f"ci {mark}", ["admin:read"], actor=member.client_id)

        def connection(vendor: str) -> Connection:
            return Connection(
                tenant_id=tenant_id,
                vendor=vendor,
                workspace_id=f"{vendor}-{mark}",
                name=f"{vendor} of {mark}",
                sealed=sealer.seal({"token": f"xoxb-{mark}", "api_url": "http://127.0.0.1:1"}),
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
                    payload={"channel_id": mapping.channel_id, "text": "said"},
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
            f"vera-{mark}@example.com",
            key,
            [agent.client_secret, key_secret, f"xoxb-{mark}"],
        )

    return fill


@pytest.fixture
def everything_of(parts: HttpParts) -> Callable[[Member], Awaitable[str]]:
    """All rows of a tenant in all tables, as text: equal when nobody changed anything."""

    async def read(member: Member) -> str:
        found: list[str] = []
        async with parts.db.engine.connect() as connection:
            for table in Base.metadata.sorted_tables:
                if "tenant_id" in table.columns:
                    kept = f"SELECT (to_jsonb(t) - 'last_used_at')::text FROM {table.name} t WHERE tenant_id = :id"
                    rows = await connection.execute(text(f"{kept} ORDER BY id"), {"id": member.id})
                    found += [f"{table.name}: {row}" for (row,) in rows]
        return "\n".join(found)

    return read
