"""Where spans go, what is kept out of them, and what they cost those who want none."""

import base64
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.spans import collecting, sending

from nexus.kit.guard import GuardedExporter
from nexus.kit.telemetry import CLOSE_SECONDS, Allowed, Destination, Off, destination
from nexus.kit.trace import Span, current_ids, handed_on, trace_id_of
from nexus.pipeline.steps import KEYS, request_step, step

GIVEN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRET = "sk-lf-very-secret"
LANGFUSE = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": SECRET, "LANGFUSE_BASE_URL": "https://lf.example/"}
ALLOWED = Allowed(KEYS, {"ours": re.compile(r".+"), "theirs": re.compile(r"(GET|tools/call)\b")})


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/otlp/"}, "http://c:4318/otlp/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/in"}, "https://c/in"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", **LANGFUSE}, "http://c:4318/v1/traces"),
        (LANGFUSE, "https://lf.example/api/public/otel/v1/traces"),
    ],
)
def test_spans_go_where_the_variables_say(environ: dict[str, str], url: str) -> None:
    found = destination(environ)
    assert isinstance(found, Destination)
    assert found.url == url


def test_langfuse_gets_them_with_its_keys_and_nothing_shows_the_keys() -> None:
    found = destination(LANGFUSE)
    assert isinstance(found, Destination) and found.headers is not None
    assert base64.b64decode(found.headers["Authorization"].removeprefix("Basic ")).decode() == f"pk-lf-1:{SECRET}"
    assert SECRET not in repr(found) and found.headers["Authorization"] not in repr(found)


def test_address_is_shown_without_what_is_secret_in_it() -> None:
    found = destination({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://me:pass@c.example:4318/in?key=abc"})
    assert isinstance(found, Destination)
    assert found.shown == "https://c.example:4318/in"


@pytest.mark.parametrize(
    ("environ", "wrong"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"}, True),
        ({"LANGFUSE_PUBLIC_KEY": "pk-lf-1"}, True),
    ],
)
def test_without_a_destination_they_are_off_and_what_looks_like_a_mistake_is_said(
    environ: dict[str, str], wrong: bool
) -> None:
    found = destination(environ)
    assert isinstance(found, Off)
    assert found.wrong is wrong


def test_secrets_may_come_as_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "headers").write_text("Authorization=Basic%20abc\n")
    files = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY_FILE": str(tmp_path / "secret")}
    found = destination(files)
    assert isinstance(found, Destination) and found.headers is not None
    assert SECRET in base64.b64decode(found.headers["Authorization"].removeprefix("Basic ")).decode()
    files = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(tmp_path / "headers")}
    found = destination(files)
    assert isinstance(found, Destination)
    assert found.headers == {"authorization": "Basic abc"}


