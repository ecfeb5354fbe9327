"""How long the steps of a task took, and how bad they are."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from nexus.http.hops import Hop, Moment, attempts_of, beginnings, event_summary, level_of_event, level_of_row
from oblivion_protocol.resources import Attempt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TASK = uuid4()


def story(*told: tuple[int, str, int | None], task: UUID = TASK) -> list[Moment]:
    """(second, kind, epoch) each."""
    return [Moment(NOW + timedelta(seconds=second), uuid4(), task, epoch, kind) for second, kind, epoch in told]


def seconds(moments: list[Moment]) -> list[float | None]:
    """How long each step took."""
    found = beginnings(moments)
    return [(one.at - found[one.id]).total_seconds() if one.id in found else None for one in moments]


def test_an_offer_ends_the_wait_an_acceptance_the_offer_and_an_outcome_the_work() -> None:
    told = story((0, "task.submitted", None), (5, "task.offered", 1), (6, "task.accept", 1), (66, "task.completed", 1))
    assert seconds(told) == [None, 5, 1, 60]


def test_after_a_task_was_taken_back_its_wait_begins_anew() -> None:
    told = story(
        (0, "task.submitted", None),
        (1, "task.offered", 1),
        (11, "task.requeued", 1),
        (15, "task.offered", 2),
        (16, "task.accept", 2),
        (76, "task.requeued", 2),
        (80, "task.offered", 3),
    )
    assert seconds(told) == [None, 1, 10, 4, 1, 60, 4]


def test_a_task_that_was_given_to_another_waits_since_it_was_taken_away() -> None:
    told = story(
        (0, "task.submitted", None),
        (1, "task.offered", 1),
        (2, "task.accept", 1),
        (10, "task.requeued", 1),
        (10, "task.reassigned", 2),
        (13, "task.offered", 3),
    )
    assert seconds(told) == [None, 1, 1, 8, None, 3]


def test_choosing_an_agent_for_a_task_that_waits_does_not_make_the_wait_look_shorter() -> None:
    told = story((0, "task.submitted", None), (4, "task.reassigned", None), (9, "task.offered", 1))
    assert seconds(told) == [None, None, 9]


def test_tasks_of_one_conversation_are_not_confused() -> None:
    one, other = story((0, "task.submitted", None), (9, "task.offered", 1)), uuid4()
    two = story((1, "task.submitted", None), (3, "task.offered", 1), task=other)
    merged = sorted([*one, *two], key=lambda moment: moment.at)
    found = beginnings(merged)
    assert found == {one[1].id: one[0].at, two[1].id: two[0].at}


def test_a_page_that_begins_in_the_middle_claims_nothing_that_it_does_not_know() -> None:
    assert seconds(story((6, "task.accept", 1), (66, "task.completed", 2), (70, "question.answered", 2))) == [
        None,
        None,
        None,
    ]


def attempts(*outcomes: str) -> list[Attempt]:
    return [Attempt(at=NOW, outcome=outcome, reason=None) for outcome in outcomes]


@pytest.mark.parametrize(
    ("state", "outcomes", "level"),
    [
        ("done", ["done"], "info"),
        ("done", ["deferred", "done"], "info"),
        ("done", ["retry", "done"], "warning"),
        ("done", ["unsure", "done"], "warning"),
        ("done", ["crash", "done"], "warning"),
        ("pending", [], "info"),
        ("pending", ["retry"], "warning"),
        ("superseded", ["superseded"], "info"),
        ("ignored", ["ignored"], "info"),
        ("dead", ["dead"], "error"),
        ("done", ["dead", "replayed", "done"], "warning"),
    ],
)
def test_what_went_well_at_once_is_no_warning(state: str, outcomes: list[str], level: str) -> None:
    assert level_of_row(state, attempts(*outcomes)) == level


def test_only_what_went_wrong_with_a_task_stands_out() -> None:
    assert {kind: level_of_event(kind) for kind in ("task.accept", "task.completed", "question.answered")} == {
        "task.accept": "info",
        "task.completed": "info",
        "question.answered": "info",
    }
    assert level_of_event("task.failed") == "error"
    assert level_of_event("task.requeued") == "warning"


def test_tries_are_read_from_the_history_of_a_row() -> None:
    history = [
        {"at": "2026-03-01T12:00:00+00:00", "outcome": "retry", "reason": "away", "after_seconds": 2},
        {"at": "2026-03-01T12:00:02+00:00", "outcome": "done", "reason": None},
    ]
    assert attempts_of(history) == [
        Attempt(at=NOW, outcome="retry", reason="away"),
        Attempt(at=NOW + timedelta(seconds=2), outcome="done", reason=None),
    ]


@pytest.mark.parametrize(
    ("kind", "data", "summary"),
    [
        ("task.canceled", {"reason": "the item was deleted"}, "Task canceled (the item was deleted)"),
        ("task.offered", {"agent": "fixer"}, "Task offered to fixer"),
        ("task.accept", {"agent": "fixer"}, "Fixer took the task"),
        ("task.requeued", {"agent": "fixer", "reason": "lease_lost"}, "Task taken back from fixer (lease_lost)"),
        ("task.reassigned", {"to": "fixer", "by": "dana@x"}, "Task given to fixer by dana@x"),
        ("task.reassigned", {"to": "", "by": "dana@x"}, "Task given to whoever is free by dana@x"),
        ("task.stale", {}, "Task stale"),
    ],
)
def test_each_event_reads_as_a_sentence(kind: str, data: dict[str, str], summary: str) -> None:
    assert event_summary(kind, data) == summary


def test_a_hop_that_has_not_ended_has_no_duration() -> None:
    hop = Hop(at=NOW, id=uuid4(), kind="delivery.pending", summary="s", data={}, started_at=NOW)
    assert hop.entry().duration_ms is None
    ended = Hop(
        at=NOW, id=uuid4(), kind="k", summary="s", data={}, started_at=NOW, ended_at=NOW + timedelta(milliseconds=1.5)
    )
    assert ended.entry().duration_ms == 1.5
    set_back = Hop(
        at=NOW, id=uuid4(), kind="k", summary="s", data={}, started_at=NOW, ended_at=NOW - timedelta(hours=1)
    )
    assert set_back.entry().duration_ms == 0
