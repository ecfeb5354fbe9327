"""What people see, and that Slack accepts it whatever people wrote."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block as SdkBlock

from nexus.integrations.slack.blocks import card, marker, reply

LIMITS = {"header": 150, "section": 3000, "context": 3000}
OURS = re.compile(r"<https?://[^<>|]+(\|Open in ClickUp)?>|<!date\^[^<>]*>")


def texts(found: object) -> list[dict[str, Any]]:
    if isinstance(found, list):
        return [text for each in found for text in texts(each)]
    if not isinstance(found, dict):
        return []
    own = [found] if found.get("type") in ("mrkdwn", "plain_text") else []
    return own + [text for each in found.values() for text in texts(each)]


def accepted(text: str, blocks: list[dict[str, Any]], delivery_id: str) -> None:
    """Fails on anything that Slack would refuse, or that a person's text could do."""
    assert 0 < len(text) <= 4000
    assert not set("<>") & set(text)
    assert 0 < len(blocks) <= 50
    assert blocks[0]["block_id"] == marker(delivery_id) and len(marker(delivery_id)) <= 255
    assert sum(len(each["text"]) for each in texts(blocks)) < 12_000
    for block in SdkBlock.parse_all(blocks):
        block.to_dict()  # Raises what slack_sdk's models know to be too long.
    for block in blocks:
        limit = LIMITS.get(block["type"], 3000)
        assert all(0 < len(each["text"]) <= limit for each in texts(block))
        fields = block.get("fields", [])
        assert len(fields) <= 10 and all(len(each["text"]) <= 2000 for each in fields)
    for each in texts(blocks):
        if each["type"] == "mrkdwn":
            assert each["verbatim"] is True
            assert not set("<>") & set(OURS.sub("", each["text"]).replace("\n> ", ""))


WORDS = st.text(max_size=200) | st.sampled_from(["<!channel>", "&" * 4000, "<" * 4000, "x" * 9000, "\u200b", " ", ""])
STATES = st.sampled_from(
    [
        "submitted",
        "offered",
        "working",
        "input_required",
        "approval_required",
        "completed",
        "failed",
        "canceled",
        "rejected",
        "expired",
        "something_new",
    ]
)
REASONS = st.none() | WORDS | st.sampled_from(["agent_offline", "agent_busy", "muted", "no_agent"])
STEPS = st.lists(st.tuples(WORDS, st.sampled_from(["pending", "running", "done", "failed", "?"])), max_size=40)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_card_is_accepted_whatever_people_wrote(make_view, data: st.DataObject) -> None:
    view = make_view(
        title=data.draw(WORDS),
        url=data.draw(WORDS | st.just("https://a.example/" + "&" * 280)),
        list_name=data.draw(WORDS),
        status=data.draw(WORDS),
        priority=data.draw(st.none() | WORDS),
        requested_by=data.draw(WORDS),
        assignees=tuple(data.draw(st.lists(WORDS, max_size=30))),
        alias=data.draw(WORDS),
        agent=data.draw(st.none() | WORDS),
        state=data.draw(STATES),
        reason=data.draw(REASONS),
        progress=data.draw(st.none() | WORDS),
        plan=tuple(data.draw(STEPS)),
        stoppable=data.draw(st.booleans()),
        tombstone=data.draw(st.none() | WORDS),
    )
    accepted(*card(view, "d-1"), "d-1")


def test_the_worst_card_is_accepted(make_view) -> None:
    worst = "&" * 9000
    view = make_view(
        title=worst, url="https://a.example/" + "&" * 290, list_name=worst, status=worst, priority=worst,
        requested_by=worst, assignees=(worst,) * 9, alias=worst, agent=worst, reason=worst, progress=worst,
        plan=((worst, "done"),) * 60, stoppable=True,
    )  # fmt: skip
    accepted(*card(view, "d-1"), "d-1")


@settings(max_examples=80)
@given(text=WORDS | st.text(min_size=2000, max_size=20_000, alphabet="a&< \n"), late=st.booleans())
def test_a_reply_is_accepted_whatever_people_wrote(text: str, late: bool) -> None:
    accepted(*reply(text, "d-1", datetime(2026, 11, 22, 9, 30, tzinfo=UTC) if late else None), "d-1")


