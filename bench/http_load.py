"""HTTP/1.1 load over connections that stay open: as fast as answers come, or at a fixed rate.

Requests are bytes that were made before: what the load costs while it is measured is writing and reading. At a fixed
rate latency counts from when a request was due, so that a server that stands still is seen by all that had to wait
(Gil Tene's "coordinated omission"). Time is the machine's own: that of uvloop counts whole milliseconds.
"""

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TOO_SLOW_SECONDS = 30.0


@dataclass(slots=True)
class Heard:
    """What came of a load."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter[int])
    latencies: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds


class _Client(asyncio.Protocol):
    """One connection with at most one request under way."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._buffer = b""
        self._due_at = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by name

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._load.over.done():
            self._load.over.set_exception(ConnectionError(f"the server has closed a connection: {exc}"))

    def ask(self, request: bytes, due_at: float) -> None:
        self._due_at = due_at
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, head_end)
        if len(self._buffer) < head_end + 4 + (int(length.group(1)) if length else 0):
            return
        status = int(self._buffer[9:12])
        self._buffer = b""
        self._load.answered(self, status, self._due_at)


class _Load:
    def __init__(self, requests: Iterator[bytes], heard: Heard) -> None:
        self._requests = requests
        self._heard = heard
        self._idle: deque[_Client] = deque()
        self._waiting: deque[float] = deque()
        self._under_way = 0
        self._until = 0.0
        self._paced = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def answered(self, client: _Client, status: int, due_at: float) -> None:
        now = time.monotonic()
        self._heard.statuses[status] += 1
        self._heard.latencies.append(now - due_at)
        self._under_way -= 1
        if self._paced:
            if self._waiting:
                self._ask(client, self._waiting.popleft())
            else:
                self._idle.append(client)
        elif now < self._until:
            self._ask(client, now)
        if self._under_way == 0 and now >= self._until and not self._waiting and not self.over.done():
            self.over.set_result(None)

    def _ask(self, client: _Client, due_at: float) -> None:
        self._under_way += 1
        client.ask(next(self._requests), due_at)

    async def flat_out(self, clients: Sequence[_Client], seconds: float) -> None:
        began = time.monotonic()
        self._until = began + seconds
        for client in clients:
            self._ask(client, time.monotonic())
        async with asyncio.timeout(seconds + _TOO_SLOW_SECONDS):
            await self.over
        self._heard.seconds = time.monotonic() - began

    async def all_of(self, clients: Sequence[_Client], count: int) -> None:
        """The paced way without a pace: all are due now."""
        self._paced = True
        began = time.monotonic()
        self._until = began
        self._waiting.extend([began] * (count - len(clients)))
        for client in clients:
            self._ask(client, began)
        async with asyncio.timeout(_TOO_SLOW_SECONDS + count / 100):
            await self.over
        self._heard.seconds = time.monotonic() - began

    async def paced(self, clients: Sequence[_Client], seconds: float, per_second: float) -> None:
        self._paced = True
        self._idle.extend(clients)
        began = time.monotonic()
        self._until = began + seconds
        for number in range(round(seconds * per_second)):
            due_at = began + number / per_second
            if (wait := due_at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if self._idle:
                self._ask(self._idle.popleft(), due_at)
            else:
                self._waiting.append(due_at)
        self._until = time.monotonic()
        async with asyncio.timeout(_TOO_SLOW_SECONDS):
            while self._under_way or self._waiting:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.005)  # the last answers; the load itself is over
        if not self.over.done():
            self.over.set_result(None)
        self._heard.seconds = time.monotonic() - began


async def send(
    host: str,
    port: int,
    requests: Iterator[bytes],
    *,
    seconds: float,
    connections: int = 64,
    per_second: float | None = None,
) -> Heard:
    """Sends requests over `connections` for some seconds; each client has one under way.

    Raises StopIteration's RuntimeError when requests run out, ConnectionError when the server hangs up, and
    TimeoutError when answers stay away for half a minute.
    """
    loop = asyncio.get_running_loop()
    heard = Heard()
    load = _Load(requests, heard)
    clients: list[_Client] = []
    try:
        for _ in range(connections):
            _, client = await loop.create_connection(lambda: _Client(load), host, port)
            clients.append(client)
        if per_second is None:
            await load.flat_out(clients, seconds)
        else:
            await load.paced(clients, seconds, per_second)
    finally:
        if not load.over.done():
            load.over.cancel()
        for client in clients:
            client.transport.close()
    return heard


def request(method: str, path: str, host: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of one request."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def send_each(host: str, port: int, requests: Sequence[bytes], *, connections: int = 32) -> Heard:
    """Sends each request once, as fast as answers come."""
    loop = asyncio.get_running_loop()
    heard = Heard()
    load = _Load(iter(requests), heard)
    clients: list[_Client] = []
    try:
        for _ in range(min(connections, len(requests))):
            _, client = await loop.create_connection(lambda: _Client(load), host, port)
            clients.append(client)
        await load.all_of(clients, len(requests))
    finally:
        if not load.over.done():
            load.over.cancel()
        for client in clients:
            client.transport.close()
    return heard
