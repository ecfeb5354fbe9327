"""A real receiver of OTLP, and this process made to send its spans there for one test."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.util._once import Once

from nexus.bootstrap import start_traces
from nexus.kit.otlp import SpanRecord, read_spans


class Collector:
    """Keeps what it is sent: requests as they came, and their spans."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []

    @property
    def spans(self) -> list[SpanRecord]:
        return [span for body in self.bodies for span in read_spans(body)]

    @property
    def everything(self) -> bytes:
        """All bytes of all bodies: what is not in here has not left."""
        return b"\n".join(self.bodies)

    def of(self, trace_id: str) -> list[SpanRecord]:
        return sorted((span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.started_ns)


@contextmanager
def collecting() -> Generator[Collector]:
    """On a thread of its own: the process under test may block its loop, which must not look like a dead receiver."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            zipped = self.headers.get("content-encoding") == "gzip"
            collector.paths.append(self.path)
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.bodies.append(gzip.decompress(body) if zipped else body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def sending(url: str, **environment: str) -> Generator[None]:
    """Within, this process sends its spans there, as `oblivion serve` would, and has no tracer before and after."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(api, "_TRACER_PROVIDER", None)
        patched.setattr(api, "_TRACER_PROVIDER_SET_ONCE", Once())
        asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50", **environment}
        for name, value in asked.items():
            patched.setenv(name, value)
        traces = start_traces("nexus")
        assert traces is not None
        try:
            yield
        finally:
            traces.close()
