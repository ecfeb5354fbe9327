"""W3C trace context, https://www.w3.org/TR/trace-context/: one trace from a webhook to the model call it causes.

While no tracer is installed (`telemetry.py` does that) a span is an object that does nothing, and nothing of
OpenTelemetry is imported.
"""

import asyncio
import re
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import SpanContext, Tracer

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Value = str | int | bool

_SHAPE = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")

_tracer: "Tracer | None" = None


def install(tracer: "Tracer | None") -> None:
    """Begins to record spans with this tracer, or ends it with None. One for the process, like the loggers."""
    global _tracer  # noqa: PLW0603
    _tracer = tracer


class Span:
    """A step that is timed, for `with`. An exception leaves its type in the span, never its text."""

    __slots__ = ("_attributes", "_begins_trace", "_failed", "_kind", "_name", "_parent", "_span", "_token")

    def __init__(
        self,
        name: str,
        kind: Kind = "internal",
        parent: str | None = None,
        attributes: Mapping[str, Value] | None = None,
        *,
        begins_trace: bool = True,
    ) -> None:
        """`parent` is a traceparent; without one it is the current span, and without that, a trace begins."""
        self._name = name
        self._kind = kind
        self._parent = parent
        self._attributes = attributes
        self._begins_trace = begins_trace
        self._failed = False
        self._span: Any = None
        self._token: Any = None

    def __enter__(self) -> Self:
        """Begins."""
        if _tracer is None or not (self._begins_trace or self._parent or _current()):
            return self
        from opentelemetry import context, trace

        self._span = _tracer.start_span(
            self._name,
            _context_of(self._parent),
            getattr(trace.SpanKind, self._kind.upper()),
            self._attributes,
        )
        self._token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends; exceptions go on."""
        if self._span is None:
            return
        from opentelemetry import context

        if error is not None and not self._failed and not isinstance(error, asyncio.CancelledError):
            self.failed(type(error).__qualname__)
        context.detach(self._token)
        self._span.end()

    def set(self, attributes: Mapping[str, Value]) -> None:
        """Adds what is known by now."""
        if self._span is not None:
            self._span.set_attributes(attributes)

    def failed(self, what: str) -> None:
        """It ended badly: `what` is one of few words, such as the type of an exception."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode

            self._failed = True
            self._span.set_attribute("error.type", what)
            self._span.set_status(StatusCode.ERROR)


def handed_on(given: str | None) -> str | None:
    """The traceparent for what is caused here: the current span's, unless what is given is of another trace."""
    current = _current()
    if current is None:
        return given
    ours = f"00-{current.trace_id:032x}-{current.span_id:016x}-{current.trace_flags:02x}"
    return ours if given is None or trace_id_of(given) == trace_id_of(ours) else given


@contextmanager
def nobodys() -> Generator[None]:
    """For work that is done for several steps at once: it is no part of the one in which it happens to run."""
    if _tracer is None:
        yield
        return
    from opentelemetry import context
    from opentelemetry.context import Context

    token = context.attach(Context())
    try:
        yield
    finally:
        context.detach(token)


def current_ids(*, sampled: bool = False) -> dict[str, str]:
    """`trace_id` and `span_id` of the current span, for a log line or an exemplar; empty when there is none."""
    current = _current()
    if current is None or (sampled and not current.trace_flags.sampled):
        return {}
    return {"trace_id": f"{current.trace_id:032x}", "span_id": f"{current.span_id:016x}"}


def new_traceparent() -> str:
    """A new trace, sampled."""
    digits = secrets.token_hex(24)
    return f"00-{digits[:32]}-{digits[32:]}-01"


def trace_id_of(traceparent: str | None) -> str | None:
    """The id by which a trace is found, in 32 hexadecimal digits."""
    return traceparent.split("-")[1] if traceparent and _SHAPE.fullmatch(traceparent) else None


def traceparent_or_new(given: str) -> str:
    """What the sender said, if it can be one; else the beginning of a trace."""
    return given if _SHAPE.fullmatch(given) else new_traceparent()


def _current() -> "SpanContext | None":
    if _tracer is None:
        return None
    from opentelemetry import trace

    found = trace.get_current_span().get_span_context()
    return found if found.is_valid else None


def _context_of(parent: str | None) -> "Context | None":
    """The context that holds a remote parent and nothing else; None, the current one, when it is not well-formed."""
    shape = _SHAPE.fullmatch(parent) if parent else None
    if shape is None:
        return None
    from opentelemetry import trace
    from opentelemetry.context import Context

    trace_id, span_id, flags = (int(part, 16) for part in shape.groups())
    remote = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(flags))
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), Context())
