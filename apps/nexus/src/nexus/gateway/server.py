"""Socket.IO, namespace `/agents`: handshake, hello, commands, and sweeping out the silent."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import socketio
from pydantic import BaseModel, ValidationError
from socketio.exceptions import ConnectionRefusedError as Refuse

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.tokens import Principal, Tokens
from nexus.doorbell import Bells
from nexus.gateway.presence import Presence
from nexus.gateway.sessions import AgentRevoked, LiveSession, Sessions
from nexus.gateway.sink import AgentSink
from nexus.gateway.wire import Json, JsonPacket
from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.store.database import Database, is_unavailable
from nexus.tasks import mailbox
from nexus.tasks.commands import AgentCommands, SessionReplaced, check_session
from nexus.tasks.rules import HEARTBEAT_SECONDS, LEASE_SECONDS
from oblivion_protocol import (
    AGENT,
    MAX_MESSAGE_BYTES,
    TASK_COMMANDS,
    Ack,
    AuthRefresh,
    AuthRefreshRequested,
    Hello,
    HelloAnswer,
    Refused,
    ServerDraining,
    TaskCommand,
)

log = get_logger(__name__)

NAMESPACE = "/agents"
PING_SECONDS = 10
PONG_SECONDS = 8
SWEEP_SECONDS = 1.0
TOUCH_SECONDS = 5.0
SILENT_SECONDS = 9.0
"""How long a ping may go unanswered. With a ping every 10 s: gone 20 s after the last sign of life."""
HELLO_SECONDS = 10.0
REFRESH_BEFORE_SECONDS = 90
PUMP_SECONDS = 1.0


class Gateway:
    """The sockets of this process."""

    def __init__(
        self,
        db: Database,
        tokens: Tokens,
        commands: AgentCommands,
        sessions: Sessions,
        presence: Presence,
        bells: Bells,
        clock: Clock,
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._commands = commands
        self._sessions = sessions
        self._presence = presence
        self._bells = bells
        self._clock = clock
        self._principals: dict[str, Principal] = {}
        self._connected_at: dict[str, float] = {}
        self._live: dict[str, LiveSession] = {}
        self._silent_since: dict[str, float] = {}
        self._outside_since: dict[str, float] = {}
        """Engine.IO connections that are in no session: not let in yet, or told to go."""
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Each socket's messages take effect one at a time, in the order in which they were sent."""
        self._touched_at = 0.0
        self._hanging_up: set[asyncio.Task[None]] = set()
        self._pump_wake = asyncio.Event()
        self._draining = False
        self.sio: Any = socketio.AsyncServer(
            async_mode="asgi",
            namespaces=[NAMESPACE],
            transports=["websocket"],
            ping_interval=PING_SECONDS,
            ping_timeout=PONG_SECONDS,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            http_compression=False,
            cors_allowed_origins=[],
            json=Json,
            serializer=JsonPacket,
            logger=False,
            engineio_logger=False,
        )
        self._sink = AgentSink(db, self._emit)
        self._register()
        bells.on("agents", self._pump_wake.set)

    @property
    def draining(self) -> bool:
        """Whether this process is about to stop."""
        return self._draining

    @property
    def online(self) -> int:
        """Agent processes connected here."""
        return len(self._live)

    async def run(self) -> None:
        """Sends what is due and sweeps; runs until cancelled."""
        await asyncio.gather(self._pump_loop(), self._sweep_loop())

    async def drain(self, spread_seconds: float) -> None:
        """Tells every agent to come back elsewhere, spread over some seconds."""
        self._draining = True
        for index, sid in enumerate(list(self._live)):
            wait = spread_seconds * (index + 1) / (len(self._live) or 1)
            message = ServerDraining(reconnect_after_seconds=round(wait, 3))
            await self.sio.emit("server.draining", message.model_dump(), to=sid, namespace=NAMESPACE)

    async def close_all(self) -> None:
        """Closes every socket that is still open."""
        for sid in list(self._connected_at):
            await self.sio.disconnect(sid, namespace=NAMESPACE)

    def _register(self) -> None:
        on: Callable[..., Any] = self.sio.on
        on("connect", self._connect, namespace=NAMESPACE)
        on("disconnect", self._disconnect, namespace=NAMESPACE)
        on("hello", self._hello, namespace=NAMESPACE)
        on("ack", self._ack, namespace=NAMESPACE)
        on("auth.refresh", self._refresh, namespace=NAMESPACE)
        for name, model in TASK_COMMANDS.items():
            on(name, self._command_handler(name, model), namespace=NAMESPACE)

    async def _connect(self, sid: str, _environ: dict[str, Any], auth: Any = None) -> None:
        if self._draining:
            raise Refuse("unauthorized", {"detail": "this process is stopping; try again"})
        try:
            given = AuthRefresh.model_validate(auth)
        except ValidationError as error:
            raise Refuse("unauthorized") from error
        self._principals[sid] = await self._admit(given.token)
        self._connected_at[sid] = time.monotonic()

    async def _admit(self, token: str) -> Principal:
        try:
            principal = await self._tokens.verify(token)
        except TokenExpired as error:
            raise Refuse("token_expired") from error
        except TokenInvalid as error:
            raise Refuse("unauthorized") from error
        if AGENT not in principal.scopes or principal.agent_id is None:
            raise Refuse("forbidden")
        return principal

    async def _disconnect(self, sid: str, *_reason: Any) -> None:
        self._principals.pop(sid, None)
        self._connected_at.pop(sid, None)
        self._silent_since.pop(sid, None)
        self._turns.pop(sid, None)
        session = self._live.pop(sid, None)
        if session is not None:
            await self._leave(session)

    async def _leave(self, session: LiveSession) -> None:
        log.info("agent.disconnected", agent_id=str(session.caller.agent_id), instance=session.caller.instance)
        await self._presence.hide(session)
        try:
            await self._sessions.close(session)
        except Exception as error:
            # Its `last_seen_at` stops moving, which says the same half a minute later.
            log.warning("session.not_closed", error=error)

    async def _hello(self, sid: str, data: Any = None) -> dict[str, Any]:
        async with self._turns[sid]:
            return await self._greet(sid, data)

    async def _greet(self, sid: str, data: Any) -> dict[str, Any]:
        principal = self._principals.get(sid)
        if principal is None or principal.agent_id is None:
            return _refused("invalid", "not connected")
        try:
            hello = Hello.model_validate(data)
            opened = await self._sessions.open(sid, principal.tenant_id, principal.agent_id, hello)
        except ValidationError as error:
            return _refused("invalid", _why(error))
        except AgentRevoked:
            await self.sio.disconnect(sid, namespace=NAMESPACE)
            return _refused("not_found", "this agent was revoked")
        except Exception as error:
            return self._unavailable("hello", error)
        caller = opened.session.caller
        for older in [one for one in self._live.values() if _same_process(one, opened.session) and one.sid != sid]:
            await self.sio.disconnect(older.sid, namespace=NAMESPACE)
        former = self._live.pop(sid, None)
        if former is not None and not _same_process(former, opened.session):
            await self._leave(former)
        if sid in self._principals:
            self._live[sid] = opened.session
        await self._presence.show([opened.session])
        log.info("agent.connected", agent_id=str(caller.agent_id), instance=caller.instance, skills=list(hello.skills))
        self._pump_wake.set()
        self._bells.ring("dispatch")
        return HelloAnswer(
            agent_id=str(caller.agent_id),
            session_epoch=caller.session_epoch,
            confirmed=opened.confirmed,
            revoked=opened.revoked,
            replayed=opened.replayed,
            lease_seconds=LEASE_SECONDS,
            heartbeat_seconds=HEARTBEAT_SECONDS,
        ).model_dump(mode="json")

    async def _ack(self, sid: str, data: Any = None) -> dict[str, Any]:
        async with self._turns[sid]:
            return await self._acknowledge(sid, data)

    async def _acknowledge(self, sid: str, data: Any) -> dict[str, Any]:
        session = self._live.get(sid)
        if session is None:
            return _refused("invalid", "say hello first")
        try:
            ack = Ack.model_validate(data)
            async with self._db.tenant(session.caller.tenant_id) as transaction:
                await check_session(transaction, session.caller)
                await mailbox.acknowledge(
                    transaction, session.caller.agent_id, session.caller.instance, ack.seq, self._clock.now()
                )
        except ValidationError as error:
            return _refused("invalid", _why(error))
        except SessionReplaced:
            return await self._replaced(sid)
        except Exception as error:
            return self._unavailable("ack", error)
        self._sink.acknowledged(session, ack.seq)
        return {"ok": True}

    async def _refresh(self, sid: str, data: Any = None) -> dict[str, Any]:
        current = self._principals.get(sid)
        try:
            renewed = await self._admit(AuthRefresh.model_validate(data).token)
        except ValidationError as error:
            return _refused("invalid", _why(error))
        except Refuse as error:
            return _refused("invalid", str(error))
        if current is None or renewed.agent_id != current.agent_id:
            return _refused("invalid", "the token belongs to another agent")
        self._principals[sid] = renewed
        return {"ok": True}

    def _command_handler(self, name: str, model: type[TaskCommand]) -> Callable[..., Any]:
        async def handle(sid: str, data: Any = None) -> dict[str, Any]:
            async with self._turns[sid]:
                return await carry_out(sid, data)

        async def carry_out(sid: str, data: Any) -> dict[str, Any]:
            session = self._live.get(sid)
            if session is None:
                return _refused("invalid", "say hello first")
            try:
                command = model.model_validate(data)
                answer: BaseModel = await self._commands.carry_out(session.caller, name, command)
            except ValidationError as error:
                return _refused("invalid", _why(error))
            except SessionReplaced:
                return await self._replaced(sid)
            except Exception as error:
                return self._unavailable(name, error)
            if name != "task.heartbeat":
                self._bells.ring("deliveries")
            if name in ("task.reject", "task.complete", "task.fail"):
                self._bells.ring("dispatch")
            return answer.model_dump(mode="json")

        return handle

    async def _replaced(self, sid: str) -> dict[str, Any]:
        await self.sio.disconnect(sid, namespace=NAMESPACE)
        return _refused("stale_epoch", "another connection of this process has taken over")

    def _unavailable(self, what: str, error: Exception) -> dict[str, Any]:
        if is_unavailable(error):
            log.warning("database.away", during=what, error=error)
        else:
            log.error("gateway.failed", during=what, exc_info=error)
        return _refused("rate_limited", "not possible at this moment; send it again with the same event_id")

    async def _emit(self, sid: str, event: str, payload: dict[str, Any]) -> None:
        await self.sio.emit(event, payload, to=sid, namespace=NAMESPACE)

    async def _pump_loop(self) -> None:
        while True:
            self._pump_wake.clear()
            try:
                await self._sink.pump(dict(self._live))
            except Exception as error:
                self._unavailable("pump", error)
            try:
                await asyncio.wait_for(self._pump_wake.wait(), PUMP_SECONDS)
            except TimeoutError:
                continue

    async def _sweep_loop(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)  # the period of the sweep; there is no event to wait for
            try:
                await self._sweep()
            except Exception as error:
                self._unavailable("sweep", error)

    async def _sweep(self) -> None:
        now = time.monotonic()
        for sid, since in list(self._connected_at.items()):
            if sid not in self._live and now - since > HELLO_SECONDS:
                log.info("agent.never_said_hello", sid=sid)
                await self.sio.disconnect(sid, namespace=NAMESPACE)
        for sid in self._unanswered_pings(now):
            log.info("agent.silent", sid=sid)
            await self.sio.disconnect(sid, namespace=NAMESPACE)
        for sid, principal in list(self._principals.items()):
            left = (principal.expires_at - self._clock.now()).total_seconds()
            if left <= 0:
                log.info("agent.token_expired", sid=sid)
                await self.sio.disconnect(sid, namespace=NAMESPACE)
            elif left < REFRESH_BEFORE_SECONDS:
                request = AuthRefreshRequested(expires_in=int(left))
                await self._emit(sid, "auth.refresh", request.model_dump())
        await self._cut_off_outsiders(now)
        if now - self._touched_at < TOUCH_SECONDS:
            return
        self._touched_at = now
        alive = list(self._live.values())
        for sid in await self._sessions.touch(alive):
            log.info("agent.replaced", sid=sid)
            await self.sio.disconnect(sid, namespace=NAMESPACE)
        await self._presence.show([one for one in alive if one.sid in self._live])

    async def _cut_off_outsiders(self, now: float) -> None:
        """Socket.IO only asks a client to leave; one that stays keeps its connection until we close it."""
        connections: dict[str, Any] = self.sio.eio.sockets
        inside = {self.sio.manager.eio_sid_from_sid(sid, NAMESPACE) for sid in self._connected_at}
        outside = set(connections) - inside
        self._outside_since = {one: self._outside_since.get(one, now) for one in outside}
        for one, since in self._outside_since.items():
            if now - since > HELLO_SECONDS:
                await self._cut_off(one)

    async def _cut_off(self, connection: str) -> None:
        environ: dict[str, Any] = self.sio.environ.get(connection, {})
        socket: Any = self.sio.eio.sockets.get(connection)
        if socket is None:
            return
        await socket.close(wait=False)  # waiting for its queue would be waiting for a peer that may read nothing
        close = environ.get("asgi.send")
        if close is not None:  # Engine.IO says goodbye, and would then wait for the other side to hang up
            task = asyncio.create_task(self._hang_up(close))
            self._hanging_up.add(task)
            task.add_done_callback(self._hanging_up.discard)

    @staticmethod
    async def _hang_up(close: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(close({"type": "websocket.close", "code": 1008}), HELLO_SECONDS)

    def _unanswered_pings(self, now: float) -> list[str]:
        """Sockets whose last ping has waited too long for its pong, by a monotonic clock.

        Engine.IO's own check uses the time of day: a step of the clock would drop everybody, or nobody.
        """
        silent: list[str] = []
        for sid in list(self._connected_at):
            eio_sid: str | None = self.sio.manager.eio_sid_from_sid(sid, NAMESPACE)
            socket: Any = self.sio.eio.sockets.get(eio_sid) if eio_sid else None
            if socket is None or socket.last_ping is None:
                self._silent_since.pop(sid, None)
            elif now - self._silent_since.setdefault(sid, now) > SILENT_SECONDS:
                silent.append(sid)
        return silent


def _same_process(one: LiveSession, other: LiveSession) -> bool:
    return (one.caller.agent_id, one.caller.instance) == (other.caller.agent_id, other.caller.instance)


def _refused(code: Any, detail: str) -> dict[str, Any]:
    return Refused(code=code, detail=detail).model_dump()


def _why(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]
