"""Socket Mode: the hub's connections, and envelopes that must be acknowledged."""

import asyncio
import secrets
import time
import uuid
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from oblivion_sandbox import seed
from oblivion_sandbox.jsontypes import JsonObject, decode_object, encode
from oblivion_sandbox.outgoing import Answer

TICKET_SECONDS = 30
MAX_CONNECTIONS = 10
HOST = {"host": "applink-sandbox"}
CONNECTION_INFO = {"app_id": seed.SLACK_APP_ID}


@dataclass(eq=False, slots=True)
class _Connection:
    socket: WebSocket
    acks: dict[str, asyncio.Future[None]] = field(default_factory=dict[str, "asyncio.Future[None]"])


class Sockets:
    """At most ten connections; an envelope goes to the one that was used longest ago."""

    def __init__(self) -> None:
        self._tickets: dict[str, float] = {}
        self._connections: list[_Connection] = []

    @property
    def is_open(self) -> bool:
        """Whether there is a connection to send on."""
        return bool(self._connections)

    @property
    def count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def ticket(self) -> str:
        """A ticket for one connection, good for 30 s."""
        ticket = secrets.token_urlsafe(12)
        self._tickets[ticket] = time.monotonic() + TICKET_SECONDS
        return ticket

    async def serve(self, socket: WebSocket) -> None:
        """Talk to one connection until it ends."""
        deadline = self._tickets.pop(socket.query_params.get("ticket", ""), 0.0)
        if time.monotonic() > deadline or self.count >= MAX_CONNECTIONS:
            await socket.close(1008)
            return
        await socket.accept()
        connection = _Connection(socket)
        self._connections.append(connection)
        hello = {
            "type": "hello",
            "num_connections": self.count,
            "debug_info": HOST | {"build_number": 10, "approximate_connection_time": 18060},
            "connection_info": CONNECTION_INFO,
        }
        try:
            await socket.send_text(encode(hello).decode())
            while True:
                message = decode_object(await socket.receive_text()) or {}
                ack = connection.acks.get(str(message.get("envelope_id")))
                if ack is not None and not ack.done():
                    ack.set_result(None)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            if connection in self._connections:
                self._connections.remove(connection)

    async def send(self, kind: str, payload: JsonObject, attempt: int, reason: str, timeout_seconds: float) -> Answer:
        """Send one envelope and wait for its acknowledgement. A resend has a new envelope_id."""
        if not self._connections:
            return Answer(None, "connection_failed", 0.0, {}, b"")
        connection = self._connections.pop(0)
        self._connections.append(connection)
        envelope_id = str(uuid.uuid4())
        envelope: JsonObject = {"envelope_id": envelope_id, "payload": payload, "type": kind}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        ack = connection.acks[envelope_id] = asyncio.get_running_loop().create_future()
        started = time.perf_counter()
        outcome = "ok"
        try:
            async with asyncio.timeout(timeout_seconds):
                await connection.socket.send_text(encode(envelope).decode())
                await ack
        except TimeoutError:
            outcome = "timeout"
        except (WebSocketDisconnect, RuntimeError):
            outcome = "connection_failed"
        finally:
            del connection.acks[envelope_id]
        ms = (time.perf_counter() - started) * 1000
        return Answer(200 if outcome == "ok" else None, outcome, ms, {}, b"")

    async def disconnect(self, reason: str) -> int:
        """Ask every connection to go, as Slack does before it closes one; returns how many there were."""
        leaving, self._connections = self._connections, []
        notice = {"type": "disconnect", "reason": reason, "num_connections": len(leaving), "debug_info": HOST}
        for connection in leaving:
            if connection.socket.client_state is WebSocketState.CONNECTED:
                await connection.socket.send_text(encode(notice | {"connection_info": CONNECTION_INFO}).decode())
                await connection.socket.close(1000)
        return len(leaving)
