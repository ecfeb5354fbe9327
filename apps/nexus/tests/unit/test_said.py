"""Whether what was said can be seen in a tool, and what belongs together."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from nexus.http.said import ASIDE, Effect, Place, shown_text, sighting, spoken, with_answers
from nexus.pipeline.facts import PostReply, Speaker
from oblivion_protocol.operating import ConversationEntry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHAT, TRACKER = Place("slack"), Place("clickup", "https://t/1")


def effect(state: str, order: int = 1, **changes: Any) -> Effect:
    given: dict[str, Any] = {
        "id": UUID(int=order),
        "kind": "comment",
        "sink": "clickup",
        "state": state,
        "reason": None,
        "order": (order, UUID(int=order)),
        "created_at": NOW,
        "effect_key": "k",
        "intent": PostReply("C", "said"),
        "message_id": None,
    }
    return Effect(**(given | changes))


def test_what_was_never_to_go_there_says_why() -> None:
    seen = sighting(TRACKER, [], "by the rule")
    assert (seen.state, seen.why, seen.url) == ("not_mirrored", "by the rule", None)
    other = sighting(TRACKER, [effect("done", sink="slack")], "by the rule")
    assert other.state == "not_mirrored"


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("done", "mirrored"),
        ("pending", "pending"),
        ("sending", "pending"),
        ("dead", "failed"),
        ("superseded", "not_mirrored"),
    ],
)
def test_where_a_delivery_stands_is_what_people_see(state: str, shown: str) -> None:
    seen = sighting(TRACKER, [effect(state, reason="the reason")], "absent")
    assert seen.state == shown
    assert seen.url == ("https://t/1" if shown == "mirrored" else None)
    assert seen.why == (None if shown == "mirrored" else "the reason")


def test_an_edit_that_did_not_arrive_is_a_failure_although_the_first_version_stands_there() -> None:
    seen = sighting(TRACKER, [effect("dead", 2, reason="gone"), effect("done", 1)], "absent")
    assert (seen.state, seen.why) == ("failed", "It stands there as it was before: gone")
    waiting = sighting(TRACKER, [effect("done", 1), effect("pending", 2, reason="too fast")], "absent")
    assert (waiting.state, waiting.why) == ("pending", "too fast")
    arrived = sighting(TRACKER, [effect("done", 1), effect("dead", 2), effect("done", 3)], "absent")
    assert arrived.state == "mirrored"


def test_what_agents_say_is_told_from_what_oblivion_says() -> None:
    places = [CHAT, TRACKER]
    said = PostReply("C", "Done: 3 files", Speaker("fixer", None))
    word = spoken(effect("done", sink="slack", intent=said), said, places, frozenset())
    assert (word.author, word.author_kind, word.kind, word.text) == ("fixer", "agent", "message", "Done: 3 files")
    assert [(seen.tool, seen.state) for seen in word.seen_in] == [("slack", "mirrored"), ("clickup", "not_mirrored")]
    assert spoken(effect("done", effect_key="task:1:e"), said, places, frozenset({"task:1:e"})).kind == "result"
    own = PostReply("C", "This task has expired")
    note = spoken(effect("done"), own, places, frozenset())
    assert (note.author, note.author_kind, note.kind) == ("Oblivion", "oblivion", "note")


def entry(kind: str, text: str, seconds: float = 0, author: str = "Dana", **changes: Any) -> ConversationEntry:
    given: dict[str, Any] = {
        "id": str(uuid4()),
        "at": NOW + timedelta(seconds=seconds),
        "author": author,
        "author_kind": "person",
        "kind": kind,
        "text": text,
        "seen_in": [],
        "edited_at": None,
        "deleted_at": None,
    }
    return ConversationEntry(**(given | changes))


def test_an_answer_that_was_typed_is_the_message_and_not_a_second_one() -> None:
    asked, typed = entry("question", "Which?", 0), entry("message", " blue ", 10)
    merged = with_answers([asked, typed], [entry("answer", "Blue", 11)])
    assert [(one.kind, one.text) for one in merged] == [("question", "Which?"), ("answer", " blue ")]


@pytest.mark.parametrize(
    "other",
    [
        entry("message", "blue", 10, author="Otto"),
        entry("message", "green", 10),
        entry("message", "blue", 3600),
        entry("result", "blue", 10, author_kind="agent"),
        entry("message", "blue", 10, author_kind="agent"),
    ],
)
def test_an_answer_by_a_button_is_an_entry_of_its_own_in_its_place(other: ConversationEntry) -> None:
    merged = with_answers([entry("question", "Which?", 0), other], [entry("answer", "blue", 11)])
    assert sorted(one.kind for one in merged) == sorted(["question", other.kind, "answer"])
    assert [one.at for one in merged] == sorted(one.at for one in merged)


def test_a_message_that_became_an_aside_is_not_shown() -> None:
    assert shown_text("!aside between us") == ASIDE
    assert shown_text("!sync for all") == "!sync for all"
