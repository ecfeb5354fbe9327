"""The checker finds what is planted, and nothing where nothing is."""

from dataclasses import dataclass, replace

from hypothesis import assume, given
from hypothesis import strategies as st

from nexus.drill.checker import Accepted, Seen, Verdict, check

NOTHING = Verdict()


@dataclass(frozen=True)
class Run:
    accepted: list[Accepted]
    seen: list[Seen]


@st.composite
def clean_runs(draw: st.DrawFn, *, events: int = 0) -> Run:
    """Every event has its one effect, in order; the lists themselves are shuffled."""
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4).filter(lambda sizes: max(sizes) >= events))
    accepted: list[Accepted] = []
    seen: list[Seen] = []
    for number, size in enumerate(sizes):
        for step in range(size):
            key, conversation = f"Krun-{len(accepted):06}", f"thread:{number}"
            accepted.append(Accepted(key, conversation, 1000.0 + step, 1000.5 + draw(st.floats(0, 9))))
            seen.append(Seen(key, conversation, 2000.0 + step, call_at=2000.0 + step))
    return Run(draw(st.permutations(accepted)), draw(st.permutations(seen)))


def pick(data: st.DataObject, run: Run) -> Seen:
    return data.draw(st.sampled_from(run.seen))


@given(clean_runs())
def test_a_clean_run_has_nothing_to_report(run: Run) -> None:
    assert check(run.accepted, run.seen) == NOTHING
    assert check(run.accepted, run.seen).ok


@given(clean_runs(), st.data())
def test_every_missing_effect_is_lost(run: Run, data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.sampled_from([each.key for each in run.seen]), min_size=1))
    verdict = check(run.accepted, [each for each in run.seen if each.key not in gone])
    assert verdict == Verdict(lost=tuple(sorted(gone)))
    assert not verdict.ok


@given(clean_runs(), st.data())
def test_what_is_dead_with_a_reason_is_told_apart_from_what_is_lost(run: Run, data: st.DataObject) -> None:
    gone = pick(data, run)
    verdict = check(run.accepted, [each for each in run.seen if each is not gone], dead={gone.key, "not-ours"})
    assert verdict == Verdict(dead=(gone.key,))
    assert verdict.ok


@given(clean_runs(), st.data())
def test_every_second_effect_is_a_double(run: Run, data: st.DataObject) -> None:
    twice = pick(data, run)
    again = replace(twice, position=twice.position + data.draw(st.floats(0, 9)))
    assert check(run.accepted, [*run.seen, again]) == Verdict(doubled=(twice.key,))


@given(clean_runs(events=2), st.data())
def test_an_older_effect_below_a_younger_one_is_an_inversion(run: Run, data: st.DataObject) -> None:
    by_key = {each.key: each for each in run.accepted}
    older = pick(data, run)
    youngest = max((each for each in run.seen if each.conversation == older.conversation), key=lambda s: s.position)
    assume(older is not youngest)
    moved = replace(older, position=youngest.position + 1)
    verdict = check(run.accepted, [each for each in run.seen if each is not older] + [moved])
    assert verdict == Verdict(inversions=((older.key, youngest.key),))
    assert by_key[older.key].at_source < by_key[youngest.key].at_source


@given(clean_runs(events=2), st.data())
def test_an_older_effect_that_says_so_is_none(run: Run, data: st.DataObject) -> None:
    older = pick(data, run)
    moved = replace(older, position=5000, late=True)
    verdict = check(run.accepted, [each for each in run.seen if each is not older] + [moved])
    assert verdict == Verdict(late=(older.key,))
    assert verdict.ok


def test_the_mark_is_no_excuse_for_what_was_there_long_before_the_younger_one_left() -> None:
    accepted = [Accepted("a", "t", 1, accepted_at=10), Accepted("b", "t", 2, accepted_at=10)]
    seen = [Seen("b", "t", 1, call_at=20), Seen("a", "t", 2, late=True, call_at=21)]
    assert check(accepted, seen, reorder_window_seconds=15).inversions == ()
    assert check(accepted, seen, reorder_window_seconds=5).inversions == (("a", "b"),)


@given(clean_runs())
def test_conversations_are_ordered_apart_from_each_other(run: Run) -> None:
    shift = {f"thread:{number}": 100.0 * (7 - number) for number in range(8)}
    seen = [replace(each, position=each.position + shift[each.conversation]) for each in run.seen]
    assert check(run.accepted, seen) == NOTHING


@given(clean_runs())
def test_an_effect_of_nothing_that_was_sent_is_unexpected(run: Run) -> None:
    stray = Seen("Kother-000001", "thread:0", 2000.5)
    assert check(run.accepted, [*run.seen, stray]) == Verdict(unexpected=(stray.key,))


@given(clean_runs(), st.booleans())
def test_what_was_sent_without_an_answer_may_have_its_effect_or_not(run: Run, happened: bool) -> None:
    unsure = Seen("Kother-000001", "thread:0", 2000.5)
    seen = [*run.seen, unsure] if happened else run.seen
    assert check(run.accepted, seen, unacknowledged={unsure.key}) == NOTHING


def test_what_was_sent_without_an_answer_may_not_happen_twice() -> None:
    places = [Seen("a", "t", 1), Seen("a", "t", 2)]
    assert check([], places, unacknowledged={"a"}) == Verdict(doubled=("a",))


@given(clean_runs(), st.data())
def test_an_effect_in_the_wrong_conversation_is_unexpected(run: Run, data: st.DataObject) -> None:
    astray = pick(data, run)
    elsewhere = replace(astray, conversation="thread:nowhere")
    verdict = check(run.accepted, [each for each in run.seen if each is not astray] + [elsewhere])
    assert verdict == Verdict(unexpected=(astray.key,))


@given(clean_runs(), st.data())
def test_what_is_accepted_again_and_again_is_one_event(run: Run, data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(run.accepted)))
    later = [replace(each, accepted_at=each.accepted_at + 1) for each in again]
    assert check([*later, *run.accepted], run.seen) == NOTHING


def test_stale_commits_break_the_promise() -> None:
    verdict = check([], [], stale=["task-1"])
    assert verdict.stale_commits == ("task-1",)
    assert not verdict.ok
