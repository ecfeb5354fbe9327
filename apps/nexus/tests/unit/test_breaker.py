"""How much an agent may say: more than so many things within any minute is too much, and nothing else is."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nexus.tasks.breaker import WINDOW, is_too_much, remembered

START = datetime(2026, 1, 1, tzinfo=UTC)
gaps = st.lists(st.floats(0, 90, allow_nan=False), max_size=60)


@given(gaps, st.integers(1, 12))
def test_it_is_too_much_exactly_when_the_last_minute_holds_the_limit_already(waits: list[float], limit: int) -> None:
    now, said, kept = START, list[datetime](), list[datetime]()
    for wait in waits:
        now += timedelta(seconds=wait)
        counted = sum(at > now - WINDOW for at in said)
        assert is_too_much(kept, now, limit) == (counted >= limit), "as if every time were remembered"
        said.append(now)
        kept = remembered(kept, now, limit)
        assert len(kept) <= limit


@given(st.integers(1, 600))
def test_the_limit_is_said_and_one_more_is_too_much(limit: int) -> None:
    kept: list[datetime] = []
    for number in range(limit):
        at = START + timedelta(milliseconds=number)
        assert not is_too_much(kept, at, limit)
        kept = remembered(kept, at, limit)
    assert is_too_much(kept, START + WINDOW - timedelta(milliseconds=1), limit)
    assert not is_too_much(kept, START + WINDOW, limit), "the first one was a minute ago"


def test_a_clock_that_was_set_back_mutes_rather_than_lets_through() -> None:
    kept = [START + timedelta(seconds=number) for number in range(10)]
    assert is_too_much(kept, START - timedelta(hours=1), 10)
