"""The steps of one trace, and all that a span of ours may say: ids, and words of which there are few."""

from typing import TypedDict, Unpack
from urllib.parse import urlsplit
from uuid import UUID

from nexus.kit.trace import Kind, Span, Value

SYSTEM = "oblivion"

STANDARD_KEYS = frozenset(
    {
        "error.type", "exception.type",
        "http.request.method", "http.response.status_code", "http.route",
        "messaging.destination.name", "messaging.operation.name", "messaging.operation.type", "messaging.system",
        "server.address", "server.port", "url.scheme", "url.template",
    }
)  # fmt: skip
"""Names of the semantic conventions, https://opentelemetry.io/docs/specs/semconv/: none holds what people wrote."""


class Facts(TypedDict, total=False):
    """What may be said of a step; what is not listed here is no argument, and leaves no process."""

    tenant_id: UUID
    inbox_id: UUID
    delivery_id: UUID
    task_id: UUID
    agent_id: UUID
    source: str
    sink: str
    kind: str
    outcome: str
    attempt: int
    epoch: int


KEYS = STANDARD_KEYS | {f"{SYSTEM}.{name}" for name in Facts.__annotations__}


class Step(Span):
    """A span of the pipeline."""

    def note(self, **facts: Unpack[Facts]) -> None:
        """Adds what is known by now."""
        self.set(_attributes(facts))


def step(name: str, kind: Kind, parent: str | None = None, /, **facts: Unpack[Facts]) -> Step:
    """A step called by what is done to what, `process inbox`; `parent` is a traceparent, the current span if None."""
    attributes = _attributes(facts)
    operation, _, destination = name.partition(" ")
    if kind in ("producer", "consumer"):
        attributes["messaging.system"] = SYSTEM
        attributes["messaging.operation.name"] = operation
        attributes["messaging.operation.type"] = "send" if kind == "producer" else "process"
        attributes["messaging.destination.name"] = destination
    return Step(name, kind, parent, attributes)


def request_step(method: str, template: str, base_url: str) -> Step:
    """One request to a vendor; `template` is its path with `{id}` for every id, so that it holds none.

    Only below a step that asked for it: what our loops ask every half a minute is no trace.
    """
    url = urlsplit(base_url)
    attributes: dict[str, Value] = {
        "http.request.method": method,
        "url.template": template,
        "server.address": url.hostname or "",
    }
    if url.port is not None:
        attributes["server.port"] = url.port
    return Step(f"{method} {template}", "client", None, attributes, begins_trace=False)


def answered_step(step: Step, status: int | None, failure: str | None = None) -> None:
    """Notes the answer to a request: its HTTP status, if there was one; `failure` is a word for what went wrong."""
    if status is not None:
        step.set({"http.response.status_code": status})
    if failure is not None or (status is not None and status >= 400):
        step.failed(failure or str(status))


def _attributes(facts: Facts) -> dict[str, Value]:
    return {
        f"{SYSTEM}.{name}": value if isinstance(value, str | int) else str(value)
        for name, value in facts.items()
        if value is not None
    }
