"""No secret of the corpus is seen in what is shown, and what is no secret is left as it is."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.kit.masking import MASK, is_secret_name, masked, masked_text

# Put together here, so that scanners of secrets do not take them for real ones.
BODY = "T0ken9aBcDeFgHiJkLmNoPqRsTuVwXyZ012345"
SECRETS = [
    "xoxb-" + "1234567890-1234567890-" + BODY,
    "xoxp-" + BODY,
    "xoxe.xoxp-" + "1-" + BODY,
    "xapp-" + "1-A012-345-" + BODY,
    "pk_" + "12345678_ABCDEFGHIJKLMNOP1234567890ABCDEF",
    "obl_sk_" + BODY,
    "ghp_" + BODY,
    "github_pat_" + BODY,
    "glpat-" + BODY,
    "sk-" + BODY,
    "sk-ant-api03-" + BODY,
    "sk_live_" + BODY,
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "AIza" + BODY,
    "eyJ" + "hbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0." + BODY,
    "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQ\n-----END " + "PRIVATE KEY-----",
]

NAMES = [
    "token", "bot_token", "app_token", "access_token", "refresh_token", "secret", "client_secret", "signing_secret",
    "password", "passwd", "Authorization", "authorization", "api_key", "apiKey", "API-KEY", "x-api-key", "private_key",
    "signature", "X-Slack-Signature", "x-signature", "cookie", "Set-Cookie", "credentials", "session_id", "jwt",
]  # fmt: skip

HARMLESS_NAMES = [
    "text", "name", "channel_id", "tokens_used", "max_tokens", "author", "key", "token_type", "secret_count", "title",
    "passage", "signed_by",
]  # fmt: skip

HARMLESS = [
    "Rotate the token before Friday, please",
    "The secret of good tests is that they can fail",
    "@AI_Squad fix_bug: the bearer of this ticket waits",
    "https://app.clickup.com/t/86cx1ab2c",
    "pk_ is how ClickUp's tokens begin; xoxb- is Slack's",
    "0199f0aa-7d1e-7c1a-9f64-2f6b8a1d0001",
    "1763801000.000100",
    "basic auth is not enough",
    "task.complete",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_not_seen_wherever_it_stands(secret: str) -> None:
    placed: list[Any] = [
        secret,
        f"I use {secret} for it",
        f'"{secret}"',
        {"text": f"<{secret}>"},
        {"blocks": [{"elements": [{"text": secret}]}]},
        f"https://example.com/?q={secret}&x=1",
    ]
    for value in placed:
        shown = json.dumps(masked(value), ensure_ascii=False)
        assert MASK in shown
        assert json.dumps(secret)[1:-1] not in shown
        assert BODY[:12] not in shown


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_under_a_secret_name_is_masked_whatever_it_is(name: str) -> None:
    assert is_secret_name(name)
    for value in ("abc", 42, ["abc"], {"deeper": "abc"}):
        assert masked({name: value}) == {name: MASK}
    assert masked({name: None}) == {name: None}
    assert masked({name: ""}) == {name: ""}


@pytest.mark.parametrize("name", HARMLESS_NAMES)
def test_a_name_that_only_sounds_like_a_secret_is_shown(name: str) -> None:
    assert masked({name: "abc"}) == {name: "abc"}


@pytest.mark.parametrize("text", HARMLESS)
def test_words_of_people_and_ids_are_left_alone(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {MASK}"),
        ("authorization: Basic dXNlcjpwYXNz", f"authorization: Basic {MASK}"),
        ("token=abcdef&x=1", f"token={MASK}&x=1"),
        ('{"client_secret": "abcdef"}', f'{{"client_secret": "{MASK}"}}'),
        ("password: hunter22, user: dana", f"password: {MASK}, user: dana"),
        ("postgres://dana:hunter22@db:5432/x", f"postgres://{MASK}@db:5432/x"),
    ],
)
def test_a_secret_behind_its_name_within_a_text_is_masked(text: str, shown: str) -> None:
    assert masked_text(text) == shown


def test_numbers_truth_and_nothing_are_as_they_are() -> None:
    value = {"a": 1, "b": 1.5, "c": True, "d": None, "e": [1, [2, {"f": False}]]}
    assert masked(value) == value


def test_nesting_without_end_is_cut_off() -> None:
    deep: Any = "bottom"
    for _ in range(500):
        deep = [deep]
    assert "bottom" not in json.dumps(masked(deep))


@pytest.mark.parametrize(
    "piece", ["eyJaaaaaaaaa-", "token-", "a-", "xoxb-", "://a:b", "token ", "-----BEGIN PRIVATE KEY-----"]
)
def test_a_body_made_to_be_slow_is_masked_in_no_time(piece: str) -> None:
    body = piece * (500_000 // len(piece))
    started = time.process_time()
    masked_text(body)
    assert time.process_time() - started < 5


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=10,
)


@given(JSON, st.sampled_from(SECRETS))
def test_masking_never_fails_and_hides_a_secret_at_any_depth(value: Any, secret: str) -> None:
    shown = masked([value, {"inner": [value, {"text": secret}]}])
    assert BODY[:12] not in json.dumps(shown)
    assert masked(shown) == shown
