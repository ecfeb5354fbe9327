"""Keeps one agent connected: a fresh token for each attempt, full jitter between them.

Only refused credentials end it.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from pydantic import ValidationError

from oblivion._backoff import FullJitter
from oblivion._socket import AnySocket, Frame, HandshakeRefused
from oblivion.errors import CredentialsRefused, Unreachable
from oblivion_protocol import AuthRefresh, Hello, HelloAnswer, Refused

if TYPE_CHECKING:
    from oblivion._door import Door

log = logging.getLogger("oblivion")

STABLE_SECONDS = 10.0
"""A connection that lived this long was a good one: the next delay is short again."""

CLOSE_TIMEOUT_SECONDS = 5.0


class Listener(Protocol):
    """What the connection tells the rest of the agent. None of these may wait or raise."""

    def opening(self) -> None:
        """A new connection begins; events of it may arrive from now on."""
        ...

    def hello(self) -> Hello:
        """What to introduce the agent with."""
        ...

    def welcomed(self, answer: HelloAnswer) -> None:
        """Nexus answered; commands flow again."""
        ...

    def received(self, name: str, data: object) -> None:
        """An event arrived."""
        ...


class Connection:
    """One agent's connection to Nexus, over as many websockets as it takes."""

    def __init__(self, door: "Door", backoff: FullJitter) -> None:
        self._door = door
        self._backoff = backoff
        self._ready = asyncio.Event()
        self._closing = asyncio.Event()
        self._over = asyncio.Event()
        self._socket: AnySocket | None = None
        self._reconnect_after_seconds: float | None = None
        self.heartbeat_seconds = 20

    async def run(self, listener: Listener) -> None:
        """Stays connected until `close`. Raises `CredentialsRefused`."""
        while not self._closing.is_set():
            try:
                await self._session(listener)
                log.info("connection.lost")
            except HandshakeRefused as refused:
                if refused.code == "forbidden":
                    raise CredentialsRefused(
                        "Nexus knows this agent but does not let it connect (forbidden). "
                        "It may be revoked, or its client lacks the scope `agent`: ask who administers Nexus."
                    ) from refused
                log.warning("connection.refused code=%s", refused.code)
            except Unreachable as error:
                log.warning("connection.failed error=%s", error)
            await self._pause()

    async def ready(self) -> None:
        """Returns when commands can be sent."""
        await self._ready.wait()

    async def call(self, name: str, frame: Frame) -> object:
        """Sends a command and returns its answer. `Unreachable` says nothing about its effect."""
        return await self._current().call(name, frame)

    async def emit(self, name: str, frame: Frame) -> None:
        """Sends a command that needs no answer."""
        await self._current().emit(name, frame)

    async def refresh_token(self) -> None:
        """Gives Nexus a fresh token for the websocket that is open."""
        try:
            token = await self._door.tokens.fresh()
            await self.call("auth.refresh", AuthRefresh(token=token).model_dump())
        except (Unreachable, CredentialsRefused) as error:
            # Nexus closes the socket when the old token ends; the next attempt says what is wrong.
            log.warning("connection.refresh_failed error=%s", error)

    def leave(self, reconnect_after_seconds: float) -> None:
        """Lets what is being sent be answered, disconnects, and comes back after the given time."""
        self._reconnect_after_seconds = reconnect_after_seconds
        self._end_session(self._over)

    def close(self) -> None:
        """Ends `run` in order."""
        self._closing.set()
        self._end_session(self._over)

    def _end_session(self, over: asyncio.Event) -> None:
        # Not left to the session's own task: until that runs, senders would find a dead socket "ready".
        self._ready.clear()
        over.set()

    def _current(self) -> AnySocket:
        if self._socket is None:
            raise Unreachable("Not connected to Nexus")
        return self._socket

    async def _session(self, listener: Listener) -> None:
        over = self._over = asyncio.Event()
        token = await self._door.tokens.fresh()
        if self._closing.is_set():
            return
        socket = self._door.socket(listener.received, lambda: self._end_session(over))
        listener.opening()
        try:
            await socket.open(self._door.settings.uri, token)
            answer = _welcome(await socket.call("hello", listener.hello().model_dump(mode="json")))
            log.info("connection.open agent=%s replayed=%d", answer.agent_id, answer.replayed)
            self.heartbeat_seconds = max(1, answer.heartbeat_seconds)
            self._socket = socket
            self._ready.set()
            listener.welcomed(answer)
            opened_at = asyncio.get_running_loop().time()
            await over.wait()
            self._ready.clear()
            await socket.settled()
            # Two processes that take over from each other must not do so as fast as they can.
            if asyncio.get_running_loop().time() - opened_at >= STABLE_SECONDS:
                self._backoff.reset()
        finally:
            self._ready.clear()
            self._socket = None
            await socket.close()

    async def _pause(self) -> None:
        if self._reconnect_after_seconds is not None:
            seconds, self._reconnect_after_seconds = self._reconnect_after_seconds, None
            self._backoff.reset()
        else:
            seconds = self._backoff.next_seconds()
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return


def _welcome(answer: object) -> HelloAnswer:
    try:
        return HelloAnswer.model_validate(answer)
    except ValidationError as error:
        try:
            detail = Refused.model_validate(answer).detail
        except ValidationError:
            detail = "its answer to hello is not understood; is the SDK older than Nexus?"
        raise Unreachable(f"Nexus did not welcome the agent: {detail}") from error
