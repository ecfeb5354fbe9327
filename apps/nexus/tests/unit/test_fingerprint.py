"""Failures with the same cause have the same fingerprint; different causes have different ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.pipeline.fingerprint import NO_REASON, fingerprint, normalised

SAME = [
    (
        "The channel C0A1B2C3D is archived. Link another channel. (Slack refused chat.postMessage: is_archived)",
        "The channel C0ZZ9Q8XX is archived. Link another channel. (Slack refused chat.postMessage: is_archived)",
    ),
    ("gave up after 12 tries: No answer (TimeoutError)", "gave up after 3 tries: No answer (TimeoutError)"),
    (
        'ClickUp refused the request ("Team 9001 not authorized"): task/86cx1ab2c',
        'ClickUp refused the request ("Task is gone"): task/86dy9zz0q',
    ),
    (
        "No task 0199f0aa-7d1e-7c1a-9f64-2f6b8a1d0001 at 2026-11-22T09:30:00Z",
        "No task 0199F0BB-7d1e-7c1a-9f64-2f6b8a1d0002 at 2026-12-24 10:31:02.123+01:00",
    ),
    ("See https://api.example/v2/task/1?x=2 for it", "See https://other.example/ for it"),
    ("dana@example.com is not among them", "otto.k+x@sub.example.org is not among them"),
    ("Waited 1.5 s\nfor the root 1763801000.000100", "Waited  22 s for the root 1763801999.000900"),
    ("There is no list '901' that we can see", "There is no list 'Sprint 42' that we can see"),
]

DIFFERENT = [
    ("Slack refused chat.postMessage: is_archived", "Slack refused chat.postMessage: channel_not_found"),
    ("ClickUp answered HTTP 404", "ClickUp answered HTTP 502"),
    ("No answer (TimeoutError) to chat.postMessage.", "No answer (ClientOSError) to chat.postMessage."),
    ("The token's user isn't in the workspace", "The token's user is in several workspaces"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_reasons_that_differ_only_in_ids_numbers_and_quotes_are_one_group(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_causes_are_different_groups(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)


def test_the_normalised_reason_reads_as_a_sentence() -> None:
    reason = "The channel C0A1B2C3D is archived. Link another channel. (Slack refused chat.postMessage: is_archived)"
    assert normalised(reason) == (
        "The channel … is archived. Link another channel. (Slack refused chat.postMessage: is_archived)"
    )
    assert normalised("The token's user isn't there, it's gone") == "The token's user isn't there, it's gone"


def test_words_of_people_are_left_alone() -> None:
    for text in ("no agent behind it is online", "BackendTeam cannot be reached", "the mapping was removed"):
        assert normalised(text) == text


def test_no_reason_has_a_fingerprint_of_its_own() -> None:
    assert normalised(None) == normalised("  \n") == NO_REASON
    assert fingerprint(None) == fingerprint("") != fingerprint("a reason")


@given(st.text(max_size=300))
def test_any_text_has_a_fingerprint_and_normalising_twice_changes_nothing(text: str) -> None:
    assert len(fingerprint(text)) == 16
    assert normalised(normalised(text)) == normalised(text)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_numbers_make_no_difference(one: int, other: int) -> None:
    assert fingerprint(f"tried {one} times") == fingerprint(f"tried {other} times")


def test_a_very_long_reason_takes_no_long_time() -> None:
    assert len(normalised("a" * 1_000_000 + "'" * 1_000_000)) <= 2_000
