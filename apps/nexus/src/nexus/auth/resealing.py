"""After a change of the secret key: everything sealed under the first one, and what still hangs on the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from nexus.auth.audit import record
from nexus.kit.clock import Clock
from nexus.kit.sealing import Sealer, SealError
from nexus.store.database import Database
from nexus.store.tables import ApiKey, ApiKeySecret, Base, Connection, SigningKey, Tenant, WebhookKey

BATCH = 100


SEALED: Mapping[str, tuple[type[Base], InstrumentedAttribute[bytes], InstrumentedAttribute[Any]]] = {
    "connections": (Connection, Connection.sealed, Connection.id),
    "webhooks": (WebhookKey, WebhookKey.sealed, WebhookKey.id),
    "signing keys": (SigningKey, SigningKey.sealed_private_key, SigningKey.kid),
}
"""Every column that holds something sealed, with its table and the key of that."""


@dataclass(frozen=True, slots=True)
class Count:
    """Sealed values of one kind."""

    total: int = 0
    resealed: int = 0
    """Those that were under another key than the first; in a report, those that still are."""
    lost: int = 0
    """Those that none of the keys opens."""


@dataclass(frozen=True, slots=True)
class Dependent:
    """A client whose secret was hashed with a key that is not the first, or nobody knows with which."""

    client_id: str
    secrets: int
    known: bool


class Resealer:
    """Looks at, and seals anew, what the secret keys of this process open."""

    def __init__(self, db: Database, sealer: Sealer, clock: Clock) -> None:
        self._db = db
        self._sealer = sealer
        self._clock = clock

    async def report(self) -> dict[str, Count]:
        """What would be sealed anew, by kind."""
        return {kind: await self._walk(kind, write=False) for kind in SEALED}

    async def reseal(self, *, actor: str) -> dict[str, Count]:
        """Seals everything under the first key. A batch at a time, each its own transaction: done or not done.

        May be broken off and begun again, and run while everything else does: what is sealed under the first key
        is left alone.
        """
        counts = {kind: await self._walk(kind, write=True) for kind in SEALED}
        await self.note(
            "keys.reseal", "secret key", {kind: count.resealed for kind, count in counts.items()}, actor=actor
        )
        return counts

    async def dependents(self) -> list[Dependent]:
        """Clients with a live secret that works only while an old key is listed, by id.

        A secret is seen at a login only, and that is when its hash is made anew.
        """
        live = ApiKeySecret.expires_at.is_(None) | (ApiKeySecret.expires_at > self._clock.now())
        query = (
            select(ApiKey.client_id, func.count(), func.bool_and(ApiKeySecret.pepper.is_not(None)))
            .join(ApiKeySecret, ApiKeySecret.api_key_id == ApiKey.id)
            .where(ApiKey.revoked_at.is_(None), live, ApiKeySecret.pepper.is_distinct_from(self._sealer.pepper))
            .group_by(ApiKey.client_id)
            .order_by(ApiKey.client_id)
        )
        async with self._db.system() as session:
            return [Dependent(*row) for row in (await session.execute(query)).all()]

    async def note(self, action: str, target: str, data: dict[str, object], *, actor: str) -> None:
        """In the audit log of every tenant: the keys are everybody's."""
        async with self._db.system() as session:
            tenants = list(await session.scalars(select(Tenant.id)))
        for tenant_id in tenants:
            async with self._db.tenant(tenant_id) as session:
                record(session, tenant_id, actor, action, target, data)

    async def _walk(self, kind: str, *, write: bool) -> Count:
        table, column, key = SEALED[kind]
        total = resealed = lost = 0
        last: object = None
        while True:
            query = select(key, column).order_by(key).limit(BATCH)
            if last is not None:
                query = query.where(key > last)
            if write:
                query = query.with_for_update()
            async with self._db.system() as session:
                rows = (await session.execute(query)).all()
                for row_key, sealed in rows:
                    try:
                        anew = self._sealer.resealed(sealed)
                    except SealError:
                        lost += 1
                        continue
                    if anew is not None:
                        resealed += 1
                        if write:
                            await session.execute(update(table).where(key == row_key).values({column: anew}))
            total += len(rows)
            if len(rows) < BATCH:
                return Count(total, resealed, lost)
            last = rows[-1][0]
