"""Whether deliveries may leave now: still wanted, still ours, nothing older before them, and a turn of their own.

Asked right before they are sent, for many of one tenant at once. The claim has asked the same; but a machine may be
slow, and seconds may lie between a claim and its request. A worker that stood still does not know yet that its lock is
gone, and that somebody else has sent it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.pipeline.claim_sql import HOLDS
from nexus.pipeline.claims import HOLD_SECONDS, LostClaim
from nexus.pipeline.errors import Deferred, Superseded
from nexus.pipeline.ports import RateLimit

# OFFSET 0 has PostgreSQL look into an index for each row, however little it knows of how many rows there are: where it
# may turn this into a join, and has not counted a table that grew, it compares everything with everything.
_AT_LAST = text(f"""
    SELECT asked.id, mine.id IS NOT NULL AS still_mine, coalesce(task.state = 'canceled', false) AS canceled,
           task.reason,
           EXISTS (SELECT FROM deliveries older WHERE older.stream_key = mine.stream_key
                   AND older.state IN ('pending', 'sending')
                   AND (older.order_key, older.id) < (mine.order_key, mine.id) OFFSET 0)
        OR EXISTS (SELECT FROM inbox older WHERE older.stream_key = mine.source_stream AND older.state = 'pending'
                   AND older.occurred_at < to_timestamp(mine.order_key / 1000000.0)
                   AND {HOLDS} OFFSET 0) AS something_older
    FROM unnest(CAST(:ids AS uuid[]), CAST(:workers AS int[]), CAST(:attempts AS int[]))
        AS asked(id, worker, attempts)
    LEFT JOIN LATERAL (
        SELECT * FROM deliveries d WHERE d.id = asked.id AND d.claimed_by = asked.worker AND d.attempts = asked.attempts
        OFFSET 0
    ) mine ON true
    LEFT JOIN LATERAL (SELECT * FROM tasks t WHERE t.id = mine.task_id OFFSET 0) task ON true
""")  # noqa: S608 - a constant; every value is bound

# The generic cell rate algorithm: `next_at` is when the last turn that was given out is over, and turns may be
# taken up to `ahead` seconds early, which makes the burst. `first_at` is the first of the turns that are taken here.
_TAKE_TURNS = text("""
    INSERT INTO paces (id, tenant_id, connection_id, key, next_at)
    VALUES (:id, :tenant, :connection, :key, clock_timestamp() + make_interval(secs => :all_of_them))
    ON CONFLICT (connection_id, key) DO UPDATE
        SET next_at = greatest(paces.next_at, clock_timestamp()) + make_interval(secs => :all_of_them)
    RETURNING next_at - make_interval(secs => :all_of_them) - make_interval(secs => :ahead) AS first_at,
              extract(epoch FROM next_at - clock_timestamp())::float8 - :all_of_them - :ahead AS wait_seconds
""")


@dataclass(frozen=True, slots=True)
class Departure:
    """A claimed delivery that is about to leave, and the limit of its vendor that it falls under."""

    row: Any
    limit: RateLimit | None


class NotItsTurn(Deferred):
    """The vendor takes no more at the moment; a turn of its own waits for this delivery."""

    def __init__(self, limit: RateLimit, slot_at: datetime, after_seconds: float) -> None:
        super().__init__(f"waits for its turn: {limit.per_second:g} a second", after_seconds=after_seconds)
        self.slot_at = slot_at


async def objections(session: AsyncSession, leaving: Sequence[Departure]) -> dict[UUID, Exception]:
    """Why some of these may not leave, by delivery: LostClaim, Superseded or Deferred. The others may, and must now.

    Takes turns for those that may. It does so last of all, for others wait for whoever holds a pace.
    """
    about = {
        "ids": [one.row.id for one in leaving],
        "workers": [one.row.claimed_by for one in leaving],
        "attempts": [one.row.attempts for one in leaving],
        "hold": HOLD_SECONDS,
    }
    found: dict[UUID, Exception] = {}
    for said in (await session.execute(_AT_LAST, about)).all():
        objection = claim_or_order(said) or unwanted(said)
        if objection is not None:
            found[said.id] = objection
    waiting = [one for one in leaving if one.row.id not in found and one.row.slot_at is None]
    for limit, together in _under_one_limit(waiting):
        found |= await _take_turns(session, limit, together)
    return found


def claim_or_order(said: Any) -> Exception | None:
    """Who has lost the claim sends nothing; what was accepted meanwhile and is older goes first."""
    if not said.still_mine:
        return LostClaim(str(said.id))
    if said.something_older:
        return Deferred("something older has just come in", after_seconds=0)
    return None


def unwanted(said: Any) -> Exception | None:
    """After a Stop nothing of the task has an effect any more, not even what was tried before it."""
    return Superseded(said.reason or "the task was stopped") if said.canceled else None


def _under_one_limit(leaving: Sequence[Departure]) -> Iterator[tuple[RateLimit, list[Departure]]]:
    """In one order for all processes, so that two that take turns under several limits do not wait for each other."""

    def which(one: Departure) -> tuple[UUID, str]:
        assert one.limit is not None
        return one.row.connection_id, one.limit.key

    limited = sorted((one for one in leaving if one.limit is not None), key=which)
    for _, alike in groupby(limited, which):
        together = list(alike)
        assert together[0].limit is not None
        yield together[0].limit, together


async def _take_turns(session: AsyncSession, limit: RateLimit, together: Sequence[Departure]) -> dict[UUID, Exception]:
    """Takes the next turns under a limit, for all processes together; says who has to wait for its own.

    A row that has to wait keeps its turn, so each waits once, whoever comes meanwhile.
    """
    row, interval_seconds = together[0].row, 1 / limit.per_second
    about = {
        "id": new_id(),
        "tenant": row.tenant_id,
        "connection": row.connection_id,
        "key": limit.key,
        "all_of_them": interval_seconds * len(together),
        "ahead": (limit.burst - 1) * interval_seconds,
    }
    first = (await session.execute(_TAKE_TURNS, about)).one()
    found: dict[UUID, Exception] = {}
    for number, one in enumerate(together):
        later_seconds = number * interval_seconds
        wait_seconds = first.wait_seconds + later_seconds
        if wait_seconds > 0:
            found[one.row.id] = NotItsTurn(limit, first.first_at + timedelta(seconds=later_seconds), wait_seconds)
    return found
