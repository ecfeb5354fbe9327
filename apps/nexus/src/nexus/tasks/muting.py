"""Silencing an agent: it is offered nothing, what it says is held, and it is told so."""

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
from nexus.tasks.mutes import begin_mute, end_mute, open_mute


class Muting:
    """Mutes and unmutes agents for operators. What an agent holds it may finish."""

    def __init__(self, db: Database, doorbell: Doorbell, clock: Clock, meter: Meter = UNMETERED) -> None:
        self._db = db
        self._doorbell = doorbell
        self._clock = clock
        self._meter = meter

    async def mute(self, tenant_id: UUID, agent: str, reason: str, actor: str) -> None:
        """Done as well when it is muted already; the reason is then the new one, and people in the thread may not
        take it back any more. Raises NotFound."""
        reason = reason.strip() or f"muted by {actor}"
        now = self._clock.now()
        async with self._db.tenant(tenant_id) as session:
            row = await _found(session, agent)
            newly = row.muted_at is None
            if newly:
                await begin_mute(session, row, now, reason, by=actor, automatic=False)
            elif await _is_told_otherwise(session, row, reason):
                record(session, tenant_id, actor, "agent.mute", agent, {"reason": reason})
                await mailbox.post(
                    session, row.id, tenant_id, "agent.muted", task_id=None, instance=None, reason=reason
                )
        if newly:
            self._meter.muted()
        self._doorbell.ring("agents")

    async def unmute(self, tenant_id: UUID, agent: str, actor: str) -> None:
        """Done as well when it is not muted. Raises NotFound."""
        async with self._db.tenant(tenant_id) as session:
            row = await _found(session, agent)
            if not await end_mute(session, row, self._clock.now(), by=actor):
                return
        for topic in ("agents", "dispatch", "deliveries"):
            self._doorbell.ring(topic)


async def _is_told_otherwise(session: AsyncSession, agent: Agent, reason: str) -> bool:
    """Takes over a mute for an operator, with a new reason; False when nothing changes."""
    mute = await open_mute(session, agent)
    if (mute.reason, mute.automatic) == (reason, False):
        return False
    mute.reason, mute.automatic, agent.muted_reason = reason, False, reason
    return True


async def _found(session: AsyncSession, name: str) -> Agent:
    agent = await session.scalar(
        select(Agent).where(Agent.name == name, Agent.revoked_at.is_(None)).with_for_update(key_share=True)
    )
    if agent is None:
        raise NotFound(f"There is no agent {name}, or it is revoked.")
    return agent
