"""Keeps a listener running for every connection that fetches its events itself (Slack's Socket Mode).

One process listens for a connection at a time: whoever holds its advisory lock. The vendor would hand each event
to any one of several listeners, which is right as well, and only wasteful.
"""

import asyncio
import contextlib
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from nexus.kit.logging import get_logger
from nexus.pipeline.connections import Connections
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.ports import Connected, Listener, RawRequest
from nexus.store.database import Database
from nexus.store.tables import Connection

log = get_logger(__name__)

LOOK_SECONDS = 5.0
RETRY_SECONDS = 60.0
"""After a refusal: vendors limit how often a socket may be asked for."""
_LOCK_CLASS = 0x0B15


class Listening:
    """Starts and stops listeners as connections come and go."""

    def __init__(self, db: Database, connections: Connections, inbox: Inbox) -> None:
        self._db = db
        self._connections = connections
        self._inbox = inbox
        self._running: dict[UUID, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Runs until cancelled."""
        try:
            while True:
                try:
                    await self._look()
                except Exception as error:
                    log.warning("listening.look_failed", error=error)
                await asyncio.sleep(LOOK_SECONDS)  # the period of the look; there is no event to wait for
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _look(self) -> None:
        async with self._db.system() as session:
            rows = (await session.scalars(select(Connection))).all()
        wanted: dict[UUID, tuple[Listener, Connected]] = {}
        for row in rows:
            integration = self._connections.integrations.get(row.vendor)
            if integration is None:
                continue
            connected = self._connections.opened(row)
            if isinstance(integration, Listener) and integration.can_listen(connected):
                wanted[row.id] = (integration, connected)
        for connection_id, task in list(self._running.items()):
            if connection_id not in wanted or task.done():
                task.cancel()
                del self._running[connection_id]
        for connection_id, (listener, connected) in wanted.items():
            if connection_id not in self._running:
                self._running[connection_id] = asyncio.create_task(self._listen(listener, connected))

    async def _listen(self, listener: Listener, connected: Connected) -> None:
        async with self._db.engine.connect() as plain:
            lock = await plain.execution_options(isolation_level="AUTOCOMMIT")
            if not await self._mine(lock, connected.id):
                return

            async def accept(request: RawRequest) -> None:
                await self._inbox.accept(connected.id, request)

            # Nobody may have listened until now: the reconciler shall look at once.
            async with self._db.tenant(connected.tenant_id) as session:
                await session.execute(update(Connection).where(Connection.id == connected.id).values(checked_at=None))
            log.info("listening.started", vendor=connected.vendor, connection_id=str(connected.id))
            try:
                await listener.listen(connected, accept)
            except Exception as error:
                log.warning("listening.failed", vendor=connected.vendor, error=error, again_in_seconds=RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)  # nothing announces that the refusal is over
            finally:
                with contextlib.suppress(Exception):
                    await lock.invalidate()

    async def _mine(self, lock: AsyncConnection, connection_id: UUID) -> bool:
        held = await lock.execute(
            text("SELECT pg_try_advisory_lock(:class, hashtext(:id))"),
            {"class": _LOCK_CLASS, "id": str(connection_id)},
        )
        return bool(held.scalar_one())
