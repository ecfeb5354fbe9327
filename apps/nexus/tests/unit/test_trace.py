"""Where a trace begins, and whose word is taken for it."""

import pytest

from nexus.kit.trace import new_traceparent, traceparent_or_new

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_trace_of_the_sender_goes_on() -> None:
    assert traceparent_or_new(GIVEN) == GIVEN


@pytest.mark.parametrize(
    "given", ["", "nonsense", GIVEN.upper(), GIVEN + "-x", f"00-{'0' * 32}-b7ad6b7169203331-01", GIVEN + "\n"]
)
def test_what_cannot_be_a_trace_begins_one(given: str) -> None:
    made = traceparent_or_new(given)
    assert made != given
    assert traceparent_or_new(made) == made


def test_no_two_traces_are_the_same() -> None:
    assert len({new_traceparent() for _ in range(1000)}) == 1000
