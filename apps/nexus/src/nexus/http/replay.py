"""Gives dead letters another life. Ids and effect keys stay, so that a replay never doubles an effect (I3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, case, func, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.delivery_rows import Queue, is_one_of, reasons_of
from nexus.pipeline.tries import longer_history
from nexus.store.tables import Delivery, InboxEvent

MAX_REPLAYS = 500
"""Rows of one call, so that a replay is no flood; what remains is told."""


async def replay(session: AsyncSession, ids: Sequence[UUID], now: datetime) -> set[UUID]:
    """Those of `ids` that were dead and are due again."""
    fresh = {
        "reason": None,
        "attempts": 0,
        "crashes": 0,
        "available_at": now,
        "settled_at": None,
        "claimed_by": None,
        "claimed_until": None,
        "history": longer_history("replayed", None),
    }
    incoming = (
        update(InboxEvent)
        .where(InboxEvent.id.in_(ids), InboxEvent.state == "dead")
        .values(**fresh, state="pending")
        .returning(InboxEvent.id)
    )
    # A delivery that was tried once may have happened: `sending` without a claim is looked up before it is sent.
    outgoing = (
        update(Delivery)
        .where(Delivery.id.in_(ids), Delivery.state == "dead")
        .values(**fresh, state=case((Delivery.attempted_at.is_(None), literal("pending")), else_=literal("sending")))
        .returning(Delivery.id)
    )
    return {
        *await session.scalars(incoming, execution_options={"synchronize_session": False}),
        *await session.scalars(outgoing, execution_options={"synchronize_session": False}),
    }


@dataclass(frozen=True, slots=True)
class Dead:
    """The dead rows of both tables, all of them or those of one cause."""

    _queries: tuple[Select[datetime, UUID], ...]

    @classmethod
    async def of(cls, session: AsyncSession, fingerprint: str | None = None) -> "Dead":
        """Those whose reason has the fingerprint; all where there is none."""
        queries: list[Select[datetime, UUID]] = []
        tables: tuple[Queue, ...] = (InboxEvent, Delivery)
        for table in tables:
            query = select(table.created_at, table.id).where(table.state == "dead")
            if fingerprint is not None:
                query = query.where(is_one_of(table, await reasons_of(session, table, fingerprint, "dead")))
            queries.append(query)
        return cls(tuple(queries))

    async def ids(self, session: AsyncSession, limit: int) -> list[UUID]:
        """The oldest."""
        both = union_all(*self._queries).subquery()
        rows = await session.execute(select(both.c.id).order_by(both.c.created_at, both.c.id).limit(limit))
        return list(rows.scalars())

    async def count(self, session: AsyncSession) -> int:
        """How many there are."""
        both = union_all(*self._queries).subquery()
        return (await session.execute(select(func.count()).select_from(both))).scalar_one()
