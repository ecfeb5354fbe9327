"""What a person reads in the feed, and what no line ever holds."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from nexus.feed.filters import wanted
from nexus.feed.lines import MAX_TITLE_CHARS, audit_line, delivery_lines, session_lines, task_line, webhook_lines
from oblivion_protocol.admin import FeedFilters, FeedLine

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LABELS = {"slack": "Slack", "clickup": "ClickUp"}
ROW, TENANT, TASK, CONVERSATION = (UUID(int=number) for number in range(1, 5))
SECRET = "what somebody wrote"


def entry(outcome: str, seconds: float = 1, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"at": (NOON + timedelta(seconds=seconds)).isoformat(), "outcome": outcome, "reason": reason, **more}


def row(**given: Any) -> Any:
    common = {
        "id": ROW, "tenant_id": TENANT, "task_id": TASK, "conversation_id": CONVERSATION, "title": "Fix the login",
        "created_at": NOON, "changed_at": NOON, "history": [], "source": "clickup", "sink": "slack", "kind": "reply",
        "data": {}, "agent": "fixer", "epoch": 1,
    }  # fmt: skip
    return SimpleNamespace(**(common | given))


def said(lines: Any) -> list[tuple[str, str, str]]:
    return [(line.level, line.kind, line.message) for line in lines]


def test_a_webhook_is_told_from_its_arrival_to_its_end() -> None:
    history = [entry("retry", 1, "the database was away", after_seconds=2.0), entry("done", 4)]
    assert said(webhook_lines(row(history=history), LABELS)) == [
        ("debug", "webhook.received", "Webhook from ClickUp: received"),
        ("warning", "webhook.retry", "Webhook from ClickUp: tried again in 2 s (the database was away)"),
        ("info", "webhook.done", "Webhook from ClickUp: handled"),
    ]


def test_a_delivery_is_told_from_being_owed_to_its_end() -> None:
    history = [
        entry("deferred", 1, "Slack asked to wait", after_seconds=0.5),
        entry("unsure", 2, "no answer", after_seconds=1.0),
        entry("crash", 3, "its worker was lost while holding it"),
        entry("dead", 4, "not in the channel"),
        entry("replayed", 5),
        entry("done", 6),
    ]
    assert said(delivery_lines(row(history=history), LABELS)) == [
        ("debug", "delivery.queued", "Reply to Slack: queued"),
        ("debug", "delivery.deferred", "Reply to Slack: waits for 0.5 s (Slack asked to wait)"),
        (
            "warning",
            "delivery.unsure",
            "Reply to Slack: nobody knows whether it arrived, so it is looked up (no answer)",
        ),
        ("warning", "delivery.crash", "Reply to Slack: interrupted (its worker was lost while holding it)"),
        ("error", "delivery.dead", "Reply to Slack: given up (not in the channel)"),
        ("info", "delivery.replayed", "Reply to Slack: tried anew, as an operator asked"),
        ("info", "delivery.done", "Reply to Slack: sent"),
    ]


def test_a_card_that_is_redrawn_makes_no_noise() -> None:
    *_, done = delivery_lines(row(kind="card_update", history=[entry("done")]), LABELS)
    assert (done.level, done.message) == ("debug", "Card update to Slack: sent")


def test_a_line_says_where_it_belongs() -> None:
    first, second = delivery_lines(row(history=[entry("done")]), LABELS)
    assert (second.source, second.delivery_id, second.task_id) == ("slack", str(ROW), str(TASK))
    assert second.data == {
        "kind": "reply", "reason": None, "conversation_id": str(CONVERSATION), "title": "Fix the login",
    }  # fmt: skip
    assert second.ts == NOON + timedelta(seconds=1)
    assert first.id != second.id
    unasked = next(iter(webhook_lines(row(task_id=None), LABELS)))
    assert unasked.task_id == str(CONVERSATION), "as the list of tasks names it"
    nowhere = next(iter(webhook_lines(row(task_id=None, conversation_id=None, title=None), LABELS)))
    assert (nowhere.task_id, nowhere.data) == (None, {})


def test_the_same_row_makes_the_same_lines_whatever_is_added_to_it() -> None:
    before = [line.id for line in webhook_lines(row(history=[entry("retry", 1)]), LABELS)]
    after = [line.id for line in webhook_lines(row(history=[entry("retry", 1), entry("done", 2)]), LABELS)]
    assert after[:2] == before
    cut = [line.id for line in webhook_lines(row(history=[entry("done", 2)]), LABELS)]
    assert cut[1] == after[2], "also when older tries are not kept any more"


@pytest.mark.parametrize(
    ("kind", "data", "source", "message"),
    [
        ("task.accept", {"epoch": 1}, "agent", "fixer accepted: Fix the login"),
        ("task.reject", {"reason": SECRET}, "agent", "fixer declined: Fix the login"),
        ("task.message", {"text": SECRET, "key": SECRET}, "agent", "fixer wrote into the thread: Fix the login"),
        ("task.ask", {"question": SECRET, "options": [SECRET]}, "agent", "fixer asked a question: Fix the login"),
        ("task.fail", {"error": SECRET}, "agent", "fixer could not do it: Fix the login"),
        ("task.failed", {"reason": SECRET}, "oblivion", "Task failed: Fix the login"),
        ("task.offered", {"agent_id": "a"}, "oblivion", "Offered to fixer: Fix the login"),
        ("task.requeued", {"reason": "lease_lost"}, "oblivion", "Back in the queue: Fix the login (lease_lost)"),
        ("question.answered", {"by": "Dana"}, "people", "Dana answered a question: Fix the login"),
        (
            "task.submitted",
            {"by": "Dana", "alias": "AI_Squad", "type": "fix_bug"},
            "people",
            "Dana asked @AI_Squad for fix_bug: Fix the login",
        ),
        ("brand.new_kind", {}, "oblivion", "Brand new kind: Fix the login"),
    ],
)
def test_events_of_tasks_are_sentences_without_what_was_written(
    kind: str, data: dict[str, Any], source: str, message: str
) -> None:
    line = task_line(row(kind=kind, data=data))
    assert (line.kind, line.source, line.message, line.agent) == (kind, source, message, "fixer")
    assert SECRET not in line.model_dump_json()


def test_who_did_it_may_have_any_name() -> None:
    line = task_line(row(kind="question.answered", data={"by": "{agent} {0} %s"}))
    assert line.message.startswith("{agent} {0} %s answered")


def test_a_long_title_is_cut() -> None:
    line = task_line(row(kind="task.accept", title="x" * 500))
    assert len(line.data["title"]) == MAX_TITLE_CHARS
    assert len(line.message) < MAX_TITLE_CHARS + 50


@pytest.mark.parametrize(
    ("action", "target", "message"),
    [
        ("mapping.link", "901", "dana@example.com linked the mapping 901"),
        ("agent.revoke", "fixer", "dana@example.com revoked agent fixer"),
        ("client.rotate", "adm_1", "dana@example.com rotated the secret of client adm_1"),
        ("member.bless", "x@y.z", "dana@example.com bless member x@y.z"),
    ],
)
def test_administrative_acts_are_told_with_who_did_them(action: str, target: str, message: str) -> None:
    line = audit_line(row(actor="dana@example.com", action=action, object=target, data={"actor": "forged"}))
    assert (line.source, line.kind, line.message) == ("people", f"audit.{action}", message)
    assert line.data["actor"] == "dana@example.com"
    assert audit_line(row(actor="system", action=action, object=target)).source == "oblivion"


def session(**given: Any) -> Any:
    common = {
        "id": ROW, "tenant_id": TENANT, "session_epoch": 3, "instance": "one", "version": "1", "agent": "fixer",
        "connected_at": NOON, "last_seen_at": NOON + timedelta(seconds=5), "closed_at": None,
    }  # fmt: skip
    return SimpleNamespace(**(common | given))


def test_a_process_of_an_agent_comes_and_goes_or_is_lost() -> None:
    online = timedelta(seconds=30)
    soon, later = NOON + timedelta(seconds=20), NOON + timedelta(seconds=60)
    assert [line.kind for line in session_lines(session(), soon, online)] == ["agent.online"]
    closed = session(closed_at=soon)
    assert said(session_lines(closed, later, online))[1] == ("info", "agent.offline", "fixer disconnected (one)")
    (_, lost) = session_lines(session(), later, online)
    assert (lost.level, lost.kind, lost.ts) == ("warning", "agent.lost", NOON + timedelta(seconds=35))
    (_, again) = session_lines(session(), later + online, online)
    assert again.id == lost.id
    back = session(last_seen_at=later)
    assert [line.kind for line in session_lines(back, later, online)] == ["agent.online"]


def line(**given: Any) -> FeedLine:
    common = {
        "id": "1", "ts": NOON, "level": "info", "kind": "task.accept", "source": "agent", "tenant_id": "t",
        "task_id": "t1", "message": "Fixer Accepted it", "data": {"conversation_id": "c1"},
    }  # fmt: skip
    return FeedLine.model_validate(common | given)


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ({}, True),
        ({"levels": ["info", "error"]}, True),
        ({"levels": ["error"]}, False),
        ({"kinds": ["task"]}, True),
        ({"kinds": ["task.accept"]}, True),
        ({"kinds": ["tas"]}, False),
        ({"kinds": ["webhook", "delivery"]}, False),
        ({"sources": ["agent"]}, True),
        ({"sources": ["slack"]}, False),
        ({"task_id": "t1"}, True),
        ({"task_id": "c1"}, True),
        ({"task_id": "t2"}, False),
        ({"q": "accepted IT"}, True),
        ({"q": "refused"}, False),
        ({"levels": ["info"], "q": "refused"}, False),
    ],
)
def test_a_line_passes_when_it_passes_every_filter(filters: dict[str, Any], passes: bool) -> None:
    assert wanted(line(), FeedFilters.model_validate(filters)) is passes
