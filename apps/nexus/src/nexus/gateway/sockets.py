"""The sockets of this process, in whichever namespace: who is here, who has gone silent, and who should not be here."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

from engineio.exceptions import SocketIsClosedError
from pydantic import BaseModel, ValidationError
from socketio import packet
from socketio.exceptions import ConnectionRefusedError as Refuse

from nexus.gateway.engine import GOODBYE_SECONDS, Engine, Server
from nexus.gateway.turns import MAX_WAITING, Flooded, Turns
from nexus.gateway.wire import Json, JsonPacket, TooLarge
from nexus.kit.logging import get_logger
from oblivion_protocol import MAX_MESSAGE_BYTES, Refused

log = get_logger(__name__)

MAX_READ_BYTES = 1024 * 1024
"""What is read of a message at all, so that one over the limit can be answered; a larger one ends its connection."""
PING_SECONDS = 10
PONG_SECONDS = 8
CLOSE_SECONDS = 2.0
"""How long a socket has to take its leave when all must go."""
CLOSING_AT_ONCE = 100
SWEEP_SECONDS = 1.0
SILENT_SECONDS = 9.0
"""How long a ping may go unanswered. With a ping every 10 s: gone 20 s after the last sign of life."""
HELLO_SECONDS = 10.0
"""How long a connection may be in no session."""
SLEPT_SECONDS = 3.0
"""A sweep that comes so late says that this process stood still; nobody is blamed for that time."""

Handle = Callable[[str, Any], Awaitable[dict[str, Any]]]
"""(sid, data) → the answer."""


class Sockets:
    """The Socket.IO server, and the attendance of all of its namespaces. A `sid` is one socket in one namespace."""

    def __init__(self, namespaces: Sequence[str]) -> None:
        self.draining = False
        self._place: dict[str, str] = {}
        """The namespace of each socket that was let in."""
        self._since: dict[str, dict[str, float]] = {namespace: {} for namespace in namespaces}
        self._connection_of: dict[str, str] = {}
        self._within_connection: dict[str, tuple[str, ...]] = {}
        """The sockets of each Engine.IO connection: one in each namespace that it was let into."""
        self._silent_since: dict[str, float] = {}
        self._outside_since: dict[str, float] = {}
        """Engine.IO connections that are in no session: not let in yet, or told to go."""
        self._swept_at: float | None = None
        self._hanging_up: dict[str, asyncio.Task[None]] = {}
        self._turns = Turns()
        self.sio: Any = Server(
            async_mode="asgi",
            namespaces=list(namespaces),
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            max_http_buffer_size=MAX_READ_BYTES,
            http_compression=False,
            cors_allowed_origins=[],
            json=Json,
            serializer=JsonPacket,
            logger=False,
            engineio_logger=False,
        )
        self._engine: Engine = self.sio.eio

    def on(self, namespace: str, event: str, handle: Handle) -> None:
        """Has `handle` called for messages that are small enough and not too many, one at a time for each socket."""

        async def handle_in_turn(sid: str, data: Any = None) -> dict[str, Any]:
            if isinstance(data, TooLarge):
                return refused("invalid", f"a message may have {MAX_MESSAGE_BYTES} bytes; shorten it, or link to it")
            try:
                async with self._turns.of(sid):
                    return await handle(sid, data)
            except Flooded:
                return refused("rate_limited", f"{MAX_WAITING} messages wait already; send it again a little later")

        self.sio.on(event, handle_in_turn, namespace=namespace)

    async def turn_away(self, sid: str, namespace: str, environ: dict[str, Any]) -> NoReturn:
        """For who cannot be served here now. Raises Refuse.

        A refusal would be about its token; a connection that breaks is tried again.
        """
        await self._engine.hang_up(self._connection(sid, namespace), environ)
        raise Refuse("unauthorized")

    def enter(self, sid: str, namespace: str) -> None:
        """A socket was let in. Raises Refuse when its peer has gone meanwhile."""
        connection = self._connection(sid, namespace)
        socket = self._engine.sockets.get(connection)
        if socket is None or socket.closed:
            raise Refuse("unauthorized")
        self._place[sid] = namespace
        self._since[namespace][sid] = time.monotonic()
        self._connection_of[sid] = connection
        self._within_connection[connection] = (*self._within_connection.get(connection, ()), sid)

    def leave(self, sid: str) -> None:
        """A socket is gone."""
        namespace = self._place.pop(sid, None)
        if namespace is not None:
            del self._since[namespace][sid]
            connection = self._connection_of.pop(sid)
            others = tuple(one for one in self._within_connection.pop(connection) if one != sid)
            if others:
                self._within_connection[connection] = others
        self._silent_since.pop(sid, None)
        self._turns.forget(sid)

    def within(self, namespace: str) -> Mapping[str, float]:
        """The sockets in a namespace → since when, in monotonic seconds."""
        return self._since[namespace]

    def unsent(self, sid: str) -> int:
        """How many packets wait for a socket's peer to read them."""
        socket = self._engine.sockets.get(self._connection(sid, self._place.get(sid, "")))
        return socket.queue.qsize() if socket is not None else 0

    async def emit(self, sid: str, event: str, payload: Any) -> None:
        """Sends to one socket, which may be gone."""
        if namespace := self._place.get(sid):
            # What `sio.emit` comes to for one socket, without the task that it starts and waits for.
            message = self.sio.packet_class(packet.EVENT, namespace=namespace, data=[event, payload])
            with contextlib.suppress(SocketIsClosedError):
                await self.sio._send_packet(self._connection(sid, namespace), message)

    async def disconnect(self, sid: str) -> None:
        """Tells a socket to go; its peer may still be reading."""
        if namespace := self._place.get(sid):
            await self.sio.disconnect(sid, namespace=namespace)

    async def disconnect_all(self, namespace: str) -> None:
        """Tells every socket of a namespace to go, many at once; who does not read it in time is cut off."""
        leaving = list(self.within(namespace))
        slots = asyncio.Semaphore(CLOSING_AT_ONCE)

        async def close(sid: str) -> None:
            connection = self._connection(sid, namespace)
            environ = self._environ(connection)
            async with slots:
                try:
                    await asyncio.wait_for(self.disconnect(sid), CLOSE_SECONDS)
                except TimeoutError:
                    await self._engine.hang_up(connection, environ)

        await asyncio.gather(*(close(sid) for sid in leaving), return_exceptions=True)

    async def hang_up(self, sid: str) -> None:
        """Ends a socket and its connection at once, whatever its peer reads or answers."""
        connection = self._connection(sid, self._place.get(sid, ""))
        environ = self._environ(connection)
        await self.disconnect(sid)
        await self._engine.hang_up(connection, environ)

    def accept_no_more(self) -> None:
        """From now on whoever comes is sent to another process."""
        self.draining = True
        self._engine.accepting = False

    async def sweep(self, now: float) -> None:
        """Ends what is silent, and what is connected and in no session."""
        self._forgive_own_sleep(now)
        for sid in self.unanswered_pings(now):
            log.info("socket.silent", sid=sid, namespace=self._place[sid])
            await self.hang_up(sid)
        self._cut_off_outsiders(now)

    def unanswered_pings(self, now: float) -> list[str]:
        """Sockets whose last ping has waited too long for its pong, by a monotonic clock."""
        waiting = [sid for one in self._engine.unanswered for sid in self._within_connection.get(one, ())]
        self._silent_since = {sid: self._silent_since.get(sid, now) for sid in waiting}
        return [sid for sid, since in self._silent_since.items() if now - since > SILENT_SECONDS]

    def _forgive_own_sleep(self, now: float) -> None:
        """A process that was stopped, or swapped out, finds pongs that it could not read in time."""
        late = 0.0 if self._swept_at is None else now - self._swept_at - SWEEP_SECONDS
        self._swept_at = now
        if late > SLEPT_SECONDS:
            log.warning("gateway.slept", seconds=round(late, 1))
            for since in (*self._since.values(), self._silent_since, self._outside_since):
                for one in since:
                    since[one] += late

    def _cut_off_outsiders(self, now: float) -> None:
        """Socket.IO only asks a client to leave; one that stays keeps its connection until we close it."""
        outside = self._engine.sockets.keys() - self._within_connection.keys()
        self._outside_since = {one: self._outside_since.get(one, now) for one in outside}
        for one, since in self._outside_since.items():
            if now - since > HELLO_SECONDS and one not in self._hanging_up:
                self._hanging_up[one] = asyncio.create_task(self._cut_off(one))

    async def _cut_off(self, connection: str) -> None:
        """Says goodbye in words, to a peer that may read nothing; then hangs up."""
        environ = self._environ(connection)
        try:
            if "asgi.send" in environ:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(GOODBYE_SECONDS):
                        await environ["asgi.send"]({"type": "websocket.close", "code": 1008})
            await self._engine.hang_up(connection, environ)
        finally:
            del self._hanging_up[connection]

    def _connection(self, sid: str, namespace: str) -> str:
        """The Engine.IO connection of a socket; of one that is gone, a name that no connection has."""
        return self.sio.manager.eio_sid_from_sid(sid, namespace) or ""

    def _environ(self, connection: str) -> dict[str, Any]:
        return self.sio.environ.get(connection, {})


def parsed_refusal(error: ValidationError) -> dict[str, Any]:
    """An answer that says what is wrong with a message."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return refused("invalid", f"{where}: {first['msg']}" if where else first["msg"])


def refused(code: Any, detail: str) -> dict[str, Any]:
    """An answer that says no."""
    answer: BaseModel = Refused(code=code, detail=detail)
    return answer.model_dump()
