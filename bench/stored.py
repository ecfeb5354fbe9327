"""Installations that hold much: databases of one PostgreSQL server, each with a gateway of its own.

Rows are written by one statement a table, as they would stand after some time of work: one task every half minute,
the newest ones at work, all others done, each with the event that asked for it and the reply that it got.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
from supervisor import Supervisor

from nexus.bootstrap import Nexus, open_nexus
from nexus.cli.admin import tenant_named
from nexus.cli.processes import end_with_parent
from nexus.drill.load import ClickUpHook
from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey, free_port
from nexus.kit.ids import new_id
from nexus.settings import Settings
from nexus.store.migrate import upgrade
from nexus.store.tables import AgentSession, Connection, ProjectMapping, WebhookKey
from oblivion_protocol import ADMIN_READ

AT_WORK = 20
"""How many of the stored tasks are not over, whatever the size."""
EVERY_SECONDS = 30
"""One task was asked for so often: what happens in an hour is the same, whatever the size."""
_READY_SECONDS = 60.0
_POSTGRES = {"shared_buffers": "256MB", "max_wal_size": "8GB", "maintenance_work_mem": "128MB", "jit": "off"}


@dataclass(frozen=True, slots=True)
class Holding:
    """What an installation holds."""

    tenants: int
    tasks: int


@dataclass(slots=True)
class Installation:
    """One database, its gateway, and what is needed to ask both."""

    holding: Holding
    database_url: str
    gateway_url: str
    settings: Settings
    nexus: Nexus
    owner: asyncpg.Connection
    """As the database's superuser."""
    tenants: list[UUID] = field(default_factory=list[UUID])
    hooks: list[ClickUpHook] = field(default_factory=list[ClickUpHook])
    """One a tenant, in the same order."""
    agent_id: UUID | None = None
    token: str = ""
    """Of the first tenant's administrator."""

    @property
    def port(self) -> int:
        """Of the gateway, on loopback."""
        return int(self.gateway_url.rpartition(":")[2])


@asynccontextmanager
async def running(holdings: Sequence[Holding]) -> AsyncGenerator[list[Installation]]:
    """Starts an installation for each, filled; ends all of them."""
    directory = Path(tempfile.mkdtemp(prefix="oblivion-sizes-"))
    postgres = EmbeddedPostgres(directory / "postgres", settings=_POSTGRES, before_exec=end_with_parent)
    valkey = EmbeddedValkey(directory / "valkey", persistent=False, before_exec=end_with_parent)
    supervisor = Supervisor(directory / "logs")
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        stack.callback(postgres.stop, immediate=True)
        stack.callback(valkey.stop, immediate=True)
        opening = asyncio.create_task(supervisor.open())
        stack.push_async_callback(supervisor.close)
        postgres.start()
        valkey.start()
        await opening
        server = postgres.url.rpartition("/")[0]
        maker = await asyncpg.connect(postgres.url)
        await maker.execute("CREATE DATABASE empty")
        await upgrade(f"{server}/empty")
        found: list[Installation] = []
        for number, holding in enumerate(holdings):
            await maker.execute(f"CREATE DATABASE holding_{number} TEMPLATE empty")
            url = f"{server}/holding_{number}"
            found.append(await _opened(stack, holding, url, f"{valkey.url.rpartition('/')[0]}/{number}"))
        for one in found:
            await _people(one)
            await _fill(one)
        await maker.execute("CHECKPOINT")
        await maker.close()
        for number, one in enumerate(found):
            await _serve(supervisor, f"gateway-{number}", one)
        yield found


async def _opened(stack: AsyncExitStack, holding: Holding, database_url: str, redis_url: str) -> Installation:
    gateway_url = f"http://127.0.0.1:{free_port()}"
    settings = Settings.model_validate(
        {
            "environment": "development",
            "database_url": database_url,
            "redis_url": redis_url,
            "public_url": gateway_url,
            "requests_per_minute": 10_000_000,
            # The index would be fed by the gateway: with a server's address it is not, and nobody asks that server.
            "qdrant_url": "http://127.0.0.1:9",
        }
    )
    nexus = await stack.enter_async_context(open_nexus(settings))
    owner = await asyncpg.connect(database_url)
    stack.push_async_callback(owner.close)
    return Installation(holding, database_url, gateway_url, settings, nexus, owner)


