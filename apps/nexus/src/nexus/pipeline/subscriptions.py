"""The webhooks that vendors send us: their keys and signing secrets, sealed."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.pipeline.ports import Connected, HookSecret
from nexus.store.database import Database
from nexus.store.tables import WebhookKey

OVERLAP_SECONDS = 3600
"""How long the previous secret of a webhook is good after a renewal: so long is repeated what was signed with it."""


class Subscriptions:
    """Remembers how webhooks are signed."""

    def __init__(self, db: Database, sealer: Sealer, clock: Clock) -> None:
        self._db = db
        self._sealer = sealer
        self._clock = clock

    async def with_known(self, connected: Connected) -> Connected:
        """The connection with the secrets of its webhooks by key: a vendor may tell a secret once only."""
        async with self._db.tenant(connected.tenant_id) as session:
            rows = await session.scalars(select(WebhookKey).where(WebhookKey.connection_id == connected.id))
            known = {row.key: self._sealer.open(row.sealed)["secret"] for row in rows}
        return replace(connected, credentials={**connected.credentials, "hooks": known})

    async def store(self, session: AsyncSession, connected: Connected, hooks: Sequence[HookSecret]) -> None:
        """Adds webhooks, or gives those that are known their present secret; the one before it lives a while longer."""
        for hook in hooks:
            sealed = self._sealer.seal(await self._renewed(session, connected, hook))
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

    async def _renewed(self, session: AsyncSession, connected: Connected, hook: HookSecret) -> dict[str, Any]:
        """What is sealed of a webhook. A second renewal ends the secret before the last at once."""
        here = WebhookKey.source == connected.vendor, WebhookKey.key == hook.key
        sealed = await session.scalar(
            select(WebhookKey.sealed).where(*here, WebhookKey.connection_id == connected.id).with_for_update()
        )
        known = self._sealer.open(sealed) if sealed is not None else {"secret": hook.secret}
        if known["secret"] == hook.secret:
            return known
        until = self._clock.now() + timedelta(seconds=OVERLAP_SECONDS)
        return {"secret": hook.secret, "previous": known["secret"], "previous_until": until.isoformat()}

    async def drop(self, session: AsyncSession, connection_id: UUID, keys: Collection[str]) -> None:
        """Forgets webhooks: what they send is refused from now on."""
        await session.execute(
            delete(WebhookKey).where(WebhookKey.connection_id == connection_id, WebhookKey.key.in_(keys))
        )
