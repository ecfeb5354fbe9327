"""Connecting a vendor workspace: try the credentials, keep them sealed, have webhooks sent to us; and the way back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from nexus.auth.audit import record
from nexus.auth.errors import NotFound
from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.kit.logging import get_logger
from nexus.kit.sealing import Sealer
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import PipelineError, Rejected, Retryable, Unsure
from nexus.pipeline.health import connection_resource
from nexus.pipeline.ports import Connected
from nexus.pipeline.subscriptions import Subscriptions
from nexus.store.database import Database
from nexus.store.tables import Connection, InboxEvent, ProjectMapping
from oblivion_protocol.operating import Check, ConnectionResource, ConnectionTest, IntegrationResource

log = get_logger(__name__)


class InUse(Exception):
    """Something hangs on it; `reason` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Onboarding:
    """Creates connections, renews their credentials, tests them and takes them away."""

    def __init__(self, db: Database, connections: Connections, sealer: Sealer, clock: Clock, public_url: str) -> None:
        self._db = db
        self._connections = connections
        self._sealer = sealer
        self._clock = clock
        self._subscriptions = Subscriptions(db, sealer, clock)
        self._public_url = public_url.rstrip("/")

    async def connect(
        self, tenant_id: UUID, vendor: str, credentials: Mapping[str, str], actor: str
    ) -> ConnectionResource:
        """What is not secret about the connection. Raises NotFound for an unknown vendor, Rejected."""
        integration = self._connections.integrations.get(vendor)
        if integration is None:
            known = ", ".join(sorted(self._connections.integrations))
            raise NotFound(f"There is no integration {vendor!r}. Known: {known}.")
        began = self._clock.now()
        probe = await integration.probe(credentials)
        async with self._db.tenant(tenant_id) as session:
            renewed = await session.scalar(
                select(Connection.id).where(Connection.vendor == vendor, Connection.workspace_id == probe.workspace_id)
            )
        offered = Connected(
            id=renewed or new_id(),
            tenant_id=tenant_id,
            vendor=vendor,
            workspace_id=probe.workspace_id,
            credentials=dict(credentials),
            facts=probe.facts,
        )
        # Whoever may not have webhooks sent to us is refused here, before the credentials that work are replaced.
        known = await self._subscriptions.with_known(offered)
        hooks = await integration.subscribe(known, self._public_url)
        values = {
            "name": probe.name,
            "sealed": self._sealer.seal(dict(credentials)),
            "facts": probe.facts,
            "broken_reason": None,
            "checked_at": self._clock.now(),
        }
        identity = {"tenant_id": tenant_id, "vendor": vendor, "workspace_id": probe.workspace_id}
        async with self._db.tenant(tenant_id) as session:
            row = await session.scalar(
                insert(Connection)
                .values(id=offered.id, read_until=began, **identity, **values)
                .on_conflict_do_update(index_elements=[*identity], set_=values)
                .returning(Connection)
            )
            assert row is not None
            outdated = {*known.credentials["hooks"]} - {hook.key for hook in hooks}
            await self._subscriptions.drop(session, row.id, outdated)
            await self._subscriptions.store(session, replace(offered, id=row.id), hooks)
            record(session, tenant_id, actor, "connection.connect", vendor, {"workspace": probe.workspace_id})
        self._connections.forget()
        return connection_resource(row)

    async def test(self, tenant_id: UUID, connection_id: UUID) -> ConnectionTest:
        """Looks at the vendor, now. Raises NotFound."""
        connected = await self._subscriptions.with_known(await self._own(tenant_id, connection_id))
        integration = self._connections.integrations[connected.vendor]
        try:
            checks = await integration.examine(connected, self._public_url)
        except Rejected as error:
            checks = [Check(name=integration.label, state="failed", detail=error.reason)]
        except (Retryable, Unsure) as error:
            hint = "Try again; nothing is lost meanwhile."
            checks = [Check(name=integration.label, state="failed", detail=error.reason, hint=hint)]
        checks.append(await self._arrivals(tenant_id, connection_id))
        return ConnectionTest(ok=all(check.state != "failed" for check in checks), checks=checks)

    async def _arrivals(self, tenant_id: UUID, connection_id: UUID) -> Check:
        """When something came from there last: the only proof that the way in is open."""
        async with self._db.tenant(tenant_id) as session:
            last = await session.scalar(
                select(func.max(InboxEvent.created_at)).where(InboxEvent.connection_id == connection_id)
            )
        if last is None:
            hint = "Write or change something there, then test again."
            return Check(name="Last event", state="warning", detail="Nothing has come from there yet.", hint=hint)
        return Check(name="Last event", state="ok", detail=f"Came at {last.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC.")

    async def disconnect(self, tenant_id: UUID, connection_id: UUID, actor: str, *, force: bool) -> None:
        """Removes a connection with everything that hangs on it, and our webhook at the vendor if it can be reached.

        Raises NotFound, or InUse while lists are linked over it.
        """
        connected = await self._subscriptions.with_known(await self._own(tenant_id, connection_id))
        async with self._db.tenant(tenant_id) as session:
            links = await session.scalar(
                select(func.count())
                .select_from(ProjectMapping)
                .where(
                    or_(
                        ProjectMapping.tracker_connection_id == connection_id,
                        ProjectMapping.chat_connection_id == connection_id,
                    )
                )
            )
            if links and not force:
                raise InUse(f"{links} lists are linked over this connection. Unlink them first, or use force.")
            data = {"workspace": connected.workspace_id, "links": links or 0}
            record(session, tenant_id, actor, "connection.disconnect", connected.vendor, data)
            await session.execute(delete(Connection).where(Connection.id == connection_id))
        self._connections.forget()
        try:
            await self._connections.integrations[connected.vendor].unsubscribe(connected, self._public_url)
        except PipelineError as error:
            # What it still sends is refused: its secret is gone.
            log.warning("connection.webhook_left", vendor=connected.vendor, reason=str(error))

    def integrations(self) -> list[IntegrationResource]:
        """What can be connected, and how; trackers first."""
        found = [each.describe(self._public_url) for each in self._connections.integrations.values()]
        return sorted(found, key=lambda one: (one.role != "tracker", one.title))

    async def _own(self, tenant_id: UUID, connection_id: UUID) -> Connected:
        async with self._db.tenant(tenant_id) as session:
            row = await session.get(Connection, connection_id)
        if row is None:
            raise NotFound("No connection with this id.")
        return self._connections.opened(row)
