"""The webhooks that vendors send us: their keys and signing secrets, sealed."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.pipeline.ports import Connected, HookSecret
from nexus.store.database import Database
from nexus.store.tables import WebhookKey


class Subscriptions:
    """Remembers how webhooks are signed."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def with_known(self, connected: Connected) -> Connected:
        """The connection with the secrets of its webhooks by key: a vendor may tell a secret once only."""
        async with self._db.tenant(connected.tenant_id) as session:
            rows = await session.scalars(select(WebhookKey).where(WebhookKey.connection_id == connected.id))
            known = {row.key: self._sealer.open(row.sealed)["secret"] for row in rows}
        return replace(connected, credentials={**connected.credentials, "hooks": known})

    async def store(self, session: AsyncSession, connected: Connected, hooks: Sequence[HookSecret]) -> None:
        """Adds webhooks, or gives those that are known their present secret."""
        for hook in hooks:
            sealed = self._sealer.seal({"secret": hook.secret})
            await session.execute(
                insert(WebhookKey)
                .values(
                    id=new_id(),
                    tenant_id=connected.tenant_id,
                    connection_id=connected.id,
                    source=connected.vendor,
                    key=hook.key,
                    sealed=sealed,
                )
                .on_conflict_do_update(
                    index_elements=["source", "key"], set_={"sealed": sealed, "connection_id": connected.id}
                )
            )

    async def drop(self, session: AsyncSession, connection_id: UUID, keys: Collection[str]) -> None:
        """Forgets webhooks: what they send is refused from now on."""
        await session.execute(
            delete(WebhookKey).where(WebhookKey.connection_id == connection_id, WebhookKey.key.in_(keys))
        )
