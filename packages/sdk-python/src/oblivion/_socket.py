"""One websocket to Nexus, used once. The only module that knows python-socketio."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit

from oblivion.errors import OblivionError, Unreachable

NAMESPACE = "/agents"
OPEN_TIMEOUT_SECONDS = 15.0
CALL_TIMEOUT_SECONDS = 10.0

Frame = Mapping[str, object]

_transport_log = logging.getLogger("oblivion.transport")
# Below this level the libraries log whole packets, tokens included.
_transport_log.setLevel(logging.ERROR)


class HandshakeRefused(OblivionError):
    """Nexus refused the connection; `code` is one of the protocol's `HandshakeCode`, or a newer word."""

    def __init__(self, code: str) -> None:
        super().__init__(f"Nexus refused the connection: {code}")
        self.code = code


class _Utf8Json:
    """The default makes each non-ASCII character six bytes: some languages would hit the limit early."""

    @staticmethod
    def dumps(value: object, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=False, **options)

    @staticmethod
    def loads(text: str, **options: Any) -> Any:
        return json.loads(text, **options)


def size_bytes(frame: Frame) -> int:
    """How large a frame is on the wire, without the few bytes of its envelope."""
    return len(_Utf8Json.dumps(frame, separators=(",", ":")).encode())


class AnySocket(Protocol):
    """What a connection needs of a websocket; the methods of `Socket`."""

    async def open(self, uri: str, token: str) -> None:
        """Connects. Raises `HandshakeRefused` or `Unreachable`."""
        ...

    async def call(self, name: str, frame: Frame) -> object:
        """Sends a command and returns its answer, or raises `Unreachable`."""
        ...

    async def emit(self, name: str, frame: Frame) -> None:
        """Sends a command that needs no answer."""
        ...

    async def settled(self) -> None:
        """Returns when no call waits for its answer."""
        ...

    async def close(self) -> None:
        """Leaves."""
        ...


SocketFactory = Callable[[Callable[[str, object], None], Callable[[], None]], AnySocket]
"""From what is called with each event, and what is called when the socket is lost."""


class Socket:
    """Opens, calls, closes. When it is lost, every call under way raises `Unreachable` at once."""

    def __init__(self, on_event: Callable[[str, object], None], on_closed: Callable[[], None]) -> None:
        self._on_event = on_event
        self._on_closed = on_closed
        self._closed = False
        self._refusal: str | None = None
        self._pending: set[asyncio.Future[object]] = set()
        # Neither library is typed; `Any` stops here. Imported late: they take half a second.
        self._socketio: Any = import_module("socketio")
        packet: Any = self._socketio.packet.Packet
        self._client: Any = self._socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            logger=_transport_log,
            engineio_logger=_transport_log,
            # A subclass, because the client's own `json` option changes the class for the whole process.
            serializer=type("Utf8Packet", (packet,), {"json": _Utf8Json}),
            http_session=self._http_session,
        )
        self._http: Any = None
        self._client.on("connect_error", self._refused, namespace=NAMESPACE)
        self._client.on("disconnect", self._lost, namespace=NAMESPACE)
        self._client.on("*", self._received, namespace=NAMESPACE)

    async def open(self, uri: str, token: str) -> None:
        """Connects. Events may arrive before this returns. Raises `HandshakeRefused` or `Unreachable`."""
        path = f"{urlsplit(uri).path}/socket.io"
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_SECONDS):
                await self._client.connect(
                    uri,
                    auth={"token": token},
                    transports=["websocket"],
                    namespaces=[NAMESPACE],
                    socketio_path=path,
                    wait_timeout=OPEN_TIMEOUT_SECONDS,
                )
        except Exception as error:
            # Not only the library's own errors: what a proxy answers instead of Nexus breaks its parser.
            if self._refusal is not None:
                raise HandshakeRefused(self._refusal) from error
            raise Unreachable(f"No websocket to {uri}: {error or type(error).__name__}") from error

    async def call(self, name: str, frame: Frame) -> object:
        """Sends a command and returns its answer. `Unreachable` says nothing about its effect."""
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()

        def settle(*values: object) -> None:
            if not answer.done():
                answer.set_result(values[0] if values else None)

        self._pending.add(answer)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
                await self._emit(name, frame, settle)
                return await answer
        except TimeoutError as error:
            raise Unreachable(f"No answer to {name} within {CALL_TIMEOUT_SECONDS:g} s") from error
        finally:
            self._pending.discard(answer)

    async def emit(self, name: str, frame: Frame) -> None:
        """Sends a command that needs no answer."""
        await self._emit(name, frame, None)

    async def settled(self) -> None:
        """Returns when no call waits for its answer any more, or waited in vain."""
        if self._pending:
            await asyncio.wait(self._pending, timeout=CALL_TIMEOUT_SECONDS)

    async def close(self) -> None:
        """Leaves in order; safe at any time."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
                await self._client.disconnect()
        except TimeoutError:
            _transport_log.debug("socket.close_timeout")
        finally:
            self._lost()
            if self._http is not None:
                await self._http.close()

    async def _http_session(self) -> Any:
        aiohttp: Any = import_module("aiohttp")
        self._http = aiohttp.ClientSession(trust_env=True)
        return self._http

    async def _emit(self, name: str, frame: Frame, callback: Callable[..., None] | None) -> None:
        if self._closed:
            raise Unreachable("The connection is closed")
        try:
            await self._client.emit(name, dict(frame), namespace=NAMESPACE, callback=callback)
        except self._socketio.exceptions.SocketIOError as error:
            self._lost()
            raise Unreachable("The connection is closed") from error

    def _received(self, name: str, *values: object) -> None:
        self._on_event(name, values[0] if values else None)

    def _refused(self, reason: object = None) -> None:
        match reason:
            case {"message": str(code)}:
                self._refusal = code
            case _:
                # The websocket itself failed: that is no refusal by Nexus.
                self._refusal = None

    def _lost(self, _reason: object = None) -> None:
        if self._closed:
            return
        self._closed = True
        for answer in self._pending:
            if not answer.done():
                answer.set_exception(Unreachable("The connection was lost"))
        self._on_closed()
