"""A handler works within the trace of its task, if its process uses OpenTelemetry; the SDK needs nothing of it."""

import asyncio
import subprocess
import sys
from collections.abc import Generator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.util._once import Once

from oblivion import Agent, Context, Fatal, TaskAssigned
from oblivion._trace import continued
from oblivion.testing import FakeNexus

TRACE_ID, OFFER_ID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "canary"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Generator[InMemorySpanExporter]:
    """The spans of an agent that has set OpenTelemetry up."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    yield exporter
    provider.shutdown()


def an_offer(traceparent: str | None) -> TaskAssigned:
    return TaskAssigned.model_validate(
        {
            "delivery_id": "d1", "seq": 1, "task_id": "t1", "epoch": 2, "lease_seconds": 60, "accept_seconds": 10,
            "type": "fix_bug", "title": SECRET, "instructions": SECRET, "traceparent": traceparent,
        }
    )  # fmt: skip


def one(spans: tuple[ReadableSpan, ...], name: str) -> ReadableSpan:
    (found,) = [span for span in spans if span.name == name]
    return found


def parents(spans: tuple[ReadableSpan, ...]) -> dict[str, str | None]:
    """Name of each span → name of the one that it is below."""
    names = {span.get_span_context().span_id: span.name for span in spans}
    return {span.name: names.get(span.parent.span_id) if span.parent else None for span in spans}


def test_spans_of_the_work_are_in_the_trace_of_the_offer(kept: InMemorySpanExporter):
    with continued(an_offer(f"00-{TRACE_ID}-{OFFER_ID}-01")), trace.get_tracer("mine").start_as_current_span("model"):
        pass
    spans = kept.get_finished_spans()
    assert {format(span.get_span_context().trace_id, "032x") for span in spans} == {TRACE_ID}
    ours = one(spans, "process task.assigned")
    assert ours.parent is not None and format(ours.parent.span_id, "016x") == OFFER_ID
    assert parents(spans)["model"] == "process task.assigned"
    assert ours.attributes is not None and ours.attributes["oblivion.task_id"] == "t1"
    assert SECRET not in ours.to_json()


@pytest.mark.parametrize("traceparent", [None, "nonsense", f"00-{TRACE_ID}-{OFFER_ID}-00"])
def test_offer_without_a_trace_begins_one_and_an_unsampled_one_stays_so(
    kept: InMemorySpanExporter, traceparent: str | None
):
    with continued(an_offer(traceparent)):
        sampled = trace.get_current_span().get_span_context().trace_flags.sampled
    assert sampled is (traceparent is None or traceparent == "nonsense")
    assert len(kept.get_finished_spans()) == sampled


async def test_handlers_of_both_kinds_work_within_it_at_once_and_it_says_how_they_ended(kept: InMemorySpanExporter):
    agent = Agent("fixer", concurrency=3)

    @agent.on_task("wait")
    async def wait(task: TaskAssigned, ctx: Context) -> str:
        with trace.get_tracer("mine").start_as_current_span("waited"):
            await asyncio.sleep(60)
        return SECRET

    @agent.on_task("compute")
    def compute(task: TaskAssigned, ctx: Context) -> str:
        with trace.get_tracer("mine").start_as_current_span("computed"):
            return SECRET

    @agent.on_task("fail")
    async def fail(task: TaskAssigned, ctx: Context) -> str:
        raise Fatal(SECRET)

    async with FakeNexus(agent) as nexus:
        tasks = [await nexus.assign(kind, title=SECRET, text=SECRET) for kind in ("wait", "compute", "fail")]
        assert [await task.result() for task in tasks[:2]] == [SECRET, SECRET]
        with pytest.raises(Exception, match=SECRET):
            await tasks[2].result()
    spans = kept.get_finished_spans()
    assert len({span.get_span_context().trace_id for span in spans}) == 3
    assert {name: parents(spans)[name] for name in ("waited", "computed")} == {
        "waited": "process task.assigned", "computed": "process task.assigned",
    }  # fmt: skip
    outcomes = [(span.attributes or {}).get("oblivion.outcome") for span in spans if span.name.startswith("process")]
    assert sorted(map(str, outcomes)) == ["completed", "completed", "failed"]
    assert all(SECRET not in span.to_json() for span in spans)


def test_sdk_works_as_ever_where_opentelemetry_is_not_installed():
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import oblivion\n"
        "from oblivion._trace import continued\n"
        "with continued(None) as attempt: attempt.ended(None)\n"
        "print('works')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "works\n", done.stderr


def test_sdk_imports_nothing_of_opentelemetry_before_there_is_a_task():
    code = "import sys, oblivion; print([name for name in sys.modules if name.startswith('opentelemetry.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