async def _people(one: Installation) -> None:
    """Tenants, each with a ClickUp that is connected and a webhook of its own; and in the first one an agent."""
    nexus = one.nexus
    await nexus.keys.ensure()
    for number in range(one.holding.tenants):
        tenant_id = await tenant_named(nexus, f"tenant-{number}", create=True)
        hook = ClickUpHook(str(new_id()), f"secret-{number}-{new_id().hex}")
        async with nexus.db.tenant(tenant_id) as session:
            ids = {vendor: new_id() for vendor in ("clickup", "slack")}
            for vendor, connection_id in ids.items():
                row = Connection(
                    id=connection_id,
                    tenant_id=tenant_id,
                    vendor=vendor,
                    workspace_id=f"{vendor}-{number}",
                    name=vendor,
                    sealed=nexus.sealer.seal({"token": "none"}),
                    facts={},
                )
                session.add(row)
            await session.flush()
            session.add(
                WebhookKey(
                    tenant_id=tenant_id,
                    connection_id=ids["clickup"],
                    source="clickup",
                    key=hook.webhook_id,
                    sealed=nexus.sealer.seal({"secret": hook.secret}),
                )
            )
            session.add(
                ProjectMapping(
                    tenant_id=tenant_id,
                    tracker="clickup",
                    tracker_connection_id=ids["clickup"],
                    list_id="list",
                    list_name="List",
                    chat="slack",
                    chat_connection_id=ids["slack"],
                    channel_id="C1",
                    channel_name="c",
                )
            )
        one.tenants.append(tenant_id)
        one.hooks.append(hook)
    await nexus.directory.create(one.tenants[0], "fixer", ("fix_bug",), ("AI_Squad",))
    one.agent_id = await one.owner.fetchval("SELECT id FROM agents")
    now = datetime.now(UTC)
    async with nexus.db.tenant(one.tenants[0]) as session:
        session.add(
            AgentSession(
                tenant_id=one.tenants[0],
                agent_id=one.agent_id,
                instance="one",
                gateway="none",
                sid="none",
                skills=["fix_bug"],
                capacity=1_000_000,
                version="1",
                connected_at=now,
                last_seen_at=now,
            )
        )


