"""Whether a token that is good is still its holder's: nothing behind it was revoked since it was made."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.audit import record
from nexus.auth.clients import Clients
from nexus.auth.errors import TokenInvalid
from nexus.auth.tokens import Principal
from nexus.kit.clock import Clock
from nexus.store.database import Database
from nexus.store.tables import RevokedToken

KEPT_SECONDS = 900
"""How long a revoked token is remembered after its end: a socket may outlive the ticket that opened it."""

_STANDING = text("""
    SELECT asked.client_id, asked.jti, asked.person, client.last_used_at
    FROM unnest(CAST(:clients AS text[]), CAST(:jtis AS text[]), CAST(:people AS text[]))
         AS asked (client_id, jti, person)
    JOIN api_keys AS client ON client.client_id = asked.client_id AND client.revoked_at IS NULL
    LEFT JOIN agents AS agent ON agent.id = client.agent_id
    WHERE agent.revoked_at IS NULL
      AND NOT EXISTS (SELECT FROM revoked_tokens AS revoked WHERE revoked.jti = asked.jti)
      AND (asked.person IS NULL OR EXISTS (SELECT FROM members WHERE members.email = asked.person))
""")
"""The rows that hold. Of one tenant: row-level security adds it to every table."""


class Standing:
    """Judges holders of verified tokens, and revokes tokens."""

    def __init__(self, db: Database, clients: Clients, clock: Clock) -> None:
        self._db = db
        self._clients = clients
        self._clock = clock

    async def check(self, principal: Principal) -> None:
        """One statement. Raises TokenInvalid once the token, its client, its agent or its person is gone."""
        async with self._db.tenant(principal.tenant_id) as session:
            rows = await _holding(session, [principal])
        if not rows:
            raise TokenInvalid("The token was revoked, or its client was, or the person is no member any more.")
        await self._clients.used(principal.tenant_id, principal.client_id, rows[0].last_used_at)

    async def fallen(self, principals: Iterable[Principal]) -> set[str]:
        """The `jti` of those whose tokens hold no more; one statement for each tenant among them."""
        by_tenant: defaultdict[UUID, dict[str, Principal]] = defaultdict(dict)
        for one in principals:
            by_tenant[one.tenant_id][one.jti] = one
        fallen: set[str] = set()
        for tenant_id, asked in by_tenant.items():
            async with self._db.tenant(tenant_id) as session:
                fallen |= asked.keys() - {row.jti for row in await _holding(session, list(asked.values()))}
        return fallen

    async def revoke(self, principal: Principal, *, actor: str) -> None:
        """Ends one token, now and everywhere; once more does nothing. Forgets those whose end is long past."""
        now: datetime = self._clock.now()
        async with self._db.tenant(principal.tenant_id) as session:
            await session.execute(
                delete(RevokedToken).where(RevokedToken.expires_at < now - timedelta(seconds=KEPT_SECONDS))
            )
            added = await session.execute(
                insert(RevokedToken)
                .values(
                    tenant_id=principal.tenant_id,
                    jti=principal.jti,
                    client_id=principal.client_id,
                    expires_at=principal.expires_at,
                )
                .on_conflict_do_nothing()
                .returning(RevokedToken.id)
            )
            if added.first() is not None:
                record(session, principal.tenant_id, actor, "token.revoke", principal.client_id, {"jti": principal.jti})


async def _holding(session: AsyncSession, principals: Sequence[Principal]) -> Sequence[Any]:
    rows = await session.execute(
        _STANDING,
        {
            "clients": [one.client_id for one in principals],
            "jtis": [one.jti for one in principals],
            "people": [one.person for one in principals],
        },
    )
    return rows.all()
