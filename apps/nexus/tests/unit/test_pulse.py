"""A loop that stands still is seen; one that has ended on purpose is not missed."""

import asyncio

import pytest

from nexus.kit.pulse import Pulses


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def pulses(now: list[float]) -> Pulses:
    return Pulses(lambda: now[0])


def test_loop_that_stands_still_for_too_long_is_stalled_until_it_turns(pulses: Pulses, now: list[float]) -> None:
    with pulses.loop("claims") as turn, pulses.loop("reap") as other:
        now[0] += 20
        other()
        now[0] += 11
        assert pulses.stalled(30) == {"claims": 31}
        turn()
        assert pulses.stalled(30) == {}


def test_loop_that_returns_is_forgotten(pulses: Pulses, now: list[float]) -> None:
    with pulses.loop("claims"):
        pass
    now[0] += 100
    assert pulses.stalled(30) == {}


async def test_loop_that_is_cancelled_is_forgotten(pulses: Pulses, now: list[float]) -> None:
    async def work() -> None:
        with pulses.loop("claims"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    now[0] += 100
    assert pulses.stalled(30) == {}


def test_loop_that_dies_of_an_error_is_missed(pulses: Pulses, now: list[float]) -> None:
    with pytest.raises(RuntimeError), pulses.loop("claims"):
        raise RuntimeError
    now[0] += 100
    assert pulses.stalled(30) == {"claims": 100}
