"""What may be called what, and how guessing is slowed down."""

from datetime import UTC, datetime, timedelta

import pytest

from nexus.auth import names
from nexus.auth.errors import Invalid
from nexus.auth.throttle import MAX_KEYS, FailureThrottle


class HeldClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.mark.parametrize("name", ["fixer", "Fixer-2", "a", "a.b_c", "x" * 64])
def test_a_name_that_fits_a_url_is_kept_as_it_is(name: str):
    assert names.agent_name(name) == name


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a\n", "a\x00", "ä", "x" * 65, "../x"])
def test_a_name_that_does_not_fit_a_url_is_refused(name: str):
    with pytest.raises(Invalid):
        names.agent_name(name)


@pytest.mark.parametrize(("typed", "kept"), [("@AI_Squad", "AI_Squad"), ("squad.eu", "squad.eu"), ("@Büro", "Büro")])
def test_an_alias_is_kept_without_its_at_sign(typed: str, kept: str):
    assert names.alias(typed) == kept


@pytest.mark.parametrize("typed", ["", "@", "@@x", "two words", "a\x00b", "\ud800", "<!channel>", "x" * 81, "a\n"])
def test_an_alias_that_nobody_can_type_as_a_word_is_refused(typed: str):
    with pytest.raises(Invalid):
        names.alias(typed)


def test_the_eleventh_failure_in_a_minute_waits_until_the_first_is_a_minute_old():
    clock = HeldClock()
    throttle = FailureThrottle(clock)
    for _ in range(10):
        assert throttle.failed("a") is None
        clock.time += timedelta(seconds=1)
    assert throttle.failed("a") == 50
    assert throttle.failed("b") is None
    clock.time += timedelta(seconds=70)
    assert throttle.failed("a") is None


def test_a_flood_of_callers_is_forgotten_and_not_kept():
    throttle = FailureThrottle(HeldClock())
    for number in range(MAX_KEYS + 500):
        throttle.failed(str(number))
    assert len(throttle._failures) == MAX_KEYS
