"""Two tenants: one with something in every table, marked everywhere; the other with valid tokens and bad intentions."""

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from flows.test_questions import question
from gateway.agent_sockets import Account, connected, frame, register
from gateway.dashboards import another_tenant, person, watching
from redis.asyncio import Redis
from sqlalchemy import text
from support.servers import TEMPLATE, statement, url_of
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World, running_world

from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.search.errors import SearchUnavailable
from nexus.search.history import History
from nexus.store.tables import Base
from oblivion_protocol import ADMIN_READ, ADMIN_WRITE

TENANT_TABLES = sorted(table.name for table in Base.metadata.sorted_tables if "tenant_id" in table.columns)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOVES_BY_ITSELF = ("last_used_at", "last_seen_at", "checked_at", "health", "read_until", "updated_at", "next_at")


@dataclass
class Prey:
    """The tenant that is attacked."""

    world: World
    canary: str
    """Part of every text in it that somebody wrote or named."""
    rows: dict[str, list[dict[str, Any]]]
    task: dict[str, Any]
    """The offer of its open task."""
    agent_token: str
    cursor: str
    """Where its feed stands."""

    @property
    def ids(self) -> set[str]:
        """Every id in its rows that is no one else's."""
        return {found for row in self.everything() for found in _UUID.findall(json.dumps(row, default=str))}

    def everything(self) -> list[dict[str, Any]]:
        return [row for rows in self.rows.values() for row in rows]

    def values(self, table: str, column: str) -> list[str]:
        return sorted({str(row[column]) for row in self.rows[table] if row[column] is not None})

    def seen_in(self, shown: str) -> set[str]:
        """Whatever of it is in a text."""
        known = {self.canary, CHANNEL_ID, LIST_ID, str(self.world.tenant_id)}
        return ({*_UUID.findall(shown)} & self.ids) | {one for one in known if one in shown}

    async def as_it_is(self) -> str:
        """All its rows: equal when nobody changed anything."""
        rows = await read_rows(self.world, self.world.tenant_id)
        return json.dumps(
            {
                table: [{name: value for name, value in row.items() if name not in _MOVES_BY_ITSELF} for row in found]
                for table, found in rows.items()
            },
            sort_keys=True,
            default=str,
        )


@dataclass
class Rival:
    """The tenant that attacks: an administrator and an agent, both with good tokens."""

    tenant_id: UUID
    headers: dict[str, str]
    admin_token: str
    agent: Account
    key: str
    """An API key of its own."""


async def read_rows(world: World, tenant_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """Every row of a tenant, by table."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in TENANT_TABLES:
        query = f"SELECT to_jsonb(t) FROM {table} t WHERE tenant_id = :id ORDER BY to_jsonb(t)::text"
        found[table] = [row[0] for row in await world.rows(query, id=tenant_id)]
    return found


async def rival_of(world: World) -> Rival:
    """A second tenant of the same installation."""
    tenant_id = await another_tenant(world)
    client_id, _ = await world.nexus.clients.create(tenant_id, "admin", [ADMIN_READ, ADMIN_WRITE])
    key, _ = await world.nexus.clients.create(tenant_id, "ci", [ADMIN_READ])
    token = (await world.nexus.tokens.issue(client_id, tenant_id, [ADMIN_READ, ADMIN_WRITE])).access_token
    agent = await register(world, tenant_id=tenant_id)
    return Rival(tenant_id, {"Authorization": f"Bearer {token}"}, token, agent, key)


@asynccontextmanager
async def own_servers(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> AsyncGenerator[tuple[str, str]]:
    """A migrated database of one's own, dropped afterwards, and an empty Valkey: their URLs."""
    name = f"attacked_{secrets.token_hex(6)}"
    await statement(postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    redis: Any = Redis.from_url(valkey.url)
    await redis.flushall()
    await redis.aclose()
    yield url_of(postgres, name), valkey.url
    await statement(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@asynccontextmanager
async def prey_in(database_url: str, redis_url: str) -> AsyncGenerator[Prey]:
    """A tenant to which everything has happened once; it rests."""
    # Whoever asks for everything would soon be told to wait, and a 429 says nothing of tenants.
    async with running_world(database_url, redis_url, requests_per_minute=1_000_000) as world:
        yield await filled(world)


async def filled(world: World) -> Prey:
    """Has everything happen once to the world's tenant; its worker is stopped afterwards."""
    canary = f"canary{secrets.token_hex(6)}"
    nexus, tenant_id = world.nexus, world.tenant_id
    await nexus.links.link(tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    await nexus.members.put(tenant_id, f"ann-{canary}@example.com", "admin", actor="test")
    await nexus.clients.create(tenant_id, f"ci {canary}", [ADMIN_READ])
    squad = await register(world, alias=f"squad_{canary}")
    await nexus.directory.create(tenant_id, f"spare-{canary}", ("fix_bug",), ())
    indexing = asyncio.create_task(nexus.indexer().run())
    async with connected(world.url, squad) as agent:
        item = await world.create_task(f"Open {canary}", f"@{squad.alias} fix_bug {canary}")
        task = await agent.offered()
        root = await world.root(f"Open {canary}")
        await agent.command("task.accept", task)
        await agent.command("task.plan", task, steps=[{"title": f"plan {canary}", "state": "running"}])
        await agent.command("task.message", task, text=f"said {canary}")
        await agent.call("task.artifact", frame(task, name=f"patch {canary}", text="diff"))
        await agent.command("task.ask", task, question=f"which {canary}?", options=["one", canary])
        await question(world, root["ts"], f"which {canary}?")
        await world.reply(root["ts"], f"!sync reply {canary}")
        await eventually(lambda: world.comments(item))
        await world.comment(item, f"comment {canary}")
        await world.settled()

        history = History(nexus.db, nexus.memory)

        async def found() -> bool:
            with contextlib.suppress(SearchUnavailable):  # it is being opened
                return bool(await history.search(tenant_id, canary, 3))
            return False

        await eventually(found, "the index knows it")
    await world.stop_worker()
    indexing.cancel()
    await asyncio.gather(indexing, return_exceptions=True)
    await _dead_letters(world, canary)
    await eventually(lambda: not world.gateway.online, "its agent is gone")
    rows = await read_rows(world, tenant_id)
    return Prey(world, canary, rows, task, squad.token, await _cursor(world))


async def _dead_letters(world: World, canary: str) -> None:
    """What an operator would find to replay."""
    about = {"id": world.tenant_id, "why": f"dead {canary}"}
    async with world.nexus.db.tenant(world.tenant_id) as session:
        for table in ("deliveries", "inbox"):
            await session.execute(
                text(
                    f"UPDATE {table} SET state = 'dead', reason = :why, settled_at = clock_timestamp() WHERE id = "
                    f"(SELECT id FROM {table} WHERE tenant_id = :id ORDER BY id LIMIT 1)"
                ),
                about,
            )


async def _cursor(world: World) -> str:
    async with watching(world.url, await person(world, "admin")) as dashboard:
        return (await dashboard.subscribe()).cursor


def client(world: World) -> httpx.AsyncClient:
    """Whoever calls the API from outside."""
    return httpx.AsyncClient(base_url=world.url, timeout=20)
