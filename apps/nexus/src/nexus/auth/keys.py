"""Keys that sign access tokens: Ed25519, kept sealed in the database, published as a JWKS (RFC 7517, RFC 8037)."""

import asyncio
import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.sealing import Sealer
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import SigningKey

ACCESS_TOKEN_SECONDS = 900
"""Life of an access token."""

CACHE_SECONDS = 30
"""How long a process trusts its copy of the keys; a token under a kid it does not know makes it look at once."""

_LOCK = 0x0B11_5167
"""Advisory lock that lets one process make a key at a time, however many start at once."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies; `expires_at` is set once it no longer signs."""

    kid: str
    key: Ed25519PublicKey
    jwk: dict[str, Any]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Ring:
    """The keys as last read."""

    kid: str
    private: Ed25519PrivateKey
    public: dict[str, PublicKey]
    read_at: datetime


class SigningKeys:
    """The key that signs now, and those whose tokens may still be about."""

    def __init__(
        self, db: Database, sealer: Sealer, clock: Clock, *, token_ttl_seconds: int = ACCESS_TOKEN_SECONDS
    ) -> None:
        self._db = db
        self._sealer = sealer
        self._clock = clock
        # Twice a token's life: covers processes that go on signing with their copy for CACHE_SECONDS.
        self._grace = timedelta(seconds=2 * token_ttl_seconds)
        self._ring: _Ring | None = None
        self._reading = asyncio.Lock()
        self._reads_begun = 0

    async def ensure(self) -> None:
        """Makes the first key if there is none. Safe when many processes start at once."""
        async with self._db.system() as session:
            await _one_at_a_time(session)
            if (await session.scalars(_signing())).first() is None:
                self._add(session)

    async def rotate(self) -> str:
        """Makes a new key that signs from now on, and returns its kid; tokens of the old one stay valid."""
        now = self._clock.now()
        async with self._db.system() as session:
            await _one_at_a_time(session)
            await session.execute(update(SigningKey).where(SigningKey.retired_at.is_(None)).values(retired_at=now))
            await session.execute(delete(SigningKey).where(SigningKey.retired_at < now - self._grace))
            kid = self._add(session)
        self._ring = None
        return kid

    async def current(self) -> tuple[str, Ed25519PrivateKey]:
        """(kid, private key) to sign with."""
        ring = await self._fresh()
        return ring.kid, ring.private

    async def find(self, kid: str) -> PublicKey | None:
        """The key of this id unless it is unknown or expired."""
        ring = await self._fresh()
        if kid not in ring.public:
            # Another process may have rotated a moment ago. As dear as a failed login, so not limited further.
            ring = await self._read()
        found = ring.public.get(kid)
        return found if found is not None and self._is_live(found) else None

    async def jwks(self) -> dict[str, Any]:
        """The JSON Web Key Set of all keys whose tokens may still be valid, RFC 7517 §5."""
        ring = await self._fresh()
        return {"keys": [key.jwk for key in ring.public.values() if self._is_live(key)]}

    def _is_live(self, key: PublicKey) -> bool:
        return key.expires_at is None or self._clock.now() < key.expires_at

    async def _fresh(self) -> _Ring:
        ring = self._ring
        if ring is None:
            return await self._read()
        if self._clock.now() - ring.read_at < timedelta(seconds=CACHE_SECONDS):
            return ring
        try:
            return await self._read()
        except Exception as error:
            if is_unavailable(error):
                return ring  # known tokens stay good while the database is away
            raise

    async def _read(self) -> _Ring:
        """Reads the keys; callers that wait meanwhile share one read, never one begun before they asked."""
        begun = self._reads_begun
        async with self._reading:
            if self._ring is not None and self._reads_begun > begun:
                return self._ring
            self._reads_begun += 1
            self._ring = await self._read_now()
            return self._ring

    async def _read_now(self) -> _Ring:
        now = self._clock.now()
        async with self._db.system() as session:
            rows = list(await session.scalars(select(SigningKey).order_by(SigningKey.created_at.desc())))
        signing = next((row for row in rows if row.retired_at is None), None)
        if signing is None:
            await self.ensure()
            return await self._read_now()
        private = Ed25519PrivateKey.from_private_bytes(
            base64.urlsafe_b64decode(self._sealer.open(signing.sealed_private_key)["d"])
        )
        public = (self._public(row) for row in rows)
        return _Ring(signing.kid, private, {key.kid: key for key in public}, now)

    def _public(self, row: SigningKey) -> PublicKey:
        raw = base64.urlsafe_b64decode(row.public_key["x"] + "=")
        return PublicKey(
            kid=row.kid,
            key=Ed25519PublicKey.from_public_bytes(raw),
            jwk=row.public_key,
            expires_at=None if row.retired_at is None else row.retired_at + self._grace,
        )

    def _add(self, session: AsyncSession) -> str:
        private = Ed25519PrivateKey.generate()
        seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        x = base64.urlsafe_b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        kid = secrets.token_urlsafe(12)
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": x.decode().rstrip("="), "kid": kid, "use": "sig", "alg": "EdDSA"}
        sealed = self._sealer.seal({"d": base64.urlsafe_b64encode(seed).decode()})
        session.add(SigningKey(kid=kid, sealed_private_key=sealed, public_key=jwk, created_at=self._clock.now()))
        return kid


def _signing() -> Any:
    return select(SigningKey).where(SigningKey.retired_at.is_(None))


async def _one_at_a_time(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
