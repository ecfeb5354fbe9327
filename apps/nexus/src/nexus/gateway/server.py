"""Socket.IO, namespace `/agents`: handshake, hello and commands; and the loops of the whole gateway."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from socketio.exceptions import ConnectionRefusedError as Refuse

from nexus.auth.standing import Standing
from nexus.auth.tokens import Principal, Tokens
from nexus.doorbell import Bells
from nexus.gateway import admissions
from nexus.gateway import sockets as attendance
from nexus.gateway.acknowledgements import Acknowledgements
from nexus.gateway.admin import AdminDoor
from nexus.gateway.admissions import Admissions
from nexus.gateway.presence import Presence
from nexus.gateway.sessions import AgentRevoked, LiveSession, LiveSessions, Sessions
from nexus.gateway.sink import AgentSink
from nexus.gateway.sockets import Sockets, parsed_refusal, refused
from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.kit.pulse import Pulses
from nexus.store.database import Database, is_unavailable
from nexus.tasks.commands import AgentCommands, SessionReplaced
from nexus.tasks.rules import HEARTBEAT_SECONDS, LEASE_SECONDS
from oblivion_protocol import (
    AGENT,
    TASK_COMMANDS,
    Ack,
    Hello,
    HelloAnswer,
    ServerDraining,
    TaskCommand,
)

log = get_logger(__name__)

NAMESPACE = "/agents"
TOUCH_SECONDS = 5.0
PUMP_SECONDS = 1.0
FAREWELL_SECONDS = 5.0


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
        sockets: Sockets,
        admin: AdminDoor,
        standing: Standing,
        *,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._commands = commands
        self._sessions = sessions
        self._presence = presence
        self._bells = bells
        self._clock = clock
        self._pulses = pulses
        self.sockets = sockets
        self._admin = admin
        self._origins = origins
        self._admissions = Admissions(sockets, NAMESPACE, self._judge, _same_agent, standing)
        self._live = LiveSessions()
        self._left: list[LiveSession] = []
        """Sessions that are over here, and not yet in PostgreSQL and Redis."""
        self._pump_wake = asyncio.Event()
        self._left_wake = asyncio.Event()
        self.sio: Any = sockets.sio
        self._sink = AgentSink(db, sockets.emit)
        self._acknowledgements = Acknowledgements(db, clock)
        self._register()
        bells.on("agents", self._pump_wake.set)

    @property
    def draining(self) -> bool:
        """Whether this process is about to stop."""
        return self.sockets.draining

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
            self._repeat("sweep", self._sweep, attendance.SWEEP_SECONDS),
            self._repeat("standing", self._admissions.end_fallen, admissions.STANDING_SECONDS),
            self._repeat("touch", self._touch, TOUCH_SECONDS),
            self._repeat("show", self._show, TOUCH_SECONDS),
            self._repeat("farewell", self._bid_farewell, TOUCH_SECONDS, self._left_wake),
            self._admin.run(),
        )

    async def drain(self, spread_seconds: float) -> None:
        """Tells everybody to come back elsewhere; agents spread over some seconds."""
        self.sockets.accept_no_more()
        await self._admin.drain()
        for index, sid in enumerate([session.sid for session in self._live.all()]):
            wait = spread_seconds * (index + 1) / (len(self._live) or 1)
            message = ServerDraining(reconnect_after_seconds=round(wait, 3))
            await self.sockets.emit(sid, "server.draining", message.model_dump())

    async def close_all(self) -> None:
        """Closes every socket that is still open, and says so to everybody."""
        await self._admin.close_all()
        await self.sockets.disconnect_all(NAMESPACE)
        try:
            await asyncio.wait_for(self._bid_farewell(), FAREWELL_SECONDS)
        except Exception as error:
            # Their `last_seen_at` stops moving, which says the same half a minute later.
            self._unavailable("farewell", error)

    def _register(self) -> None:
        on: Callable[..., Any] = self.sio.on
        on("connect", self._connect, namespace=NAMESPACE)
        on("disconnect", self._disconnect, namespace=NAMESPACE)
        self.sockets.on(NAMESPACE, "hello", self._greet)
        self.sockets.on(NAMESPACE, "ack", self._acknowledge)
        for name, model in TASK_COMMANDS.items():
            self.sockets.on(NAMESPACE, name, self._command_handler(name, model))

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        # Agents are programs. A browser always says whose page it shows, and a page is let in by name alone.
        if environ.get("HTTP_ORIGIN") is not None and environ["HTTP_ORIGIN"] not in self._origins:
            raise Refuse("forbidden")
        await self._admissions.let_in(sid, environ, auth)

    async def _judge(self, token: str) -> tuple[Principal, float]:
        principal = await self._tokens.verify(token)
        if AGENT not in principal.scopes or principal.agent_id is None:
            raise Refuse("forbidden")
        return principal, (principal.expires_at - self._clock.now()).total_seconds()

    async def _disconnect(self, sid: str, *_reason: Any) -> None:
        self._admissions.forget(sid)
        session = self._live.pop(sid)
        if session is not None:
            self._leave(session)

    def _leave(self, session: LiveSession) -> None:
        log.info("agent.disconnected", agent_id=str(session.caller.agent_id), instance=session.caller.instance)
        self._left.append(session)
        self._left_wake.set()

    async def _greet(self, sid: str, data: Any) -> dict[str, Any]:
        principal = self._admissions.of(sid)
        if principal is None or principal.agent_id is None:
            return refused("invalid", "not connected")
        try:
            hello = Hello.model_validate(data)
            opened = await self._sessions.open(sid, principal.tenant_id, principal.agent_id, hello)
        except ValidationError as error:
            return parsed_refusal(error)
        except AgentRevoked:
            await self.sockets.disconnect(sid)
            return refused("not_found", "this agent was revoked")
        except Exception as error:
            return self._unavailable("hello", error)
        caller = opened.session.caller
        others = [one for one in self._live.of_process(caller) if one.sid != sid]
        if any(one.caller.session_epoch > caller.session_epoch for one in others):
            # PostgreSQL took this hello first and another one after it; only the order in which we resume differs.
            return await self._replaced(sid)
        for older in others:
            await self.sockets.disconnect(older.sid)
        former = self._live.pop(sid)
        if former is not None and not _same_process(former, opened.session):
            self._leave(former)
        if self._admissions.of(sid) is None:
            self._leave(opened.session)  # it went while PostgreSQL was asked
            return refused("invalid", "not connected")
        self._live.add(opened.session)
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
            return refused("invalid", "say hello first")
        try:
            ack = Ack.model_validate(data)
            await self._acknowledgements.note(session.caller, ack.seq)
        except ValidationError as error:
            return parsed_refusal(error)
        except SessionReplaced:
            return await self._replaced(sid)
        except Exception as error:
            return self._unavailable("ack", error)
        self._sink.acknowledged(session, ack.seq)
        return {"ok": True}

    def _command_handler(self, name: str, model: type[TaskCommand]) -> Callable[[str, Any], Awaitable[dict[str, Any]]]:
        async def carry_out(sid: str, data: Any) -> dict[str, Any]:
            session = self._live.get(sid)
            if session is None:
                return refused("invalid", "say hello first")
            try:
                command = model.model_validate(data)
                answer: BaseModel = await self._commands.carry_out(session.caller, name, command)
            except ValidationError as error:
                return parsed_refusal(error)
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
        await self.sockets.disconnect(sid)
        return refused("stale_epoch", "another connection of this process has taken over")

    def _unavailable(self, what: str, error: Exception) -> dict[str, Any]:
        if is_unavailable(error):
            log.warning("database.away", during=what, error=error)
        else:
            log.error("gateway.failed", during=what, exc_info=error)
        return refused("rate_limited", "not possible at this moment; send it again with the same event_id")

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
        await self._sink.pump(self._live)

    async def _touch(self) -> None:
        for sid in await self._sessions.touch(self._live.all()):
            log.info("agent.replaced", sid=sid)
            await self.sockets.disconnect(sid)

    async def _show(self) -> None:
        await self._presence.show(self._live.all())

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
        await self.sockets.sweep(now)
        within = self.sockets.within(NAMESPACE)
        for sid in within.keys() - self._live.sids():
            if now - within.get(sid, now) > attendance.HELLO_SECONDS:
                log.info("agent.never_said_hello", sid=sid)
                await self.sockets.disconnect(sid)
        await self._admissions.sweep(now)


def _same_process(one: LiveSession, other: LiveSession) -> bool:
    return (one.caller.agent_id, one.caller.instance) == (other.caller.agent_id, other.caller.instance)


def _same_agent(one: Principal, other: Principal) -> bool:
    return one.agent_id == other.agent_id
