"""One agent's WebSocket: as much of Engine.IO 4 and Socket.IO 5 as a load needs, and as cheap as Python can be.

Frames are masked with a key of zeros, which leaves them as they are: what RFC 6455 (5.3) wants of a key protects
proxies from pages, and here is neither.
"""

import asyncio
import base64
import json
import os
import re
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NAMESPACE = b"/agents,"
_HELLO_ID = b"0"
_HELLO_AGAIN_SECONDS = 0.5
_EVENT = re.compile(rb'42/agents,(\d*)\["([a-z.]+)"')
_SEQ = re.compile(rb'"seq":(\d+)')
_SHORT, _LONG, _MASKED = 126, 127, 0x80
_TEXT, _CLOSE = 0x81, 0x88


@dataclass(slots=True)
class Member:
    """Who connects. With an `instance` it says hello to Nexus; without one being let in is all."""

    token: str
    agent_id: str = ""
    instance: str | None = None


class AgentSocket(asyncio.Protocol):
    """Connects, is let in, answers pings; what else it hears goes to its callbacks."""

    def __init__(self, member: Member, on_ready: Callable[["AgentSocket"], None]) -> None:
        self.on_ready = on_ready
        self.on_lost: Callable[[AgentSocket], None] = lambda _socket: None
        self.on_event: Callable[[AgentSocket, bytes, float], None] | None = None
        """(socket, packet, when in monotonic seconds) of an event that Socket.IO does not acknowledge itself."""
        self.on_answer: Callable[[AgentSocket, bytes, float], None] | None = None
        self.is_ready = False
        self._member = member
        self._buffer = bytearray()
        self._open = False
        self._transport: Any = None

    @property
    def member(self) -> Member:
        """Whose it is."""
        return self._member

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_lost(self)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        buffer = self._buffer
        buffer += data
        if not self._open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if not buffer.startswith(b"HTTP/1.1 101"):
                self.leave()
                return
            self._open = True
            del buffer[: end + 4]
        while (frame := _frame_end(buffer)) is not None:
            start, end = frame
            kind, payload = buffer[0], bytes(buffer[start:end])
            del buffer[:end]
            if kind == _TEXT:
                self._heard(payload, now)
            elif kind == _CLOSE:
                self.leave()

    def call(self, name: bytes, data: bytes) -> None:
        """Sends a command whose answer comes to `on_answer`."""
        self._send(b'42/agents,1["' + name + b'",' + data + b"]")

    def leave(self) -> None:
        """Closes the connection."""
        self._transport.abort()

    def _heard(self, packet: bytes, now: float) -> None:
        if packet == b"2":
            self._send(b"3")
        elif packet.startswith(b"43/agents,0["):
            self._greeted(packet)
        elif packet.startswith(b"43"):
            if self.on_answer is not None:
                self.on_answer(self, packet, now)
        elif packet.startswith(b"42"):
            self._event(packet, now)
        elif packet.startswith(b"40"):
            if self._member.instance is None:
                self._ready()
            else:
                self._greet()
        elif packet.startswith(b"0"):
            self._send(b"40" + NAMESPACE + b'{"token":"' + self._member.token.encode() + b'"}')
        elif packet.startswith(b"4"):  # told to leave, or not let in
            self.leave()

    def _event(self, packet: bytes, now: float) -> None:
        found = _EVENT.match(packet)
        if found is None:
            return
        if found[1]:
            self._send(b"43" + NAMESPACE + found[1] + b"[]")
        elif self.on_event is not None:
            self.on_event(self, packet, now)

    def _greet(self) -> None:
        hello = json.dumps({"instance": self._member.instance, "skills": ["nothing"], "capacity": 1}).encode()
        self._send(b"42" + NAMESPACE + _HELLO_ID + b'["hello",' + hello + b"]")

    def _greeted(self, packet: bytes) -> None:
        if b'"ok":true' in packet:
            self._ready()
        elif b"rate_limited" in packet:
            asyncio.get_running_loop().call_later(_HELLO_AGAIN_SECONDS, self._greet)
        else:
            self.leave()

    def _ready(self) -> None:
        self.is_ready = True
        self.on_ready(self)

    def _send(self, packet: bytes) -> None:
        size = len(packet)
        short = size < _SHORT
        head = bytes((_TEXT, _MASKED | size)) if short else struct.pack("!BBH", _TEXT, _MASKED | _SHORT, size)
        self._transport.write(head + b"\0\0\0\0" + packet)


def seq_of(packet: bytes) -> int:
    """The number of an event."""
    found = _SEQ.search(packet)
    assert found is not None, packet
    return int(found[1])


def _frame_end(buffer: bytearray) -> tuple[int, int] | None:
    """Where the payload of the first frame begins and ends; None while it is not all there."""
    if len(buffer) < 2:
        return None
    start, size = 2, buffer[1]
    if size == _SHORT:
        start = 4
        size = int.from_bytes(buffer[2:4], "big")
    elif size == _LONG:
        start = 10
        size = int.from_bytes(buffer[2:10], "big")
    return (start, start + size) if len(buffer) >= start + size else None


async def opened(port: int, socket: AgentSocket) -> AgentSocket:
    """Opens the TCP connection; `on_ready` is called later, when the agent is let in and greeted."""
    await asyncio.get_running_loop().create_connection(lambda: socket, "127.0.0.1", port)
    return socket
