"""Handles such as `@AI_Squad` and the agents behind them; upper and lower case are the same."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth import names
from nexus.auth.audit import record
from nexus.auth.errors import AlreadyExists, NotFound
from nexus.store.database import Database
from nexus.store.tables import Agent, AgentAlias
from oblivion_protocol.resources import AliasResource


class Aliases:
    """Adds, lists and removes handles of a tenant."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def listed(self, tenant_id: UUID) -> list[AliasResource]:
        """Every handle, in alphabetical order, with the agents behind it that are not revoked."""
        async with self._db.tenant(tenant_id) as session:
            return await _resources(session)

    async def add(self, tenant_id: UUID, alias: str, agent: str, *, actor: str = "system") -> AliasResource:
        """Puts an agent behind a handle. Raises Invalid, NotFound or AlreadyExists."""
        handle = names.alias(alias)
        async with self._db.tenant(tenant_id) as session:
            agent_id = await session.scalar(
                select(Agent.id).where(Agent.name == names.agent_name(agent), Agent.revoked_at.is_(None))
            )
            if agent_id is None:
                raise NotFound(f"There is no agent {agent}.")
            if not await put_behind(session, tenant_id, agent_id, [handle]):
                raise AlreadyExists(f"{agent} stands behind @{handle} already.")
            record(session, tenant_id, actor, "alias.add", handle, {"agent": agent})
            await session.flush()
            return next(iter(await _resources(session, handle)))

    async def remove(self, tenant_id: UUID, alias: str, agent: str | None = None, *, actor: str = "system") -> None:
        """Takes one agent, or all, away from a handle. Raises NotFound."""
        handle = names.alias(alias)
        gone = delete(AgentAlias).where(func.lower(AgentAlias.alias) == func.lower(handle))
        if agent is not None:
            named = select(Agent.id).where(Agent.name == names.agent_name(agent))
            gone = gone.where(AgentAlias.agent_id.in_(named))
        async with self._db.tenant(tenant_id) as session:
            if not (await session.execute(gone.returning(AgentAlias.id))).all():
                who = f"{agent} does not stand" if agent else "Nobody stands"
                raise NotFound(f"{who} behind @{handle}.")
            record(session, tenant_id, actor, "alias.remove", handle, {"agent": agent})


async def put_behind(session: AsyncSession, tenant_id: UUID, agent_id: UUID, handles: Iterable[str]) -> int:
    """Adds rows for handles that `names.alias` made; the number of new ones."""
    added = 0
    for handle in handles:
        row = insert(AgentAlias).values(tenant_id=tenant_id, agent_id=agent_id, alias=handle)
        result = await session.execute(row.on_conflict_do_nothing().returning(AgentAlias.id))
        added += len(result.all())
    return added


async def _resources(session: AsyncSession, handle: str | None = None) -> list[AliasResource]:
    folded = func.lower(AgentAlias.alias)
    query = (
        select(folded, AgentAlias.alias, Agent.name)
        .join(Agent, Agent.id == AgentAlias.agent_id)
        .where(Agent.revoked_at.is_(None))
        .order_by(folded, AgentAlias.created_at, AgentAlias.id)
    )
    if handle is not None:
        query = query.where(folded == func.lower(handle))
    spelled: dict[str, str] = {}
    behind: dict[str, list[str]] = {}
    for key, alias, agent in await session.execute(query):
        spelled.setdefault(key, alias)
        behind.setdefault(key, []).append(agent)
    return [AliasResource(alias=spelled[key], agents=agents) for key, agents in behind.items()]
