"""Inbox rows and deliveries as one list: what came in and what is to go out, each with what became of it."""

from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, func, literal, null, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.paging import Position
from nexus.store.tables import Delivery, InboxEvent
from oblivion_protocol.resources import DeliveryResource

Origin = Literal["inbox", "outbox"]
DeliveryState = Literal["pending", "sending", "done", "ignored", "superseded", "dead"]


def _incoming() -> Select[*tuple[Any, ...]]:
    return select(
        InboxEvent.id,
        literal("inbox"),
        InboxEvent.source,
        literal("webhook"),
        InboxEvent.state,
        InboxEvent.attempts,
        InboxEvent.reason,
        null(),
        InboxEvent.created_at,
        func.coalesce(InboxEvent.settled_at, InboxEvent.created_at),
    )


def _outgoing() -> Select[*tuple[Any, ...]]:
    return select(
        Delivery.id,
        literal("outbox"),
        Delivery.sink,
        Delivery.kind,
        Delivery.state,
        Delivery.attempts,
        Delivery.reason,
        Delivery.task_id,
        Delivery.created_at,
        func.coalesce(Delivery.settled_at, Delivery.attempted_at, Delivery.created_at),
    )


async def read_deliveries(
    session: AsyncSession,
    *,
    state: DeliveryState | None,
    origin: Origin | None,
    before: Position | None,
    limit: int,
) -> list[DeliveryResource]:
    """The newest `limit` rows before a position, of both tables or of one."""
    found: list[DeliveryResource] = []
    sides: tuple[tuple[Origin, Select[*tuple[Any, ...]], type[InboxEvent] | type[Delivery]], ...] = (
        ("inbox", _incoming(), InboxEvent),
        ("outbox", _outgoing(), Delivery),
    )
    for side, columns, table in sides:
        if origin not in (None, side):
            continue
        query = columns.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
        if state is not None:
            query = query.where(table.state == state)
        if before is not None:
            query = query.where(tuple_(table.created_at, table.id) < before)
        found += [_resource(row) for row in (await session.execute(query)).all()]
    return sorted(found, key=lambda row: (row.created_at, UUID(row.id)), reverse=True)[:limit]


async def find_delivery(session: AsyncSession, wanted: UUID) -> DeliveryResource | None:
    """One row of either table."""
    for query in (_outgoing().where(Delivery.id == wanted), _incoming().where(InboxEvent.id == wanted)):
        row = (await session.execute(query)).first()
        if row is not None:
            return _resource(row)
    return None


def _resource(row: Any) -> DeliveryResource:
    row_id, origin, sink, kind, state, attempts, reason, task_id, created_at, updated_at = row
    return DeliveryResource(
        id=str(row_id),
        origin=origin,
        sink=sink,
        kind=kind,
        state=state,
        attempts=attempts,
        reason=reason,
        task_id=str(task_id) if task_id else None,
        created_at=created_at,
        updated_at=updated_at,
    )
