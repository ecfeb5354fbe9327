"""Linking lists to channels, and what there is to link."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, select

from nexus.auth.audit import record
from nexus.auth.errors import AlreadyExists, NotFound
from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Rejected
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.ports import Chat, Tracker
from nexus.store.database import Database
from nexus.store.tables import Connection, ProjectMapping, TaskMapping
from oblivion_protocol import MappingResource, SyncRule

CATALOG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Listing:
    """What a vendor showed us, and when."""

    items: Sequence[Mapping[str, Any]]
    synced_at: datetime


class Links:
    """Creates and removes mappings, and lists both sides of them."""

    def __init__(self, db: Database, connections: Connections, inbox: Inbox, clock: Clock) -> None:
        self._db = db
        self._connections = connections
        self._inbox = inbox
        self._clock = clock
        self._catalog: dict[tuple[UUID, str], tuple[float, Listing]] = {}

    async def link(
        self,
        tenant_id: UUID,
        list_id: str,
        channel_id: str,
        *,
        sync_rule: SyncRule = "keyword",
        sync_keyword: str = "!sync",
        actor: str,
    ) -> MappingResource:
        """Checks both ends at their vendors and links them; tasks that wait for it are mirrored.

        Raises Rejected with what to do, or AlreadyExists.
        """
        tracker_row, list_name = await self._find(tenant_id, "tracker", list_id)
        chat_row, channel_name = await self._find(tenant_id, "chat", channel_id)
        mapping = ProjectMapping(
            id=new_id(),
            tenant_id=tenant_id,
            tracker=tracker_row.vendor,
            tracker_connection_id=tracker_row.id,
            list_id=list_id,
            list_name=list_name,
            chat=chat_row.vendor,
            chat_connection_id=chat_row.id,
            channel_id=channel_id,
            channel_name=channel_name,
            sync_rule=sync_rule,
            sync_keyword=sync_keyword,
            instructions="",
            created_at=self._clock.now(),
        )
        async with self._db.tenant(tenant_id) as session:
            linked = await session.scalar(
                select(ProjectMapping.channel_name).where(
                    ProjectMapping.tracker_connection_id == tracker_row.id, ProjectMapping.list_id == list_id
                )
            )
            if linked is not None:
                raise AlreadyExists(f"The list {list_name} is linked to #{linked} already. Unlink it first.")
            session.add(mapping)
            record(session, tenant_id, actor, "mapping.link", list_id, {"channel": channel_id, "rule": sync_rule})
            waiting = (
                await session.scalars(
                    select(TaskMapping.item_id).where(
                        TaskMapping.tracker_connection_id == tracker_row.id,
                        TaskMapping.list_id == list_id,
                        TaskMapping.project_mapping_id.is_(None),
                        TaskMapping.closed_at.is_(None),
                    )
                )
            ).all()
        for item_id in waiting:
            await self._look_again(tracker_row, item_id)
        return mapping_resource(mapping)

    async def unlink(self, tenant_id: UUID, mapping_id: UUID, actor: str) -> bool:
        """Removes a mapping; conversations that exist go on. False when there is none."""
        async with self._db.tenant(tenant_id) as session:
            gone = await session.scalar(
                delete(ProjectMapping).where(ProjectMapping.id == mapping_id).returning(ProjectMapping.list_id)
            )
            if gone is not None:
                record(session, tenant_id, actor, "mapping.unlink", str(mapping_id), {"list": gone})
        return gone is not None

    async def lists(self, tenant_id: UUID, vendor: str) -> Listing:
        """The lists of a tracker. Raises NotFound for a vendor that is not connected."""

        async def read(row: Connection) -> list[Mapping[str, Any]]:
            tracker = await self._connections.tracker(row.id)
            return [{"id": list_id, "name": name} for list_id, name in await tracker.lists()]

        return await self._cached(tenant_id, vendor, "tracker", read)

    async def channels(self, tenant_id: UUID, vendor: str) -> Listing:
        """The channels of a chat, and whether we are a member. Raises NotFound as `lists` does."""

        async def read(row: Connection) -> list[Mapping[str, Any]]:
            chat = await self._connections.chat(row.id)
            return [{"id": id_, "name": name, "is_member": member} for id_, name, member in await chat.channels()]

        return await self._cached(tenant_id, vendor, "chat", read)

    async def _cached(
        self,
        tenant_id: UUID,
        vendor: str,
        role: str,
        read: Callable[[Connection], Awaitable[list[Mapping[str, Any]]]],
    ) -> Listing:
        now = time.monotonic()
        cached = self._catalog.get((tenant_id, vendor))
        if cached is not None and cached[0] > now:
            return cached[1]
        rows = [row for row in await self._of_role(tenant_id, role) if row.vendor == vendor]
        if not rows:
            raise NotFound(f"No {role} of vendor {vendor!r} is connected.")
        found = await asyncio.gather(*(read(row) for row in rows))
        listing = Listing([item for items in found for item in items], self._clock.now())
        self._catalog[tenant_id, vendor] = (now + CATALOG_SECONDS, listing)
        return listing

    async def _of_role(self, tenant_id: UUID, role: str) -> list[Connection]:
        async with self._db.tenant(tenant_id) as session:
            rows = (await session.scalars(select(Connection).order_by(Connection.created_at))).all()
        return [row for row in rows if self._connections.integrations[row.vendor].role == role]

    async def _find(self, tenant_id: UUID, role: str, external_id: str) -> tuple[Connection, str]:
        rows = await self._of_role(tenant_id, role)
        if not rows:
            raise Rejected(f"No {role} is connected yet: connect one first.")
        for row in rows:
            live = await self._connections.sink(row.id)
            if role == "tracker":
                name = await cast("Tracker", live).list_name(external_id)
            else:
                name = await cast("Chat", live).channel_name(external_id)
            if name is not None:
                return row, name
        what = "list" if role == "tracker" else "channel"
        raise Rejected(
            f"There is no {what} {external_id!r} that we can see. Check the id"
            + (", and invite the bot if the channel is private." if role == "chat" else ".")
        )

    async def _look_again(self, row: Connection, item_id: str) -> None:
        tracker = await self._connections.tracker(row.id)
        await self._inbox.accept(row.id, tracker.hint(item_id, str(new_id())))


def mapping_resource(mapping: ProjectMapping) -> MappingResource:
    """A mapping as the API shows it."""
    return MappingResource(
        id=str(mapping.id),
        list_id=mapping.list_id,
        list_name=mapping.list_name,
        channel_id=mapping.channel_id,
        channel_name=mapping.channel_name,
        sync_rule=cast("SyncRule", mapping.sync_rule),
        sync_keyword=mapping.sync_keyword,
        created_at=mapping.created_at,
    )
