"""Single flight: one call for all who ask at the same moment, and a new one for whoever asks later."""

import asyncio

import pytest

from nexus.kit.single_flight import SingleFlight


class Slow:
    """Answers when it may, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.fails = False

    async def __call__(self, key: str) -> str:
        self.asked.append(key)
        await self.gate.wait()
        if self.fails:
            raise ConnectionError("away")
        return f"{key} {len(self.asked)}"


async def test_who_asks_at_the_same_moment_shares_an_answer_and_who_asks_later_gets_a_new_one() -> None:
    slow = Slow()
    flight = SingleFlight(slow)
    asking = asyncio.gather(*(flight.of(key) for key in ("a", "a", "b", "a")))
    for _ in range(5):
        await asyncio.sleep(0)
    slow.gate.set()
    assert await asking == ["a 2", "a 2", "b 2", "a 2"]
    assert slow.asked == ["a", "b"]
    assert await flight.of("a") == "a 3"


async def test_failure_is_everybodys_and_is_not_kept() -> None:
    slow = Slow()
    flight = SingleFlight(slow)
    slow.fails = True
    slow.gate.set()
    outcomes = await asyncio.gather(*(flight.of("a") for _ in range(3)), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["away"] * 3
    slow.fails = False
    assert await flight.of("a") == "a 2"


async def test_who_gives_up_does_not_end_it_for_the_others() -> None:
    slow = Slow()
    flight = SingleFlight(slow)
    impatient, patient = asyncio.create_task(flight.of("a")), asyncio.create_task(flight.of("a"))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    slow.gate.set()
    assert await patient == "a 1"
