"""Access tokens: JWTs by the profile of RFC 9068, verified by the rules of RFC 8725."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.keys import ACCESS_TOKEN_SECONDS, SigningKeys
from nexus.kit.clock import Clock
from oblivion_protocol.resources import TokenResponse

AUDIENCE = "nexus"
ALGORITHM = "EdDSA"
TYPE = "at+jwt"
MAX_TOKEN_CHARS = 4096
CLOCK_SKEW_SECONDS = 10
"""How far in the future another process of ours may have issued a token."""

_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORBIDDEN_HEADERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip"})
"""A token never tells us by which key to verify it, nor how to read it (RFC 8725 §3.10)."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, from a verified token."""

    client_id: str
    tenant_id: UUID
    scopes: frozenset[str]
    agent_id: UUID | None
    expires_at: datetime
    jti: str


class _Claims(BaseModel):
    """The claims of a verified token; strict, because only we write them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: str = Field(min_length=1, strict=True)
    exp: int = Field(strict=True, ge=0, le=2**40)
    iat: int = Field(strict=True, ge=0, le=2**40)
    jti: str = Field(min_length=1, strict=True)
    scope: str = Field(strict=True)
    tenant_id: UUID
    agent_id: UUID | None = None


class Tokens:
    """Issues and verifies access tokens of one issuer."""

    def __init__(self, keys: SigningKeys, issuer: str, clock: Clock, ttl_seconds: int = ACCESS_TOKEN_SECONDS) -> None:
        self.issuer = issuer.rstrip("/")
        self._keys = keys
        self._clock = clock
        self._ttl_seconds = ttl_seconds

    async def issue(
        self, subject: str, tenant_id: UUID, scopes: Iterable[str], agent_id: UUID | None = None
    ) -> TokenResponse:
        """A token for client `subject`, RFC 9068 §2.2."""
        kid, private = await self._keys.current()
        issued_at = int(self._clock.now().timestamp())
        scope = " ".join(scopes)
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": subject,
            "iat": issued_at,
            "exp": issued_at + self._ttl_seconds,
            "jti": secrets.token_urlsafe(16),
            "scope": scope,
            "tenant_id": str(tenant_id),
        }
        if agent_id is not None:
            claims["agent_id"] = str(agent_id)
        token = jwt.encode(claims, private, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": kid})
        return TokenResponse(access_token=token, expires_in=self._ttl_seconds, scope=scope)

    async def verify(self, token: str, audience: str = AUDIENCE) -> Principal:
        """Who holds this token. Raises TokenExpired or TokenInvalid, whatever the input."""
        key = await self._keys.find(_kid_of(token))
        if key is None:
            raise TokenInvalid("The token is signed by a key that is not ours.")
        try:
            payload = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=self.issuer,
                options={
                    "require": ["iss", "aud", "sub", "exp", "iat", "jti", "scope", "tenant_id"],
                    "strict_aud": True,
                    "verify_exp": False,  # below, by the clock that we were given
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            claims = _Claims.model_validate(payload)
        except (jwt.PyJWTError, ValidationError, ValueError, TypeError) as error:
            raise TokenInvalid("The token is not valid here.") from error
        return self._in_time(claims)

    def _in_time(self, claims: _Claims) -> Principal:
        now = self._clock.now()
        expires_at = datetime.fromtimestamp(claims.exp, UTC)
        if now >= expires_at:
            raise TokenExpired("The token has expired.")
        if datetime.fromtimestamp(claims.iat, UTC) > now + timedelta(seconds=CLOCK_SKEW_SECONDS):
            raise TokenInvalid("The token comes from the future; check the clocks of the servers.")
        return Principal(
            client_id=claims.sub,
            tenant_id=claims.tenant_id,
            scopes=frozenset(claims.scope.split()),
            agent_id=claims.agent_id,
            expires_at=expires_at,
            jti=claims.jti,
        )


def _kid_of(token: str) -> str:
    """The key id of a token whose header is exactly of the kind that we write."""
    if not token.isascii() or len(token) > MAX_TOKEN_CHARS:
        raise TokenInvalid("This is not a token.")
    try:
        header = cast("dict[str, object]", jwt.get_unverified_header(token))
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise TokenInvalid("This is not a token.") from error
    if header.get("alg") != ALGORITHM or header.get("typ") != TYPE or _FORBIDDEN_HEADERS & header.keys():
        raise TokenInvalid("This is not an access token.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise TokenInvalid("This is not an access token.")
    return kid
