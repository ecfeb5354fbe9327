"""Keys that sign access tokens: Ed25519, kept sealed in the database, published as a JWKS (RFC 7517, RFC 8037).

There are up to three kinds at a time: those whose tokens may still be about, the one that signs, and the one that
will sign next. The next one is in the JWKS for so long that every copy of the JWKS has it before a token needs it.
"""

import asyncio
import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import ColumnElement, delete, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.sealing import Sealer
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import SigningKey

ACCESS_TOKEN_SECONDS = 900
"""Life of an access token."""

CACHE_SECONDS = 30
"""How long a process trusts its copy of the keys; a token under a kid it does not know makes it look at once."""

JWKS_SECONDS = 60
"""How long others may keep their copy of the JWKS (`Cache-Control: max-age`)."""

PUBLISHED_SECONDS = 2 * (CACHE_SECONDS + JWKS_SECONDS)
"""How long a key is published before it signs: twice the age that a copy of our copy can have."""

_LOCK = 0x0B11_5167
"""Advisory lock that lets one process make a key at a time, however many start at once."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies; `expires_at` is set once it is known when it no longer signs."""

    kid: str
    key: Ed25519PublicKey
    jwk: dict[str, Any]
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What an operator may know of a key."""

    kid: str
    created_at: datetime
    signs_from: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Signer:
    """A key that signs from some instant on."""

    kid: str
    private: Ed25519PrivateKey
    signs_from: datetime


@dataclass(frozen=True, slots=True)
class _Ring:
    """The keys as last read."""

    signers: list[_Signer]
    """The latest one first; those that are to come are among them."""
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
            now = self._clock.now()
            if (await session.scalars(select(SigningKey.kid).where(_in_use(now)))).first() is None:
                self._add(session, now, now)

    async def rotate(self, *, published_seconds: float = PUBLISHED_SECONDS, leaked: bool = False) -> KeyFacts:
        """Makes a key that signs once it has been published for so long; until then the present one goes on.

        Tokens of earlier keys stay valid to their end, unless a key has `leaked`: then the new one signs at once and
        the others are forgotten, by processes that have a copy of them within CACHE_SECONDS.
        """
        now = self._clock.now()
        signs_from = now if leaked else now + timedelta(seconds=published_seconds)
        async with self._db.system() as session:
            await _one_at_a_time(session)
            if leaked:
                await session.execute(delete(SigningKey))
            else:
                await session.execute(delete(SigningKey).where(SigningKey.retired_at < now - self._grace))
                # One that was to sign after this one never will.
                await session.execute(delete(SigningKey).where(SigningKey.signs_from > signs_from))
                await session.execute(
                    update(SigningKey)
                    .where(or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > signs_from))
                    .values(retired_at=signs_from)
                )
            made = self._add(session, now, signs_from)
        self._ring = None
        return made

    async def listed(self) -> list[KeyFacts]:
        """Every key that is kept, in the order in which they sign."""
        async with self._db.system() as session:
            rows = await session.scalars(select(SigningKey).order_by(SigningKey.signs_from))
            return [_facts(row) for row in rows]

    async def current(self) -> tuple[str, Ed25519PrivateKey]:
        """(kid, private key) to sign with."""
        ring = await self._fresh()
        now = self._clock.now()
        signer = next((one for one in ring.signers if one.signs_from <= now), ring.signers[-1])
        return signer.kid, signer.private

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
            rows = list(await session.scalars(select(SigningKey).order_by(SigningKey.signs_from.desc())))
        unretired = [row for row in rows if row.retired_at is None or row.retired_at > now]
        if not unretired:
            await self.ensure()
            return await self._read_now()
        public = (self._public(row) for row in rows)
        return _Ring([self._signer(row) for row in unretired], {key.kid: key for key in public}, now)

    def _signer(self, row: SigningKey) -> _Signer:
        seed = base64.urlsafe_b64decode(self._sealer.open(row.sealed_private_key)["d"])
        return _Signer(row.kid, Ed25519PrivateKey.from_private_bytes(seed), row.signs_from)

    def _public(self, row: SigningKey) -> PublicKey:
        raw = base64.urlsafe_b64decode(row.public_key["x"] + "=")
        return PublicKey(
            kid=row.kid,
            key=Ed25519PublicKey.from_public_bytes(raw),
            jwk=row.public_key,
            expires_at=None if row.retired_at is None else row.retired_at + self._grace,
        )

    def _add(self, session: AsyncSession, now: datetime, signs_from: datetime) -> KeyFacts:
        private = Ed25519PrivateKey.generate()
        seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        x = base64.urlsafe_b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        kid = secrets.token_urlsafe(12)
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": x.decode().rstrip("="), "kid": kid, "use": "sig", "alg": "EdDSA"}
        sealed = self._sealer.seal({"d": base64.urlsafe_b64encode(seed).decode()})
        row = SigningKey(kid=kid, sealed_private_key=sealed, public_key=jwk, created_at=now, signs_from=signs_from)
        session.add(row)
        return _facts(row)


def _facts(row: SigningKey) -> KeyFacts:
    return KeyFacts(row.kid, row.created_at, row.signs_from, row.retired_at)


def _in_use(now: datetime) -> ColumnElement[bool]:
    """Keys that sign, or will."""
    return or_(SigningKey.retired_at.is_(None), SigningKey.retired_at > now)


async def _one_at_a_time(session: AsyncSession) -> None:
    await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
