"""The reader finds every ping, every fake link and every unseen character: what it passes is harmless."""

from typing import Any

import pytest

from oblivion_sandbox.slack.mrkdwn import rich_text
from oblivion_sandbox.slack.reading import Read, read


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text, **more}}]}


def as_text(text: str) -> Read:
    return read({"text": text})


@pytest.mark.parametrize(
    "text", ["<!channel>", "<!here|here>", "<!everyone>", "a <@U0DANA0001> b", "<!subteam^S1|@oncall>", "< !here>"]
)
def test_a_ping_is_found_in_text_in_blocks_and_in_what_slack_makes_of_text(text: str) -> None:
    assert as_text(text).pings
    assert read(section(text, verbatim=True)).pings
    if "< " not in text:
        assert read({"blocks": rich_text(text)}).pings


def test_plain_words_ping_and_link_only_where_slack_is_let_look_for_them() -> None:
    assert read(section("@here see https://a.example")).pings == ["@here"]
    assert read(section("@here see https://a.example")).links == [("https://a.example", "https://a.example")]
    assert read({"text": "@channel"}, link_names=True).pings
    assert not read(section("@here see https://a.example", verbatim=True)).pings
    assert not read({"text": "write to dana@here.example"}, link_names=True).pings


@pytest.mark.parametrize(
    "text",
    [
        "<https://evil.example|bank.example>",
        "<https://evil.example|see https://bank.example/x>",
        "<https://bank.example@evil.example/>",
        "<https://b\u0430nk.example/>",
        "<https://bank.example\\@evil.example>",
        "<javascript:alert(1)|click>",
        "<slack://channel?id=C1>",
        "<data:text/html,x|here>",
    ],
)
def test_a_link_that_shows_another_place_is_a_fake(text: str) -> None:
    assert as_text(text).fakes


@pytest.mark.parametrize(
    "text", ["<https://a.example/b?c=d&amp;e>", "<https://a.example|a.example>", "<https://a.example|Open>"]
)
def test_an_honest_link_is_none(text: str) -> None:
    assert as_text(text).links
    assert not as_text(text).fakes


def test_what_is_escaped_does_nothing_and_is_seen_as_it_was_written() -> None:
    found = as_text("&lt;!channel&gt; &lt;https://evil.example|bank.example&gt; &amp;lt;!here&amp;gt;")
    assert (found.pings, found.links, found.hidden) == ([], [], [])
    assert found.texts == ["<!channel> <https://evil.example|bank.example> &lt;!here&gt;"]


@pytest.mark.parametrize(
    "character", ["\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041", "\u3164", "\x00", "\ud800"]
)
def test_a_character_that_nobody_sees_is_found_in_every_kind_of_text(character: str) -> None:
    assert as_text(f"a{character}b").hidden
    assert read({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": f"a{character}b"}}]}).hidden
    assert read({"username": f"dana{character}"}).hidden


def test_a_date_and_a_channel_ping_nobody() -> None:
    found = as_text("<!date^1763801000^{date}|2026> <#C0DEV00001|dev>")
    assert (found.pings, found.links, found.texts) == ([], [], ["2026 dev"])
