"""Open connections to vendor workspaces, by id or by what a webhook claims to come from."""

import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import select

from nexus.kit.sealing import Sealer
from nexus.kit.single_flight import SingleFlight
from nexus.pipeline.circuit import Circuits
from nexus.pipeline.errors import Rejected
from nexus.pipeline.ports import Chat, Connected, Integration, Sink, Tracker
from nexus.store.database import Database
from nexus.store.tables import Connection, WebhookKey

ANY_KEY = "*"
"""A request that names no webhook (a URL challenge): every live secret of its source is tried."""

_CONNECTION_TTL_SECONDS = 15.0
KEY_TTL_SECONDS = 10.0
"""How old a copy of a webhook's secrets may be."""
_UNKNOWN_KEY_TTL_SECONDS = 1.0
RENEWED_SECONDS = 1.0
"""How old a copy of a secret may be that did not sign a request: another process may have been given a new one."""
_MAX_CACHED_KEYS = 10_000
_MAX_ANY_KEY_SECRETS = 50


@dataclass(frozen=True, slots=True)
class WebhookSecret:
    """A secret that may have signed a request, and whose requests it signs."""

    connection_id: UUID
    tenant_id: UUID
    secret: str
    expires_at: datetime | None = None
    """Set for the previous one, after a renewal."""


class Connections:
    """Reads connections and webhook secrets, opens their seals and keeps them for some seconds."""

    def __init__(
        self,
        db: Database,
        sealer: Sealer,
        integrations: Mapping[str, Integration],
        circuits: Circuits | None = None,
    ) -> None:
        self.circuits = circuits or Circuits()
        self._db = db
        self._sealer = sealer
        self.integrations = integrations
        self._connections: dict[UUID, tuple[float, Connected]] = {}
        self._held: dict[UUID, tuple[float, tuple[str, ...]]] = {}
        self._secrets: OrderedDict[tuple[str, str], tuple[float, tuple[WebhookSecret, ...]]] = OrderedDict()
        self._reading = SingleFlight(self._read)
        self._opening = SingleFlight(self._open)

    def known_secrets(self, source: str, key: str) -> tuple[WebhookSecret, ...]:
        """What `secrets` would say without asking anybody; empty when it would have to ask."""
        cached = self._secrets.get((source, key))
        if cached is None or time.monotonic() - cached[0] >= KEY_TTL_SECONDS:
            return ()
        self._secrets.move_to_end((source, key))
        return cached[1]

    async def secrets(
        self, source: str, key: str, *, max_age_seconds: float = KEY_TTL_SECONDS
    ) -> tuple[WebhookSecret, ...]:
        """Secrets under which a request of this source with this key may be signed; empty when unknown."""
        now = time.monotonic()
        cached = self._secrets.get((source, key))
        if cached is not None and now - cached[0] < (max_age_seconds if cached[1] else _UNKNOWN_KEY_TTL_SECONDS):
            self._secrets.move_to_end((source, key))
            return cached[1]
        return await self._reading.of((source, key))

    async def _read(self, whose: tuple[str, str]) -> tuple[WebhookSecret, ...]:
        now, (source, key) = time.monotonic(), whose
        query = select(WebhookKey).where(WebhookKey.source == source).limit(_MAX_ANY_KEY_SECRETS)
        if key != ANY_KEY:
            query = query.where(WebhookKey.key == key)
        async with self._db.system() as session:
            rows = (await session.scalars(query)).all()
        found = tuple(secret for row in rows for secret in self._live(row))
        self._secrets[source, key] = (now, found)
        while len(self._secrets) > _MAX_CACHED_KEYS:
            self._secrets.popitem(last=False)
        return found

    def _live(self, row: WebhookKey) -> Iterator[WebhookSecret]:
        sealed = self._sealer.open(row.sealed)
        yield WebhookSecret(row.connection_id, row.tenant_id, sealed["secret"])
        if "previous" in sealed:
            until = datetime.fromisoformat(sealed["previous_until"])
            yield WebhookSecret(row.connection_id, row.tenant_id, sealed["previous"], until)

    async def get(self, connection_id: UUID) -> Connected:
        """A connection with its credentials. Raises Rejected when it is gone."""
        cached = self._connections.get(connection_id)
        if cached is not None and cached[0] > time.monotonic():
            return cached[1]
        return await self._opening.of(connection_id)

    async def _open(self, connection_id: UUID) -> Connected:
        now = time.monotonic()
        async with self._db.system() as session:
            row = await session.get(Connection, connection_id)
        if row is None:
            raise Rejected("The connection to this workspace was removed. Connect it again, then replay.")
        connected = self.opened(row)
        self._connections[connection_id] = (now + _CONNECTION_TTL_SECONDS, connected)
        return connected

    async def held_secrets(self, tenant_id: UUID) -> tuple[str, ...]:
        """Every secret of the tenant that we hold in the open: vendors' credentials, and what signs their webhooks."""
        now = time.monotonic()
        cached = self._held.get(tenant_id)
        if cached is not None and cached[0] > now:
            return cached[1]
        async with self._db.tenant(tenant_id) as session:
            rows = (await session.scalars(select(Connection))).all()
            keys = (await session.scalars(select(WebhookKey))).all()
        found = {str(self._sealer.open(key.sealed)["secret"]) for key in keys}
        for row in rows:
            given = self._sealer.open(row.sealed)
            fields = self.integrations[row.vendor].describe("").fields
            found.update(str(given[field.name]) for field in fields if field.secret and given.get(field.name))
        self._held[tenant_id] = (now + _CONNECTION_TTL_SECONDS, tuple(found))
        return tuple(found)

    def opened(self, row: Connection) -> Connected:
        """A row with its credentials unsealed."""
        return Connected(
            id=row.id,
            tenant_id=row.tenant_id,
            vendor=row.vendor,
            workspace_id=row.workspace_id,
            credentials=self._sealer.open(row.sealed),
            facts=row.facts,
        )

    async def of_role(self, tenant_id: UUID, role: Literal["tracker", "chat"]) -> list[Connection]:
        """The tenant's trackers or chats, oldest first."""
        async with self._db.tenant(tenant_id) as session:
            rows = (await session.scalars(select(Connection).order_by(Connection.created_at))).all()
        return [row for row in rows if self.integrations[row.vendor].role == role]

    def forget(self) -> None:
        """Drops what is cached, after connections were changed in this process."""
        self._connections.clear()
        self._held.clear()
        self._secrets.clear()

    async def sink(self, connection_id: UUID) -> Sink:
        """The way out to a workspace; it raises Deferred while the vendor is away."""
        connected = await self.get(connection_id)
        opened = self.integrations[connected.vendor].open(connected)
        return self.circuits.guard(connection_id, connected.vendor, opened)

    async def tracker(self, connection_id: UUID) -> Tracker:
        """The live end of a tracker."""
        return cast("Tracker", await self.sink(connection_id))

    async def chat(self, connection_id: UUID) -> Chat:
        """The live end of a chat."""
        return cast("Chat", await self.sink(connection_id))