# Ids that sort by time, as ours do; the first digits after the time tell the table.
_ID = "(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7{kind}8' || lpad(to_hex(n), 15, '0'))::uuid"
_FROM = f"""
    FROM (SELECT n, $2::timestamptz - make_interval(secs => n::float8 * {EVERY_SECONDS}) AS at
          FROM generate_series($1::bigint, 1, -1) n) moments
    JOIN (SELECT m.*, row_number() OVER (ORDER BY t.name) - 1 AS place, count(*) OVER () AS places
          FROM project_mappings m JOIN tenants t ON t.id = m.tenant_id) p ON p.place = n % p.places
    CROSS JOIN (SELECT id AS agent_id FROM agents LIMIT 1) agent
    ORDER BY n DESC
"""
_CONVERSATION, _TASK, _EVENT, _INBOX, _DELIVERY = (_ID.format(kind=f"{kind:03x}") for kind in range(5))
_FILL = {
    "task_mappings": f"""
        INSERT INTO task_mappings (id, tenant_id, tracker, tracker_connection_id, item_id, list_id, project_mapping_id,
            chat, chat_connection_id, channel_id, channel_name, root_ts, title, url, snapshot, alias, created_at,
            updated_at)
        SELECT {_CONVERSATION}, tenant_id, tracker, tracker_connection_id, 'item' || n, list_id, p.id, chat,
            chat_connection_id, channel_id, channel_name, n || '.0', 'Stored task ' || n,
            'https://app.clickup.com/t/item' || n, '{{"list_name": "List"}}', 'AI_Squad', at, at {_FROM}""",
    "tasks": f"""
        INSERT INTO tasks (id, tenant_id, conversation_id, alias, type, title, instructions, state, agent_id, instance,
            epoch, offers, last_sign_at, lease_until, expires_at, finished_at, created_at, updated_at)
        SELECT {_TASK}, tenant_id, {_CONVERSATION}, 'AI_Squad', 'fix_bug', 'Stored task ' || n, 'Do it',
            CASE WHEN n <= {AT_WORK} THEN 'working' ELSE 'completed' END, agent_id, 'one', 1, 1, now(),
            CASE WHEN n <= {AT_WORK} THEN now() + interval '1 day' END, at + interval '1 day',
            CASE WHEN n > {AT_WORK} THEN at + interval '20 seconds' END, at, at {_FROM}""",
    "task_events": f"""
        INSERT INTO task_events (id, tenant_id, task_id, kind, epoch, event_id, data, created_at)
        SELECT {_EVENT}, tenant_id, {_TASK}, 'task.offered', 1, 'e1', '{{}}', at {_FROM}""",
    "inbox": f"""
        INSERT INTO inbox (id, tenant_id, connection_id, source, dedup_key, stream_key, occurred_at, content_type, body,
            state, attempts, settled_at, conversation_id, created_at, changed_at)
        SELECT {_INBOX}, tenant_id, tracker_connection_id, 'clickup', decode(lpad(to_hex(n), 64, '0'), 'hex'),
            tracker_connection_id || ':clickup:task:item' || n, at, 'application/json', '{{"event": "taskCreated"}}',
            'done', 1, at, {_CONVERSATION}, at, at {_FROM}""",
    "deliveries": f"""
        INSERT INTO deliveries (id, tenant_id, sink, connection_id, conversation_id, task_id, kind, effect_key,
            stream_key, order_key, payload, state, attempts, attempted_at, settled_at, external_id, created_at,
            changed_at)
        SELECT {_DELIVERY}, tenant_id, 'slack', chat_connection_id, {_CONVERSATION}, {_TASK}, 'reply', 'reply:' || n,
            chat_connection_id || ':' || n, n, '{{"text": "Done."}}', 'done', 1, at, at, n || '.1', at, at {_FROM}""",
}


_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
    WHERE indrelid = $1::text::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


async def _fill(one: Installation) -> None:
    """Writes the rows, without triggers and without a wait for the disk, and leaves the tables as they are at rest."""
    now = datetime.now(UTC)  # the ids, by which rows of one task name one another, are made of it
    await asyncio.gather(*(_fill_table(one, table, now) for table in _FILL))


async def _fill_table(one: Installation, table: str, now: datetime) -> None:
    connection = await asyncpg.connect(one.database_url)
    try:
        # No triggers, no foreign keys: several tables are written at once, and the search index is not told.
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        # To make an index of what is there costs less than to keep it up to date row by row.
        indexes = await connection.fetch(_INDEXES, table)
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(_FILL[table], one.holding.tasks, now)
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    finally:
        await connection.close()


async def _serve(supervisor: Supervisor, name: str, one: Installation) -> None:
    """Starts the gateway and gets a token from it."""
    arguments = ["-m", "nexus", "serve", "gateway", "--port", str(one.port)]
    settings = one.settings
    environment = {
        "OBLIVION_ENVIRONMENT": "development",
        "OBLIVION_DATABASE_URL": one.database_url,
        "OBLIVION_REDIS_URL": settings.required("redis_url"),
        "OBLIVION_PUBLIC_URL": one.gateway_url,
        "OBLIVION_REQUESTS_PER_MINUTE": str(settings.requests_per_minute),
        "OBLIVION_QDRANT_URL": settings.required("qdrant_url"),
    }
    await supervisor.run(name, arguments, environment)
    client_id, secret = await one.nexus.clients.create(one.tenants[0], "bench", [ADMIN_READ])
    asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    async with asyncio.timeout(_READY_SECONDS), httpx.AsyncClient(trust_env=False, base_url=one.gateway_url) as client:
        while True:
            try:
                answer = await client.post("/auth/token", data=asked)
            except httpx.TransportError:
                await asyncio.sleep(0.05)  # start-up polling; no event tells us
                continue
            one.token = answer.raise_for_status().json()["access_token"]
            return
