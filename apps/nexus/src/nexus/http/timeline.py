"""The story of a task: its events, the webhooks behind it and the effects of it, merged by time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.hops import (
    MILESTONES,
    Hop,
    Moment,
    attempts_of,
    beginnings,
    event_summary,
    level_of_event,
    level_of_row,
    sentence,
)
from nexus.http.paging import Position
from nexus.store.tables import Agent, Delivery, InboxEvent, Question, Task, TaskEvent


async def read_timeline(
    session: AsyncSession, conversation_id: UUID, task_id: UUID | None, after: Position | None, limit: int
) -> list[Hop]:
    """The oldest `limit` hops after a position: of one task, or of all tasks of the conversation."""
    hops = [
        *await _events(session, conversation_id, task_id, after, limit),
        *await _deliveries(session, conversation_id, task_id, after, limit),
        *await _webhooks(session, conversation_id, after, limit),
    ]
    return sorted(hops, key=lambda hop: (hop.at, hop.id))[:limit]


async def _events(
    session: AsyncSession, conversation_id: UUID, task_id: UUID | None, after: Position | None, limit: int
) -> Sequence[Hop]:
    of_task = Task.conversation_id == conversation_id if task_id is None else Task.id == task_id
    query = select(TaskEvent, Task.traceparent).join(Task, Task.id == TaskEvent.task_id).where(of_task)
    query = query.where(_later(TaskEvent.created_at, TaskEvent.id, after))
    query = query.order_by(TaskEvent.created_at, TaskEvent.id).limit(limit)
    rows = (await session.execute(query)).all()
    began = await _beginnings(session, of_task, [row[0] for row in rows])
    asked = await _asked_at(session, of_task)
    names = {str(agent_id): name for agent_id, name in await session.execute(select(Agent.id, Agent.name))}
    hops: list[Hop] = []
    offered_to: dict[tuple[UUID, int | None], str] = {}
    for row, traceparent in rows:
        data: dict[str, Any] = dict(row.data)
        turn = (row.task_id, row.epoch)
        if (agent := names.get(data.get("agent_id", ""))) is not None:
            offered_to[turn] = agent
        if turn in offered_to and row.kind.startswith("task."):
            data.setdefault("agent", offered_to[turn])
        started = began.get(row.id) or asked.get(data.get("question_id", ""))
        hops.append(
            Hop(
                at=row.created_at,
                id=row.id,
                kind=row.kind,
                summary=event_summary(row.kind, data),
                data=data,
                level=level_of_event(row.kind),
                started_at=started,
                ended_at=None if started is None else row.created_at,
                traceparent=traceparent,
            )
        )
    return hops


async def _beginnings(
    session: AsyncSession, of_task: ColumnElement[bool], shown: Sequence[TaskEvent]
) -> dict[UUID, datetime]:
    """When what ends on this page began; it may have begun pages ago."""
    if not shown:
        return {}
    columns = (TaskEvent.created_at, TaskEvent.id, TaskEvent.task_id, TaskEvent.epoch, TaskEvent.kind)
    rows = await session.execute(
        select(*columns)
        .join(Task, Task.id == TaskEvent.task_id)
        .where(of_task, TaskEvent.created_at <= shown[-1].created_at)
        .where(or_(TaskEvent.kind.in_(MILESTONES), TaskEvent.id.in_([row.id for row in shown])))
        .order_by(TaskEvent.created_at, TaskEvent.id)
    )
    return beginnings(Moment(*row) for row in rows)


async def _asked_at(session: AsyncSession, of_task: ColumnElement[bool]) -> dict[str, datetime]:
    rows = await session.execute(
        select(Question.id, Question.created_at).join(Task, Task.id == Question.task_id).where(of_task)
    )
    return {str(question_id): at for question_id, at in rows}


async def _deliveries(
    session: AsyncSession, conversation_id: UUID, task_id: UUID | None, after: Position | None, limit: int
) -> Sequence[Hop]:
    at = func.coalesce(Delivery.settled_at, Delivery.created_at)
    query = select(Delivery).where(Delivery.conversation_id == conversation_id, _later(at, Delivery.id, after))
    if task_id is not None:
        query = query.where(or_(Delivery.task_id.is_(None), Delivery.task_id == task_id))
    hops: list[Hop] = []
    for row in await session.scalars(query.order_by(at, Delivery.id).limit(limit)):
        attempts = attempts_of(row.history)
        hops.append(
            Hop(
                at=row.settled_at or row.created_at,
                id=row.id,
                kind=f"delivery.{row.state}",
                summary=sentence(f"{row.kind.replace('_', ' ')} to {row.sink}: {row.state}", row.reason),
                data={
                    "delivery_id": str(row.id),
                    "sink": row.sink,
                    "kind": row.kind,
                    "attempts": row.attempts,
                    "reason": row.reason,
                    "external_id": row.external_id,
                },
                level=level_of_row(row.state, attempts),
                started_at=row.created_at,
                ended_at=row.settled_at,
                attempts=attempts,
                traceparent=row.traceparent,
            )
        )
    return hops


async def _webhooks(session: AsyncSession, conversation_id: UUID, after: Position | None, limit: int) -> Sequence[Hop]:
    query = select(
        InboxEvent.created_at,
        InboxEvent.id,
        InboxEvent.source,
        InboxEvent.state,
        InboxEvent.attempts,
        InboxEvent.reason,
        InboxEvent.settled_at,
        InboxEvent.history,
        InboxEvent.traceparent,
    ).where(InboxEvent.conversation_id == conversation_id, _later(InboxEvent.created_at, InboxEvent.id, after))
    hops: list[Hop] = []
    for row in await session.execute(query.order_by(InboxEvent.created_at, InboxEvent.id).limit(limit)):
        attempts = attempts_of(row.history)
        data = {"delivery_id": str(row.id), "source": row.source, "attempts": row.attempts, "reason": row.reason}
        hops.append(
            Hop(
                at=row.created_at,
                id=row.id,
                kind=f"webhook.{row.state}",
                summary=sentence(f"webhook from {row.source}: {row.state}", row.reason),
                data=data,
                level=level_of_row(row.state, attempts),
                started_at=row.created_at,
                ended_at=row.settled_at,
                attempts=attempts,
                traceparent=row.traceparent,
            )
        )
    return hops


def _later(at: Any, row_id: Any, after: Position | None) -> ColumnElement[bool]:
    return tuple_(at, row_id) > after if after is not None else true()
