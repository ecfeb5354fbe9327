"""A limit holds for all processes together, and goes on holding when Redis is away."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.kit.embedded import EmbeddedValkey
from nexus.kit.limiting import AWAY_SECONDS, LOCAL_SHARE, MAX_LOCAL, Limit, Limiter, Verdict, Window, judged

TEN = Limit("ten", 10, 60)
NOWHERE = "redis://127.0.0.1:1"
PATIENT_SECONDS = 2.0
"""On a busy machine the usual 50 ms may pass without Redis being away."""


class Steady:
    def __init__(self) -> None:
        self.seconds = 6000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def steady() -> Steady:
    return Steady()


@pytest.fixture
async def make(valkey: EmbeddedValkey, steady: Steady) -> AsyncIterator[Callable[..., Limiter]]:
    made: list[Limiter] = []
    prefix = f"limit:{secrets.token_hex(6)}"

    def limiter(url: str = valkey.url) -> Limiter:
        made.append(Limiter(url, prefix=prefix, steady=steady, redis_seconds=PATIENT_SECONDS))
        return made[-1]

    yield limiter
    for one in made:
        await one.aclose()


async def test_two_processes_allow_together_what_the_limit_says(make: Callable[..., Limiter]) -> None:
    here, there = make(), make()
    verdicts = await asyncio.gather(*(process.hit(TEN, "ann") for process in (here, there) for _ in range(20)))
    assert sum(verdict.allowed for verdict in verdicts) == 10
    assert here.shared and there.shared
    refused = await here.hit(TEN, "ann")
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 50 < refused.wait_seconds <= 60.1
    assert (await there.hit(TEN, "bob")).remaining == 9, "others have their own"


async def test_two_names_are_never_one_caller(make: Callable[..., Limiter]) -> None:
    limiter = make()
    assert (await limiter.hit(TEN, "ab", "c")).remaining == 9
    assert (await limiter.hit(TEN, "a", "bc")).remaining == 9
    assert (await limiter.hit(TEN, "a" * 100_000 + "\ud800")).remaining == 9


async def test_without_redis_a_process_allows_its_share_and_no_more(
    make: Callable[..., Limiter], steady: Steady
) -> None:
    limiter = make(NOWHERE)
    verdicts = [await limiter.hit(TEN, "ann") for _ in range(20)]
    assert [verdict.allowed for verdict in verdicts] == [True] * (10 // LOCAL_SHARE) + [False] * 17
    assert verdicts[-1].wait_seconds > 0 and not limiter.shared
    steady.seconds += 121
    assert (await limiter.hit(TEN, "ann")).allowed, "never shut"
    assert (await limiter.hit(Limit("rare", 1, 60), "ann")).allowed, "a share is never nothing"


async def test_the_window_slides_while_redis_is_away(make: Callable[..., Limiter], steady: Steady) -> None:
    limiter, ninety = make(NOWHERE), Limit("ninety", 90, 60)
    steady.seconds += 59
    assert sum([(await limiter.hit(ninety, "ann")).allowed for _ in range(40)]) == 30
    steady.seconds += 1
    assert not (await limiter.hit(ninety, "ann")).allowed, "the window's end is no new beginning"
    steady.seconds += 30
    assert 14 <= sum([(await limiter.hit(ninety, "ann")).allowed for _ in range(40)]) <= 16


async def test_a_redis_that_dies_is_left_alone_for_a_second_and_taken_back(
    tmp_path: Path, make: Callable[..., Limiter], steady: Steady
) -> None:
    server = EmbeddedValkey(tmp_path, persistent=False)
    server.start()
    limiter = make(server.url)
    try:
        assert (await limiter.hit(TEN, "ann")).limit.amount == 10
        server.stop()
        assert (await limiter.hit(TEN, "ann")).limit.amount == 3
        server.start()
        assert (await limiter.hit(TEN, "ann")).limit.amount == 3, "nobody looks yet"
        steady.seconds += AWAY_SECONDS
        back = await limiter.hit(TEN, "ann")
        assert (back.limit.amount, back.remaining) == (10, 9) and limiter.shared
    finally:
        server.stop()


async def test_a_redis_that_comes_and_goes_gives_one_share_and_not_one_each_time(
    tmp_path: Path, make: Callable[..., Limiter], steady: Steady
) -> None:
    server = EmbeddedValkey(tmp_path, persistent=False)
    limiter, allowed = make(server.url), 0
    for _ in range(4):
        server.start()
        steady.seconds += AWAY_SECONDS
        assert (await limiter.hit(TEN, "somebody else")).limit.amount == 10
        server.stop()
        allowed += sum([(await limiter.hit(TEN, "ann")).allowed for _ in range(10)])
    assert allowed == 10 // LOCAL_SHARE


class Drowsy(Limiter):
    """Stands still whenever it is about to ask."""

    async def _hit_shared(self, limit: Limit, key: str) -> Verdict:
        time.sleep(5 * self._redis_seconds)  # noqa: ASYNC251 - that is the point
        await asyncio.sleep(self._redis_seconds)
        return await super()._hit_shared(limit, key)


async def test_who_stood_still_himself_does_not_hold_it_against_redis(valkey: EmbeddedValkey) -> None:
    limiter = Drowsy(valkey.url, prefix=f"limit:{secrets.token_hex(6)}", redis_seconds=0.02)
    assert (await limiter.hit(TEN, "ann")).limit.amount == 10 // LOCAL_SHARE, "this one is counted here"
    assert limiter.shared
    await limiter.aclose()


async def test_a_silent_redis_holds_nobody_up(steady: Steady) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    limiter = Limiter(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", steady=steady)
    began = asyncio.get_running_loop().time()
    verdicts = [await limiter.hit(TEN, "ann") for _ in range(200)]
    took = asyncio.get_running_loop().time() - began
    assert sum(verdict.allowed for verdict in verdicts) == 3
    assert took < 1.0, "200 × 50 ms, if each waited for it"
    await limiter.aclose()
    server.close()


async def test_a_flood_of_callers_is_forgotten_and_not_kept(make: Callable[..., Limiter]) -> None:
    limiter = make(NOWHERE)
    for number in range(MAX_LOCAL + 500):
        await limiter.hit(TEN, str(number))
    assert len(limiter._here) == MAX_LOCAL


@given(st.integers(0, 20), st.integers(0, 10), st.floats(0, 60))
def test_after_the_wait_one_more_is_allowed(previous: int, current: int, left: float) -> None:
    verdict = judged(TEN, False, Window(previous, current, left))
    over = verdict.wait_seconds - left
    # A millionth of a second more: at the very end of the wait it is allowed or about to be.
    shifted = Window(current, 0, 60 - over - 1e-6)
    window = Window(previous, current, max(0.0, -over - 1e-6)) if over < 0 else shifted
    assert judged(TEN, True, window).remaining > 0
