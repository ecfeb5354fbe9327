"""One trace, no secret in it, and no price when nobody takes it."""

import asyncio
import json
import os
import statistics
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TOKEN
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from processes import one_task
from receivers import Receiver, closed_port, never_answering, receiving

from oblivion_reference_agent.masking import Masker
from oblivion_reference_agent.tracing import MaskingExporter

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
SECRETS = {
    "LANGFUSE_SECRET_KEY": "sk-lf-secretsecretsecret",
    "AGENT_SECRET": "obl_sk_agentsecretagentsecret",
    "OPENAI_API_KEY": "sk-modelkeymodelkeymodelkey",
}
LEAKY = [
    {
        "author": "Sam",
        "source": "slack.reply",
        "text": f"repo acme/shop, my key is {TOKEN} {' '.join(SECRETS.values())}",
    }
]
LANGFUSE = {"LANGFUSE_PUBLIC_KEY": "pk-lf-public", "LANGFUSE_SECRET_KEY": SECRETS["LANGFUSE_SECRET_KEY"]}
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


def chat(**message: Any) -> dict[str, Any]:
    return {
        "id": "c1", "object": "chat.completion", "created": 1, "model": "tiny",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "", **message}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }  # fmt: skip


def asks_for_the_readme() -> dict[str, Any]:
    arguments = json.dumps({"owner": "acme", "repo": "shop", "path": "README.md"})
    return chat(
        tool_calls=[{"id": "t1", "type": "function", "function": {"name": "get_file_contents", "arguments": arguments}}]
    )


def names(receiver: Receiver) -> set[str]:
    return {span.name for span in receiver.spans}


async def test_one_trace_reaches_from_the_hub_to_the_model_call(environ: dict[str, str]) -> None:
    with receiving() as langfuse:
        ended = await one_task(
            environ | LANGFUSE | {"LANGFUSE_BASE_URL": langfuse.url}, type="read_repository", traceparent=TRACEPARENT
        )
    assert ended.code == 0, ended.log
    assert set(langfuse.paths) == {"/api/public/otel/v1/traces"}
    assert {span.trace_id.hex() for span in langfuse.spans} == {TRACE_ID}
    (root,) = [span for span in langfuse.spans if span.name == "agent.task"]
    assert root.parent_span_id.hex() == PARENT_ID
    assert {"model.call", "read", "think", "OfflineModel"} <= names(langfuse)
    assert any("tools/call" in name for name in names(langfuse))


async def test_no_secret_reaches_a_span_or_a_log_line(environ: dict[str, str]) -> None:
    with receiving() as langfuse, receiving() as collector, receiving() as model:
        model.replies += [
            asks_for_the_readme(),
            chat(content=f"Found {TOKEN} there"),
            chat(content=f"Beware of {TOKEN}"),
        ]
        ended = await one_task(
            environ | SECRETS | LANGFUSE | {
                "LANGFUSE_BASE_URL": langfuse.url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OPENAI_BASE_URL": f"{model.url}/v1",
                "OPENAI_MODEL": "tiny",
            },
            type="read_repository", untrusted=LEAKY, traceparent=TRACEPARENT,
        )  # fmt: skip
        assert model.authorizations == [f"Bearer {SECRETS['OPENAI_API_KEY']}"] * 3
    assert ended.code == 0, ended.log
    for receiver in (langfuse, collector):
        assert {"agent.task", "model.call"} <= names(receiver)
    assert "my key is [redacted]" in langfuse.everything
    for secret in (TOKEN, *SECRETS.values()):
        assert secret not in langfuse.everything
        assert secret not in collector.everything
        assert secret not in ended.log


async def test_a_failed_task_tells_its_trace_and_its_log_no_secret(environ: dict[str, str]) -> None:
    dying = environ["OBLIVION_GITHUB_MCP_CMD"] + " --die"
    with receiving() as langfuse:
        ended = await one_task(
            environ | LANGFUSE | {"LANGFUSE_BASE_URL": langfuse.url, "OBLIVION_GITHUB_MCP_CMD": dying}
        )
    assert ended.outcome["error"].startswith("Retryable: The GitHub MCP server stopped")
    assert "no licence for [redacted]" in ended.log
    assert TOKEN not in ended.log + langfuse.everything + json.dumps(ended.outcome)
    assert "agent.task" in names(langfuse)


def test_every_part_of_a_span_is_masked_on_its_way_out() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(MaskingExporter(kept, Masker([TOKEN]))))
    with (
        pytest.raises(ValueError, match=TOKEN),
        provider.get_tracer("any library").start_as_current_span(f"span {TOKEN}") as span,
    ):
        span.set_attribute("one", f"Bearer {TOKEN}")
        span.set_attribute("many", [TOKEN, "plain"])
        span.set_attribute("number", 3)
        raise ValueError(f"{TOKEN} is refused")
    (exported,) = kept.get_finished_spans()
    assert TOKEN not in exported.to_json()
    assert [event.name for event in exported.events] == ["exception"]
    assert exported.attributes == {"one": "Bearer [redacted]", "many": ("[redacted]", "plain"), "number": 3}


async def test_without_keys_one_log_line_says_so(environ: dict[str, str]) -> None:
    ended = await one_task(environ, type="read_repository", traceparent=TRACEPARENT)
    assert [line for line in ended.log.splitlines() if "langfuse" in line.lower()] == [
        line for line in ended.log.splitlines() if "tracing.langfuse_off" in line
    ]
    assert ended.log.count("tracing.langfuse_off") == 1
    assert "Traceback" not in ended.log


async def _seconds(environ: dict[str, str], count: int = 25) -> tuple[float, float]:
    basic = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    running = await asyncio.create_subprocess_exec(
        sys.executable, str(Path(__file__).parent / "many_tasks.py"), str(count),
        env=basic | environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(100):
        out, err = await running.communicate()
    assert running.returncode == 0, err.decode()
    assert "Traceback" not in err.decode()
    measured = json.loads(out.decode().splitlines()[-1])
    return statistics.quantiles(measured["seconds"][5:], n=4)[0], measured["close_seconds"]


@pytest.mark.timeout(300)
async def test_a_langfuse_that_is_dead_or_silent_costs_no_more_than_one_that_answers(
    environ: dict[str, str], tmp_path: Path
) -> None:
    def traced(url: str, name: str) -> dict[str, str]:
        checkpoints = {"OBLIVION_CHECKPOINTS": str(tmp_path / name), "GITHUB_TOKEN": ""}
        return environ | LANGFUSE | checkpoints | {"LANGFUSE_BASE_URL": url}

    with receiving() as langfuse, never_answering() as silent:
        alive, _ = await _seconds(traced(langfuse.url, "alive"))
        assert langfuse.spans
        dead, dead_close = await _seconds(traced(closed_port(), "dead"))
        mute, mute_close = await _seconds(traced(silent, "mute"))
    print(f"alive {alive * 1000:.1f} ms, dead {dead * 1000:.1f} ms, silent {mute * 1000:.1f} ms a task")
    # Of a shared machine: what this must rule out is a task that waits for Langfuse, which takes seconds.
    assert dead < alive * 2
    assert mute < alive * 2
    assert max(dead_close, mute_close) < 5
