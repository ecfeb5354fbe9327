"""Puts the parts of a running agent together, and takes them apart in order."""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager

from oblivion._backoff import FullJitter
from oblivion._connection import CLOSE_TIMEOUT_SECONDS, Connection
from oblivion._desk import Desk
from oblivion._dispatch import Dispatcher
from oblivion._door import Door
from oblivion._handlers import Handlers
from oblivion._journal import Journal
from oblivion._outbox import Outbox
from oblivion_protocol import Holding

log = logging.getLogger("oblivion")

RECONNECT_BASE_SECONDS = 0.5
RATE_LIMIT_BASE_SECONDS = 2.0

FLUSH_SECONDS = 5.0
"""How long finished results may take to get through when the agent stops."""


class Service:
    """One run of an agent, from connecting to the orderly end."""

    def __init__(self, door: Door, handlers: Handlers, capacity: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._door = door
        self._journal = Journal()
        self._connection = Connection(door, FullJitter(RECONNECT_BASE_SECONDS))
        self._outbox = Outbox(self._connection, lambda: FullJitter(RATE_LIMIT_BASE_SECONDS), self._lost)
        self._desk = Desk(handlers, capacity, self._outbox, self._journal)
        self._dispatcher = Dispatcher(door.settings.instance, self._desk, self._connection)

    def stop(self) -> None:
        """Makes `run` finish what is begun, and return. Safe in any thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    async def run(self, drain_seconds: float, lifespan: AbstractAsyncContextManager[object]) -> None:
        """Works until `stop`, within the lifespan. Raises `CredentialsRefused`, and what the lifespan raises."""
        settings = self._door.settings
        log.info("agent.start instance=%s uri=%s", settings.instance, settings.uri)
        async with lifespan as self._desk.state:
            await self._journal.open(self._door.journal)
            try:
                self._desk.resume()
                await self._work(drain_seconds)
            finally:
                await self._journal.close()

    async def _work(self, drain_seconds: float) -> None:
        connected = asyncio.create_task(self._connection.run(self._dispatcher), name="connection")
        beating = asyncio.create_task(self._beat(), name="heartbeat")
        stopping = asyncio.create_task(self._stopping.wait(), name="stopping")
        try:
            await asyncio.wait({connected, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not connected.done():
                await self._desk.drain(drain_seconds)
                await self._flush()
                self._connection.close()
                await asyncio.wait({connected}, timeout=CLOSE_TIMEOUT_SECONDS)
            if connected.done():
                connected.result()
        finally:
            for task in (stopping, beating, connected):
                task.cancel()
            await self._desk.close()
            await self._outbox.close()
            await asyncio.gather(stopping, beating, connected, return_exceptions=True)
            await self._dispatcher.close()
            log.info("agent.stopped")

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                await self._outbox.flushed()
        except TimeoutError:
            log.warning("agent.unsent_results: Nexus did not take everything in time; leases will run out")

    async def _beat(self) -> None:
        while True:
            await self._connection.ready()
            await self._desk.beat()
            await asyncio.sleep(self._connection.heartbeat_seconds)

    def _lost(self, key: Holding, reason: str) -> None:
        self._desk.lose(key, reason)
