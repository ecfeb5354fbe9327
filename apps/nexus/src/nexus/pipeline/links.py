"""Linking lists to channels."""

from typing import Literal, cast
from uuid import UUID

from sqlalchemy import delete, select

from nexus.auth.audit import record
from nexus.auth.errors import AlreadyExists, NotFound
from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Rejected
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.moving import take_along
from nexus.pipeline.ports import Chat, Tracker
from nexus.store.database import Database
from nexus.store.tables import Connection, ProjectMapping, TaskMapping
from oblivion_protocol import MappingResource, SyncRule


class Links:
    """Creates, changes and removes mappings."""

    def __init__(self, db: Database, connections: Connections, inbox: Inbox, clock: Clock) -> None:
        self._db = db
        self._connections = connections
        self._inbox = inbox
        self._clock = clock

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
            created_by=actor,
            created_at=self._clock.now(),
            updated_at=self._clock.now(),
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

    async def move(
        self,
        tenant_id: UUID,
        mapping_id: UUID,
        *,
        channel_id: str | None,
        sync_rule: SyncRule | None,
        sync_keyword: str | None,
        actor: str,
    ) -> MappingResource:
        """Links the list to another channel, or changes its rule. What is posted stays where it is.

        Raises NotFound, or Rejected with what to do.
        """
        found = None if channel_id is None else await self._find(tenant_id, "chat", channel_id)
        async with self._db.tenant(tenant_id) as session:
            mapping = await session.scalar(
                select(ProjectMapping).where(ProjectMapping.id == mapping_id).with_for_update()
            )
            if mapping is None:
                raise NotFound("No mapping with this id.")
            before = {"channel": mapping.channel_id, "rule": mapping.sync_rule, "keyword": mapping.sync_keyword}
            if found is not None and channel_id is not None:
                chat_row, mapping.channel_name = found
                mapping.chat, mapping.chat_connection_id, mapping.channel_id = chat_row.vendor, chat_row.id, channel_id
            mapping.sync_rule = sync_rule or mapping.sync_rule
            mapping.sync_keyword = sync_keyword or mapping.sync_keyword
            after = {"channel": mapping.channel_id, "rule": mapping.sync_rule, "keyword": mapping.sync_keyword}
            if after != before:
                mapping.updated_at = self._clock.now()
                await session.flush()
                await take_along(session, mapping)
                record(session, tenant_id, actor, "mapping.change", mapping.list_id, {"before": before, "after": after})
        return mapping_resource(mapping)

    async def _find(
        self, tenant_id: UUID, role: Literal["tracker", "chat"], external_id: str
    ) -> tuple[Connection, str]:
        rows = await self._connections.of_role(tenant_id, role)
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
        created_by=mapping.created_by,
        created_at=mapping.created_at,
        updated_at=mapping.updated_at,
    )
