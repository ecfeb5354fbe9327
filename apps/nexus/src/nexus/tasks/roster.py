"""Who could take a task, read at this moment."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.store.tables import Agent, AgentAlias, AgentSession, Task, TaskEvent
from nexus.tasks.rules import ONLINE_SECONDS, REASSIGNED, REFUSAL_PAUSE_SECONDS, Candidate
from oblivion_protocol import HELD_STATES


async def candidates(session: AsyncSession, task: Task, now: datetime) -> list[Candidate]:
    """Every connected process of an agent behind the alias of a task, with what speaks for and against it."""
    online_within = timedelta(seconds=ONLINE_SECONDS)
    held = (
        select(Task.agent_id, Task.instance, func.count().label("tasks"))
        .where(Task.finished_at.is_(None), Task.state.in_(HELD_STATES))
        .group_by(Task.agent_id, Task.instance)
        .subquery()
    )
    rows = await session.execute(
        select(Agent, AgentSession, func.coalesce(held.c.tasks, 0))
        .join(AgentAlias, AgentAlias.agent_id == Agent.id)
        .join(AgentSession, AgentSession.agent_id == Agent.id)
        .outerjoin(held, (held.c.agent_id == Agent.id) & (held.c.instance == AgentSession.instance))
        .where(func.lower(AgentAlias.alias) == task.alias.lower(), Agent.revoked_at.is_(None))
        # Every process that ever connected has a row.
        .where(AgentSession.closed_at.is_(None))
        # Seen in the future: by a clock that was set back since, and perhaps not seen again.
        .where(AgentSession.last_seen_at.between(now - online_within, now + online_within))
    )
    paused = await _paused(session, task, now)
    return [
        Candidate(
            agent_id=str(agent.id),
            instance=one.instance,
            skills=frozenset({*one.skills, *agent.skills}),
            capacity=one.capacity,
            load=load,
            online=True,
            muted=agent.muted_at is not None,
            paused=(str(agent.id), one.instance) in paused,
            connected_at=one.connected_at,
            set_aside=task.wanted_agent_id not in (None, agent.id),
        )
        for agent, one, load in rows.all()
    ]


async def _paused(session: AsyncSession, task: Task, now: datetime) -> set[tuple[str, str]]:
    if task.offers == 0:
        return set()  # nobody can have refused it
    refusals = await session.scalars(
        select(TaskEvent.data).where(
            TaskEvent.task_id == task.id,
            TaskEvent.kind == "task.requeued",
            TaskEvent.created_at > now - timedelta(seconds=REFUSAL_PAUSE_SECONDS),
        )
    )
    return {
        (data["agent_id"], data["instance"])
        for data in refusals
        if data["reason"] in ("rejected", "not_accepted")
        # Whom an operator has taken it from is not who should have it next, unless the operator says so.
        or (data["reason"] == REASSIGNED and data["agent_id"] != str(task.wanted_agent_id))
    }
