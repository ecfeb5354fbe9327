"""One trace from the webhook to the model call: OpenTelemetry, and Langfuse when it has keys. Masked on export."""

import logging
import threading
from base64 import b64encode
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langfuse import Langfuse, propagate_attributes
from langfuse.langchain import CallbackHandler
from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status
from opentelemetry.util.types import AttributeValue

from oblivion import TaskAssigned
from oblivion_reference_agent.masking import Masker
from oblivion_reference_agent.settings import Settings

log = logging.getLogger("oblivion.reference")

EXPORT_TIMEOUT_SECONDS = 5
CLOSE_SECONDS = 3.0


class MaskingExporter(SpanExporter):
    """Masks every span of every library, on its way out and off the event loop."""

    def __init__(self, exporter: SpanExporter, masker: Masker) -> None:
        self._exporter = exporter
        self._masker = masker

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Exports copies without secrets."""
        return self._exporter.export([self._masked(span) for span in spans])

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what waits."""
        return self._exporter.force_flush(timeout_millis)

    def _masked(self, span: ReadableSpan) -> ReadableSpan:
        status = span.status
        if status.description:
            status = Status(status.status_code, self._masker.text(status.description))
        return ReadableSpan(
            name=self._masker.text(span.name),
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=self._attributes(span.attributes),
            events=[Event(each.name, self._attributes(each.attributes), each.timestamp) for each in span.events],
            links=span.links,
            kind=span.kind,
            status=status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    def _attributes(self, attributes: Mapping[str, AttributeValue] | None) -> dict[str, Any]:
        return {key: self._masker.any(value) for key, value in (attributes or {}).items()}


class Tracing:
    """Set up once. Whatever it sends to may be absent, dead or slow: nothing here waits for it."""

    def __init__(self, settings: Settings, masker: Masker) -> None:
        self._provider: TracerProvider | None = None
        self._langfuse: Langfuse | None = None
        wanted = bool(settings.langfuse_public_key and settings.langfuse_secret_key)
        if not wanted:
            log.info("tracing.langfuse_off: LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY are not set")
        if not wanted and not settings.otlp_endpoint:
            return
        self._provider = TracerProvider(resource=Resource.create({"service.name": "oblivion-agent-reference"}))
        if settings.otlp_endpoint:
            exporter = MaskingExporter(OTLPSpanExporter(timeout=EXPORT_TIMEOUT_SECONDS), masker)
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        if wanted:
            self._langfuse = _open_langfuse(settings, masker, self._provider)
        trace.set_tracer_provider(self._provider)

    @contextmanager
    def task(self, task: TaskAssigned) -> Generator[list[BaseCallbackHandler]]:
        """The span of one attempt at a task, below the hop that offered it; gives what the graph must call back."""
        with ExitStack() as stack:
            # An SDK that continues the trace itself knows the nearer parent.
            if task.traceparent and not trace.get_current_span().get_span_context().is_valid:
                token = context.attach(extract({"traceparent": task.traceparent}))
                stack.callback(context.detach, token)
            span = stack.enter_context(trace.get_tracer("oblivion.reference").start_as_current_span("agent.task"))
            span.set_attribute("oblivion.task_id", task.task_id)
            span.set_attribute("oblivion.task_type", task.type)
            span.set_attribute("oblivion.epoch", task.epoch)
            if self._langfuse is None:
                yield []
                return
            stack.enter_context(
                propagate_attributes(session_id=task.task_id, tags=[task.type], trace_name=f"task {task.type}")
            )
            yield [CallbackHandler()]

    def close(self) -> None:
        """Sends what waits, for a moment; whoever does not answer is left."""
        if self._provider is None:
            return
        # Not joined beyond the limit: an endpoint that never answers would hold the process up.
        flushing = threading.Thread(target=self._provider.force_flush, daemon=True, name="tracing-flush")
        flushing.start()
        flushing.join(CLOSE_SECONDS)


def _open_langfuse(settings: Settings, masker: Masker, provider: TracerProvider) -> Langfuse:
    """Langfuse's client on our provider and our exporter. Its `auth_check` is not called: it raises, and waits."""
    login = b64encode(f"{settings.langfuse_public_key}:{settings.langfuse_secret_key}".encode()).decode()
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.langfuse_base_url}/api/public/otel/v1/traces",
        headers={
            "Authorization": f"Basic {login}",
            "x-langfuse-sdk-name": "python",
            "x-langfuse-public-key": settings.langfuse_public_key,
            "x-langfuse-ingestion-version": "4",
        },
        timeout=EXPORT_TIMEOUT_SECONDS,
        compression=Compression.Gzip,
    )

    def mask(*, data: Any, **_: Any) -> Any:
        return masker.any(data)

    def everything(_: ReadableSpan) -> bool:
        return True

    return Langfuse(
        public_key=settings.langfuse_public_key,
        secret_key=settings.langfuse_secret_key,
        base_url=settings.langfuse_base_url,
        timeout=EXPORT_TIMEOUT_SECONDS,
        tracer_provider=provider,
        span_exporter=MaskingExporter(exporter, masker),
        should_export_span=everything,
        mask=mask,
    )