def test_a_working_card_says_what_a_person_wants_to_know(make_view) -> None:
    view = make_view(
        progress="reading *the* code",
        plan=(("Read", "done"), ("Write", "running"), ("Test", "pending"), ("Ship", "failed")),
        stoppable=True,
    )
    text, [header, summary, plan, actions, footer] = card(view, "d-1")
    assert text == "CSV export for invoices — ⚙️ *fixer is working*"
    assert header["text"]["text"] == "CSV export for invoices"
    assert summary["text"]["text"] == (
        "⚙️ *fixer is working*\n> reading *the* code\n*<https://app.clickup.com/t/86cx1ab2c|Open in ClickUp>*"
    )
    assert [field["text"] for field in summary["fields"]] == [
        "*List*\nBilling",
        "*Status*\nto do",
        "*Priority*\nhigh",
        "*Requested by*\nDana",
        "*Assignees*\nSam",
        "*Agent*\nfixer",
    ]
    assert plan["text"]["text"] == "✅ Read\n▸ Write\n☐ Test\n✗ Ship"
    [stop] = actions["elements"]
    assert (stop["action_id"], stop["value"], stop["style"]) == ("oblivion_stop", "conv-1", "danger")
    assert stop["confirm"]["title"]["text"] == "Stop this task?"
    assert footer["elements"][0]["text"].startswith("@AI_Squad · ")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"state": "submitted", "reason": "agent_offline", "agent": None, "alias": "@AI_Squad"},
            "⏳ *Waiting for an agent* — no agent of @AI_Squad is online; it starts as soon as one is",
        ),
        ({"state": "offered"}, "📨 *Offered to fixer*"),
        ({"state": "input_required"}, "❓ *fixer needs an answer in this thread*"),
        ({"state": "completed", "agent": None}, "✅ *Done by an agent*"),
        ({"state": "working", "agent": None}, "⚙️ *An agent is working*"),
        ({"state": "failed", "reason": "<!here> 1 < 2"}, "❌ *fixer could not do it* — &lt;!here&gt; 1 &lt; 2"),
        ({"state": "something_new"}, "• *something new*"),
    ],
)
def test_the_state_is_said_in_words(make_view, changes: dict[str, Any], line: str) -> None:
    _, blocks = card(make_view(**changes), "d-1")
    assert blocks[1]["text"]["text"].splitlines()[0] == line


def test_every_waiting_reason_of_the_protocol_has_words(make_view) -> None:
    from typing import get_args

    from oblivion_protocol import TaskState, WaitReason

    for reason in get_args(WaitReason):
        _, blocks = card(make_view(state="submitted", reason=reason), "d-1")
        assert f"— {reason}" not in blocks[1]["text"]["text"]
    for state in get_args(TaskState):
        assert not card(make_view(state=state), "d-1")[1][1]["text"]["text"].startswith("•")


def test_a_card_that_cannot_be_stopped_has_no_button(make_view) -> None:
    assert not [block for block in card(make_view(), "d-1")[1] if block["type"] == "actions"]


def test_a_tombstone_strikes_the_title_and_leaves_no_button(make_view) -> None:
    text, blocks = card(make_view(title="a~b", tombstone="Deleted in <ClickUp>", stoppable=True), "d-1")
    assert blocks[0]["text"]["text"] == "🪦 ~a∼b~\nDeleted in &lt;ClickUp&gt;"
    assert [block["type"] for block in blocks] == ["section", "context"]
    assert text == "a~b — Deleted in &lt;ClickUp&gt;"


def test_a_card_without_a_web_address_has_no_link(make_view) -> None:
    _, blocks = card(make_view(url="javascript:alert(1)"), "d-1")
    assert "<" not in blocks[1]["text"]["text"]


def test_a_late_reply_shows_its_own_time(make_view) -> None:
    _, [context, section] = reply("hello", "d-1", datetime(2026, 11, 22, 9, 30, tzinfo=UTC))
    assert context["elements"][0]["text"] == (
        "🕓 Written <!date^1795339800^{date_short_pretty} {time}|2026-11-22 09:30 UTC>, delivered late"
    )
    assert context["block_id"] == "obl:d-1"
    assert section["text"]["text"] == "hello"


def test_a_very_long_reply_says_that_it_was_cut() -> None:
    _, blocks = reply("word " * 5000, "d-1")
    assert blocks[-1]["text"]["text"].endswith("… (cut)")
    assert "(cut)" not in str(reply("word " * 2000, "d-1"))
