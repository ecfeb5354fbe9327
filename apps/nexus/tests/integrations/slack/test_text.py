"""Untrusted text out, Slack's markup in."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.integrations.slack.text import (
    escape,
    linked,
    mentioned,
    neutralise,
    pieces,
    plain_title,
    readable,
    truncate,
    web_link,
)
from nexus.kit.visible import visible

NASTY = st.text(alphabet=st.sampled_from("ab &<>|@!#;*\n`~_.:/?\u202e\u200b\u2066\ufeff\x00") | st.characters())
WHOLE = re.compile(r"(?:[^&<>]|&(?:amp|lt|gt);|<[^<>]*>)*", re.DOTALL)


@given(NASTY)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    assert readable(escape(text), {}) == text


@given(NASTY, st.integers(1, 60))
def test_neutralised_text_has_no_markup_and_no_broken_entity_at_any_length(text: str, limit: int) -> None:
    safe = neutralise(text, limit)
    assert len(safe) <= limit
    assert not set("<>") & set(safe)
    assert WHOLE.fullmatch(safe)
    assert not set("\u202e\u200b\u2066\ufeff\x00") & set(safe)


def test_pings_and_links_become_words() -> None:
    assert neutralise("<!channel> <@U1> <https://evil.example|bank.example>") == (
        "&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example|bank.example&gt;"
    )
    assert neutralise("a&amp;b") == "a&amp;amp;b"


def test_hidden_and_reversing_characters_go_and_lines_stay() -> None:
    assert visible("gnp.\u202eexe\u2069 a\u200bb\ufeff\r\nc\rd\te\x1b[0m\U000e0041") == "gnp.exe ab\nc\nd\te[0m"


@given(NASTY, st.integers(1, 60))
def test_truncation_keeps_a_prefix_and_says_that_it_cut(text: str, limit: int) -> None:
    safe = escape(text)
    cut = truncate(safe, limit)
    assert len(cut) <= limit
    assert cut == safe or (cut.endswith("…") and safe.startswith(cut[:-1]))


@given(NASTY, st.integers(10, 80))
def test_pieces_are_the_whole_text_and_each_is_whole_markup(text: str, limit: int) -> None:
    safe = linked(neutralise(text))
    parts = pieces(safe, limit)
    assert "".join(parts) == safe
    assert all(len(part) <= limit for part in parts)
    if not any(len(link) > limit for link in re.findall(r"<[^<>]*>", safe)):
        assert all(WHOLE.fullmatch(part) for part in parts)


def test_pieces_prefer_the_end_of_a_line() -> None:
    assert pieces("one two\nthree four", 12) == ["one two\n", "three four"]
    assert pieces("aaaa bbbb cccc", 10) == ["aaaa bbbb ", "cccc"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/x?y=1&z=2.", "see <https://a.example/x?y=1&amp;z=2>."),
        ("<https://a.example>", "&lt;<https://a.example>&gt;"),
        ("(https://a.example/b)", "(<https://a.example/b>)"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://a|b", "<https://a>|b"),
    ],
)
def test_bare_addresses_become_links_that_show_where_they_lead(text: str, expected: str) -> None:
    assert linked(neutralise(text)) == expected


@given(NASTY)
def test_links_never_have_a_label_that_people_wrote(text: str) -> None:
    for inner in re.findall(r"<([^<>]*)>", linked(neutralise("https://a.example/" + text))):
        assert inner.startswith(("http://", "https://")) and "|" not in inner


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://",
        "ftp://a.example",
        "",
        "https://a.example/ x",
        "https://[",
        "//a.example",
        "https://a.example/\u202ex",
        "https://a.example/" + "x" * 2000,
        "https://a.example/" + "&" * 1000,
    ],
)
def test_other_addresses_are_no_links(url: str) -> None:
    assert web_link(url, "Open") is None


def test_a_link_cannot_break_out_of_its_address() -> None:
    assert web_link("https://a.example/?q=1&r=<|x>", "A & B") == ("<https://a.example/?q=1&amp;r=%3C%7Cx%3E|A &amp; B>")


@given(NASTY, st.integers(10, 150))
def test_titles_are_one_visible_line_and_never_empty(text: str, limit: int) -> None:
    title = plain_title(text, limit)
    assert 0 < len(title) <= limit and "\n" not in title and title.strip() == title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@U1> and <@U2|sam> and <@U3>", "@Dana and @sam and @U3"),
        ("<#C1|general> <#C2> <#C3|>", "#general #ops #C3"),
        ("<!here> <!channel> <!subteam^S1|@team> <!subteam^S2>", "@here @channel @team @S2"),
        ("<!date^1392734382^{date}|18 Feb 2014>", "18 Feb 2014"),
        ("<https://a.example/?x=1&amp;y=2|spec &lt;1&gt;>", "spec <1> (https://a.example/?x=1&y=2)"),
        ("<https://a.example>", "https://a.example"),
        ("<https://a.example|https://a.example>", "https://a.example"),
        ("<http://a.example|a.example>", "http://a.example"),
        ("<mailto:d@a.example|d@a.example> <mailto:d@a.example|Dana>", "d@a.example Dana (mailto:d@a.example)"),
        ("&amp;lt; &lt;!here&gt; :tada: &#39;", "&lt; <!here> :tada: &#39;"),
        ("a < b <unfinished", "a < b <unfinished"),
    ],
)
def test_markup_reads_as_people_see_it(text: str, expected: str) -> None:
    assert readable(text, {"U1": "Dana", "C2": "ops"}) == expected


def test_names_to_look_up_are_those_that_the_text_lacks() -> None:
    assert mentioned("<@U1> <@U2|sam> <#C1|general> <#C2> <#C3|> <!here>") == ({"U1", "U2"}, {"C2", "C3"})


@given(NASTY)
def test_reading_never_fails(text: str) -> None:
    readable(text, {})
