"""Pours lines into the live feed: events that are settled at once, so many a second for so many seconds."""

import asyncio
import sys
import time

import asyncpg

_POUR = """
    INSERT INTO inbox (id, tenant_id, connection_id, source, dedup_key, stream_key, occurred_at, content_type, body,
                       state, reason, settled_at)
    SELECT gen_random_uuid(), c.tenant_id, c.id, 'clickup', decode(md5(random()::text || n), 'hex'), 'poured' || n,
           clock_timestamp(), '', '', 'ignored', 'poured', clock_timestamp()
    FROM (SELECT * FROM connections WHERE vendor = 'clickup' LIMIT 1) c, generate_series(1, $1) n
"""
STEP_SECONDS = 0.2


async def main(url: str, per_second: int, seconds: float) -> None:
    """An event makes one line: it came."""
    connection = await asyncpg.connect(url)
    steps = round(seconds / STEP_SECONDS)
    began = time.monotonic()
    for step in range(1, steps + 1):
        await connection.execute(_POUR, round(per_second * STEP_SECONDS))
        await asyncio.sleep(max(0.0, began + step * STEP_SECONDS - time.monotonic()))
    await connection.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
