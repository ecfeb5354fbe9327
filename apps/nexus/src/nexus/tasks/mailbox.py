"""The agent sink's outbox: durable events with a sequence number of the agent's own."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.store.tables import Agent, AgentMessage
from oblivion_protocol import EVENTS, Durable


async def post(
    session: AsyncSession,
    agent_id: UUID,
    tenant_id: UUID,
    event: str,
    *,
    task_id: UUID | None,
    instance: str | None,
    **fields: Any,
) -> None:
    """Owes an agent one event; it is sent until its `seq` is acknowledged."""
    seq = await session.scalar(
        update(Agent).where(Agent.id == agent_id).values(next_seq=Agent.next_seq + 1).returning(Agent.next_seq - 1)
    )
    assert seq is not None
    row_id = new_id()
    model = EVENTS[event]
    assert issubclass(model, Durable)
    about = {"task_id": str(task_id)} if task_id is not None else {}
    message = model.model_validate({"delivery_id": str(row_id), "seq": seq, **about, **fields})
    session.add(
        AgentMessage(
            id=row_id,
            tenant_id=tenant_id,
            agent_id=agent_id,
            seq=seq,
            task_id=task_id,
            instance=instance,
            event=event,
            payload=message.model_dump(mode="json"),
        )
    )


async def unacked(session: AsyncSession, agent_id: UUID, instance: str, after_seq: int) -> Sequence[AgentMessage]:
    """What this process of the agent has not acknowledged, oldest first."""
    rows = await session.scalars(
        select(AgentMessage)
        .where(
            AgentMessage.agent_id == agent_id,
            AgentMessage.acked_at.is_(None),
            AgentMessage.seq > after_seq,
            (AgentMessage.instance == instance) | AgentMessage.instance.is_(None),
        )
        .order_by(AgentMessage.seq)
        .limit(200)
    )
    return rows.all()


async def acknowledge(session: AsyncSession, agent_id: UUID, instance: str, seq: int, now: datetime) -> None:
    """Marks everything up to `seq` as taken over by this process."""
    await session.execute(
        update(AgentMessage)
        .where(
            AgentMessage.agent_id == agent_id,
            AgentMessage.acked_at.is_(None),
            AgentMessage.seq <= seq,
            (AgentMessage.instance == instance) | AgentMessage.instance.is_(None),
        )
        .values(acked_at=now)
    )


async def withdraw(session: AsyncSession, task_id: UUID, now: datetime) -> None:
    """Takes back what was not acknowledged about a task that has changed hands or is over."""
    await session.execute(
        update(AgentMessage)
        .where(AgentMessage.task_id == task_id, AgentMessage.acked_at.is_(None))
        .values(acked_at=now)
    )
