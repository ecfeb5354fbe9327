"""Silencing an agent: it is offered nothing, and it is told so."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.audit import record
from nexus.auth.errors import NotFound
from nexus.kit.clock import Clock
from nexus.pipeline.inbox import Doorbell
from nexus.pipeline.meter import UNMETERED, Meter
from nexus.store.database import Database
from nexus.store.tables import Agent
from nexus.tasks import mailbox


class Muting:
    """Mutes and unmutes agents for operators. What an agent holds it may finish."""

    def __init__(self, db: Database, doorbell: Doorbell, clock: Clock, meter: Meter = UNMETERED) -> None:
        self._db = db
        self._doorbell = doorbell
        self._clock = clock
        self._meter = meter

    async def mute(self, tenant_id: UUID, agent: str, reason: str, actor: str) -> None:
        """Done as well when it is muted already; the reason is then the new one. Raises NotFound."""
        reason = reason.strip() or f"muted by {actor}"
        async with self._db.tenant(tenant_id) as session:
            row = await _found(session, agent)
            if row.muted_at is not None and row.muted_reason == reason:
                return
            newly = row.muted_at is None
            row.muted_at, row.muted_reason = row.muted_at or self._clock.now(), reason
            record(session, tenant_id, actor, "agent.mute", agent, {"reason": reason})
            await mailbox.post(session, row.id, tenant_id, "agent.muted", task_id=None, instance=None, reason=reason)
        if newly:
            self._meter.muted()
        self._doorbell.ring("agents")

    async def unmute(self, tenant_id: UUID, agent: str, actor: str) -> None:
        """Done as well when it is not muted. Raises NotFound."""
        async with self._db.tenant(tenant_id) as session:
            row = await _found(session, agent)
            if row.muted_at is None:
                return
            row.muted_at = row.muted_reason = None
            record(session, tenant_id, actor, "agent.unmute", agent)
            await mailbox.post(session, row.id, tenant_id, "agent.unmuted", task_id=None, instance=None, by=actor)
        self._doorbell.ring("agents")
        self._doorbell.ring("dispatch")


async def _found(session: AsyncSession, name: str) -> Agent:
    agent = await session.scalar(select(Agent).where(Agent.name == name, Agent.revoked_at.is_(None)).with_for_update())
    if agent is None:
        raise NotFound(f"There is no agent {name}, or it is revoked.")
    return agent
