"""A socket without a network, and a way to hurt any socket."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Protocol

from oblivion._socket import AnySocket, Frame, SocketFactory, size_bytes
from oblivion.errors import Unreachable
from oblivion_protocol import MAX_MESSAGE_BYTES

Received = Callable[[str, object], None]
Closed = Callable[[], None]


class Hub(Protocol):
    """The Nexus behind the socket."""

    def connected(self, peer: "FakeSocket", token: str) -> None:
        """Somebody connects. Raises `HandshakeRefused` or `Unreachable`."""
        ...

    def command(self, peer: "FakeSocket", name: str, frame: dict[str, Any]) -> dict[str, Any]:
        """Carries out a command; its answer."""
        ...

    def disconnected(self, peer: "FakeSocket") -> None:
        """A socket is gone."""
        ...


class FakeSocket:
    """Carries the same JSON as a websocket, from one coroutine to another."""

    def __init__(self, hub: Hub, on_event: Received, on_closed: Closed) -> None:
        self._hub = hub
        self._on_event = on_event
        self._on_closed = on_closed
        self._open = False

    async def open(self, uri: str, token: str) -> None:
        """Connects."""
        await asyncio.sleep(0)
        self._hub.connected(self, token)
        self._open = True

    async def call(self, name: str, frame: Frame) -> object:
        """Sends a command and returns its answer."""
        await asyncio.sleep(0)
        if not self._open:
            raise Unreachable("The connection is closed")
        if size_bytes(frame) > MAX_MESSAGE_BYTES:
            self.hang_up()
            raise Unreachable("Nexus closed the connection: the message is over its limit")
        answer = self._hub.command(self, name, _over_the_wire(frame))
        await asyncio.sleep(0)
        # The hub may have closed the socket instead of answering.
        if not self._open:
            raise Unreachable("The connection was lost")
        return _over_the_wire(answer)

    async def emit(self, name: str, frame: Frame) -> None:
        """Sends a command and does not wait for its answer."""
        await self.call(name, frame)

    async def settled(self) -> None:
        """Nothing is ever left over: a call ends with its coroutine."""

    async def close(self) -> None:
        """Leaves."""
        self.hang_up()

    def push(self, name: str, data: Frame) -> None:
        """Nexus sends an event."""
        asyncio.get_running_loop().call_soon(self._push, name, _over_the_wire(data))

    def hang_up(self) -> None:
        """The connection ends, whoever wanted it."""
        if self._open:
            self._open = False
            self._hub.disconnected(self)
            self._on_closed()

    def _push(self, name: str, data: dict[str, Any]) -> None:
        if self._open:
            self._on_event(name, data)


class Faults:
    """What shall happen to the sockets of one agent, and the one that is open."""

    def __init__(self, socket: SocketFactory) -> None:
        self._socket = socket
        self._before: dict[str, Callable[[], None]] = {}
        self._after: dict[str, Callable[[], None]] = {}
        self.blocked = False
        """While true, no connection can be made."""
        self._open: FragileSocket | None = None

    def socket(self, on_event: Received, on_closed: Closed) -> AnySocket:
        """A `SocketFactory`: as the real one, but it can be hurt."""
        self._open = FragileSocket(self, self._socket, on_event, on_closed)
        return self._open

    def before(self, command: str, act: Callable[[], None]) -> None:
        """Once, when this command is about to be sent, and before it has any effect."""
        self._before[command] = act

    def after(self, command: str, act: Callable[[], None]) -> None:
        """Once, when this command has had its effect, and before its answer is read."""
        self._after[command] = act

    def about_to_send(self, command: str) -> None:
        """A command is on its way."""
        if act := self._before.pop(command, None):
            act()

    def took_effect(self, command: str) -> None:
        """A command was carried out."""
        if act := self._after.pop(command, None):
            act()

    async def call(self, name: str, frame: Frame) -> object:
        """Sends a frame over the socket that is open; its answer."""
        if self._open is None:
            raise Unreachable("Not connected")
        return await self._open.call(name, frame)

    def cut(self) -> None:
        """The network fails: nobody says goodbye."""
        if self._open is not None:
            self._open.cut()


class FragileSocket:
    """A socket that loses its connection on demand."""

    def __init__(self, faults: Faults, socket: SocketFactory, on_event: Received, on_closed: Closed) -> None:
        self._faults = faults
        self._on_event = on_event
        self._on_closed = on_closed
        self._lost = False
        self._inner = socket(self._received, self._closed)

    async def open(self, uri: str, token: str) -> None:
        """Connects."""
        if self._faults.blocked:
            raise Unreachable("The network is cut")
        await self._inner.open(uri, token)

    async def call(self, name: str, frame: Frame) -> object:
        """Sends a command and returns its answer."""
        self._faults.about_to_send(name)
        if self._lost:
            raise Unreachable("The connection is closed")
        answer = await self._inner.call(name, frame)
        self._faults.took_effect(name)
        if self._lost:
            raise Unreachable("The connection was lost")
        return answer

    async def emit(self, name: str, frame: Frame) -> None:
        """Sends a command and does not wait for its answer."""
        if self._lost:
            raise Unreachable("The connection is closed")
        await self._inner.emit(name, frame)

    async def settled(self) -> None:
        """Returns when no call waits for its answer."""
        if not self._lost:
            await self._inner.settled()

    async def close(self) -> None:
        """Leaves."""
        await self._inner.close()

    def cut(self) -> None:
        """Nothing comes in or goes out any more."""
        if not self._lost:
            self._lost = True
            self._on_closed()

    def _received(self, name: str, data: object) -> None:
        if not self._lost:
            self._on_event(name, data)

    def _closed(self) -> None:
        self.cut()


def _over_the_wire(frame: Frame) -> dict[str, Any]:
    return json.loads(json.dumps(frame))
