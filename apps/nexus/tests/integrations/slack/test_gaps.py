"""Reading Slack back: the events that we make, pages, and whose turn it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from nexus.integrations.slack.client import SlackClient
from nexus.integrations.slack.gaps import SlackHistory
from nexus.integrations.slack.payloads import Identity
from nexus.integrations.slack.source import SlackSource
from nexus.pipeline.errors import Deferred
from nexus.pipeline.facts import MessageDeleted, MessageEdited, MessagePosted, Person, ReactionAdded
from nexus.pipeline.ports import Connected, Incoming

US = Identity(bot_user_id="U0NEXUSBOT", bot_id="B0NEXUS001", app_id="A0NEXUS001")
AT = datetime(2026, 3, 1, 12, 0, 0, 100, tzinfo=UTC)
TS = f"{int(AT.timestamp())}.000100"
DANA = Person("U0DANA0001")
ROOT = "1763800999.000100"


def history(url: str = "http://127.0.0.1:9/api/", **more: Any) -> SlackHistory:
    return SlackHistory(SlackClient("xoxb-x", url), US, "T0A1B2C3D", **more)


@pytest.mark.parametrize(
    "fact",
    [
        MessagePosted("C1", TS, ROOT, DANA, "!sync a &amp; b", AT, ("https://f/1",), sync_requested=True),
        MessagePosted("C1", TS, ROOT, DANA, "plain", AT),
        MessageEdited("C1", TS, ROOT, DANA, "!sync new words", AT, posted_at=AT),
        MessageDeleted("C1", TS, None, AT),
        ReactionAdded("C1", TS, "clipboard", DANA, AT),
    ],
)
def test_an_event_that_we_make_says_what_slack_would_have_said(connected: Connected, fact: Any) -> None:
    source, made = SlackSource(), history()
    request = made.event_of(fact)
    assert source.facts(request.body, "application/json", connected) == [fact]
    stored, again = source.read(request), source.read(made.event_of(fact))
    assert isinstance(stored, Incoming)
    assert isinstance(again, Incoming)
    assert stored.dedup_key == again.dedup_key
    assert stored.dedup_key.startswith(f"gap:C1:{TS}")
    assert stored.occurred_at == AT


async def test_a_thread_is_read_as_it_is_now_and_without_ourselves(scripted: Any) -> None:
    people = {"user": "U0DANA0001", "thread_ts": ROOT, "text": "words"}
    reactions = [{"name": "clipboard::skin-tone-2", "users": ["U0SAM00002"], "count": 1}]
    scripted.answers(
        "conversations.replies",
        {
            "ok": True,
            "messages": [
                {"ts": ROOT, "user": "U0NEXUSBOT", "bot_id": "B0NEXUS001", "text": "card"},
                {"ts": "1763801000.000100", **people, "reactions": reactions},
                {"ts": "1763801001.000100", **people, "edited": {"ts": "1763801002.000000", "user": "U0DANA0001"}},
                {"ts": "1763801003.000100", "thread_ts": ROOT, "user": "U1", "bot_id": "B1", "text": "a bot"},
                {"ts": "no ts at all", **people},
            ],
            "response_metadata": {"next_cursor": "more"},
        },
    )
    page = await history(scripted.url).replies("C1", ROOT, AT, "")
    assert page.cursor == "more"
    reacted, edited = page.replies
    assert [(each.name, each.author.id) for each in reacted.reactions] == [("clipboard", "U0SAM00002")]
    assert (reacted.edited, edited.posted.text) == (None, "words")
    assert edited.edited is not None
    assert edited.edited.at == datetime.fromtimestamp(1763801002, UTC)
    (asked,) = scripted.called("conversations.replies")
    assert (asked["ts"], asked["oldest"]) == (ROOT, TS)


async def test_a_thread_whose_first_message_is_gone_holds_nothing(scripted: Any) -> None:
    scripted.answers("conversations.replies", {"ok": False, "error": "thread_not_found"})
    assert (await history(scripted.url).replies("C1", ROOT, AT, "")).replies == ()


async def test_a_limit_of_slack_s_is_waited_out(scripted: Any) -> None:
    from aiohttp import web

    async def too_fast(_request: web.Request) -> web.Response:
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "60"})

    scripted.answers("conversations.history", too_fast)
    made = history(scripted.url)
    for _ in range(3):
        with pytest.raises(Deferred) as waiting:
            await made.threads("C1", ROOT, "")
        assert waiting.value.after_seconds > 50
    assert len(scripted.called("conversations.history")) == 1, "Slack was asked once"


def test_turns_come_at_once_at_first_and_then_slowly() -> None:
    now = 1000.0
    made = history(turn_seconds=2.0, seconds_now=lambda: now)
    rests = [made.rest_seconds() for _ in range(10)]
    assert rests == [0.0] * 10
    assert made.rest_seconds() == 2.0
    now += 2.0
    assert made.rest_seconds() == 0.0
    assert made.rest_seconds() == 2.0
