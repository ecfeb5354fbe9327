"""Inbox rows and deliveries as one list: what came in and what is to go out, each with what became of it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Text, any_, func, literal, null, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.paging import Position
from nexus.pipeline.fingerprint import fingerprint
from nexus.store.tables import Delivery, InboxEvent, Task, TaskMapping
from oblivion_protocol.resources import DeliveryResource

Origin = Literal["inbox", "outbox"]
DeliveryState = Literal["pending", "sending", "done", "ignored", "superseded", "dead"]
Queue = type[InboxEvent] | type[Delivery]

_title = func.coalesce(Task.title, TaskMapping.title)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which rows are wanted; what is absent does not matter."""

    state: DeliveryState | None = None
    origin: Origin | None = None
    sink: str | None = None
    fingerprint: str | None = None
    text: str | None = None

    def conditions(self, table: Queue) -> Iterator[ColumnElement[bool]]:
        """For the query of one table, but for the fingerprint."""
        if self.state is not None:
            yield table.state == self.state
        if self.sink is not None:
            yield (InboxEvent.source if table is InboxEvent else Delivery.sink) == self.sink
        if self.text is not None:
            yield _found_by(table, self.text)


def _found_by(table: Queue, text: str) -> ColumnElement[bool]:
    found = or_(table.reason.icontains(text, autoescape=True), _title.icontains(text, autoescape=True))
    try:
        wanted = UUID(text)
    except ValueError:
        return or_(found, TaskMapping.item_id == text)
    return or_(found, table.id == wanted, table.conversation_id == wanted, Task.id == wanted)


def _incoming() -> Select[*tuple[Any, ...]]:
    return (
        select(
            InboxEvent.id,
            literal("inbox"),
            InboxEvent.source,
            literal("webhook"),
            InboxEvent.state,
            InboxEvent.attempts,
            InboxEvent.reason,
            _title,
            null(),
            InboxEvent.created_at,
            func.coalesce(InboxEvent.settled_at, InboxEvent.created_at),
        )
        .outerjoin_from(InboxEvent, TaskMapping, TaskMapping.id == InboxEvent.conversation_id)
        # An event is of a conversation, not of one of its tasks.
        .outerjoin(Task, literal(False))
    )


def _outgoing() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Delivery.id,
            literal("outbox"),
            Delivery.sink,
            Delivery.kind,
            Delivery.state,
            Delivery.attempts,
            Delivery.reason,
            _title,
            Delivery.task_id,
            Delivery.created_at,
            func.coalesce(Delivery.settled_at, Delivery.attempted_at, Delivery.created_at),
        )
        .join_from(Delivery, TaskMapping, TaskMapping.id == Delivery.conversation_id)
        .outerjoin(Task, Task.id == Delivery.task_id)
    )


async def read_deliveries(
    session: AsyncSession, wanted: DeliveryFilter, *, before: Position | None, limit: int
) -> list[DeliveryResource]:
    """The newest `limit` rows before a position, of both tables or of one."""
    found: list[DeliveryResource] = []
    sides: tuple[tuple[Origin, Select[*tuple[Any, ...]], Queue], ...] = (
        ("inbox", _incoming(), InboxEvent),
        ("outbox", _outgoing(), Delivery),
    )
    for side, columns, table in sides:
        if wanted.origin not in (None, side):
            continue
        query = columns.order_by(table.created_at.desc(), table.id.desc()).limit(limit)
        query = query.where(*wanted.conditions(table))
        if wanted.fingerprint is not None:
            query = query.where(is_one_of(table, await reasons_of(session, table, wanted.fingerprint, wanted.state)))
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


async def reasons_of(
    session: AsyncSession, table: Queue, wanted: str, state: DeliveryState | None
) -> Collection[str | None]:
    """The reasons in a table, of rows in some state, that have a fingerprint."""
    query = select(table.reason).distinct()
    if state is not None:
        query = query.where(table.state == state)
    return [reason for reason in await session.scalars(query) if fingerprint(reason) == wanted]


def is_one_of(table: Queue, reasons: Collection[str | None]) -> ColumnElement[bool]:
    """Whether the reason of a row is among these."""
    written = table.reason == any_(literal([reason for reason in reasons if reason is not None], ARRAY(Text)))
    return or_(written, table.reason.is_(None)) if None in reasons else written


def _resource(row: Any) -> DeliveryResource:
    row_id, origin, sink, kind, state, attempts, reason, title, task_id, created_at, updated_at = row
    return DeliveryResource(
        id=str(row_id),
        origin=origin,
        sink=sink,
        tool=sink,
        kind=kind,
        state=state,
        attempts=attempts,
        reason=reason,
        fingerprint=fingerprint(reason),
        title=title,
        task_id=str(task_id) if task_id else None,
        created_at=created_at,
        updated_at=updated_at,
    )
