"""Gives dead letters another life. Ids and effect keys stay, so that a replay never doubles an effect (I3)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

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


async def dead_ids(session: AsyncSession, limit: int) -> list[UUID]:
    """The oldest dead rows of both tables."""
    incoming = select(InboxEvent.created_at, InboxEvent.id).where(InboxEvent.state == "dead")
    outgoing = select(Delivery.created_at, Delivery.id).where(Delivery.state == "dead")
    both = incoming.union_all(outgoing).subquery()
    rows = await session.execute(select(both.c.id).order_by(both.c.created_at, both.c.id).limit(limit))
    return list(rows.scalars())


async def count_dead(session: AsyncSession) -> int:
    """How many dead rows there are."""
    incoming = select(func.count()).select_from(InboxEvent).where(InboxEvent.state == "dead")
    outgoing = select(func.count()).select_from(Delivery).where(Delivery.state == "dead")
    total = select(incoming.scalar_subquery() + outgoing.scalar_subquery())
    return (await session.execute(total)).scalar_one()
