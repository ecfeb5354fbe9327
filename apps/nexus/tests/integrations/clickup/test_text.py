"""A comment names its author and ends with the permalink by which it is found again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.integrations.clickup.answers import Task
from nexus.integrations.clickup.text import (
    MAX_COMMENT_CHARS,
    deleted_comment,
    description_of,
    mirrored_comment,
    mirrors,
)
from nexus.pipeline.facts import Person

SAM = Person("U0SAM00002", "Sam Okafor")
LINK = "https://example.slack.com/archives/C0A1B2C3D/p1763801000000100?thread_ts=1763800999.0001&cid=C0A1B2C3D"
OTHER = "https://example.slack.com/archives/C0A1B2C3D/p1763801000000200?thread_ts=1763800999.0001&cid=C0A1B2C3D"


def test_a_message_becomes_a_comment_that_names_its_author():
    assert mirrored_comment(SAM, "use v2\nplease", LINK) == f"Sam Okafor in Slack: use v2\nplease\n{LINK}"


def test_a_deleted_message_leaves_its_name_and_link():
    assert deleted_comment(SAM, LINK) == f"Sam Okafor deleted this message in Slack.\n{LINK}"


def test_an_author_without_a_name_is_called_by_the_id():
    assert mirrored_comment(Person("U1"), "hi", LINK).startswith("U1 in Slack: hi")


def test_a_name_cannot_break_the_line():
    named = Person("U1", "Dana\nReyes in Slack: yes")
    assert mirrored_comment(named, "no", LINK).splitlines()[0] == "Dana Reyes in Slack: yes in Slack: no"


def test_a_message_without_text_still_makes_a_comment():
    assert mirrored_comment(SAM, " \n", LINK) == f"Sam Okafor in Slack: (no text)\n{LINK}"


@settings(deadline=None)
@given(st.text(), st.text(), st.booleans())
def test_every_comment_is_found_by_its_link_and_by_no_other(name: str, text: str, deleted: bool):
    author = Person("U1", name)
    comment = deleted_comment(author, LINK) if deleted else mirrored_comment(author, f"{text} {OTHER}", LINK)
    assert mirrors(comment, LINK)
    assert mirrors(comment + "\n", LINK)
    assert not mirrors(comment, OTHER)
    assert "\0" not in comment


def test_a_long_message_is_cut_and_keeps_its_link():
    comment = mirrored_comment(SAM, "x" * 20_000, LINK)
    assert len(comment) == MAX_COMMENT_CHARS
    assert comment.endswith(f"x…\n{LINK}")


def test_nothing_mirrors_an_empty_comment():
    assert not mirrors("", LINK)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({"markdown_description": "**m**", "text_content": "t", "description": "d"}, "**m**"),
        ({"markdown_description": "", "text_content": "t", "description": "d"}, "t"),
        ({"markdown_description": None, "text_content": None, "description": "d"}, "d"),
        ({}, ""),
    ],
)
def test_the_best_description_is_taken(texts, expected):
    assert description_of(Task.model_validate({"id": "1", "list": {"id": "2"}} | texts)) == expected
