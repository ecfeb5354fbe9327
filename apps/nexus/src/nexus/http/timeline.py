"""The story of a task: its events, the webhooks behind it and the effects of it, merged by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.paging import Position
from nexus.store.tables import Delivery, InboxEvent, Task, TaskEvent
from oblivion_protocol.resources import TimelineEntry


@dataclass(frozen=True, slots=True)
class Hop:
    """One entry, with the id that orders it among those of the same instant."""

    at: datetime
    id: UUID
    kind: str
    summary: str
    data: dict[str, Any]

    def entry(self) -> TimelineEntry:
        """As the API shows it."""
        return TimelineEntry(
            id=str(self.id),
            at=self.at,
            started_at=None,
            duration_ms=None,
            level="info",
            kind=self.kind,
            summary=self.summary,
            attempts=[],
            trace_id=None,
            data=self.data,
        )


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
    query = select(TaskEvent).join(Task, Task.id == TaskEvent.task_id)
    query = query.where(Task.conversation_id == conversation_id if task_id is None else Task.id == task_id)
    query = query.where(_later(TaskEvent.created_at, TaskEvent.id, after))
    query = query.order_by(TaskEvent.created_at, TaskEvent.id).limit(limit)
    return [
        Hop(row.created_at, row.id, row.kind, event_summary(row.kind, row.data), row.data)
        for row in await session.scalars(query)
    ]


async def _deliveries(
    session: AsyncSession, conversation_id: UUID, task_id: UUID | None, after: Position | None, limit: int
) -> Sequence[Hop]:
    at = func.coalesce(Delivery.settled_at, Delivery.created_at)
    query = select(Delivery).where(Delivery.conversation_id == conversation_id, _later(at, Delivery.id, after))
    if task_id is not None:
        query = query.where(or_(Delivery.task_id.is_(None), Delivery.task_id == task_id))
    return [
        Hop(
            at=row.settled_at or row.created_at,
            id=row.id,
            kind=f"delivery.{row.state}",
            summary=_sentence(f"{row.kind.replace('_', ' ')} to {row.sink}: {row.state}", row.reason),
            data={
                "delivery_id": str(row.id),
                "sink": row.sink,
                "kind": row.kind,
                "attempts": row.attempts,
                "reason": row.reason,
                "external_id": row.external_id,
            },
        )
        for row in await session.scalars(query.order_by(at, Delivery.id).limit(limit))
    ]


async def _webhooks(session: AsyncSession, conversation_id: UUID, after: Position | None, limit: int) -> Sequence[Hop]:
    query = select(
        InboxEvent.created_at,
        InboxEvent.id,
        InboxEvent.source,
        InboxEvent.state,
        InboxEvent.attempts,
        InboxEvent.reason,
    ).where(InboxEvent.conversation_id == conversation_id, _later(InboxEvent.created_at, InboxEvent.id, after))
    rows = await session.execute(query.order_by(InboxEvent.created_at, InboxEvent.id).limit(limit))
    return [
        Hop(
            at=at,
            id=row_id,
            kind=f"webhook.{state}",
            summary=_sentence(f"webhook from {source}: {state}", reason),
            data={"delivery_id": str(row_id), "source": source, "attempts": attempts, "reason": reason},
        )
        for at, row_id, source, state, attempts, reason in rows
    ]


def event_summary(kind: str, data: dict[str, Any]) -> str:
    """`task.canceled` and a reason → `Task canceled (the item was deleted)`."""
    reason = data.get("reason")
    return _sentence(kind.replace(".", " ").replace("_", " "), reason if isinstance(reason, str) else None)


def _sentence(text: str, reason: str | None) -> str:
    return text[:1].upper() + text[1:] + (f" ({reason})" if reason else "")


def _later(at: Any, row_id: Any, after: Position | None) -> ColumnElement[bool]:
    return tuple_(at, row_id) > after if after is not None else true()
