"""What there is at the vendors to link: lists of trackers and channels of chats, kept for a minute."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Generic, Literal, TypeVar
from uuid import UUID

from nexus.auth.errors import NotFound
from nexus.kit.clock import Clock
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Retryable
from nexus.store.tables import Connection
from oblivion_protocol.operating import ChannelCatalog, ChatChannel, ListCatalog, TrackerList

T = TypeVar("T")

KEEP_SECONDS = 60.0
REFRESH_SECONDS = 5.0
"""How often at most somebody who asks for it has a vendor read anew."""

_Read = Callable[[Connection], Awaitable[list[T]]]


class Catalog:
    """Lists and channels, read from the vendors and kept for a while."""

    def __init__(self, connections: Connections, clock: Clock, steady: Callable[[], float] = time.monotonic) -> None:
        self._connections = connections
        self._lists = _Shelf[TrackerList](connections, clock, steady, "tracker")
        self._channels = _Shelf[ChatChannel](connections, clock, steady, "chat")

    async def lists(self, tenant_id: UUID, vendor: str, *, refresh: bool = False) -> ListCatalog:
        """The lists of a tracker. Raises NotFound for a vendor that is not connected, and what its sink raises."""

        async def read(row: Connection) -> list[TrackerList]:
            return await (await self._connections.tracker(row.id)).lists()

        items, synced_at = await self._lists.get(tenant_id, vendor, read, refresh=refresh)
        return ListCatalog(items=items, synced_at=synced_at)

    async def channels(self, tenant_id: UUID, vendor: str, *, refresh: bool = False) -> ChannelCatalog:
        """The channels of a chat. Raises as `lists` does."""

        async def read(row: Connection) -> list[ChatChannel]:
            return await (await self._connections.chat(row.id)).channels()

        items, synced_at = await self._channels.get(tenant_id, vendor, read, refresh=refresh)
        return ChannelCatalog(items=items, synced_at=synced_at)


class _Shelf(Generic[T]):
    """What one kind of vendor showed us, by tenant and vendor; read once, however many ask at once."""

    def __init__(
        self, connections: Connections, clock: Clock, steady: Callable[[], float], role: Literal["tracker", "chat"]
    ) -> None:
        self._connections = connections
        self._clock = clock
        self._steady = steady
        self._role: Literal["tracker", "chat"] = role
        self._kept: dict[tuple[UUID, str], tuple[float, list[T], datetime]] = {}
        self._reading: defaultdict[tuple[UUID, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get(self, tenant_id: UUID, vendor: str, read: _Read[T], *, refresh: bool) -> tuple[list[T], datetime]:
        if vendor not in self._connections.integrations:
            raise NotFound(f"There is no integration {vendor!r}.")
        async with self._reading[tenant_id, vendor]:
            kept = self._kept.get((tenant_id, vendor))
            if kept is not None and self._steady() - kept[0] < (REFRESH_SECONDS if refresh else KEEP_SECONDS):
                return kept[1:]
            rows = [row for row in await self._connections.of_role(tenant_id, self._role) if row.vendor == vendor]
            if not rows:
                raise NotFound(f"No {self._role} of vendor {vendor!r} is connected.")
            try:
                found = await asyncio.gather(*(read(row) for row in rows))
            except Retryable:
                if kept is None or refresh:
                    raise
                return kept[1:]  # older than we like, and it says how old
            items = [item for items in found for item in items]
            fresh = (self._steady(), items, self._clock.now())
            self._kept[tenant_id, vendor] = fresh
            return fresh[1:]
