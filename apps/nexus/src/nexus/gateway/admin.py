"""Socket.IO, namespace `/admin`: the live feed, the roster and the figures, for dashboards and operators' programs."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import ValidationError
from socketio.exceptions import ConnectionRefusedError as Refuse

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.standing import Standing
from nexus.auth.tokens import ADMIN_SOCKET, Principal, Tokens
from nexus.doorbell import Bells
from nexus.feed.reading import Position
from nexus.gateway import admissions
from nexus.gateway.admissions import Admissions
from nexus.gateway.outbox import Outbox
from nexus.gateway.sockets import SWEEP_SECONDS, Sockets, parsed_refusal, refused
from nexus.gateway.watching import Watching
from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.kit.pulse import Pulses
from nexus.store.database import Database, is_unavailable
from oblivion_protocol import ADMIN_READ, ServerDraining
from oblivion_protocol.admin import Resume, Subscribe

log = get_logger(__name__)

NAMESPACE = "/admin"
TICKET_SECONDS = 300.0
"""How long a socket may stay for one ticket, which itself is good for some seconds."""
SEND_SECONDS = 0.2
"""At most five messages of lines a second."""
MAX_UNSENT = 8
"""Packets that may wait for a peer: with messages of 100 KiB less than 1 MiB."""
SLOW_SECONDS = 15.0
"""How long a peer may read nothing of what waits for it."""
_RECONNECT_SECONDS = 0.5
_TOPICS = ("inbox", "deliveries", "dispatch", "agents")


class AdminDoor:
    """Who watches in this process, and what each of them is sent."""

    def __init__(
        self,
        sockets: Sockets,
        tokens: Tokens,
        standing: Standing,
        db: Database,
        bells: Bells,
        clock: Clock,
        pulses: Pulses,
        *,
        labels: Mapping[str, str],
        origins: frozenset[str],
    ) -> None:
        self._sockets = sockets
        self._tokens = tokens
        self._db = db
        self._clock = clock
        self._pulses = pulses
        self._labels = labels
        self._origins = origins
        self._admissions = Admissions(sockets, NAMESPACE, self._judge, _same_person, standing)
        self._watched: dict[UUID, tuple[Watching, asyncio.Task[None]]] = {}
        self._slow_since: dict[str, float] = {}
        self._somebody = asyncio.Event()
        on: Any = sockets.sio.on
        on("connect", self._connect, namespace=NAMESPACE)
        on("disconnect", self._disconnect, namespace=NAMESPACE)
        sockets.on(NAMESPACE, "subscribe", self._subscribe)
        sockets.on(NAMESPACE, "resume", self._resume)
        for topic in _TOPICS:
            bells.on(topic, self._rung)

    async def run(self) -> None:
        """Sends what is due, and ends who may not watch any more; runs until cancelled."""
        try:
            await asyncio.gather(
                self._repeat("admin.send", self._send_all, SEND_SECONDS),
                self._repeat("admin.sweep", self._sweep, SWEEP_SECONDS),
                self._repeat("admin.standing", self._admissions.end_fallen, admissions.STANDING_SECONDS),
            )
        finally:
            loops = [loop for _, loop in self._watched.values()]
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def drain(self) -> None:
        """Tells everybody to come back elsewhere."""
        message = ServerDraining(reconnect_after_seconds=_RECONNECT_SECONDS).model_dump()
        for sid in list(self._sockets.within(NAMESPACE)):
            await self._sockets.emit(sid, "server.draining", message)

    async def close_all(self) -> None:
        """Closes every socket that is still open."""
        await self._sockets.disconnect_all(NAMESPACE)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        if not self._is_ours(environ):
            raise Refuse("forbidden")
        principal = await self._admissions.let_in(sid, environ, auth)
        self._watching(principal.tenant_id).join(sid)
        self._somebody.set()
        log.info("admin.connected", tenant_id=str(principal.tenant_id))

    async def _disconnect(self, sid: str, *_reason: Any) -> None:
        principal = self._admissions.of(sid)
        self._admissions.forget(sid)
        self._slow_since.pop(sid, None)
        if principal is not None and principal.tenant_id in self._watched:
            watching, _ = self._watched[principal.tenant_id]
            watching.outboxes.pop(sid, None)
            if not watching.outboxes:
                watching.stop()
                del self._watched[principal.tenant_id]

    async def _judge(self, token: str) -> tuple[Principal, float]:
        try:
            principal, seconds = await self._tokens.verify(token, ADMIN_SOCKET), TICKET_SECONDS
        except TokenExpired:
            raise
        except TokenInvalid:
            principal = await self._tokens.verify(token)
            seconds = (principal.expires_at - self._clock.now()).total_seconds()
        if not principal.may(ADMIN_READ):
            raise Refuse("forbidden")
        return principal, seconds

    def _is_ours(self, environ: Mapping[str, Any]) -> bool:
        """Whether a page that may do so opens the socket. Programs name no origin: they need no such protection."""
        origin: str | None = environ.get("HTTP_ORIGIN")
        if origin is None or origin in self._origins:
            return True
        return urlsplit(origin).netloc == environ.get("HTTP_HOST")

    async def _subscribe(self, sid: str, data: Any) -> dict[str, Any]:
        watching = self._watching_of(sid)
        if watching is None:
            return refused("invalid", "not connected")
        try:
            wanted = Subscribe.model_validate(data or {})
            answer = await watching.subscribe(sid, wanted.filters, wanted.tail)
        except ValidationError as error:
            return parsed_refusal(error)
        except Exception as error:
            return _unavailable("subscribe", error)
        return answer.model_dump(mode="json")

    async def _resume(self, sid: str, data: Any) -> dict[str, Any]:
        watching = self._watching_of(sid)
        if watching is None:
            return refused("invalid", "not connected")
        try:
            wanted = Resume.model_validate(data)
            since = Position.of(wanted.since)
        except ValidationError as error:
            return parsed_refusal(error)
        except ValueError:
            return refused("invalid", "since: not a cursor of ours; subscribe instead")
        try:
            answer = await watching.resume(sid, since, wanted.filters)
        except Exception as error:
            return _unavailable("resume", error)
        return answer.model_dump(mode="json")

    def _watching_of(self, sid: str) -> Watching | None:
        principal = self._admissions.of(sid)
        return self._watching(principal.tenant_id) if principal is not None else None

    def _watching(self, tenant_id: UUID) -> Watching:
        if tenant_id not in self._watched:
            watching = Watching(tenant_id, self._db, self._labels)
            self._watched[tenant_id] = watching, asyncio.create_task(watching.run())
        return self._watched[tenant_id][0]

    def _rung(self) -> None:
        for watching, _ in self._watched.values():
            watching.wake.set()

    async def _send_all(self) -> None:
        if not self._watched:
            self._somebody.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._somebody.wait(), SWEEP_SECONDS)
        now = time.monotonic()
        for watching, _ in list(self._watched.values()):
            for sid, outbox in list(watching.outboxes.items()):
                if not self._is_behind(sid, outbox, now):
                    await self._send(sid, outbox, now)
                elif outbox.overrun or now - self._slow_since[sid] > SLOW_SECONDS:
                    # Whoever comes back resumes where it was.
                    log.info("admin.too_slow", sid=sid)
                    await self._sockets.hang_up(sid)

    def _is_behind(self, sid: str, outbox: Outbox, now: float) -> bool:
        """Nothing more is given to a peer that does not read what it has: it waits here, where there is a bound."""
        if self._sockets.unsent(sid) >= MAX_UNSENT or outbox.overrun:
            self._slow_since.setdefault(sid, now)
            return True
        self._slow_since.pop(sid, None)
        return False

    async def _send(self, sid: str, outbox: Outbox, now: float) -> None:
        if (feed := outbox.next_feed(now)) is not None:
            await self._sockets.emit(sid, "feed", feed)
        tasks, outbox.tasks = outbox.tasks, {}
        for task in tasks.values():
            await self._sockets.emit(sid, "task", task.model_dump(mode="json"))
        for event, latest in (("presence", outbox.presence), ("stats", outbox.stats)):
            if latest is not None:
                await self._sockets.emit(sid, event, latest.model_dump(mode="json"))
        outbox.presence = outbox.stats = None

    async def _sweep(self) -> None:
        await self._admissions.sweep(time.monotonic())

    async def _repeat(self, what: str, work: Callable[[], Awaitable[None]], period_seconds: float) -> None:
        with self._pulses.loop(f"gateway.{what}") as turn:
            while True:
                turn()
                try:
                    await work()
                except Exception as error:
                    _unavailable(what, error)
                await asyncio.sleep(period_seconds)  # the period; there is no event to wait for


def _same_person(one: Principal, other: Principal) -> bool:
    return (one.tenant_id, one.actor) == (other.tenant_id, other.actor)


def _unavailable(what: str, error: Exception) -> dict[str, Any]:
    if is_unavailable(error):
        log.warning("database.away", during=what, error=error)
    else:
        log.error("gateway.failed", during=what, exc_info=error)
    return refused("rate_limited", "not possible at this moment; send it again a little later")