def guarded_spans(scope: str, name: str, **attributes: Any) -> ReadableSpan:
    """What leaves of a span whose work fails with a secret in every place that a library could put one."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(GuardedExporter(kept, ALLOWED)))
    with (
        pytest.raises(ValueError, match=SECRET),
        provider.get_tracer(scope).start_as_current_span(name, attributes=attributes) as span,
    ):
        span.add_event("noted", {"body": SECRET})
        raise ValueError(f"{SECRET} is refused")
    (left,) = kept.get_finished_spans()
    return left


def test_guard_lets_out_what_is_on_the_list_and_of_an_exception_its_type() -> None:
    left = guarded_spans(
        "ours",
        "process inbox",
        **{"oblivion.task_id": "t1", "url.query": SECRET, "db.statement": SECRET, "oblivion.title": SECRET},
    )
    assert left.attributes == {"oblivion.task_id": "t1"}
    assert SECRET not in left.to_json()
    exception = left.events[-1]
    assert (exception.name, exception.attributes) == ("exception", {"exception.type": "ValueError"})
    assert left.status.description is None


def test_guard_masks_what_looks_like_a_credential_and_cuts_what_is_long_under_a_name_that_is_allowed() -> None:
    left = guarded_spans("ours", "x", **{"oblivion.kind": "xoxb-1234-5678-AbCdEf", "oblivion.sink": "y" * 5000})
    assert left.attributes == {"oblivion.kind": "[redacted]", "oblivion.sink": "y" * 200}


@pytest.mark.parametrize(
    ("scope", "name", "called"),
    [
        ("theirs", "GET /v1/tasks", "GET"),
        ("theirs", f"tools/call {SECRET}", "tools/call"),
        ("theirs", SECRET, "theirs"),
        ("a library that nobody knows", SECRET, "a library that nobody knows"),
    ],
)
def test_guard_calls_a_span_by_its_library_where_its_name_may_hold_anything(scope: str, name: str, called: str) -> None:
    assert guarded_spans(scope, name).name == called


def test_our_own_spans_have_no_argument_for_anything_else() -> None:
    with pytest.raises(TypeError):
        step("process inbox", "consumer", None, {"title": "The export loses a row"})  # type: ignore[call-arg]
    assert not {"title", "text", "body", "url", "token"} & {key.removeprefix("oblivion.") for key in KEYS}


def test_span_of_a_failure_says_of_which_type_and_never_its_text() -> None:
    with (
        collecting() as collector,
        sending(collector.url),
        pytest.raises(ValueError, match=SECRET),
        step("process inbox", "consumer", GIVEN, attempt=2),
    ):
        raise ValueError(SECRET)
    (span,) = collector.spans
    assert span.failed
    assert span.attributes["error.type"] == "ValueError"
    assert (span.trace_id, span.parent_id) == (trace_id_of(GIVEN), "b7ad6b7169203331")
    assert SECRET.encode() not in collector.everything


def test_what_is_caused_in_a_span_is_below_it_unless_it_is_of_another_trace() -> None:
    another = GIVEN.replace("0af7", "1af7")
    with collecting() as collector, sending(collector.url):
        with Span("a", parent=GIVEN):
            ours = handed_on(GIVEN)
            assert ours == handed_on(None) and ours is not None
            assert trace_id_of(ours) == trace_id_of(GIVEN) and ours != GIVEN
            assert handed_on(another) == another
            assert current_ids() == {"trace_id": trace_id_of(GIVEN), "span_id": ours.split("-")[2]}
        assert handed_on(GIVEN) == GIVEN
        assert current_ids() == {}
    assert len(collector.spans) == 1


def test_request_that_no_step_asked_for_is_no_trace_of_its_own() -> None:
    with collecting() as collector, sending(collector.url):
        with request_step("GET", "/team/{id}/webhook", "https://api.example"):
            pass
        with step("process inbox", "consumer"), request_step("GET", "/task/{id}", "https://api.example:8443/v2"):
            pass
    asked, _ = collector.spans
    assert [span.name for span in collector.spans] == ["GET /task/{id}", "process inbox"]
    assert (asked.attributes["server.address"], asked.attributes["server.port"]) == ("api.example", 8443)


def test_service_is_called_by_its_role_or_as_the_environment_says() -> None:
    with collecting() as collector:
        with sending(collector.url), Span("a"):
            pass
        with sending(collector.url, OTEL_SERVICE_NAME="mine", OTEL_RESOURCE_ATTRIBUTES="team=platform"), Span("b"):
            pass
    assert {span.name: span.service for span in collector.spans} == {"a": "oblivion-nexus", "b": "mine"}


def test_sampler_is_the_one_of_the_environment() -> None:
    with collecting() as collector, sending(collector.url, OTEL_TRACES_SAMPLER="always_off"), Span("a"):
        assert current_ids() and not current_ids(sampled=True)
        unsampled = handed_on(None)
        assert unsampled is not None and int(unsampled[-2:], 16) & 1 == 0, (
            "whoever goes on with it does not sample either"
        )
    assert collector.spans == []


def closing_seconds(url: str) -> float:
    """How long the end takes, with spans that wait."""
    started = 0.0
    with sending(url, OTEL_BSP_SCHEDULE_DELAY="60000"):
        for _ in range(100):
            with Span("a"):
                pass
        started = time.monotonic()
    return time.monotonic() - started


def test_the_end_is_bounded_whether_the_destination_is_gone_or_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert closing_seconds(f"http://127.0.0.1:{silent.getsockname()[1]}") < CLOSE_SECONDS + 1
    assert closing_seconds("http://127.0.0.1:9") < CLOSE_SECONDS + 1


def test_the_end_sends_what_waits() -> None:
    with collecting() as collector:
        assert closing_seconds(collector.url) < CLOSE_SECONDS
        assert len(collector.spans) == 100


def test_queue_is_bounded_and_who_makes_spans_never_waits(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        sending(f"http://127.0.0.1:{silent.getsockname()[1]}", OTEL_BSP_MAX_QUEUE_SIZE="600"),
    ):
        started = time.monotonic()
        for _ in range(20_000):
            with Span("a"):
                pass
        assert time.monotonic() - started < 10, "20,000 spans into a queue of 600"
    assert capfd.readouterr().err.count("\n") < 20, "no line for each span that is lost"


def test_off_imports_nothing_that_sends_spans() -> None:
    code = (
        "import sys, os, nexus.bootstrap, nexus.cli.serve\n"
        "assert nexus.bootstrap.start_traces('gateway') is None\n"
        "from nexus.pipeline.steps import step\n"
        "with step('process inbox', 'consumer', None): pass\n"
        "print(sorted(m for m in sys.modules if m.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_headers_reach_the_collector_and_langfuse_gets_gzip() -> None:
    with collecting() as collector:
        with sending(collector.url, OTEL_EXPORTER_OTLP_HEADERS="x-api-key=abc"), Span("a"):
            pass
        with sending("", LANGFUSE_BASE_URL=collector.url, LANGFUSE_PUBLIC_KEY="pk", LANGFUSE_SECRET_KEY="sk"):  # noqa: SIM117
            with Span("b"):
                pass
    ours, langfuse = collector.headers
    assert ours["x-api-key"] == "abc"
    assert collector.paths == ["/v1/traces", "/api/public/otel/v1/traces"]
    assert (langfuse["content-encoding"], langfuse["x-langfuse-ingestion-version"]) == ("gzip", "4")
    assert langfuse["authorization"] == "Basic " + base64.b64encode(b"pk:sk").decode()
