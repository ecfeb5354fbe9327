"""`oblivion up` keeps everything running, says what runs, and leaves nothing behind."""

import asyncio
import os
import signal
import stat
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest
from cli.installation import Installation, is_alive, running_up, until
from sqlalchemy import text
from support.waiting import eventually

from nexus.cli.processes import MAX_PAUSE_SECONDS, SHORT_LIFE_SECONDS, KeptServer, Restarts
from nexus.kit.embedded import EmbeddedServerError, EmbeddedValkey
from nexus.store.database import Database

PARTS = ("postgres", "valkey", "sandbox", "gateway", "worker", "demo-agent")
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def up() -> Generator[Installation]:
    """Until the test that ends it, which is the last one to have it."""
    with running_up() as installation:
        yield installation


async def tenants(database_url: str) -> list[str]:
    db = Database(database_url)
    try:
        async with db.system() as session:
            return list((await session.execute(text("SELECT name FROM tenants"))).scalars())
    finally:
        await db.aclose()


def test_whatever_is_killed_runs_again_with_the_same_addresses_and_data(up: Installation) -> None:
    before = up.running
    assert set(before["pids"]) == {"up", *PARTS}
    for part in PARTS:
        killed = before["pids"][part]
        os.kill(killed, signal.SIGKILL)
        until(lambda part=part, killed=killed: up.pid(part) not in (None, killed), f"{part} runs again")
        sentence = f"{part} ended by SIGKILL and was started again"
        until(lambda sentence=sentence: sentence in up.output, sentence)
    ready = f"{before['nexus_url']}/readyz"

    def answers() -> bool:
        try:
            return httpx.get(ready).status_code == 200
        except httpx.HTTPError:
            return False

    until(answers, "Nexus is ready again")
    assert {name: value for name, value in up.running.items() if name != "pids"} == {
        name: value for name, value in before.items() if name != "pids"
    }
    assert asyncio.run(tenants(before["database_url"])) == ["local"]


def test_running_json_is_for_its_owner_and_ends_with_what_it_tells_of(up: Installation) -> None:
    path = up.directory / ".oblivion/running.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    pids = up.running["pids"]
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(60) == 0
    assert not path.exists()
    assert not [part for part, pid in pids.items() if is_alive(pid)]


def test_an_up_that_is_killed_takes_everything_along() -> None:
    with running_up() as up:
        pids = up.running["pids"]
        up.process.kill()
        up.process.wait()
        until(lambda: not any(is_alive(pid) for pid in pids.values()), "every part has ended")
        code, _, err = up.oblivion("drill", "redis-flush")
    assert code == 1
    assert "left over from an `oblivion up` that is gone" in err


def test_a_part_starts_again_at_once_unless_it_cannot_stay_up() -> None:
    restarts = Restarts()
    assert [restarts.pause_seconds(SHORT_LIFE_SECONDS) for _ in range(3)] == [0, 0, 0]
    pauses = [restarts.pause_seconds(0.1) for _ in range(8)]
    assert pauses[:3] == [0, 0.5, 1]
    assert pauses[-1] == MAX_PAUSE_SECONDS
    assert restarts.pause_seconds(60) == 0


async def test_a_server_is_started_again_until_it_is_stopped(tmp_path: Path) -> None:
    told: list[str | None] = []
    kept = KeptServer("valkey", EmbeddedValkey(tmp_path), told.append)
    await kept.start()
    first = kept.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: told[1:], "it runs again")
    assert told == [None, "valkey ended by SIGKILL and was started again"]
    second = kept.pid
    assert second not in (None, first)
    await kept.stop()
    assert second is not None
    assert not is_alive(second)
    assert len(told) == 2


async def test_a_server_that_cannot_start_says_so(tmp_path: Path) -> None:
    taken = EmbeddedValkey(tmp_path / "first")
    taken.start()
    try:
        kept = KeptServer("valkey", EmbeddedValkey(tmp_path / "second", port=taken.port))
        with pytest.raises(EmbeddedServerError, match="stopped at once"):
            await kept.start()
        await kept.stop()
    finally:
        taken.stop()
