"""One message a second and channel, after a small burst."""

from hypothesis import given
from hypothesis import strategies as st

from nexus.integrations.slack.pace import Pace


def test_a_burst_then_one_a_second_for_each_key_alone() -> None:
    now = 50.0
    pace = Pace(per_second=1, burst=3, seconds_now=lambda: now)
    assert [pace.take("C1") for _ in range(5)] == [0, 0, 0, 1, 1]
    assert pace.take("C2") == 0
    now = 50.5
    assert pace.take("C1") == 0.5
    now = 51.0
    assert [pace.take("C1"), pace.take("C1")] == [0, 1]


@given(st.lists(st.floats(0, 2), max_size=60))
def test_no_window_ever_holds_more_than_the_burst_and_its_share(waits: list[float]) -> None:
    now = 0.0
    taken: list[float] = []
    pace = Pace(per_second=1, burst=3, seconds_now=lambda: now)
    for wait in waits:
        now += wait
        if pace.take("C1") == 0:
            taken.append(now)
    for first, start in enumerate(taken):
        for last in range(first, len(taken)):
            assert last - first + 1 <= 3 + (taken[last] - start) + 1e-6


def test_keys_that_rest_are_forgotten() -> None:
    now = 0.0
    pace = Pace(per_second=1, burst=1, seconds_now=lambda: now)
    for number in range(3000):
        now += 1
        assert pace.take(f"C{number}") == 0
    assert len(pace._full_at) <= 1000
