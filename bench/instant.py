"""A ClickUp and a Slack that answer at once: what a worker can do when nobody keeps it waiting.

Only for load. It knows the calls of the common path and nothing of either vendor's rules; for those there is the
sandbox, from which the answer about a task is taken.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

CHANNEL_ID = "C0BENCH001"


@dataclass
class Instant:
    """Where it is, and what it was asked."""

    task: dict[str, Any]
    """What ClickUp says of a task; the id is that of the one asked for, and in the name, too."""
    hooks: dict[str, Any]
    """What ClickUp says of our webhooks."""
    url: str = ""
    calls: Counter[str] = field(default_factory=Counter[str])
    strange: Counter[str] = field(default_factory=Counter[str])
    """Calls that it does not know: the benchmark would measure errors."""
    posted: Callable[[str, float], None] = lambda _body, _at: None
    """Told of each message posted to Slack, and when it arrived (`time.perf_counter`)."""
    _ts: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def clickup_url(self) -> str:
        """ClickUp's API."""
        return f"{self.url}/clickup"

    @property
    def slack_url(self) -> str:
        """Slack's API."""
        return f"{self.url}/slack/"

    def answer(self, method: str, path: str, body: bytes) -> bytes:
        """The body of an answer; every call succeeds."""
        said: dict[str, Any]
        path, _, _ = path.partition("?")
        match path.strip("/").split("/"):
            case ["clickup", "task", item_id]:
                name = "GET task"
                said = {**self.task, "id": item_id, "name": f"Fix {item_id}"}
            case ["clickup", "task", _, "comment"]:
                name, said = f"{method} comment", {"id": str(next(self._ts)), "date": "1794000000000"}
            case ["clickup", "team", _, "webhook"]:
                name, said = "GET webhook", self.hooks
            case ["clickup", "team", _, "task"]:
                name, said = "GET tasks", {"tasks": [], "last_page": True}
            case ["slack", "chat.postMessage" | "chat.update" as called]:
                name = called
                if called == "chat.postMessage":
                    self.posted(body.decode(), time.perf_counter())
                said = {"ok": True, "channel": CHANNEL_ID, "ts": f"1794{next(self._ts):06d}.000100", "message": {}}
            case ["slack", "conversations.history" | "conversations.replies" as called]:
                name, said = called, {"ok": True, "messages": [], "has_more": False}
            case ["slack", "chat.getPermalink"]:
                name, said = "chat.getPermalink", {"ok": True, "permalink": f"{self.url}/p{next(self._ts)}"}
            case _:
                name, said = path, {"ok": True}
                self.strange[path] += 1
        self.calls[name] += 1
        return json.dumps(said).encode()


class _Connection(asyncio.Protocol):
    def __init__(self, instant: Instant) -> None:
        self._instant = instant
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        while head_end >= 0:
            head = self._buffer[:head_end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            end = head_end + 4 + length
            if len(self._buffer) < end:
                return
            method, path, _ = self._buffer[:head_end].split(b" ", 2)
            said = self._instant.answer(method.decode(), path.decode(), self._buffer[head_end + 4 : end])
            self._buffer = self._buffer[end:]
            self._transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said)
            )
            head_end = self._buffer.find(b"\r\n\r\n")


@asynccontextmanager
async def running_instant(task: dict[str, Any], hooks: dict[str, Any]) -> AsyncGenerator[Instant]:
    """Starts it on loopback, in this process."""
    instant = Instant(task, hooks)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(instant), "127.0.0.1", 0)
    try:
        instant.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield instant
    finally:
        server.close()
