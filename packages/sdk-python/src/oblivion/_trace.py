"""The trace that a task belongs to, for agents that use OpenTelemetry; without `opentelemetry-api` there is none.

Where spans go is the agent's own affair: without a tracer that somebody has set up, nothing is recorded here, and what
the handler calls still finds the context of the task.
"""

import importlib.util
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from oblivion_protocol import TaskAssigned, TaskComplete, TaskFail

NAME = "process task.assigned"

try:
    _installed = importlib.util.find_spec("opentelemetry.trace") is not None
except ModuleNotFoundError:
    _installed = False


class Attempt:
    """The span of one attempt at a task, or nothing."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def ended(self, outcome: TaskComplete | TaskFail | None) -> None:
        """Notes how it ended: None when the task was taken away."""
        if self._span is None:
            return
        from opentelemetry.trace import StatusCode

        match outcome:
            case TaskComplete():
                self._span.set_attribute("oblivion.outcome", "completed")
            case TaskFail():
                self._span.set_attribute("oblivion.outcome", "failed")
                self._span.set_status(StatusCode.ERROR)
            case None:
                self._span.set_attribute("oblivion.outcome", "canceled")


@contextmanager
def continued(task: TaskAssigned) -> Generator[Attempt]:
    """Within, whatever makes a span makes it below the offer of this task. Neither title nor text gets into ours."""
    if not _installed:
        yield Attempt()
        return
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    offer = TraceContextTextMapPropagator().extract({"traceparent": task.traceparent or ""}, context.Context())
    with trace.get_tracer("oblivion").start_as_current_span(
        NAME,
        offer,
        trace.SpanKind.CONSUMER,
        {
            "messaging.system": "oblivion",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": "task.assigned",
            "oblivion.task_id": task.task_id,
            "oblivion.delivery_id": task.delivery_id,
            "oblivion.epoch": task.epoch,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield Attempt(span)
