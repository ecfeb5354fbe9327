"""The receiving end of OTLP over HTTP, for one machine: takes spans, keeps the newest in a file, gives back traces.

https://opentelemetry.io/docs/specs/otlp/#otlphttp; bodies are protobuf, gzipped or not.
"""

import json
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nexus.kit.logging import get_logger

log = get_logger(__name__)

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_FILE_BYTES = 8 * 1024 * 1024
"""Of each of two files: what is older than both is gone."""
_KINDS = {0: "internal", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_ERROR = 2


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span as it was sent. Times are Unix nanoseconds."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    started_ns: int
    ended_ns: int
    failed: bool
    scope: str = ""
    attributes: dict[str, Any] = field(default_factory=dict[str, Any])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


def read_spans(body: bytes) -> list[SpanRecord]:
    """The spans of one request. Raises ValueError when it is none."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        request: Any = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise ValueError("no ExportTraceServiceRequest") from error
    return [
        SpanRecord(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            service=_attributes(resource.resource.attributes).get("service.name", "unknown"),
            name=span.name,
            kind=_KINDS.get(span.kind, "internal"),
            started_ns=span.start_time_unix_nano,
            ended_ns=span.end_time_unix_nano,
            failed=span.status.code == _ERROR,
            scope=group.scope.name,
            attributes=_attributes(span.attributes),
            events=[{"name": event.name, **_attributes(event.attributes)} for event in span.events],
        )
        for resource in request.resource_spans
        for group in resource.scope_spans
        for span in group.spans
    ]


class Receiver:
    """ASGI application for `POST /v1/traces`; `take` is given the spans of each request."""

    def __init__(self, take: Callable[[list[SpanRecord]], None]) -> None:
        self._take = take

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        if scope["method"] != "POST" or not scope["path"].endswith("/v1/traces"):
            await _answer(send, 404)
            return
        parts: list[bytes] = []
        more, size = True, 0
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False) and size <= MAX_BODY_BYTES
        headers = dict(scope["headers"])
        try:
            self._take(read_spans(_plain(b"".join(parts), headers.get(b"content-encoding", b""))))
        except ValueError:
            await _answer(send, 400)
            return
        await _answer(send, 200)


class SpanFile:
    """The newest spans, a line each, in two files of bounded size."""

    def __init__(self, directory: Path, *, max_file_bytes: int = MAX_FILE_BYTES) -> None:
        self._newer, self._older = directory / "spans.jsonl", directory / "spans.old.jsonl"
        self._max_file_bytes = max_file_bytes

    def append(self, spans: Sequence[SpanRecord]) -> None:
        """Keeps them; a disk that is full costs a trace and nothing else."""
        lines = "".join(json.dumps(asdict(span), separators=(",", ":")) + "\n" for span in spans)
        try:
            self._newer.parent.mkdir(parents=True, exist_ok=True)
            if self._newer.exists() and self._newer.stat().st_size + len(lines) > self._max_file_bytes:
                self._newer.replace(self._older)
            with self._newer.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            log.warning("spans.not_kept", error=error)

    def spans(self) -> Iterator[SpanRecord]:
        """Everything that is kept, in the order of its arrival. A line that is half written is left out."""
        for path in (self._older, self._newer):
            if not path.exists():
                continue
            with path.open(encoding="utf-8") as file:
                for line in file:
                    try:
                        yield SpanRecord(**json.loads(line))
                    except (ValueError, TypeError):
                        continue

    def traces(self) -> dict[str, list[SpanRecord]]:
        """All traces by id, the newest last, each by the time at which its spans began."""
        found: OrderedDict[str, list[SpanRecord]] = OrderedDict()
        for span in self.spans():
            found.setdefault(span.trace_id, []).append(span)
            found.move_to_end(span.trace_id)
        return {name: sorted(spans, key=lambda span: span.started_ns) for name, spans in found.items()}


def _plain(body: bytes, encoding: bytes) -> bytes:
    if len(body) > MAX_BODY_BYTES:
        raise ValueError("too large")
    if encoding not in (b"gzip", b"deflate"):
        return body
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        plain = unpacking.decompress(body, MAX_BODY_BYTES)
    except zlib.error as error:
        raise ValueError("not compressed as it says") from error
    if unpacking.unconsumed_tail:
        raise ValueError("too large")
    return plain


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, kind) for pair in pairs if (kind := pair.value.WhichOneof("value")) in _PLAIN}


_PLAIN = frozenset({"string_value", "bool_value", "int_value", "double_value"})


async def _answer(send: Any, status: int) -> None:
    # An empty ExportTraceServiceResponse is no byte at all.
    headers = [(b"content-type", b"application/x-protobuf"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
