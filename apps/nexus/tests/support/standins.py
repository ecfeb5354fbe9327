"""What the HTTP API is given in tests in place of clocks, bells and vendors."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from nexus.auth.errors import NotFound
from nexus.integrations import discover
from nexus.kit.sealing import Sealer
from nexus.pipeline.connections import Connections
from nexus.pipeline.links import mapping_resource
from nexus.pipeline.onboarding import Onboarding
from nexus.store.database import Database
from nexus.store.tables import Connection, ProjectMapping
from oblivion_protocol.operating import (
    ChannelCatalog,
    ChatChannel,
    ConnectionResource,
    ConnectionTest,
    IntegrationResource,
    ListCatalog,
    TrackerList,
)


class HeldClock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.time = datetime.now(UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Silent:
    """A doorbell that nobody hears."""

    def ring_inbox(self, inbox_ids: Sequence[UUID]) -> None:
        return None

    def ring(self, topic: str) -> None:
        return None


class Vendors:
    """Linker, catalog and connector in one, with what they were asked for; `broken` is raised instead."""

    def __init__(self, db: Database, sealer: Sealer, clock: HeldClock) -> None:
        self._db = db
        self._onboarding = Onboarding(db, Connections(db, sealer, discover()), sealer, clock, "https://nexus.example")
        self.broken: Exception | None = None
        self.connected: list[tuple[UUID, str, Mapping[str, str]]] = []
        self.synced_at = datetime(2026, 1, 2, tzinfo=UTC)
        self.refreshed: list[bool] = []
        self.moved: list[dict[str, Any]] = []

    async def link(self, tenant_id: UUID, list_id: str, channel_id: str, **rules: Any) -> Any:
        if self.broken:
            raise self.broken
        async with self._db.tenant(tenant_id) as session:
            ids = {row.vendor: row.id for row in await session.scalars(select(Connection))}
            row = ProjectMapping(
                tenant_id=tenant_id,
                tracker="clickup",
                tracker_connection_id=ids["clickup"],
                list_id=list_id,
                list_name="Named",
                chat="slack",
                chat_connection_id=ids["slack"],
                channel_id=channel_id,
                channel_name="named",
                sync_rule=rules["sync_rule"],
                sync_keyword=rules["sync_keyword"],
            )
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return mapping_resource(row)

    async def unlink(self, tenant_id: UUID, mapping_id: UUID, actor: str) -> bool:
        async with self._db.tenant(tenant_id) as session:
            row = await session.get(ProjectMapping, mapping_id)
            if row is None:
                return False
            await session.delete(row)
            return True

    async def move(self, tenant_id: UUID, mapping_id: UUID, **changes: Any) -> Any:
        if self.broken:
            raise self.broken
        async with self._db.tenant(tenant_id) as session:
            row = await session.get(ProjectMapping, mapping_id)
            if row is None:
                raise NotFound("No mapping with this id.")
            self.moved.append(changes)
            row.channel_id = changes["channel_id"] or row.channel_id
            row.sync_rule = changes["sync_rule"] or row.sync_rule
            row.sync_keyword = changes["sync_keyword"] or row.sync_keyword
            row.updated_at = datetime.now(UTC)
        return mapping_resource(row)

    async def lists(self, tenant_id: UUID, vendor: str, *, refresh: bool = False) -> ListCatalog:
        if vendor != "clickup":
            raise NotFound(f"No integration is called {vendor}.")
        self.refreshed.append(refresh)
        listed = TrackerList(id="901", name=f"Inbox of {tenant_id}", group="Space / Folder")
        return ListCatalog(items=[listed], synced_at=self.synced_at)

    async def channels(self, tenant_id: UUID, vendor: str, *, refresh: bool = False) -> ChannelCatalog:
        self.refreshed.append(refresh)
        listed = ChatChannel(id="C1", name="general", is_member=True, is_private=False)
        return ChannelCatalog(items=[listed], synced_at=self.synced_at)

    async def connect(
        self, tenant_id: UUID, vendor: str, credentials: Mapping[str, str], actor: str
    ) -> ConnectionResource:
        if self.broken:
            raise self.broken
        self.connected.append((tenant_id, vendor, credentials))
        return ConnectionResource(
            id=str(uuid4()),
            vendor=vendor,
            workspace_id="T1",
            name="Acme",
            state="ok",
            broken_reason=None,
            checks=[],
            checked_at=None,
            created_at=datetime.now(UTC),
        )

    async def test(self, tenant_id: UUID, connection_id: UUID) -> ConnectionTest:
        return await self._onboarding.test(tenant_id, connection_id)

    async def disconnect(self, tenant_id: UUID, connection_id: UUID, actor: str, *, force: bool) -> None:
        await self._onboarding.disconnect(tenant_id, connection_id, actor, force=force)

    def integrations(self) -> list[IntegrationResource]:
        return self._onboarding.integrations()
