"""One trace holds a whole task, from the webhook to the result; and nothing that anybody wrote is in it."""

import os
import secrets
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway.agent_sockets import connected, register
from support.spans import Collector, collecting, sending
from support.waiting import eventually
from support.world import World

from nexus.http import gauges
from nexus.kit.otlp import SpanRecord
from nexus.kit.trace import trace_id_of
from oblivion_sandbox import FaultRule, seed

AGENT = '''
"""An agent as anybody would write it: OpenTelemetry set up as its manual says, and a span around the model."""
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from oblivion import Agent, Context, TaskAssigned

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
agent = Agent("fixer")


@agent.on_task("fix_bug")
async def fix(task: TaskAssigned, ctx: Context) -> str:
    await ctx.say("On it")
    with trace.get_tracer("fixer").start_as_current_span("model.call"):
        return "Fixed in the exporter"


@agent.on_task("fix_in_a_thread")
def fix_in_a_thread(task: TaskAssigned, ctx: Context) -> str:
    with trace.get_tracer("fixer").start_as_current_span("model.call"):
        return "Fixed in a thread"


agent.run()
'''


@pytest.fixture
def collector() -> Generator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
async def traced(linked: World, collector: Collector) -> AsyncGenerator[World]:
    with sending(collector.url):
        yield linked


@pytest.fixture
def agent(traced: World, collector: Collector, tmp_path: Path) -> Generator[None]:
    """An agent in a process of its own."""
    file, log = tmp_path / "fixer.py", tmp_path / "fixer.log"
    file.write_text(AGENT)
    client_id, secret = traced.agents["fixer"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "OBLIVION_URI": traced.url, "AGENT_ID": client_id, "AGENT_SECRET": secret,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "fixer", "OTEL_BSP_SCHEDULE_DELAY": "50",
    }  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, str(file)], env=environment, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.kill()
        process.wait()
        print(log.read_text())


async def traced_task(world: World, title: str) -> str:
    """The trace id that stands at a task, once there is one."""
    (row,) = await eventually(
        lambda: world.rows(
            "SELECT t.traceparent FROM tasks t JOIN task_mappings c ON c.id = t.conversation_id WHERE t.title = :title",
            title=title,
        ),
        "the task is there",
    )
    found = trace_id_of(row.traceparent)
    assert found is not None
    return found


def named(spans: list[SpanRecord], name: str, **facts: Any) -> list[SpanRecord]:
    wanted = {f"oblivion.{key}": value for key, value in facts.items()}.items()
    return [span for span in spans if span.name == name and wanted <= span.attributes.items()]


