"""How long it takes until the work of a dead worker is taken up by another (I7)."""

import asyncio
import time
from typing import Any

from cluster import Cluster

from nexus.pipeline.claims import LOCK_CLASS

LOOK_SECONDS = 0.05
GIVE_UP_SECONDS = 30.0

_HELD = """
    SELECT 'inbox' AS name, id, attempts, available_at FROM inbox WHERE claimed_by = ANY(:dead)
    UNION ALL SELECT 'deliveries', id, attempts, available_at FROM deliveries WHERE claimed_by = ANY(:dead)
"""
# Tried since: another one holds it, it is settled, or it was tried and put back for later.
_STILL = """
    SELECT r.id FROM {table} r
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held(id, attempts) ON held.id = r.id
    WHERE r.state IN ('pending', 'sending') AND r.attempts <= held.attempts
      AND (r.claimed_by IS NULL OR r.claimed_by = ANY(:dead))
"""


async def alive(cluster: Cluster) -> list[int]:
    """The identities of all workers that live, as claims name them."""
    rows = await cluster.rows(
        "SELECT objid::bigint AS worker FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
        "AND classid = CAST(:class AS oid)",
        **{"class": LOCK_CLASS},
    )
    return [row.worker for row in rows]


async def seconds_until_reclaimed(cluster: Cluster, before: list[int], killed_at: float) -> list[float]:
    """For each row that the dead held: from the kill (`time.monotonic()`) until it is tried again or settled.

    `before` is who lived before the kill. A row for which that does not happen counts as `GIVE_UP_SECONDS`; one
    that is free already when we look is left out, so the figures are never too good.
    """
    while not (dead := sorted(set(before) - set(await alive(cluster)))):
        if time.monotonic() - killed_at > GIVE_UP_SECONDS:
            return [GIVE_UP_SECONDS]
        await asyncio.sleep(LOOK_SECONDS)  # until PostgreSQL has noticed
    held: dict[str, dict[Any, int]] = {"inbox": {}, "deliveries": {}}
    for row in await cluster.rows(_HELD, dead=dead):
        held[row.name][row.id] = row.attempts
    found: list[float] = []
    while any(held.values()):
        seconds = time.monotonic() - killed_at
        if seconds > GIVE_UP_SECONDS:
            return found + [GIVE_UP_SECONDS] * sum(map(len, held.values()))
        for table, rows in held.items():
            still = {
                row.id
                for row in await cluster.rows(
                    _STILL.format(table=table), ids=list(rows), attempts=list(rows.values()), dead=dead
                )
            }
            found += [seconds] * (len(rows) - len(still))
            held[table] = {row_id: attempts for row_id, attempts in rows.items() if row_id in still}
        await asyncio.sleep(LOOK_SECONDS)  # polling the database: nothing tells who claims what
    return found
