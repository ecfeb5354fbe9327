"""Who is offered a task, and which states follow which (1-product.md, Agents and tasks)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nexus.tasks.rules import (
    LEASE_SECONDS,
    Candidate,
    Capability,
    choose,
    is_over,
    lease_end,
    may_become,
    why_not,
    why_not_capable,
)
from oblivion_protocol import HELD_STATES, TERMINAL_STATES, TaskState, WaitReason

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STATES: tuple[TaskState, ...] = get_args(TaskState)

FIT = Candidate(
    agent_id="fixer",
    instance="one",
    skills=frozenset({"fix_bug", "default"}),
    capacity=2,
    load=0,
    online=True,
    muted=False,
    paused=False,
    connected_at=NOW,
)


def with_(**changes: Any) -> Candidate:
    return replace(FIT, **changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"online": False}, "agent_offline"),
        ({"skills": frozenset({"review"})}, "no_skill"),
        ({"muted": True}, "muted"),
        ({"load": 2}, "agent_busy"),
        ({"load": 3}, "agent_busy"),
        ({"capacity": 0}, "agent_busy"),
        ({"paused": True}, "not_accepted"),
        ({"set_aside": True}, "agent_offline"),
    ],
)
def test_agent_that_cannot_take_the_task_gives_the_reason_why(change: dict[str, Any], reason: str) -> None:
    assert choose([with_(**change)], "fix_bug") == reason


def test_task_waits_for_an_agent_when_nobody_is_behind_the_alias() -> None:
    assert choose([], "fix_bug") == "agent_offline"


def test_reason_is_what_stands_between_the_nearest_candidate_and_the_task() -> None:
    gone, unskilled = with_(online=False), with_(skills=frozenset[str]())
    muted, busy, paused = with_(muted=True), with_(load=2), with_(paused=True)
    assert choose([gone, unskilled], "fix_bug") == "no_skill"
    assert choose([gone, unskilled, muted], "fix_bug") == "muted"
    assert choose([gone, unskilled, muted, busy], "fix_bug") == "agent_busy"
    assert choose([gone, unskilled, muted, busy, paused], "fix_bug") == "not_accepted"
    assert choose([gone, unskilled, muted, busy, paused, FIT], "fix_bug") == FIT


def test_least_busy_is_chosen_first() -> None:
    idle = with_(instance="idle", load=0, capacity=1, connected_at=NOW - timedelta(hours=1))
    busier = with_(instance="busier", load=1, capacity=10)
    assert choose([busier, idle], "fix_bug") == idle


def test_newest_connection_is_chosen_between_equals() -> None:
    older = with_(instance="older", connected_at=NOW - timedelta(seconds=1))
    newer = with_(instance="newer", connected_at=NOW)
    assert choose([older, newer], "fix_bug") == newer
    assert choose([newer, older], "fix_bug") == newer


def test_agent_that_an_operator_has_chosen_is_waited_for_although_others_are_free() -> None:
    others = [with_(agent_id=name, set_aside=True) for name in "ab"]
    busy = with_(agent_id="wanted", load=2)
    assert choose([*others, busy], "fix_bug") == "agent_busy"
    assert choose(others, "fix_bug") == "agent_offline"
    assert choose([*others, replace(busy, load=1)], "fix_bug") == replace(busy, load=1)
    assert why_not(others[0], "fix_bug") == "another agent was chosen for it"


CAPABLE = Capability(name="fixer", aliases=frozenset({"ai_squad"}), skills=frozenset({"fix_bug"}), revoked=False)


def test_task_is_given_by_name_only_to_who_could_be_offered_it() -> None:
    assert why_not_capable(CAPABLE, "AI_Squad", "fix_bug") is None
    assert why_not_capable(CAPABLE, "Other", "fix_bug") == "fixer does not stand behind @Other: put it there first."
    assert (why_not_capable(CAPABLE, "AI_Squad", "review") or "").startswith("fixer cannot do review")
    assert why_not_capable(replace(CAPABLE, revoked=True), "AI_Squad", "fix_bug") == "fixer is revoked."


@given(
    aliases=st.frozensets(st.sampled_from(["a", "b"])),
    skills=st.frozensets(st.sampled_from(["fix_bug", "review"])),
    revoked=st.booleans(),
    muted=st.booleans(),
    load=st.integers(0, 3),
)
def test_who_can_be_chosen_for_a_task_by_name_can_do_it_once_nothing_else_is_in_the_way(
    aliases: frozenset[str], skills: frozenset[str], revoked: bool, muted: bool, load: int
) -> None:
    """Being offline, muted or busy passes by; a choice that could never be carried out is refused at once."""
    refused = why_not_capable(Capability("x", aliases, skills, revoked), "A", "fix_bug")
    candidates = [with_(skills=skills, muted=muted, load=load)] if "a" in aliases and not revoked else []
    now = choose(candidates, "fix_bug")
    if isinstance(now, Candidate):
        assert refused is None
    at_best = choose([replace(one, muted=False, load=0) for one in candidates], "fix_bug")
    assert (refused is None) == isinstance(at_best, Candidate)


def test_lease_ends_a_minute_after_a_sign() -> None:
    assert lease_end(NOW) == NOW + timedelta(seconds=LEASE_SECONDS) == NOW + timedelta(seconds=60)


CANDIDATES = st.builds(
    Candidate,
    agent_id=st.sampled_from("abc"),
    instance=st.text("xyz", min_size=1, max_size=3),
    skills=st.frozensets(st.sampled_from(["fix_bug", "review", "default"])),
    capacity=st.integers(0, 4),
    load=st.integers(0, 5),
    online=st.booleans(),
    muted=st.booleans(),
    paused=st.booleans(),
    connected_at=st.integers(0, 1000).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    set_aside=st.booleans(),
)


@given(candidates=st.lists(CANDIDATES, max_size=6), randomness=st.randoms(use_true_random=False))
def test_choice_is_fit_and_least_busy_and_does_not_depend_on_the_order(
    candidates: list[Candidate], randomness: Any
) -> None:
    chosen = choose(candidates, "fix_bug")
    fit = [
        one
        for one in candidates
        if one.online and not one.muted and not one.paused and one.load < one.capacity and "fix_bug" in one.skills
        if not one.set_aside
    ]
    assert all((one in fit) == (why_not(one, "fix_bug") is None) for one in candidates)
    if isinstance(chosen, Candidate):
        assert chosen in fit
        assert chosen.load == min(one.load for one in fit)
    else:
        assert not fit
        assert chosen in get_args(WaitReason)
    shuffled = list(candidates)
    randomness.shuffle(shuffled)
    again = choose(shuffled, "fix_bug")
    if isinstance(chosen, Candidate):
        assert isinstance(again, Candidate)
        assert (again.load, again.connected_at, again.instance) == (chosen.load, chosen.connected_at, chosen.instance)
    else:
        assert again == chosen


@pytest.mark.parametrize("state", sorted(TERMINAL_STATES))
def test_terminal_state_is_immutable(state: TaskState) -> None:
    assert is_over(state)
    assert [following for following in STATES if may_become(state, following)] == []


@pytest.mark.parametrize("state", sorted(set(STATES) - TERMINAL_STATES))
def test_open_task_can_always_be_stopped_and_can_expire(state: TaskState) -> None:
    assert not is_over(state)
    assert may_become(state, "canceled")
    assert may_become(state, "expired")
    assert not may_become(state, state)


@pytest.mark.parametrize("state", sorted(HELD_STATES))
def test_held_task_can_always_be_put_back(state: TaskState) -> None:
    assert may_become(state, "submitted")


def test_work_needs_an_offer_that_was_accepted() -> None:
    for ending in ("completed", "failed"):
        assert not may_become("submitted", ending)
        assert not may_become("offered", ending)
        assert may_become("working", ending)
    assert not may_become("submitted", "working")
    assert may_become("submitted", "offered")
    assert may_become("offered", "working")


class LifeOfATask(RuleBasedStateMachine):
    """Walks the graph by its own arrows, and by every arrow that is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.state: TaskState = "submitted"
        self.was_offered = False
        self.was_accepted = False
        self.over: TaskState | None = None

    @rule(following=st.sampled_from(STATES))
    def try_to_become(self, following: TaskState) -> None:
        if not may_become(self.state, following):
            return
        if following == "submitted":
            self.was_offered = self.was_accepted = False
        self.was_offered |= following == "offered"
        self.was_accepted |= following == "working"
        self.state = following
        if is_over(following):
            self.over = following

    @precondition(lambda self: self.over is None)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """An open task is never stuck."""
        ways = [following for following in STATES if may_become(self.state, following)]
        assert ways
        self.try_to_become(data.draw(st.sampled_from(ways)))

    @invariant()
    def once_over_it_stays_over(self) -> None:
        assert self.over is None or self.state == self.over

    @invariant()
    def nobody_works_without_an_offer_and_an_acceptance(self) -> None:
        if self.state in HELD_STATES:
            assert self.was_offered
        if self.state in ("working", "input_required", "approval_required", "completed", "failed"):
            assert self.was_accepted


LifeOfATask.TestCase.settings = settings(max_examples=60, stateful_step_count=20)
TestLifeOfATask = LifeOfATask.TestCase
