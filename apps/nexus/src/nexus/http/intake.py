"""What a connection may take before it has asked for anything: bytes, seconds, and room beside all others.

uvicorn reads heads and bodies for as long as they take and keeps what it was sent. Here a request has a deadline until
its head and one until its body is there, a head has a size, an answer is taken or thrown away; and of the requests that
are not complete yet only so many are kept: of one address too many the oldest goes, and where they hold too many bytes,
too. Whoever sends at any ordinary pace is complete within milliseconds and never the oldest.
"""

import asyncio
import logging
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
BODY_SECONDS = 15.0
"""A bound for all. The doors have shorter ones of their own, and an answer that says so."""
UNREAD_SECONDS = 20.0
"""How long a peer may read nothing of an answer that waits for it."""
LINGER_SECONDS = 2.0
"""How long is read on, so that a peer which still sends hears the answer before the connection ends; and how long a
peer has to take the last bytes of it."""
MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 100
MAX_PIPELINED = 16
MAX_DISCARDED_BYTES = 4 * 1024 * 1024
MAX_INCOMPLETE = 1024
"""Requests of one address that are not complete."""
MAX_HELD_BYTES = 16 * 1024 * 1024
"""Of all bodies that are not complete, in this process."""


_log = logging.getLogger("nexus.http.intake")
_log.setLevel(logging.ERROR)  # whoever sends no HTTP must not fill the log with it


class _HeadTooLarge(Exception):
    """The head has more bytes or more headers than we read."""


class Crowd:
    """The requests of a process that are not complete yet, oldest first."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[IntakeProtocol, None]] = {}
        self._held: dict[IntakeProtocol, int] = {}
        self._held_bytes = 0

    def enter(self, address: str, one: "IntakeProtocol") -> None:
        """A request begins."""
        waiting = self._waiting.setdefault(address, {})
        waiting[one] = None
        if len(waiting) > MAX_INCOMPLETE:
            next(iter(waiting)).cut_off()

    def hold(self, one: "IntakeProtocol", size: int) -> None:
        """More of its body is there."""
        self._held[one] = self._held.get(one, 0) + size
        self._held_bytes += size
        while self._held_bytes > MAX_HELD_BYTES and len(self._held) > 1:
            next(iter(self._held)).cut_off()

    def leave(self, address: str, one: "IntakeProtocol") -> None:
        """It is complete, or gone."""
        self._held_bytes -= self._held.pop(one, 0)
        waiting = self._waiting.get(address, {})
        waiting.pop(one, None)
        if not waiting:
            self._waiting.pop(address, None)


class IntakeProtocol(HttpToolsProtocol):
    """One connection, until it becomes a WebSocket."""

    crowd: ClassVar[Crowd]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called when somebody has connected."""
        super().connection_made(transport)
        self.logger = _log
        self._address = self.client[0] if self.client else ""
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._incomplete = False
        self._has_head = False
        self._due: tuple[float, Any] | None = None
        """A deadline that is set when a piece is read, if the request has not become complete with it."""
        self._in_crowd = False
        self._new_bytes = 0
        self._head_bytes = self._fed_bytes = self._discarded_bytes = 0
        self._refusal = HTTPStatus.BAD_REQUEST
        self._begin()
        self._wait_for_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection is gone."""
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called with what was sent."""
        if self.transport.is_closing():
            return
        if not self._incomplete:
            self._begin()
        self._fed_bytes += len(data)
        super().data_received(data)
        self._wait_for_more()
        if self._incomplete and not self._has_head and self._fed_bytes > MAX_HEAD_BYTES:
            # Part of a header line, which the parser keeps until it is whole.
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    # --- the parser's calls ---

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise ConnectionError("more requests than anybody waits for")
        if not self._incomplete:
            self._begin()
        self._head_bytes = self._discarded_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._count(len(name) + len(value) + 4)
        if len(self.headers) >= MAX_HEADERS:
            self._count(MAX_HEAD_BYTES)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._has_head = True
        self._due = (BODY_SECONDS, self.cut_off)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self.cycle.response_complete:
            self._discarded_bytes += len(body)
            if self._discarded_bytes > MAX_DISCARDED_BYTES:
                self.cut_off()
            return
        self._new_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._fed_bytes = 0
        self._end()
        super().on_message_complete()

    # --- answers ---

    def on_response_complete(self) -> None:
        """An answer was given."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._leave()
        elif self._incomplete and self._has_head:
            self._set_deadline(LINGER_SECONDS, self._leave)

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no request, or too large a head of one."""
        self._refuse(self._refusal)

    def timeout_keep_alive_handler(self) -> None:
        """Nobody has asked for anything for a while."""
        self._leave()

    def pause_writing(self) -> None:
        """The peer does not read what it is sent."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.cut_off)

    def resume_writing(self) -> None:
        """It does again."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def handle_websocket_upgrade(self) -> None:
        """From here on it is a WebSocket, with limits of its own."""
        self._forget()
        super().handle_websocket_upgrade()

    def cut_off(self) -> None:
        """Ends the connection at once."""
        self._forget()
        self.transport.abort()

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            raise _HeadTooLarge

    def _begin(self) -> None:
        self._incomplete, self._has_head = True, False
        self._due = (HEAD_SECONDS, self._head_is_late)

    def _wait_for_more(self) -> None:
        """What is not complete yet has a deadline, and a place in the crowd; most requests never need either."""
        if not self._incomplete:
            return
        if self._due is not None:
            self._set_deadline(*self._due)
            self._due = None
        if not self._in_crowd:
            self._in_crowd = True
            self.crowd.enter(self._address, self)
        if self._new_bytes:
            size, self._new_bytes = self._new_bytes, 0
            self.crowd.hold(self, size)

    def _end(self) -> None:
        self._incomplete = False
        self._due = None
        self._new_bytes = 0
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if self._in_crowd:
            self._in_crowd = False
            self.crowd.leave(self._address, self)

    def _forget(self) -> None:
        self._end()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _head_is_late(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:  # pyright: ignore[reportUnnecessaryComparison]
            self._set_deadline(HEAD_SECONDS, self._head_is_late)  # the answer to the request before comes first
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)

    def _refuse(self, status: HTTPStatus) -> None:
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
            self._leave()

    def _leave(self) -> None:
        """Closes the connection once the peer has what was written; it has a moment to take it."""
        self._end()
        self.transport.close()
        self._set_deadline(LINGER_SECONDS, self.transport.abort)

    def _set_deadline(self, seconds: float, act: Any) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, act)


def intake_protocol() -> type[IntakeProtocol]:
    """The protocol for one server, whose connections share what there is of room."""
    return type("Intake", (IntakeProtocol,), {"crowd": Crowd()})
