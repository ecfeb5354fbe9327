"""Socket.IO, namespace `/agents`: handshake, hello, commands, and sweeping out the silent."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from socketio.exceptions import ConnectionRefusedError as Refuse

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.tokens import Principal, Tokens
from nexus.doorbell import Bells
from nexus.gateway.engine import GOODBYE_SECONDS, Engine, Server
from nexus.gateway.presence import Presence
from nexus.gateway.sessions import AgentRevoked, LiveSession, Sessions
from nexus.gateway.sink import AgentSink
from nexus.gateway.turns import MAX_WAITING, Flooded, Turns
from nexus.gateway.wire import Json, JsonPacket, TooLarge
from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.kit.pulse import Pulses
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
MAX_READ_BYTES = 1024 * 1024
"""What is read of a message at all, so that one over the limit can be answered; a larger one ends its connection."""
PING_SECONDS = 10
PONG_SECONDS = 8
SWEEP_SECONDS = 1.0
TOUCH_SECONDS = 5.0
SILENT_SECONDS = 9.0
"""How long a ping may go unanswered. With a ping every 10 s: gone 20 s after the last sign of life."""
HELLO_SECONDS = 10.0
REFRESH_BEFORE_SECONDS = 90
PUMP_SECONDS = 1.0
SLEPT_SECONDS = 3.0
"""A sweep that comes so late says that this process stood still; nobody is blamed for that time."""
FAREWELL_SECONDS = 5.0


@dataclass(slots=True)
class _Admitted:
    """A socket whose token was good, and until when it is, in monotonic seconds.

    The token's own end is a time of day; a clock that is set must not end what is connected.
    """

    principal: Principal
    ends_at: float


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
        pulses: Pulses,
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._commands = commands
        self._sessions = sessions
        self._presence = presence
        self._bells = bells
        self._clock = clock
        self._pulses = pulses
        self._admitted: dict[str, _Admitted] = {}
        self._connected_at: dict[str, float] = {}
        self._live: dict[str, LiveSession] = {}
        self._left: list[LiveSession] = []
        """Sessions that are over here, and not yet in PostgreSQL and Redis."""
        self._silent_since: dict[str, float] = {}
        self._outside_since: dict[str, float] = {}
        """Engine.IO connections that are in no session: not let in yet, or told to go."""
        self._turns = Turns()
        self._swept_at: float | None = None
        self._hanging_up: dict[str, asyncio.Task[None]] = {}
        self._pump_wake = asyncio.Event()
        self._left_wake = asyncio.Event()
        self._draining = False
        self.sio: Any = Server(
            async_mode="asgi",
            namespaces=[NAMESPACE],
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
        """Sends what is due, sweeps, and says in PostgreSQL and Redis who is here; runs until cancelled.

        Loops of their own: neither of the two, away or slow, may hold up the sweep or each other.
        """
        await asyncio.gather(
            self._repeat("pump", self._pump, PUMP_SECONDS, self._pump_wake),
            self._repeat("sweep", self._sweep, SWEEP_SECONDS),
            self._repeat("touch", self._touch, TOUCH_SECONDS),
            self._repeat("show", self._show, TOUCH_SECONDS),
            self._repeat("farewell", self._bid_farewell, TOUCH_SECONDS, self._left_wake),
        )

    async def drain(self, spread_seconds: float) -> None:
        """Tells every agent to come back elsewhere, spread over some seconds."""
        self._draining = True
        self._engine.accepting = False
        for index, sid in enumerate(list(self._live)):
            wait = spread_seconds * (index + 1) / (len(self._live) or 1)
            message = ServerDraining(reconnect_after_seconds=round(wait, 3))
            await self.sio.emit("server.draining", message.model_dump(), to=sid, namespace=NAMESPACE)

    async def close_all(self) -> None:
        """Closes every socket that is still open, and says so to everybody."""
        for sid in list(self._connected_at):
            await self.sio.disconnect(sid, namespace=NAMESPACE)
        try:
            await asyncio.wait_for(self._bid_farewell(), FAREWELL_SECONDS)
        except Exception as error:
            # Their `last_seen_at` stops moving, which says the same half a minute later.
            self._unavailable("farewell", error)

    def _register(self) -> None:
        on: Callable[..., Any] = self.sio.on
        on("connect", self._connect, namespace=NAMESPACE)
        on("disconnect", self._disconnect, namespace=NAMESPACE)
        on("hello", self._in_turn(self._greet), namespace=NAMESPACE)
        on("ack", self._in_turn(self._acknowledge), namespace=NAMESPACE)
        on("auth.refresh", self._in_turn(self._refresh), namespace=NAMESPACE)
        for name, model in TASK_COMMANDS.items():
            on(name, self._in_turn(self._command_handler(name, model)), namespace=NAMESPACE)

    def _in_turn(self, handle: Callable[[str, Any], Awaitable[dict[str, Any]]]) -> Callable[..., Any]:
        """A handler of messages that are small enough and not too many, one at a time for each socket."""

        async def handle_in_turn(sid: str, data: Any = None) -> dict[str, Any]:
            if isinstance(data, TooLarge):
                return _refused("invalid", f"a message may have {MAX_MESSAGE_BYTES} bytes; shorten it, or link to it")
            try:
                async with self._turns.of(sid):
                    return await handle(sid, data)
            except Flooded:
                return _refused("rate_limited", f"{MAX_WAITING} messages wait already; send it again a little later")

        return handle_in_turn

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        if self._draining:
            # Too late, by a moment. A refusal would be about its token; a connection that breaks is tried again.
            await self._engine.hang_up(self.sio.manager.eio_sid_from_sid(sid, NAMESPACE), environ)
            raise Refuse("unauthorized")
        try:
            given = AuthRefresh.model_validate(auth)
        except ValidationError as error:
            raise Refuse("unauthorized") from error
        self._admitted[sid] = await self._admit(given.token)
        self._connected_at[sid] = time.monotonic()

    async def _admit(self, token: str) -> _Admitted:
        try:
            principal = await self._tokens.verify(token)
        except TokenExpired as error:
            raise Refuse("token_expired") from error
        except TokenInvalid as error:
            raise Refuse("unauthorized") from error
        if AGENT not in principal.scopes or principal.agent_id is None:
            raise Refuse("forbidden")
        left = principal.expires_at - self._clock.now()
        return _Admitted(principal, time.monotonic() + left.total_seconds())

    async def _disconnect(self, sid: str, *_reason: Any) -> None:
        self._admitted.pop(sid, None)
        self._connected_at.pop(sid, None)
        self._silent_since.pop(sid, None)
        self._turns.forget(sid)
        session = self._live.pop(sid, None)
        if session is not None:
            self._leave(session)

    def _leave(self, session: LiveSession) -> None:
        log.info("agent.disconnected", agent_id=str(session.caller.agent_id), instance=session.caller.instance)
        self._left.append(session)
        self._left_wake.set()

    async def _greet(self, sid: str, data: Any) -> dict[str, Any]:
        admitted = self._admitted.get(sid)
        if admitted is None or admitted.principal.agent_id is None:
            return _refused("invalid", "not connected")
        principal = admitted.principal
        try:
            hello = Hello.model_validate(data)
            opened = await self._sessions.open(sid, principal.tenant_id, admitted.principal.agent_id, hello)
        except ValidationError as error:
            return _refused("invalid", _why(error))
        except AgentRevoked:
            await self.sio.disconnect(sid, namespace=NAMESPACE)
            return _refused("not_found", "this agent was revoked")
        except Exception as error:
            return self._unavailable("hello", error)
        caller = opened.session.caller
        others = [one for one in self._live.values() if one.sid != sid and _same_process(one, opened.session)]
        if any(one.caller.session_epoch > caller.session_epoch for one in others):
            # PostgreSQL took this hello first and another one after it; only the order in which we resume differs.
            return await self._replaced(sid)
        for older in others:
            await self.sio.disconnect(older.sid, namespace=NAMESPACE)
        former = self._live.pop(sid, None)
        if former is not None and not _same_process(former, opened.session):
            self._leave(former)
        if sid not in self._admitted:
            self._leave(opened.session)  # it went while PostgreSQL was asked
            return _refused("invalid", "not connected")
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

    async def _refresh(self, sid: str, data: Any) -> dict[str, Any]:
        current = self._admitted.get(sid)
        try:
            renewed = await self._admit(AuthRefresh.model_validate(data).token)
        except ValidationError as error:
            return _refused("invalid", _why(error))
        except Refuse as error:
            return _refused("invalid", str(error))
        if current is None or renewed.principal.agent_id != current.principal.agent_id:
            return _refused("invalid", "the token belongs to another agent")
        self._admitted[sid] = renewed
        return {"ok": True}

    def _command_handler(self, name: str, model: type[TaskCommand]) -> Callable[[str, Any], Awaitable[dict[str, Any]]]:
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

        return carry_out

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

    async def _repeat(
        self, what: str, work: Callable[[], Awaitable[None]], period_seconds: float, wake: asyncio.Event | None = None
    ) -> None:
        wake = wake or asyncio.Event()
        with self._pulses.loop(f"gateway.{what}") as turn:
            while True:
                turn()
                wake.clear()
                try:
                    await work()
                except Exception as error:
                    self._unavailable(what, error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), period_seconds)

    async def _pump(self) -> None:
        await self._sink.pump(dict(self._live))

    async def _touch(self) -> None:
        for sid in await self._sessions.touch(list(self._live.values())):
            log.info("agent.replaced", sid=sid)
            await self.sio.disconnect(sid, namespace=NAMESPACE)

    async def _show(self) -> None:
        await self._presence.show(list(self._live.values()))

    async def _bid_farewell(self) -> None:
        left, self._left = self._left, []
        try:
            await self._sessions.close(left)
        except BaseException:
            self._left = left + self._left  # next time
            raise
        await asyncio.gather(*map(self._presence.hide, left))

    async def _sweep(self) -> None:
        now = time.monotonic()
        self._forgive_own_sleep(now)
        for sid, since in list(self._connected_at.items()):
            if sid not in self._live and now - since > HELLO_SECONDS:
                log.info("agent.never_said_hello", sid=sid)
                await self.sio.disconnect(sid, namespace=NAMESPACE)
        for sid in self._unanswered_pings(now):
            log.info("agent.silent", sid=sid)
            connection: str = self.sio.manager.eio_sid_from_sid(sid, NAMESPACE)
            environ = self._environ(connection)
            await self.sio.disconnect(sid, namespace=NAMESPACE)
            await self._engine.hang_up(connection, environ)
        for sid, admitted in list(self._admitted.items()):
            left = admitted.ends_at - now
            if left <= 0:
                log.info("agent.token_expired", sid=sid)
                await self.sio.disconnect(sid, namespace=NAMESPACE)
            elif left < REFRESH_BEFORE_SECONDS:
                request = AuthRefreshRequested(expires_in=int(left))
                await self._emit(sid, "auth.refresh", request.model_dump())
        self._cut_off_outsiders(now)

    def _forgive_own_sleep(self, now: float) -> None:
        """A process that was stopped, or swapped out, finds pongs that it could not read in time."""
        late = 0.0 if self._swept_at is None else now - self._swept_at - SWEEP_SECONDS
        self._swept_at = now
        if late > SLEPT_SECONDS:
            log.warning("gateway.slept", seconds=round(late, 1))
            for since in (self._connected_at, self._silent_since, self._outside_since):
                for one in since:
                    since[one] += late

    def _cut_off_outsiders(self, now: float) -> None:
        """Socket.IO only asks a client to leave; one that stays keeps its connection until we close it."""
        inside = {self.sio.manager.eio_sid_from_sid(sid, NAMESPACE) for sid in self._connected_at}
        outside = set(self._engine.sockets) - inside
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

    def _environ(self, connection: str) -> dict[str, Any]:
        return self.sio.environ.get(connection, {})

    def _unanswered_pings(self, now: float) -> list[str]:
        """Sockets whose last ping has waited too long for its pong, by a monotonic clock."""
        silent: list[str] = []
        for sid in list(self._connected_at):
            eio_sid: str | None = self.sio.manager.eio_sid_from_sid(sid, NAMESPACE)
            socket = self._engine.sockets.get(eio_sid) if eio_sid else None
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