def below(spans: list[SpanRecord], parent: SpanRecord, name: str, **facts: Any) -> SpanRecord:
    """The one span of this name whose parent that is."""
    found = [span for span in named(spans, name, **facts) if span.parent_id == parent.span_id]
    assert len(found) == 1, [(span.name, span.attributes) for span in spans if span.parent_id == parent.span_id]
    return found[0]


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("kind", ["fix_bug", "fix_in_a_thread"])
async def test_one_trace_reaches_from_the_webhook_over_the_agents_own_span_to_the_result_in_slack(
    traced: World, collector: Collector, kind: str
) -> None:
    title = "The export loses a row"
    await traced.create_task(title, f"@AI_Squad {kind} please")
    root = await traced.root(title)

    async def answered() -> bool:
        return any(text.startswith("Fixed") for text in await traced.said(root["ts"]))

    await eventually(answered, "the result is in the thread", 40)
    await traced.settled()
    trace_id = await traced_task(traced, title)

    def arrived() -> list[SpanRecord]:
        """All of it, once nothing hangs in the air: a span arrives after those below it."""
        spans = collector.of(trace_id)
        known = {"", *(span.span_id for span in spans)}
        ended = named(spans, "process task.assigned") and named(spans, "send slack", outcome="done", kind="reply")
        return spans if ended and all(span.parent_id in known for span in spans) else []

    spans = await eventually(arrived, "every span has a parent that was sent")
    (webhook,) = [span for span in spans if span.parent_id == ""]
    assert (webhook.name, webhook.kind, webhook.service) == ("POST /webhooks/{source}", "server", "oblivion-nexus")
    assert webhook.attributes["oblivion.source"] == "clickup"
    assert webhook.attributes["http.response.status_code"] == 200

    routed = below(spans, webhook, "process inbox", outcome="done", source="clickup")
    looked = below(spans, routed, "GET /task/{id}")
    assert (routed.kind, looked.kind, looked.attributes["http.response.status_code"]) == ("consumer", "client", 200)

    card = below(spans, routed, "send slack", kind="card", outcome="done", attempt=1)
    posted = below(spans, card, "POST /chat.postMessage")
    assert (card.kind, posted.kind) == ("producer", "client")
    assert posted.attributes["server.address"] == "127.0.0.1"

    offer = below(spans, routed, "send task.assigned")
    working = below(spans, offer, "process task.assigned", outcome="completed")
    model = below(spans, working, "model.call")
    assert (offer.service, working.service, model.service) == ("oblivion-nexus", "fixer", "fixer")
    assert working.attributes["oblivion.task_id"] == offer.attributes["oblivion.task_id"]

    accepted = below(spans, routed, "process task.accept", outcome="ok")
    completed = below(spans, routed, "process task.complete", outcome="ok")
    result = below(spans, completed, "send slack", kind="reply", outcome="done")
    below(spans, result, "POST /chat.postMessage")
    assert webhook.started_ns <= routed.started_ns <= offer.started_ns <= accepted.started_ns <= completed.started_ns


async def test_no_body_title_text_token_or_query_is_in_any_span(traced: World, collector: Collector) -> None:
    squad = await register(traced)
    canaries: list[str] = []

    def canary(what: str) -> str:
        canaries.append(f"canary{what}{secrets.token_hex(6)}")
        return canaries[-1]

    traced.box.sandbox.core.faults.add(
        FaultRule(vendor="slack", match="chat.postMessage", fault="reject_error", error=canary("error"), count=1)
    )
    item = await traced.create_task(canary("title"), f"@{squad.alias} fix_bug {canary('description')}")
    title = canaries[-2]
    (card,) = await eventually(
        lambda: traced.rows("SELECT id FROM deliveries WHERE state = 'dead'"), "the card is refused once, for good"
    )
    admin = await traced.admin()
    assert (await admin.post(f"/v1/deliveries/{card.id}/replay")).is_success
    root = await traced.root(title)
    await traced.comment(item, canary("comment"))
    await traced.reply(root["ts"], f"!sync {canary('reply')}")
    async with connected(traced.url, squad) as socket:
        task = await socket.offered()
        await socket.command("task.accept", task)
        for name, said in (
            ("task.progress", {"text": canary("progress")}),
            ("task.message", {"text": canary("message")}),
            ("task.fail", {"error": canary("failure"), "retryable": False}),
        ):
            await socket.command(name, task, **said)
    traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    async with httpx.AsyncClient(base_url=traced.url) as stranger:
        await stranger.post("/webhooks/clickup", content=canary("body"), headers={"x-signature": canary("signature")})
        await stranger.post(f"/webhooks/{canary('source')}", content=b"{}", headers={"traceparent": traceparent})
        await stranger.post("/webhooks/slack", content=b"{}", headers={"traceparent": canary("traceparent")})
        await stranger.get(f"/{canary('path')}?q={canary('query')}", headers={"user-agent": canary("agent")})
        await stranger.post("/auth/token", data={"client_id": canary("client"), "client_secret": canary("secret")})
        await stranger.get("/v1/tasks", headers={"authorization": f"Bearer {canary('token')}"})
    await admin.get("/v1/search", params={"q": canary("search")})
    await admin.get(f"/v1/explain/{canary('id')}")
    async with httpx.AsyncClient(base_url=traced.url, headers=await mcp_headers(traced)) as coder:
        for method, params in (
            ("tools/call", {"name": canary("tool"), "arguments": {"query": canary("argument")}}),
            ("tools/call", {"name": "search_history", "arguments": {"limit": canary("limit")}}),
            (canary("method"), {}),
        ):
            await coder.post("/mcp", json={"jsonrpc": "2.0", "id": canary("rpc"), "method": method, "params": params})
    await admin.aclose()
    await traced.settled()
    await eventually(
        lambda: (
            named(collector.spans, "process task.fail")
            and [span for span in collector.spans if span.scope == "mcp-python-sdk"]
            and named(collector.spans, "GET /v1/explain/{wanted}")
            and named(collector.spans, "send slack", outcome="dead")
        ),
        f"spans of every kind have arrived: {sorted({span.name for span in collector.spans})}",
    )
    canaries += [seed.CLICKUP_TOKEN_DANA, seed.SLACK_TOKEN_DANA, squad.token, squad.alias, "canary", "fix_bug"]
    sent = collector.everything
    assert [one for one in canaries if one.encode() in sent] == []
    allowed_words = {"process", "send", "GET", "POST", "PUT", "DELETE", "HTTP", "tools/call", "mcp-python-sdk"}
    assert {span.name.split()[0] for span in collector.spans} <= allowed_words


