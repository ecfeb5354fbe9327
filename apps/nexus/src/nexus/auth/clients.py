"""OAuth clients and their secrets: shown once, kept as a keyed hash, two live during a rotation."""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.audit import record
from nexus.auth.errors import Invalid, NotFound
from nexus.kit.clock import Clock
from nexus.kit.sealing import Sealer
from nexus.store.database import Database
from nexus.store.tables import ApiKey, ApiKeySecret
from oblivion_protocol.scopes import ALL_SCOPES, DELEGATE

SECRET_PREFIX = "obl_sk_"  # noqa: S105 - what secret scanners look for, not a secret
ROTATION_OVERLAP_SECONDS = 24 * 3600
"""How long the previous secret keeps working after a rotation, unless the caller says otherwise."""

USED_SECONDS = 60
"""How exact `last_used_at` is: it is not written more often than this."""

ClientKind = Literal["agent", "admin", "observer"]
_ID_PREFIXES: dict[ClientKind, str] = {"agent": "agt", "admin": "adm", "observer": "obs"}

_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
_NOBODY = " "
"""An id that no client has: garbage takes the same path, and the same time, as an unknown id."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that proved its secret."""

    client_id: str
    tenant_id: UUID
    scopes: tuple[str, ...]
    agent_id: UUID | None


