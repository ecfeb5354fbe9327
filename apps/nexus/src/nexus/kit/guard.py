"""The last look at a span before it leaves the process: what is not on the list stays here, whichever library wrote it.

Imports OpenTelemetry's SDK, so only `telemetry.py` imports this, and only when spans are sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status

from nexus.kit.logging import get_logger, redact
from nexus.kit.telemetry import Allowed

log = get_logger(__name__)


class GuardedExporter(SpanExporter):
    """Hands on copies of spans. Runs on the exporter's thread, off the event loop."""

    def __init__(self, exporter: SpanExporter, allowed: Allowed) -> None:
        self._exporter = exporter
        self._allowed = allowed
        self._failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Sends a batch; says when that begins to fail and when it works again."""
        result = self._exporter.export([guarded(span, self._allowed) for span in spans])
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._failing:
            log.warning("spans.lost", spans=len(spans), reason="the destination does not take them")
        elif self._failing and not failed:
            log.info("spans.sent_again")
        self._failing = failed
        return result

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what waits."""
        return self._exporter.force_flush(timeout_millis)


def guarded(span: ReadableSpan, allowed: Allowed) -> ReadableSpan:
    """The span with the attributes that are allowed.

    Of an event its name is kept; of an exception not even its text, nor that of a status: both quote what was sent.
    """
    return ReadableSpan(
        name=_name(span, allowed),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_attributes(span.attributes, allowed),
        events=[Event(event.name, _attributes(event.attributes, allowed), event.timestamp) for event in span.events],
        links=[Link(link.context) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _name(span: ReadableSpan, allowed: Allowed) -> str:
    scope = span.instrumentation_scope.name if span.instrumentation_scope else "unknown"
    pattern = allowed.names.get(scope)
    found = pattern.match(span.name) if pattern else None
    return found.group()[: allowed.max_chars] if found else scope


def _attributes(attributes: Mapping[str, Any] | None, allowed: Allowed) -> dict[str, Any]:
    return {
        key: redact(value[: allowed.max_chars]) if isinstance(value, str) else value
        for key, value in (attributes or {}).items()
        if key in allowed.keys
    }