async def mcp_headers(world: World) -> dict[str, str]:
    client_id, secret = await world.agent_credentials("coder")
    async with httpx.AsyncClient(base_url=world.url) as client:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        token = (await client.post("/auth/token", data=form)).json()["access_token"]
    return {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}


@pytest.mark.usefixtures("agent")
async def test_openmetrics_leads_from_each_histogram_to_a_trace_and_the_classic_text_stays_as_it_was(
    traced: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gauges, "FRESH_SECONDS", 0.0)
    title = "Wants an exemplar"
    await traced.create_task(title)
    root = await traced.root(title)
    await eventually(lambda: traced.said(root["ts"]), "somebody answers", 40)
    await traced.settled()
    trace_id = await traced_task(traced, title)
    async with httpx.AsyncClient(base_url=traced.url) as prometheus:
        asked = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"
        opened = await prometheus.get("/metrics", headers={"accept": asked})
        classic = await prometheus.get("/metrics")
    assert opened.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert opened.text.endswith("# EOF\n")
    for name in ("oblivion_ingest_seconds", "oblivion_delivery_seconds", "oblivion_task_wait_seconds"):
        lines = [line for line in opened.text.splitlines() if line.startswith(f"{name}_bucket") and "trace_id=" in line]
        assert lines, name
    waits = [line for line in opened.text.splitlines() if line.startswith("oblivion_task_wait_seconds_bucket")]
    assert any(trace_id in line for line in waits)
    assert classic.headers["content-type"].startswith("text/plain")
    assert "trace_id" not in classic.text and "# EOF" not in classic.text


async def test_trace_that_the_sender_does_not_sample_is_not_sent_and_goes_on_unsampled(
    traced: World, collector: Collector
) -> None:
    unwanted, wanted = (f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{flags}" for flags in ("00", "01"))
    async with httpx.AsyncClient(base_url=traced.url) as stranger:
        for traceparent in (unwanted, wanted):
            await stranger.post("/webhooks/clickup", content=b"{}", headers={"traceparent": traceparent})
    await eventually(lambda: collector.of(str(trace_id_of(wanted))), "the sampled one has arrived")
    (span,) = collector.of(str(trace_id_of(wanted)))
    assert span.parent_id == wanted.split("-")[2]
    assert collector.of(str(trace_id_of(unwanted))) == []


async def test_task_is_done_as_ever_while_nobody_takes_the_spans(linked: World) -> None:
    with sending("http://127.0.0.1:9"):  # the discard port: nobody listens
        await linked.create_task("Without a collector")
        await linked.root("Without a collector")
        await linked.settled()
