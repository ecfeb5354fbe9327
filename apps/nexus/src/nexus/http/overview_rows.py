"""What the overview counts over a window of time. Costs what happened in the window."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from oblivion_protocol.overview import Bucket, FirstRun, Throughput

_STEPS_SECONDS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800)
"""Lengths of a bucket that people can read."""
_WANTED_BUCKETS = 60

_RECEIVED = text("""
    SELECT date_bin(CAST(:step AS interval), created_at, TIMESTAMPTZ 'epoch') AS at, count(*) AS received
    FROM inbox WHERE created_at >= :since GROUP BY 1
""")
_DEAD_EVENTS = text("""
    SELECT date_bin(CAST(:step AS interval), settled_at, TIMESTAMPTZ 'epoch') AS at, count(*) AS failed
    FROM inbox WHERE state = 'dead' AND settled_at >= :since GROUP BY 1
""")
# Card updates wait on purpose, and say nothing about how fast people are answered.
_SETTLED = text("""
    SELECT at, count(*) FILTER (WHERE state = 'done') AS delivered, count(*) FILTER (WHERE state = 'dead') AS failed,
           count(*) AS settled,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms)
               FILTER (WHERE state = 'done' AND kind NOT IN ('card_update', 'mute_update')) AS p95_ms
    FROM (
        SELECT date_bin(CAST(:step AS interval), settled_at, TIMESTAMPTZ 'epoch') AS at, state, kind,
               1000 * extract(epoch FROM settled_at - created_at)::float8 AS took_ms
        FROM deliveries WHERE changed_at >= :since AND settled_at >= :since
    ) settled GROUP BY GROUPING SETS ((at), ())
""")

_FIRST_RUN = text("""
    SELECT EXISTS (SELECT FROM connections WHERE vendor = 'clickup') AS clickup,
           EXISTS (SELECT FROM connections WHERE vendor = 'slack') AS slack,
           EXISTS (SELECT FROM project_mappings) AS mapping,
           EXISTS (SELECT FROM agents WHERE revoked_at IS NULL) AS agent
""")
_FIRST_MIRRORED = text("""
    SELECT c.id AS conversation_id, (SELECT t.id FROM tasks t WHERE t.conversation_id = c.id
                                     ORDER BY t.created_at DESC LIMIT 1) AS task_id
    FROM task_mappings c WHERE c.root_ts IS NOT NULL ORDER BY c.created_at, c.id LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class History:
    """A window of time in figures."""

    series: list[Bucket]
    throughput: Throughput
    error_rate: float
    p95_ms: float | None


async def read_history(session: AsyncSession, now: datetime, minutes: int) -> History:
    """Of the session's tenant, in about 60 buckets of equal length; the last one is still filling."""
    step, first, count = buckets(now, minutes)
    about = {"step": step, "since": first}
    found: dict[datetime, dict[str, Any]] = {}
    received = dead = settled = 0
    overall: float | None = None
    for row in await session.execute(_RECEIVED, about):
        found.setdefault(row.at, {})["received"] = row.received
        received += row.received
    for row in await session.execute(_DEAD_EVENTS, about):
        found.setdefault(row.at, {})["failed"] = row.failed
        dead += row.failed
    for row in await session.execute(_SETTLED, about):
        if row.at is None:
            settled, overall = row.settled, row.p95_ms
            continue
        bucket = found.setdefault(row.at, {})
        bucket["failed"] = bucket.get("failed", 0) + row.failed
        bucket |= {"delivered": row.delivered, "p95_ms": row.p95_ms}
    # How many events were settled would cost a look at each of them; as many came in, but for those that wait.
    tried = max(received, dead) + settled
    empty: dict[str, Any] = {"received": 0, "delivered": 0, "failed": 0, "p95_ms": None}
    series = [Bucket(at=at, **(empty | found.get(at, {}))) for at in (first + step * index for index in range(count))]
    failed = sum(bucket.failed for bucket in series)
    return History(
        series=series,
        throughput=Throughput(
            received=sum(bucket.received for bucket in series),
            delivered=sum(bucket.delivered for bucket in series),
            failed=failed,
        ),
        error_rate=min(1.0, failed / tried) if tried else 0.0,
        p95_ms=overall,
    )


def buckets(now: datetime, minutes: int) -> tuple[timedelta, datetime, int]:
    """(length of a bucket, beginning of the first, number of them); beginnings are round times of day."""
    wanted_seconds = minutes * 60 / _WANTED_BUCKETS
    seconds = next((step for step in _STEPS_SECONDS if step >= wanted_seconds), _STEPS_SECONDS[-1])
    count = math.ceil(minutes * 60 / seconds) + 1  # the first and the last one are in the window in part
    last = math.floor(now.timestamp() / seconds) * seconds
    return timedelta(seconds=seconds), datetime.fromtimestamp(last - seconds * (count - 1), UTC), count


async def read_first_run(session: AsyncSession, *, agent_online: bool) -> FirstRun:
    """How far the session's tenant has come."""
    done = (await session.execute(_FIRST_RUN)).one()
    mirrored = (await session.execute(_FIRST_MIRRORED)).first()
    return FirstRun(
        clickup=done.clickup,
        slack=done.slack,
        mapping=done.mapping,
        agent=done.agent,
        agent_online=agent_online,
        mirrored=mirrored is not None,
        mirrored_task_id=str(mirrored.task_id or mirrored.conversation_id) if mirrored else None,
    )
