"""What becomes of a reply in a mirrored thread (1-product.md, Sync 2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.pipeline.sync_rules import SyncRule, Verdict, judge, without_keyword

RULES: tuple[SyncRule, ...] = ("keyword", "metadata", "reaction", "all")


def judged(text: str, rule: SyncRule = "keyword", keyword: str = "!sync", *, requested: bool = False) -> Verdict:
    return judge(text, rule=rule, keyword=keyword, sync_requested=requested)


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("!sync the fix is out", "the fix is out"),
        ("!SYNC the fix is out", "the fix is out"),
        ("  !sync: the fix is out ", "the fix is out"),
        ("!sync\nline one\nline two", "line one\nline two"),
        ("!sync", "!sync"),
        ("please !sync this", None),
        ("!synchronise it", None),
        ("!sync-all", None),
        ("just talk", None),
    ],
)
def test_keyword_rule_comments_what_begins_with_the_keyword(text: str, comment: str | None) -> None:
    assert judged(text) == Verdict("reply", comment)


def test_keyword_may_be_any_text_even_one_with_special_characters() -> None:
    assert judged("(+) done", keyword="(+)") == Verdict("reply", "done")
    assert judged("++ done", keyword="(+)") == Verdict("reply", None)
    assert judged("anything", keyword="") == Verdict("reply", None)


def test_metadata_rule_comments_only_what_asks_for_it() -> None:
    assert judged("deployed", "metadata", requested=True) == Verdict("reply", "deployed")
    assert judged("!sync deployed", "metadata") == Verdict("reply", None)


def test_reaction_rule_comments_nothing_by_itself() -> None:
    assert judged("!sync deployed", "reaction", requested=True) == Verdict("reply", None)


def test_all_rule_comments_everything_without_the_keyword() -> None:
    assert judged("deployed", "all") == Verdict("reply", "deployed")
    assert judged("!sync deployed", "all") == Verdict("reply", "deployed")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("text", ["!aside about lunch", "!ASIDE", "  !aside: x", "!aside !sync x", "\n!aside"])
def test_aside_never_leaves_the_chat_under_any_rule(rule: SyncRule, text: str) -> None:
    assert judged(text, rule, requested=True) == Verdict("aside", None)
    assert judged(text, rule, keyword="!aside", requested=True) == Verdict("aside", None)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("text", ["!stop", "!Stop it", " !stop."])
def test_stop_stops_and_is_no_comment_under_any_rule(rule: SyncRule, text: str) -> None:
    assert judged(text, rule, requested=True) == Verdict("stop", None)


@pytest.mark.parametrize("text", ["!asides are fun", "!stopping", "not an !aside", "please !stop", "aside", "stop"])
def test_words_that_only_look_like_commands_are_replies(text: str) -> None:
    assert judged(text, "all") == Verdict("reply", text)


@given(text=st.text(), rule=st.sampled_from(RULES), keyword=st.text(max_size=6), requested=st.booleans())
def test_any_reply_has_a_verdict_and_only_replies_have_comments(
    text: str, rule: SyncRule, keyword: str, requested: bool
) -> None:
    verdict = judged(text, rule, keyword, requested=requested)
    assert verdict.kind == "reply" or verdict.comment is None
    if verdict.comment is not None:
        assert verdict.comment in text
        assert verdict.comment == verdict.comment.strip()


@given(text=st.text(min_size=1).filter(str.strip), keyword=st.sampled_from(["!sync", "log:", "✔"]))
def test_text_worth_a_comment_is_never_lost_with_its_keyword(text: str, keyword: str) -> None:
    assert without_keyword(text, keyword)
    kept = without_keyword(f"{keyword} {text}", keyword)
    assert kept == text.lstrip(" \t:").strip() or kept.startswith(keyword)
