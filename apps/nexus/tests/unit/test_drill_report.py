"""A report says what was found, to people and to programs."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from nexus.drill.checker import Verdict
from nexus.drill.report import Report, percentile


def report(verdict: Verdict, recovery: list[float]) -> Report:
    return Report(
        name="worker-kill",
        seed=7,
        faults={"SIGKILL": 12},
        load={"webhooks": 100, "per second": 83.333},
        counts={"accepted": 100, "seen": 100},
        recovery=recovery,
        verdict=verdict,
    )


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values_and_reaches_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert share * len(values) > sum(value < found for value in values) or found == min(values)


def test_there_is_no_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 0.5))


def test_people_read_the_numbers_and_the_verdict() -> None:
    text = str(report(Verdict(), [0.1, 0.2, 4.0]))
    for part in ("worker-kill (seed 7)", "SIGKILL 12", "accepted 100", "p50 s 0.2", "p99 s 4", "OK"):
        assert part in text


def test_people_read_what_is_wrong_and_not_a_thousand_keys() -> None:
    text = str(report(Verdict(lost=tuple(f"K{number}" for number in range(1000))), []))
    assert "BROKEN" in text
    assert "lost 1000" in text
    assert "lost: K0, K1, K2, K3, K4 … and 995 more" in text


def test_programs_read_everything() -> None:
    told = json.loads(json.dumps(report(Verdict(inversions=(("a", "b"),)), [1.0]).as_json(), allow_nan=False))
    assert told["verdict"]["ok"] is False
    assert told["verdict"]["inversions"] == [["a", "b"]]
    assert told["recovery"] == {"count": 1, "p50_seconds": 1.0, "p99_seconds": 1.0, "max_seconds": 1.0}


def test_recovery_is_null_when_nothing_was_measured() -> None:
    told = json.loads(json.dumps(report(Verdict(), []).as_json(), allow_nan=False))
    assert told["recovery"] is None
