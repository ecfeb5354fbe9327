"""Is a task addressed, to whom, and with which kind of work (1-product.md, Mirror 1)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.pipeline.addressing import Addressed, find_address

SKILLS = ("fix_bug", "review", "Deploy")


def called(
    title: str = "",
    description: str = "",
    tags: tuple[str, ...] = (),
    aliases: tuple[str, ...] = ("AI_Squad",),
    skills: tuple[str, ...] = SKILLS,
) -> Addressed | None:
    return find_address(title, description, tags, aliases=aliases, skills=skills)


@pytest.mark.parametrize(
    "text",
    [
        "@AI_Squad",
        "@ai_squad please",
        "@AI_SQUAD: look",
        "please, @AI_Squad, look",
        "(@AI_Squad)",
        "**@AI_Squad**",
        "Ask @AI_Squad.",
        "Ask @AI_Squad!",
        "first line\n@AI_Squad",
        "a\\_b and @AI\\_Squad",
        "mail dana@ai_squad.example, then @AI_Squad",
        "`@fixer` is code, @AI_Squad is not",
    ],
)
def test_alias_is_called_wherever_it_stands_as_a_word_in_any_case(text: str) -> None:
    for title, description in ((text, ""), ("", text)):
        found = called(title, description, aliases=("AI_Squad", "fixer"))
        assert found is not None
        assert found.alias == "AI_Squad", "spelt as it is registered"


@pytest.mark.parametrize(
    "text",
    [
        "AI_Squad",
        "@AI_Squads",
        "@AI_Squad2",
        "@AI_Squad-two",
        "@AI_Squad@work",
        "x@AI_Squad",
        "dana@ai_squad.example",
        "dana+bugs@ai_squad",
        "write to @AI_Squad.example",
        "https://forge.example/@AI_Squad",
        "@@AI_Squad",
        "@ AI_Squad",
    ],
)
def test_alias_inside_of_another_word_an_address_or_a_url_is_not_called(text: str) -> None:
    assert called(text) is None
    assert called("", text) is None


@pytest.mark.parametrize(
    "text",
    [
        "`@AI_Squad`",
        "`run @AI_Squad now`",
        "```\n@AI_Squad\n```",
        "```python\nassert '@AI_Squad'\n```",
        "~~~\n@AI_Squad\n~~~",
        "```\n@AI_Squad and the fence is never closed",
        "```a```\n```\n@AI_Squad\n```",
        "`@AI\\_Squad`",
    ],
)
def test_alias_inside_of_code_is_not_called(text: str) -> None:
    assert called("", text) is None


@pytest.mark.parametrize("text", ["``@AI_Squad``", "`` ` and @AI_Squad ``", "````\n```\n@AI_Squad\n```\n````"])
def test_alias_inside_of_code_with_a_longer_fence_is_not_called(text: str) -> None:
    assert called("", text) is None


def test_code_ends_where_its_fence_does_and_the_alias_after_it_is_called() -> None:
    assert called("", "```\ncode\n```\n@AI_Squad `more code`") == Addressed("AI_Squad", "default")


def test_backtick_that_is_never_closed_hides_nothing_on_later_lines() -> None:
    assert called("", "a lone ` here\n@AI_Squad") == Addressed("AI_Squad", "default")


@pytest.mark.parametrize("tag", ["AI_Squad", "ai_squad", "@AI_Squad", "@ai_squad"])
def test_task_is_addressed_by_a_tag_with_or_without_the_at_sign(tag: str) -> None:
    assert called("Title", "text", ("urgent", tag)) == Addressed("AI_Squad", "default")


def test_tag_that_only_contains_the_alias_addresses_nobody() -> None:
    assert called("Title", "text", ("not_ai_squad", "ai_squad_2")) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("@AI_Squad fix_bug", "fix_bug"),
        ("@AI_Squad FIX_BUG in the export", "fix_bug"),
        ("@AI_Squad deploy.", "Deploy"),
        ("@AI\\_Squad fix\\_bug", "fix_bug"),
        ("@AI_Squad write_docs", "write_docs"),
        ("@AI_Squad please review", "default"),
        ("@AI_Squad: fix_bug", "default"),
        ("@AI_Squad\nfix_bug", "default"),
        ("@AI_Squad `fix_bug`", "default"),
        ("fix_bug, @AI_Squad", "default"),
    ],
)
def test_word_after_the_alias_is_the_type_when_it_can_be_one(text: str, kind: str) -> None:
    assert called("", text) == Addressed("AI_Squad", kind)


def test_tag_that_is_a_skill_is_the_type_when_no_word_says_otherwise() -> None:
    assert called("@AI_Squad please", "", ("REVIEW",)) == Addressed("AI_Squad", "review")
    assert called("@AI_Squad fix_bug", "", ("review",)) == Addressed("AI_Squad", "fix_bug")
    assert called("", "", ("review", "ai_squad")) == Addressed("AI_Squad", "review")
    assert called("@AI_Squad please", "", ("urgent",)) == Addressed("AI_Squad", "default")


def test_first_of_several_aliases_in_the_text_is_the_one() -> None:
    aliases = ("fixer", "AI_Squad", "docs")
    assert called("@docs, then @AI_Squad", aliases=aliases) == Addressed("docs", "default")
    assert called("@AI_Squad fix_bug, then @fixer review", aliases=aliases) == Addressed("AI_Squad", "fix_bug")


def test_title_goes_before_description_and_description_before_tags() -> None:
    aliases = ("fixer", "AI_Squad", "docs")
    assert called("@docs", "@fixer", ("AI_Squad",), aliases) == Addressed("docs", "default")
    assert called("", "@fixer", ("AI_Squad",), aliases) == Addressed("fixer", "default")


@pytest.mark.parametrize(
    "order", [("AI", "AI_Squad", "AI-Squad", "AI.Squad"), ("AI.Squad", "AI-Squad", "AI_Squad", "AI")]
)
def test_alias_that_begins_like_another_one_is_told_apart(order: tuple[str, ...]) -> None:
    for alias in order:
        assert called(f"@{alias} fix_bug", aliases=order) == Addressed(alias, "fix_bug")
    assert called("@AI_Squads", aliases=order) is None


def test_nobody_is_called_when_there_are_no_aliases() -> None:
    assert called("@AI_Squad", "@AI_Squad", ("ai_squad",), aliases=()) is None


ALIASES = st.from_regex(r"\w[\w.-]{0,12}", fullmatch=True)
MARKS = st.text(st.sampled_from("@AI_Squad\\`~ \n.-fx") | st.characters(), max_size=60)


@given(title=MARKS, description=MARKS, tags=st.lists(MARKS, max_size=3), aliases=st.lists(ALIASES, max_size=4))
def test_any_text_gives_a_known_alias_or_nobody(
    title: str, description: str, tags: list[str], aliases: list[str]
) -> None:
    found = find_address(title, description, tags, aliases=aliases, skills=SKILLS)
    assert found is None or (found.alias in aliases and found.type)


WORD = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
LOCAL = st.text(string.ascii_letters + string.digits + "!#$%&'*+/=?^_{|}~.-", min_size=1, max_size=12)


@given(
    local=LOCAL,
    top=st.text(string.ascii_lowercase, min_size=2, max_size=6),
    before=st.sampled_from(["", "mail ", "<", "("]),
    after=st.sampled_from(["", " now", ">", ")", ", please", ". Thanks"]),
    alias=WORD,
)
def test_email_address_at_a_domain_named_like_the_alias_calls_nobody(
    local: str, top: str, before: str, after: str, alias: str
) -> None:
    text = f"{before}{local}@{alias.lower()}.{top}{after}"
    assert called(text, text, aliases=(alias,)) is None


@given(local=WORD, after=st.sampled_from(["", " now", ">", ".", ","]), alias=WORD)
def test_email_address_at_a_bare_host_named_like_the_alias_calls_nobody(local: str, after: str, alias: str) -> None:
    assert called(f"{local}@{alias}{after}", aliases=(alias,)) is None


@given(
    alias=ALIASES,
    before=st.sampled_from(["", "Hi ", "\n", "("]),
    after=st.sampled_from(["", " ", ", thanks", "\n", ")"]),
)
def test_every_alias_that_can_be_registered_can_be_called(alias: str, before: str, after: str) -> None:
    found = called(f"{before}@{alias}{after}", aliases=(alias,))
    assert found is not None
    assert found.alias == alias