class Clients:
    """Creates, authenticates, rotates and revokes clients."""

    def __init__(self, db: Database, sealer: Sealer, clock: Clock) -> None:
        self._db = db
        self._sealer = sealer
        self._clock = clock
        self._dummy_hash = sealer.hash(secrets.token_urlsafe(32))

    async def create(
        self,
        tenant_id: UUID,
        name: str,
        scopes: Iterable[str],
        agent_id: UUID | None = None,
        *,
        actor: str = "system",
    ) -> tuple[str, str]:
        """(client_id, secret) of a new client; the secret cannot be read again. Raises Invalid."""
        async with self._db.tenant(tenant_id) as session:
            return await self.add(session, tenant_id, name, scopes, agent_id, actor=actor)

    async def add(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        name: str,
        scopes: Iterable[str],
        agent_id: UUID | None = None,
        *,
        actor: str,
        expires_at: datetime | None = None,
    ) -> tuple[str, str]:
        """`create` within the caller's transaction."""
        wanted = tuple(dict.fromkeys(scopes))
        unknown = [scope for scope in wanted if scope not in ALL_SCOPES]
        if unknown or not wanted:
            raise Invalid(f"Scopes are {', '.join(ALL_SCOPES)}; at least one is needed.")
        key = ApiKey(tenant_id=tenant_id, name=name, agent_id=agent_id, scopes=list(wanted))
        key.client_id = client_id = _client_id(name, kind_of(key))
        session.add(key)
        await session.flush()
        secret = self._add_secret(session, key, expires_at)
        record(session, tenant_id, actor, "client.create", client_id, {"name": name, "scopes": list(wanted)})
        await session.flush()
        return client_id, secret

    async def authenticate(self, client_id: str, secret: str) -> Authenticated | None:
        """The client, if the secret is one of its live ones and nothing is revoked; never raises on garbage.

        An unknown id costs the same work as a wrong secret.
        """
        well_formed = _VISIBLE.fullmatch(client_id) and _VISIBLE.fullmatch(secret)
        now = self._clock.now()
        async with self._db.system() as session:
            rows = (
                await session.execute(
                    select(ApiKey, ApiKeySecret)
                    .join(ApiKeySecret, ApiKeySecret.api_key_id == ApiKey.id)
                    .where(ApiKey.client_id == (client_id if well_formed else _NOBODY))
                )
            ).all()
        live = [
            (key, stored)
            for key, stored in rows
            if key.revoked_at is None and (stored.expires_at is None or now < stored.expires_at)
        ]
        proven: tuple[ApiKey, ApiKeySecret] | None = None
        for key, stored in live:
            if self._sealer.matches(secret, stored.secret_hash):
                proven = key, stored
        for _ in range(2 - len(live)):
            self._sealer.matches(secret if well_formed else _NOBODY, self._dummy_hash)
        if proven is None:
            return None
        key, stored = proven
        if stored.pepper != self._sealer.pepper:
            await self._pepper_anew(stored, secret)
        await self.used(key.tenant_id, key.client_id, key.last_used_at)
        return Authenticated(key.client_id, key.tenant_id, tuple(key.scopes), key.agent_id)

    async def listed(
        self, tenant_id: UUID, *, after: tuple[datetime, UUID] | None = None, limit: int | None = None
    ) -> Sequence[ApiKey]:
        """Clients in the order of creation, also those that are revoked."""
        query = select(ApiKey).order_by(ApiKey.created_at, ApiKey.id).limit(limit)
        if after is not None:
            query = query.where(tuple_(ApiKey.created_at, ApiKey.id) > after)
        async with self._db.tenant(tenant_id) as session:
            return list(await session.scalars(query))

    async def find(self, tenant_id: UUID, client_id: str) -> ApiKey:
        """The client, live or revoked. Raises NotFound."""
        async with self._db.tenant(tenant_id) as session:
            key = await session.scalar(select(ApiKey).where(ApiKey.client_id == client_id))
        if key is None:
            raise NotFound("No such client.")
        return key

    async def rotate(
        self,
        tenant_id: UUID,
        client_id: str,
        overlap_seconds: int = ROTATION_OVERLAP_SECONDS,
        *,
        actor: str = "system",
    ) -> str:
        """A new secret; the previous one works for `overlap_seconds` more, older ones stop. Raises NotFound."""
        now = self._clock.now()
        until = now + timedelta(seconds=overlap_seconds)
        async with self._db.tenant(tenant_id) as session:
            key = await session.scalar(
                select(ApiKey).where(ApiKey.client_id == client_id, ApiKey.revoked_at.is_(None)).with_for_update()
            )
            if key is None:
                raise NotFound("No such client, or it is revoked.")
            stored = list(
                await session.scalars(
                    select(ApiKeySecret)
                    .where(ApiKeySecret.api_key_id == key.id)
                    .order_by(ApiKeySecret.created_at.desc(), ApiKeySecret.id.desc())
                )
            )
            for previous in stored[:1]:
                previous.expires_at = min(until, previous.expires_at or until)
            await session.execute(delete(ApiKeySecret).where(ApiKeySecret.id.in_([old.id for old in stored[1:]])))
            secret = self._add_secret(session, key)
            record(session, tenant_id, actor, "client.rotate", client_id, {"overlap_seconds": overlap_seconds})
        return secret

    async def revoke(self, tenant_id: UUID, client_id: str, *, actor: str = "system") -> None:
        """Ends a client at once, and with it all of its tokens. Raises NotFound."""
        async with self._db.tenant(tenant_id) as session:
            found = await session.execute(
                update(ApiKey)
                .where(ApiKey.client_id == client_id, ApiKey.revoked_at.is_(None))
                .values(revoked_at=self._clock.now())
                .returning(ApiKey.id)
            )
            if found.first() is None:
                raise NotFound("No such client, or it is revoked already.")
            record(session, tenant_id, actor, "client.revoke", client_id)

    async def used(self, tenant_id: UUID, client_id: str, known: datetime | None) -> None:
        """Notes that a client was here, once a minute; a row that somebody else holds is noted the next time.

        `known` is the `last_used_at` that the caller has just read.
        """
        now = self._clock.now()
        if known is not None and now - known < timedelta(seconds=USED_SECONDS):
            return
        async with self._db.tenant(tenant_id) as session:
            stale = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - timedelta(seconds=USED_SECONDS))
            free = select(ApiKey.id).where(ApiKey.client_id == client_id, stale).with_for_update(skip_locked=True)
            await session.execute(update(ApiKey).where(ApiKey.id == free.scalar_subquery()).values(last_used_at=now))

    async def _pepper_anew(self, stored: ApiKeySecret, secret: str) -> None:
        """Keeps the hash of a secret, which we see only at a login, under the secret key that seals now."""
        anew = {"secret_hash": self._sealer.hash(secret), "pepper": self._sealer.pepper}
        async with self._db.tenant(stored.tenant_id) as session:
            await session.execute(update(ApiKeySecret).where(ApiKeySecret.id == stored.id).values(anew))

    def _add_secret(self, session: AsyncSession, key: ApiKey, expires_at: datetime | None = None) -> str:
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        session.add(
            ApiKeySecret(
                tenant_id=key.tenant_id,
                api_key_id=key.id,
                secret_hash=self._sealer.hash(secret),
                pepper=self._sealer.pepper,
                expires_at=expires_at,
                created_at=self._clock.now(),
            )
        )
        return secret


def kind_of(key: ApiKey) -> ClientKind:
    """What a client is for."""
    if key.agent_id is not None:
        return "agent"
    return "observer" if DELEGATE in key.scopes else "admin"


def _client_id(name: str, kind: ClientKind) -> str:
    """Such as `agt_fixer_x7Kp2mQz`: people recognise it, nobody guesses it."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:32].strip("-") or "client"
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    random = "".join(secrets.choice(alphabet) for _ in range(8))
    return f"{_ID_PREFIXES[kind]}_{slug}_{random}"
