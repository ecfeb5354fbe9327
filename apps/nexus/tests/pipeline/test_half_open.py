"""PostgreSQL behind a path that swallows everything: no webhook waits for ever, and none is answered 200 (I1)."""

import asyncio
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from pipeline.fakes import HOOK, place_on, webhook
from support.chaos import chaos_proxy
from support.waiting import eventually

from nexus.kit.embedded import EmbeddedPostgres
from nexus.pipeline.inbox import SECRET_TIMEOUT_SECONDS, STORE_TIMEOUT_SECONDS, Stored, StoreUnavailable
from nexus.store.database import CLOSE_TIMEOUT_SECONDS, Database
from nexus.store.migrate import upgrade

BUSY_MACHINE_SECONDS = 1.5
RECOVERED_SECONDS = 20.0


@pytest.fixture
def own_postgres(postgres_directory: Path) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(postgres_directory)
    server.start()
    asyncio.run(upgrade(server.url))
    yield server
    server.stop(immediate=True)


async def test_half_open_database_is_unavailable_in_time_also_for_a_webhook_never_seen_before(
    own_postgres: EmbeddedPostgres,
) -> None:
    async with chaos_proxy(own_postgres.url) as path:
        place = place_on(Database(path.url(own_postgres.url)))
        await place.prepare()
        answers = await asyncio.gather(*(place.inbox.receive("faketool", webhook(f"before{n}")) for n in range(10)))
        assert all(isinstance(answer, Stored) for answer in answers)

        async def refused_after(request_id: str, key: str = HOOK) -> float:
            started = time.monotonic()
            with pytest.raises(StoreUnavailable):
                await place.inbox.receive("faketool", webhook(request_id, key=key))
            return time.monotonic() - started

        path.half_open()
        known = STORE_TIMEOUT_SECONDS + BUSY_MACHINE_SECONDS
        unknown = SECRET_TIMEOUT_SECONDS + CLOSE_TIMEOUT_SECONDS + BUSY_MACHINE_SECONDS
        for turn in range(3):
            never_seen = refused_after(f"new{turn}", key=f"never-seen-{turn}")
            seconds = await asyncio.gather(never_seen, *(refused_after(f"during{turn}-{n}") for n in range(5)))
            assert seconds[0] < unknown
            assert max(seconds[1:]) < known

        await path.forward()

        async def works_again() -> bool:
            try:
                return isinstance(await place.inbox.receive("faketool", webhook("after")), Stored)
            except StoreUnavailable:
                return False

        started = time.monotonic()
        await eventually(works_again, seconds=RECOVERED_SECONDS)
        print(f"taken again {time.monotonic() - started:.2f} s after the path was whole")
        await place.db.aclose()
