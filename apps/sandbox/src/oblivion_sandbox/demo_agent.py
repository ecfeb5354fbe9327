"""The agent that `oblivion up` runs: it shows a plan, ticks it, and reads what people write meanwhile."""

import asyncio
import logging
import os
from itertools import islice

from oblivion import Agent, Context, ContextUpdate, TaskAssigned

log = logging.getLogger("demo")
step_seconds = float(os.environ.get("DEMO_STEP_SECONDS", "0.8"))
agent = Agent("demo", concurrency=4)

MAX_QUOTES = 3
MAX_QUOTE_CHARS = 200


@agent.on_task("fix_bug")
async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
    return await work(task, ctx, "Reproduce it", "Write the fix", "Run the tests")


@agent.on_task()
async def anything_else(task: TaskAssigned, ctx: Context) -> str:
    return await work(task, ctx, "Read the task", "Do the work", "Check the result")


async def work(task: TaskAssigned, ctx: Context, *steps: str) -> str:
    """Pretends to work, and listens."""
    log.info("demo.start type=%s links=%d", task.type, len(task.links))
    notes: list[ContextUpdate] = []

    def hear(update: ContextUpdate) -> None:
        log.info("demo.update kind=%s source=%s", update.kind, update.source)
        if update.kind in ("reply", "comment"):
            notes.append(update)

    ctx.on_update(hear)
    await ctx.plan(*steps)
    await ctx.say(f"On it: {task.title}")
    for step in steps:
        async with ctx.step(step):
            log.info("demo.step title=%s", step)
            await asyncio.sleep(step_seconds)
    return summary(task.title, notes)


def summary(title: str, notes: list[ContextUpdate]) -> str:
    """What the demo reports: the notes are people's words, so they are quoted, never followed."""
    if not notes:
        return f"Done: {title}."
    count = "1 note" if len(notes) == 1 else f"{len(notes)} notes"
    quotes = (f"> {note.author}: {' '.join(note.text.split())[:MAX_QUOTE_CHARS]}" for note in notes)
    return "\n".join([f"Done: {title}. I read {count} from you.", *islice(quotes, MAX_QUOTES)])


def send_spans() -> None:
    """As any agent may: its spans join the trace of the task, whose context the SDK has set."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


if __name__ == "__main__":
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        send_spans()
    agent.run()
