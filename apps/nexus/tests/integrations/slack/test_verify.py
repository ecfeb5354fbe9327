"""Signatures: Slack's own vectors, and slack_sdk's verifier as an independent judge."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from nexus.integrations.slack.source import SlackSource
from nexus.pipeline.ports import RawRequest

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def signed(body: bytes, secret: str, timestamp: str, signature: str | None = None) -> RawRequest:
    signature = signature or SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body) or ""
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}
    return RawRequest(body, headers, "")


def test_published_vectors_verify_and_a_changed_byte_does_not(payload) -> None:
    for vector in payload("signature_vectors")["vectors"]:
        body, timestamp = vector["raw_body"].encode(), vector["timestamp"]
        now = datetime.fromtimestamp(int(timestamp), UTC)
        request = signed(body, "", timestamp, vector["x_slack_signature"])
        assert SlackSource().verify(request, vector["signing_secret"], now)
        changed = RawRequest(body + b" ", request.headers, "")
        assert not SlackSource().verify(changed, vector["signing_secret"], now)


SECRETS = st.text(min_size=1).filter(str.strip)


@given(body=st.text(), secret=SECRETS, other=SECRETS)
def test_agrees_with_the_sdk(body: str, secret: str, other: str) -> None:
    timestamp = str(int(NOW.timestamp()))

    class Fixed(Clock):
        def now(self) -> float:
            return NOW.timestamp()

    for judged in (secret, other):
        request = signed(body.encode(), secret, timestamp)
        sdk = SignatureVerifier(judged, Fixed()).is_valid(
            body=body, timestamp=timestamp, signature=request.headers["x-slack-signature"]
        )
        assert SlackSource().verify(request, judged, NOW) == sdk


@pytest.mark.parametrize(("age_seconds", "valid"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_window_is_five_minutes_to_both_sides(age_seconds: int, valid: bool) -> None:
    timestamp = str(int(NOW.timestamp()))
    request = signed(b"{}", SECRET, timestamp)
    assert SlackSource().verify(request, SECRET, NOW + timedelta(seconds=age_seconds)) is valid


@pytest.mark.parametrize("blank", ["", " "])
def test_a_blank_secret_verifies_nothing(blank: str) -> None:
    timestamp = str(int(NOW.timestamp()))
    digest = hmac.new(blank.encode(), f"v0:{timestamp}:{{}}".encode(), hashlib.sha256).hexdigest()
    assert not SlackSource().verify(signed(b"{}", "", timestamp, f"v0={digest}"), blank, NOW)


@given(
    body=st.binary(),
    secret=st.text(),
    timestamp=st.text() | st.integers().map(str) | st.just("٣") | st.just("1" * 5000),
    signature=st.text() | st.just("v0=ü\ud800"),
)
def test_never_raises(body: bytes, secret: str, timestamp: str, signature: str) -> None:
    headers = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature}
    assert SlackSource().verify(RawRequest(body, headers, ""), secret, NOW) is False
    assert SlackSource().verify(RawRequest(body, {}, ""), secret, NOW) is False
