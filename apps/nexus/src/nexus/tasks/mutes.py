"""Beginning and ending one time that an agent is silenced. The caller has locked the agent's row."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.audit import record
from nexus.kit.ids import new_id
from nexus.store.tables import Agent, Mute
from nexus.tasks import mailbox


async def begin_mute(
    session: AsyncSession, agent: Agent, now: datetime, reason: str, *, by: str, automatic: bool, **facts: object
) -> Mute:
    """Silences an agent, writes down who did it, and tells the agent."""
    agent.muted_at, agent.muted_reason = agent.muted_at or now, reason
    mute = Mute(id=new_id(), tenant_id=agent.tenant_id, agent_id=agent.id, reason=reason, automatic=automatic, held=0)
    session.add(mute)
    await session.flush()
    record(session, agent.tenant_id, by, "agent.mute", agent.name, {"reason": reason, **facts})
    await mailbox.post(session, agent.id, agent.tenant_id, "agent.muted", task_id=None, instance=None, reason=reason)
    return mute


async def open_mute(session: AsyncSession, agent: Agent) -> Mute:
    """The mute that an agent is under."""
    found = await session.scalar(select(Mute).where(Mute.agent_id == agent.id, Mute.ended_at.is_(None)))
    if found is not None:
        return found
    # Muted by a release that kept no such rows.
    mute = Mute(
        id=new_id(),
        tenant_id=agent.tenant_id,
        agent_id=agent.id,
        reason=agent.muted_reason or "muted by an operator",
        automatic=False,
        held=0,
    )
    session.add(mute)
    await session.flush()
    return mute


async def end_mute(session: AsyncSession, agent: Agent, now: datetime, *, by: str) -> bool:
    """Lets an agent speak again: what it said meanwhile follows in a moment. False when it is not muted."""
    if agent.muted_at is None:
        return False
    mute = await open_mute(session, agent)
    mute.ended_at, mute.ended_by = now, by
    agent.muted_at = agent.muted_reason = None
    agent.posted_at = []
    record(session, agent.tenant_id, by, "agent.unmute", agent.name)
    await mailbox.post(session, agent.id, agent.tenant_id, "agent.unmuted", task_id=None, instance=None, by=by)
    return True
