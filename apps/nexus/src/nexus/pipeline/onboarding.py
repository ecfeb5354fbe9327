"""Connecting a vendor workspace: try the credentials, keep them sealed, have webhooks sent to us."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from nexus.auth.audit import record
from nexus.auth.errors import NotFound
from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.pipeline.connections import Connections
from nexus.pipeline.subscriptions import Subscriptions
from nexus.store.database import Database
from nexus.store.tables import Connection


class Onboarding:
    """Creates connections, or renews their credentials."""

    def __init__(self, db: Database, connections: Connections, sealer: Sealer, clock: Clock, public_url: str) -> None:
        self._db = db
        self._connections = connections
        self._sealer = sealer
        self._clock = clock
        self._subscriptions = Subscriptions(db, sealer)
        self._public_url = public_url.rstrip("/")

    async def connect(
        self, tenant_id: UUID, vendor: str, credentials: Mapping[str, str], actor: str
    ) -> Mapping[str, Any]:
        """What is not secret about the connection. Raises NotFound for an unknown vendor, Rejected."""
        integration = self._connections.integrations.get(vendor)
        if integration is None:
            known = ", ".join(sorted(self._connections.integrations))
            raise NotFound(f"There is no integration {vendor!r}. Known: {known}.")
        probe = await integration.probe(credentials)
        values = {
            "name": probe.name,
            "sealed": self._sealer.seal(dict(credentials)),
            "facts": probe.facts,
            "broken_reason": None,
            # The reconciler looks after what is done here, but not while it is done.
            "checked_at": self._clock.now(),
        }
        unseen = {"read_until": self._clock.now()}
        async with self._db.tenant(tenant_id) as session:
            connection_id = await session.scalar(
                insert(Connection)
                .values(
                    id=new_id(), tenant_id=tenant_id, vendor=vendor, workspace_id=probe.workspace_id, **values, **unseen
                )
                .on_conflict_do_update(index_elements=["tenant_id", "vendor", "workspace_id"], set_=values)
                .returning(Connection.id)
            )
            assert connection_id is not None
            record(session, tenant_id, actor, "connection.connect", vendor, {"workspace": probe.workspace_id})
        self._connections.forget()
        connected = await self._connections.get(connection_id)
        known = await self._subscriptions.with_known(connected)
        hooks = await integration.subscribe(known, self._public_url)
        async with self._db.tenant(tenant_id) as session:
            outdated = {*known.credentials["hooks"]} - {hook.key for hook in hooks}
            await self._subscriptions.drop(session, connection_id, outdated)
            await self._subscriptions.store(session, connected, hooks)
            row = await session.scalar(select(Connection).where(Connection.id == connection_id))
        assert row is not None
        self._connections.forget()
        return {
            "id": str(row.id),
            "vendor": row.vendor,
            "workspace_id": row.workspace_id,
            "name": row.name,
            "broken_reason": row.broken_reason,
            "created_at": row.created_at,
        }
