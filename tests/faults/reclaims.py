"""How long it takes until the work of a dead worker is taken up by another (I7)."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from cluster import Cluster

from nexus.pipeline.claims import LOCK_CLASS

LOOK_SECONDS = 0.05
"""While a claim of the dead still stands: this is what is promised."""
LOOK_AGAIN_SECONDS = 0.25
"""After that: fifteen of these watch at once when a worker dies every two seconds, on the machine that works."""
GIVE_UP_SECONDS = 30.0

_HELD = """
    SELECT id, attempts FROM inbox WHERE claimed_by = ANY(:dead)
    UNION ALL SELECT id, attempts FROM deliveries WHERE claimed_by = ANY(:dead)
"""
# Tried since: another one holds it, it is settled, or it was tried and put back for later. A delivery that was held
# is `sending`; put back because it is not its turn, it is `pending`, and its attempt is not counted.
_STILL = " UNION ALL ".join(
    f"""
    SELECT r.id, r.claimed_by IS NOT NULL AS held FROM {table} r
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:attempts AS int[])) AS held(id, attempts) ON held.id = r.id
    WHERE r.state = '{state}' AND r.attempts <= held.attempts
      AND (r.claimed_by IS NULL OR r.claimed_by = ANY(:dead))
    """
    for table, state in (("inbox", "pending"), ("deliveries", "sending"))
)


@dataclass
class Recovery:
    """What became of the rows that a dead worker held, in seconds from the kill."""

    free: list[float] = field(default_factory=list[float])
    """Until anybody could have claimed it."""
    tried: list[float] = field(default_factory=list[float])
    """Until somebody had tried it: on top of that come the wait before a look-up, and its turn in its stream."""


async def alive(cluster: Cluster) -> list[int]:
    """The identities of all workers that live, as claims name them."""
    rows = await cluster.rows(
        "SELECT objid::bigint AS worker FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 "
        "AND classid = CAST(:class AS oid)",
        **{"class": LOCK_CLASS},
    )
    return [row.worker for row in rows]


async def recovery_of(cluster: Cluster, before: list[int], killed_at: float) -> Recovery:
    """For each row that the dead held: from the kill (`time.monotonic()`) until it is free, and until it is tried.

    `before` is who lived before the kill. A row for which that does not happen counts as `GIVE_UP_SECONDS`; one
    that is free already when we look is left out, so the figures are never too good.
    """
    while not (dead := sorted(set(before) - set(await alive(cluster)))):
        if time.monotonic() - killed_at > GIVE_UP_SECONDS:
            return Recovery([GIVE_UP_SECONDS], [GIVE_UP_SECONDS])
        await asyncio.sleep(LOOK_SECONDS)  # until PostgreSQL has noticed
    held: dict[Any, int] = {row.id: row.attempts for row in await cluster.rows(_HELD, dead=dead)}
    found = Recovery()
    count = len(held)
    while held:
        seconds = time.monotonic() - killed_at
        if seconds > GIVE_UP_SECONDS:
            break
        about = {"ids": list(held), "attempts": list(held.values()), "dead": dead}
        still = {row.id: row.held for row in await cluster.rows(_STILL, **about)}
        held = {row_id: attempts for row_id, attempts in held.items() if row_id in still}
        found.free += [seconds] * (count - sum(still.values()) - len(found.free))
        found.tried += [seconds] * (count - len(held) - len(found.tried))
        # Polling the database: nothing tells who claims what.
        await asyncio.sleep(LOOK_SECONDS if any(still.values()) else LOOK_AGAIN_SECONDS)
    found.free += [GIVE_UP_SECONDS] * (count - len(found.free))
    found.tried += [GIVE_UP_SECONDS] * (count - len(found.tried))
    return found
