"""From events to the desk: each once, in order, acknowledged as soon as this process holds it."""

import asyncio
import logging
from collections.abc import Coroutine
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import ValidationError

from oblivion._connection import Connection
from oblivion._desk import Desk
from oblivion._inbox import Inbox
from oblivion.errors import Unreachable
from oblivion_protocol import (
    EVENTS,
    Ack,
    AgentMuted,
    AgentUnmuted,
    AuthRefreshRequested,
    ContextUpdate,
    Durable,
    Hello,
    HelloAnswer,
    ServerDraining,
    TaskAssigned,
    TaskCanceled,
    Wire,
)

log = logging.getLogger("oblivion")

REPLAY_PATIENCE_SECONDS = 1.0
"""How long to wait for announced events that do not come."""


class Dispatcher:
    """The connection's listener. Returns at once: whatever waits runs in a task of its own."""

    def __init__(self, instance: str, desk: Desk, connection: Connection) -> None:
        self._instance = instance
        self._desk = desk
        self._connection = connection
        self._inbox = Inbox()
        self._tasks: set[asyncio.Task[None]] = set()
        self._patience: asyncio.TimerHandle | None = None
        self._acknowledging = False

    def opening(self) -> None:
        """A new connection begins."""
        self._stop_waiting()
        self._inbox.opening()

    def hello(self) -> Hello:
        """Who we are, and where we stopped."""
        return Hello(
            last_seq=self._inbox.last_seq,
            instance=self._instance,
            skills=self._desk.handlers.skills,
            capacity=self._desk.capacity,
            holding=self._desk.holding,
            version=_sdk_version(),
        )

    def welcomed(self, answer: HelloAnswer) -> None:
        """Drops what Nexus does not confirm, and handles what came before its answer."""
        for lost in answer.revoked:
            self._desk.lose(lost, "Nexus gave the task to somebody else, or it is over")
        self._handle(self._inbox.announced(answer.replayed))
        self._acknowledge()
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(REPLAY_PATIENCE_SECONDS, self._wait_no_longer)

    def received(self, name: str, data: object) -> None:
        """An event arrived. What cannot be read is logged, and acknowledged if it wants to be."""
        event = _parse(name, data)
        match event:
            case Durable():
                self._handle(self._inbox.take(event))
                if event.seq <= self._inbox.last_seq:
                    # A repeat too: its acknowledgement was lost.
                    self._acknowledge()
            case ServerDraining():
                log.info("server.draining reconnect_after_seconds=%g", event.reconnect_after_seconds)
                self._connection.leave(event.reconnect_after_seconds)
            case AuthRefreshRequested():
                self._spawn(self._connection.refresh_token())
            case _:
                log.debug("event.ignored name=%s", name)

    async def close(self) -> None:
        """Ends what waits."""
        self._stop_waiting()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _handle(self, events: list[Durable]) -> None:
        for event in events:
            match event:
                case TaskAssigned():
                    self._desk.offer(event)
                case ContextUpdate():
                    self._desk.update(event)
                case TaskCanceled():
                    self._desk.cancel(event)
                case AgentMuted():
                    log.warning("agent.muted reason=%s", event.reason)
                case AgentUnmuted():
                    log.info("agent.unmuted by=%s", event.by)
                case _:
                    log.debug("event.ignored seq=%d", event.seq)

    def _wait_no_longer(self) -> None:
        self._handle(self._inbox.release())
        self._acknowledge()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _acknowledge(self) -> None:
        # One acknowledgement covers a burst: it is sent once the loop has handled what it already received.
        if not self._acknowledging and self._inbox.last_seq > 0:
            self._acknowledging = True
            self._spawn(self._send_ack())

    async def _send_ack(self) -> None:
        self._acknowledging = False
        try:
            await self._connection.emit("ack", Ack(seq=self._inbox.last_seq).model_dump())
        except Unreachable:
            # The next hello says the same with its `last_seq`.
            log.debug("ack.not_sent")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _parse(name: str, data: object) -> Wire | None:
    model = EVENTS.get(name, Durable)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        if name in EVENTS:
            log.error("event.unreadable name=%s problem=%s", name, error.errors()[0]["msg"])
    try:
        return Durable.model_validate(data)
    except ValidationError:
        return None


def _sdk_version() -> str:
    try:
        return version("oblivion-client")
    except PackageNotFoundError:
        return ""
