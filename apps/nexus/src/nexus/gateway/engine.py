"""Engine.IO as the gateway uses it: WebSocket only, a way to hang up for good, and no time of day anywhere."""

import asyncio
import contextlib
import time
from typing import Any

import engineio
import socketio
from engineio import packet
from engineio.async_socket import AsyncSocket
from engineio.exceptions import SocketIsClosedError, UnknownPacketError

from nexus.kit.logging import get_logger

log = get_logger(__name__)

GOODBYE_SECONDS = 2.0
"""How long a peer may take to answer our closing of its WebSocket; uvicorn alone would wait for 10 s."""
RETRY_AFTER_SECONDS = 1


class Transport(AsyncSocket):
    """One WebSocket. Whether its peer is still there is the sweep's business alone."""

    server: Any
    queue: Any
    last_ping: Any
    close: Any
    receive: Any

    async def check_ping_timeout(self) -> bool:
        """Engine.IO calls this before it sends anything, and would decide by the time of day: a clock that is set
        forward by an hour would drop every socket, one that is set back would keep the dead. `last_ping` stays what
        it is, a mark that a ping waits for its pong; the gateway's sweep measures for how long, by a steady clock.
        """
        if self.closed:
            raise SocketIsClosedError
        return True

    def schedule_ping(self) -> None:
        """Pings once the period has passed since the last pong; a timer costs less than a task that sleeps."""
        if self.last_ping:
            self.last_ping = None
            self.server.unanswered.discard(self.sid)
            asyncio.get_running_loop().call_later(self.server.ping_interval, self._ping)

    def _ping(self) -> None:
        if not self.closing and not self.closed:
            self.last_ping = time.time()
            self.server.unanswered.add(self.sid)
            self.queue.put_nowait(packet.Packet(packet.PING))

    async def _websocket_handler(self, ws: Any) -> None:
        """Reads until the peer or we end it.

        The library's own version starts a task and a timer for each message that it waits for, and a timer for each
        that it sends, to end what is silent; here that is the sweep's business.
        """
        self.connected = self.upgraded = True
        writer = asyncio.create_task(self._write(ws))
        try:
            while message := await ws.wait():
                if len(message) > self.server.max_http_buffer_size:
                    break
                received = packet.Packet(encoded_packet=message)
                try:
                    await self.receive(received)
                except UnknownPacketError:
                    pass
                except SocketIsClosedError:
                    break
                except Exception:
                    log.exception("socket.receive_failed")
        except (OSError, asyncio.CancelledError):
            pass  # it has gone, or was told to
        await self.queue.put(None)  # ends the writer
        await writer
        await self.close(wait=False, abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    async def _write(self, ws: Any) -> None:
        """Sends what is in the queue until there is a None."""
        while True:
            message = await self.queue.get()
            self.queue.task_done()
            if message is None:
                break
            try:
                await ws.send(message.encode())
            except Exception:
                break
        await ws.close()


class Engine(engineio.AsyncServer):
    """Engine.IO server whose connections end when, and as soon as, we say so."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, transports=["websocket"], monitor_clients=False)  # pyright: ignore[reportUnknownMemberType]
        self.sockets: dict[str, Any]
        self.accepting = True
        self.unanswered: set[str] = set()
        """Connections whose ping waits for its pong: few, so that the sweep need not look at all."""

    async def handle_request(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        """Serves one connection, or refuses it while this process is about to stop.

        Refused as a server that cannot be reached is, before there is a session: every Socket.IO client tries again
        by itself then, and meets another process. A refused namespace would be final to most of them.
        """
        if not self.accepting and scope["type"] == "websocket":
            return await _unavailable(receive, send)
        return await super().handle_request(scope, receive, send)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    async def hang_up(self, connection: str, environ: dict[str, Any]) -> None:
        """Ends a connection at once, whatever its peer reads or answers."""
        socket = self.sockets.get(connection)
        if socket is not None:
            await socket.close(wait=False, abort=True)
            socket.queue.put_nowait(None)
        _abort(environ)

    async def _handle_connect(self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None) -> Any:
        """One connection from its first byte to its last.

        The library's own version makes its sockets itself, and forgets to close one whose peer sends a packet that
        cannot be read: its agent would seem online until the next ping is missed.
        """
        connection: str = self.generate_id()
        socket: Any = Transport(self, connection)
        self.sockets[connection] = socket
        try:
            opening: dict[str, Any] = {
                "sid": connection,
                "upgrades": [],
                "pingInterval": int(self.ping_interval * 1000),  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
                "pingTimeout": int(self.ping_timeout * 1000),
                "maxPayload": self.max_http_buffer_size,
            }
            await socket.send(packet.Packet(packet.OPEN, opening))
            await self._trigger_event("connect", connection, environ)  # pyright: ignore[reportUnknownMemberType]
            socket.schedule_ping()
            return await socket.handle_get_request(environ)
        except (ValueError, IndexError) as error:
            log.info("socket.unreadable", error=error)
            return ""
        finally:
            await socket.close(wait=False, abort=True)
            socket.queue.put_nowait(None)  # ends the writer
            self.sockets.pop(connection, None)
            self.unanswered.discard(connection)
            asyncio.get_running_loop().call_later(GOODBYE_SECONDS, _abort, environ)


class Server(socketio.AsyncServer):
    """Socket.IO on our Engine."""

    def _engineio_server_class(self) -> type[Engine]:
        return Engine


def _abort(environ: dict[str, Any]) -> None:
    """Drops the TCP connection together with what is still to be sent to a peer that reads nothing.

    ASGI has no word for that: closing means to send everything first. The ASGI server's protocol object has; with
    a server whose object we do not know, the operating system gives up some minutes later.
    """
    transport: Any = getattr(getattr(environ.get("asgi.send"), "__self__", None), "transport", None)
    with contextlib.suppress(AttributeError, RuntimeError):
        transport.abort()


async def _unavailable(receive: Any, send: Any) -> None:
    await receive()
    headers = [(b"retry-after", str(RETRY_AFTER_SECONDS).encode()), (b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"This process is stopping; try again.\n"})
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            # One says that the response is sent, one that the connection is gone: to return earlier is an error to
            # uvicorn, which would log it for each agent that comes.
            await receive()
            await receive()
