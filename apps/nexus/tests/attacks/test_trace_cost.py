"""What spans cost the way in: off, sent, and with a collector that is gone or never answers."""

import asyncio
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from opentelemetry.sdk.trace import TracerProvider
from pipeline.fakes import Place, place_on, webhook
from prometheus_client import CollectorRegistry

from nexus.bootstrap import start_traces
from nexus.http.metrics import IngestMetrics
from nexus.http.webhooks import WebhookDoor
from nexus.kit import trace
from nexus.store.database import Database

ROUNDS = 6
AT_ONCE = 16
COLLECTOR = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


class Keeps(Protocol):
    def keep(self, what: str, **figures: int | float | str) -> None: ...


@dataclass
class Cost:
    """Of each webhook: milliseconds until its answer, and of this process's CPU."""

    waits: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])


@pytest.fixture
async def place(database_url: str) -> AsyncGenerator[Place]:
    db = Database(database_url)
    made = place_on(db)
    await made.prepare()
    yield made
    await db.aclose()


@contextmanager
def destinations() -> Generator[dict[str, str]]:
    """Where spans go to: to somebody who takes them, to nobody, to somebody who never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        taking = subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True)
        try:
            assert taking.stdout is not None
            port = int(taking.stdout.readline())
            yield {
                "sent": f"http://127.0.0.1:{port}",
                "collector gone": "http://127.0.0.1:9",
                "collector silent": f"http://127.0.0.1:{silent.getsockname()[1]}",
            }
        finally:
            taking.kill()
            taking.wait()


async def one(door: WebhookDoor) -> float:
    """Milliseconds of one webhook, through the whole door, to its commit."""
    request = webhook(secrets.token_hex(8), b"x" * 2000)
    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/webhooks/faketool", "headers": headers}
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    started = time.perf_counter()
    await door(scope, receive, send)
    assert status == 200
    return (time.perf_counter() - started) * 1000


async def a_round(door: WebhookDoor, count: int, cost: Cost) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated() -> float:
        async with gate:
            return await one(door)

    began = time.process_time()
    cost.waits += await asyncio.gather(*(gated() for _ in range(count)))
    cost.cpu.append((time.process_time() - began) * 1000 / count)


async def test_the_way_in_is_as_fast_with_spans_and_a_collector_that_is_away_makes_no_difference(
    place: Place, size: Callable[[int], int], figures: Keeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = WebhookDoor(place.inbox, IngestMetrics(CollectorRegistry(), ["faketool"]))
    count = size(2000)
    costs = {"off": Cost()}
    providers: dict[str, TracerProvider] = {}
    with ExitStack() as stack:
        for kind, url in stack.enter_context(destinations()).items():
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
            traces = start_traces("gateway")
            assert traces is not None
            stack.callback(traces.close)
            providers[kind], costs[kind] = traces.provider, Cost()
        await a_round(door, count, Cost())
        for _ in range(ROUNDS):
            for kind, cost in costs.items():
                trace.install(providers[kind].get_tracer("nexus") if kind in providers else None)
                await a_round(door, count, cost)
    shown = {
        kind: (round(statistics.median(cost.waits), 2), round(statistics.median(cost.cpu), 3))
        for kind, cost in costs.items()
    }
    off_wait, off_cpu = shown["off"]
    for kind, (wait, cpu) in shown.items():
        figures.keep(
            f"webhook, spans {kind}", webhooks=count * ROUNDS, median_ms=wait, cpu_ms=cpu,
            wait_ratio=round(wait / off_wait, 2), cpu_ratio=round(cpu / off_cpu, 2),
        )  # fmt: skip
    sent_wait, sent_cpu = shown["sent"]
    assert sent_wait < 3 * off_wait and sent_cpu < 3 * off_cpu, shown
    for kind in ("collector gone", "collector silent"):
        wait, cpu = shown[kind]
        assert wait < 2 * sent_wait and cpu < 2 * sent_cpu, shown
