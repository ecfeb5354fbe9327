"""No secret reaches a log, however deep it hides."""

import json
import logging
from collections.abc import Generator
from typing import Any

import pytest
import structlog
from support.spans import collecting, sending

from nexus.kit.logging import LogFormat, configure_logging, get_logger, redact
from nexus.pipeline.steps import step

JWT = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhZ2VudCJ9.c2lnbmF0dXJlLXBhcnQ"
SECRETS = {
    "Slack bot token": ("xoxb-1234-5678-AbCdEf", "AbCdEf"),
    "Slack app token": ("xapp-1-A0-999-deadbeef", "deadbeef"),
    "Slack refresh token": ("xoxe-1-My0xLTEtc2VjcmV0", "My0xLTEtc2VjcmV0"),
    "ClickUp token": ("pk_123456_ABCDEF0123", "ABCDEF0123"),
    "client secret": ("obl_sk_Zm9vYmFy-Zm9v_YmFy", "Zm9vYmFy"),
    "access token": (JWT, "c2lnbmF0dXJlLXBhcnQ"),
    "unsigned part of a token": ("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZ2VudCJ9.", "eyJzdWIiOiJhZ2VudCJ9"),
    "GitHub token": ("ghp_abcdefABCDEF0123456789", "abcdefABCDEF"),
    "database URL": ("postgresql://oblivion:hunter2@db.example:5432/oblivion", "hunter2"),
    "Redis URL without a user": ("redis://:hunter3@redis.example:6379/0", "hunter3"),
    "URL with an escaped password": ("https://me:p%40ss%3Aw0rd@forge.example/repo.git", "w0rd"),
}


@pytest.mark.parametrize(("secret", "telling"), SECRETS.values(), ids=SECRETS.keys())
def test_secret_is_masked_alone_and_within_a_text(secret: str, telling: str) -> None:
    for text in (secret, f"before {secret} after", f"token={secret}", f'{{"token": "{secret}"}}', f"Bearer {secret}"):
        masked = redact(text)
        assert telling not in masked
        assert "[redacted]" in masked


@pytest.mark.parametrize(("secret", "telling"), SECRETS.values(), ids=SECRETS.keys())
def test_secret_is_masked_at_any_depth(secret: str, telling: str) -> None:
    deep = {"a": [{"b": (1, {"c": [f"x {secret}"]})}], "error": ValueError(f"refused {secret}")}
    assert telling not in repr(redact(deep))


@pytest.mark.parametrize(
    "text",
    [
        "https://forge.example/@someone/repo",
        "postgresql://oblivion@db.example/oblivion",
        "http://127.0.0.1:8000/livez",
        "dana@work.example",
        "delivery.done",
        "2026-01-01T10:00:00Z",
        "an eye and a key",
    ],
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("value", [None, True, 7, 1.5, [], {}])
def test_values_that_are_no_text_stay_as_they_are(value: Any) -> None:
    assert redact(value) == value


@pytest.fixture
def logs_configured() -> Generator[None]:
    """Leaves the process's logging as it was."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level, ours = root.handlers[:], root.level, logging.getLogger("nexus").level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("nexus").setLevel(ours)
    structlog.configure(**before)
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("logs_configured")
def test_line_says_of_which_span_it_is_a_part_whoever_writes_it_and_none_when_there_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json", process="worker")
    with collecting() as collector, sending(collector.url):
        with step("send slack", "producer", kind="reply"):
            get_logger("nexus.test").info("delivery.done", sink="slack")
            logging.getLogger("some.library").warning("slow")
        get_logger("nexus.test").info("outside")
    (span,) = collector.spans
    done, slow, outside = (
        line
        for line in map(json.loads, capsys.readouterr().err.splitlines())
        if line["event"] in ("delivery.done", "slow", "outside")
    )
    for line in (done, slow):
        assert (line["trace_id"], line["span_id"]) == (span.trace_id, span.span_id)
    assert "trace_id" not in outside and "span_id" not in outside
    assert {"event", "level", "timestamp", "process", "sink"} <= done.keys()


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.usefixtures("logs_configured")
def test_neither_fields_nor_tracebacks_nor_other_libraries_write_a_secret(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(log_format, level="DEBUG", process="test")
    ours, theirs = get_logger("nexus.test"), logging.getLogger("some.library")
    for secret, _ in SECRETS.values():
        ours.info("delivery.done", token=secret, nested={"headers": [("authorization", secret)]})
        theirs.warning("sending %s", secret)
        try:
            raise ConnectionError(f"refused: {secret}")
        except ConnectionError as error:
            ours.exception("delivery.failed", error=error)
            theirs.exception("failed")
            try:
                raise RuntimeError("later") from error
            except RuntimeError:
                ours.exception("delivery.failed.again")
    written = capsys.readouterr().err
    assert "delivery.done" in written
    assert "Traceback" in written
    leaked = [name for name, (_, telling) in SECRETS.items() if telling in written]
    assert leaked == []


@pytest.mark.usefixtures("logs_configured")
def test_json_log_is_one_object_a_line_with_event_level_time_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", process="worker")
    get_logger("nexus.test").info("delivery.done", sink="slack", attempt=2)
    get_logger("nexus.test").debug("not.shown")
    logging.getLogger("httpx").info("GET https://vendor.example")
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {"event": "delivery.done", "sink": "slack", "attempt": 2, "level": "info", "process": "worker"}


@pytest.mark.usefixtures("logs_configured")
def test_at_debug_level_our_events_are_written_and_what_libraries_send_and_receive_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("json", level="DEBUG")
    get_logger("nexus.test").debug("delivery.claimed")
    logging.getLogger("uvicorn.error").debug('< TEXT \'40/agents,{"token":"a secret"}\'')
    written = capsys.readouterr().err
    assert "delivery.claimed" in written
    assert "a secret" not in written
