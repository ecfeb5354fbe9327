"""Dashboards without the dashboard: who watches, by python-socketio as it is."""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.agent_sockets import BOUND_SECONDS, AgentSocket
from sqlalchemy import text
from support.waiting import eventually
from support.world import World

from nexus.auth.roles import ROLE_SCOPES, Role
from nexus.auth.tokens import ADMIN_SOCKET
from nexus.kit.ids import new_id
from oblivion_protocol.admin import Feed, FeedAnswer, FeedLine

NAMESPACE = "/admin"


@dataclass(frozen=True)
class Person:
    """A member of a tenant, and the dashboard's client that acts for them."""

    world: World
    tenant_id: UUID
    email: str
    client_id: str
    role: Role

    async def ticket(self, audience: Any = ADMIN_SOCKET) -> str:
        issued = await self.world.nexus.tokens.issue_for(
            self.email, self.client_id, self.tenant_id, ROLE_SCOPES[self.role], audience
        )
        return issued.access_token


async def person(world: World, role: Role = "viewer", tenant_id: UUID | None = None) -> Person:
    """Somebody new."""
    tenant_id, email = tenant_id or world.tenant_id, f"p{secrets.token_hex(4)}@example.com"
    client_id, _ = await world.nexus.clients.create(tenant_id, "observer", ["delegate"])
    await world.nexus.members.put(tenant_id, email, role, actor="test")
    return Person(world, tenant_id, email, client_id, role)


class Dashboard(AgentSocket):
    """One connection; keeps every line by its id, as a client does."""

    def __init__(self, url: str, token: str | None) -> None:
        super().__init__(url, token, NAMESPACE)
        self.lines: dict[str, FeedLine] = {}
        self.batches: list[int] = []
        self.cursor = ""

    async def subscribe(self, tail: int = 0, **filters: Any) -> FeedAnswer:
        return FeedAnswer.model_validate(await self.call("subscribe", {"tail": tail, "filters": filters}))

    async def resume(self, since: str) -> FeedAnswer:
        return FeedAnswer.model_validate(await self.call("resume", {"since": since}))

    def kinds(self) -> set[str]:
        return {line.kind for line in self.lines.values()}

    async def sees(self, condition: Callable[[FeedLine], bool], what: str = "a line") -> FeedLine:
        """The first line of this kind, once it is there."""
        found = await eventually(lambda: [*filter(condition, self.lines.values())], what, BOUND_SECONDS)
        return found[0]

    async def _received(self, name: str, data: Any = None) -> None:
        await super()._received(name, data)
        if name == "feed":
            feed = Feed.model_validate(data)
            self.batches.append(len(feed.lines))
            self.lines |= {line.id: line for line in feed.lines}
            self.cursor = feed.cursor


@asynccontextmanager
async def watching(url: str, who: Person) -> AsyncGenerator[Dashboard]:
    """A dashboard that has not subscribed yet."""
    dashboard = Dashboard(url, await who.ticket())
    await dashboard.open()
    try:
        yield dashboard
    finally:
        await dashboard.close()


INSERT = text("""
    INSERT INTO inbox (id, tenant_id, connection_id, source, dedup_key, stream_key, occurred_at, content_type, body,
                       state, settled_at, reason, history)
    SELECT gen_random_uuid(), :tenant, (SELECT id FROM connections WHERE tenant_id = :tenant AND vendor = 'clickup'),
           'clickup', decode(md5(random()::text), 'hex'), 'made up', clock_timestamp(), '', '', 'ignored',
           clock_timestamp(), 'made up', jsonb_build_array(jsonb_build_object(
               'at', clock_timestamp(), 'outcome', 'ignored', 'reason', repeat('x', :padding) || :mark || number))
    FROM generate_series(1, :rows) AS number
""")
"""Events that are settled already: each is two lines, `received` and `ignored`."""


async def events(world: World, rows: int, mark: str, *, padding: int = 0, session: Any = None) -> None:
    """So many events at once, in a transaction of their own or in the given one."""
    about = {"tenant": world.tenant_id, "rows": rows, "mark": mark, "padding": padding}
    if session is not None:
        await session.execute(INSERT, about)
        return
    async with world.nexus.db.tenant(world.tenant_id) as own:
        await own.execute(INSERT, about)


def marked(dashboard: Dashboard, mark: str) -> list[str]:
    """Which of the events with a mark a dashboard has seen the end of, by their numbers."""
    seen = [line.data.get("reason") or "" for line in dashboard.lines.values() if line.kind == "webhook.ignored"]
    return sorted(reason.rpartition(mark)[2] for reason in seen if mark in reason)


async def another_tenant(world: World) -> UUID:
    """A tenant beside the world's."""
    tenant_id = new_id()
    async with world.nexus.db.system() as session:
        await session.execute(
            text("INSERT INTO tenants (id, name) VALUES (:id, :name)"), {"id": tenant_id, "name": str(tenant_id)}
        )
    return tenant_id
