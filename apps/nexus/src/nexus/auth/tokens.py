"""Access tokens: JWTs by the profile of RFC 9068, verified by the rules of RFC 8725; those of people by RFC 8693."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.keys import ACCESS_TOKEN_SECONDS, SigningKeys
from nexus.auth.roles import allows
from nexus.kit.clock import Clock
from oblivion_protocol.resources import ExchangedTokenResponse, TokenResponse
from oblivion_protocol.scopes import Scope

Audience = Literal["nexus", "nexus:admin-socket"]
AUDIENCE: Audience = "nexus"
ADMIN_SOCKET: Audience = "nexus:admin-socket"
"""Good for opening a socket of the live feed and for nothing else: this one is seen by a browser."""

PERSON_TOKEN_SECONDS: dict[Audience, int] = {AUDIENCE: 60, ADMIN_SOCKET: 30}
"""How long a person's token lives, by audience: so long a member that was removed keeps their rights."""

ALGORITHM = "EdDSA"
TYPE = "at+jwt"
MAX_TOKEN_CHARS = 4096
CLOCK_SKEW_SECONDS = 10
"""How far in the future another process of ours may have issued a token."""

_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]")
"""Three parts, the last of 64 bytes. Decoders are generous: they skip what is no base64, and ignore bits at the end, so
that one signature could be written in many ways (RFC 4648 §3.5)."""
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
    person: str | None = None
    """E-mail of the member for whom the client acts; None when it acts for itself."""

    @property
    def actor(self) -> str:
        """Who answers for what is done: what the audit log writes."""
        return self.person or self.client_id

    def may(self, wanted: Scope) -> bool:
        """Whether the token allows this; a stronger scope includes the weaker ones."""
        return allows(self.scopes, wanted)


class _Actor(BaseModel):
    """Who acts for the subject, RFC 8693 §4.1."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: str = Field(min_length=1, strict=True)


class _Claims(BaseModel):
    """The claims of a verified token; strict, because only we write them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: str = Field(min_length=1, strict=True)
    client_id: str = Field(min_length=1, strict=True)
    act: _Actor | None = None
    exp: int = Field(strict=True, ge=0, le=2**40)
    iat: int = Field(strict=True, ge=0, le=2**40)
    nbf: int = Field(default=0, strict=True, ge=0, le=2**40)
    jti: str = Field(min_length=1, strict=True)
    scope: str = Field(strict=True)
    tenant_id: UUID
    agent_id: UUID | None = None

    @model_validator(mode="after")
    def _one_client(self) -> "_Claims":
        """A token is its client's own, or its client acts for the subject; there is no third kind."""
        if self.client_id != (self.sub if self.act is None else self.act.sub):
            raise ValueError("the token is not one client's")
        return self


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
        scope = " ".join(scopes)
        claims: dict[str, Any] = {"aud": AUDIENCE, "sub": subject, "client_id": subject, "scope": scope}
        if agent_id is not None:
            claims["agent_id"] = str(agent_id)
        token = await self._signed(claims, tenant_id, self._ttl_seconds)
        return TokenResponse(access_token=token, expires_in=self._ttl_seconds, scope=scope)

    async def issue_for(
        self, person: str, client_id: str, tenant_id: UUID, scopes: Iterable[str], audience: Audience
    ) -> ExchangedTokenResponse:
        """A token with which client `client_id` acts for `person`, an e-mail; RFC 8693 §4.1."""
        scope, ttl_seconds = " ".join(scopes), PERSON_TOKEN_SECONDS[audience]
        claims: dict[str, Any] = {
            "aud": audience,
            "sub": person,
            "client_id": client_id,
            "act": {"sub": client_id},
            "scope": scope,
        }
        token = await self._signed(claims, tenant_id, ttl_seconds)
        return ExchangedTokenResponse(access_token=token, expires_in=ttl_seconds, scope=scope)

    async def _signed(self, claims: dict[str, Any], tenant_id: UUID, ttl_seconds: int) -> str:
        kid, private = await self._keys.current()
        issued_at = int(self._clock.now().timestamp())
        common: dict[str, Any] = {
            "iss": self.issuer,
            "iat": issued_at,
            "exp": issued_at + ttl_seconds,
            "jti": secrets.token_urlsafe(16),
            "tenant_id": str(tenant_id),
        }
        return jwt.encode(claims | common, private, algorithm=ALGORITHM, headers={"typ": TYPE, "kid": kid})

    async def verify(self, token: str, *audiences: Audience) -> Principal:
        """Who holds this token, if it is for one of the audiences; for `nexus` when none is named.

        Raises TokenExpired or TokenInvalid, whatever the input.
        """
        key = await self._keys.find(_kid_of(token))
        if key is None:
            raise TokenInvalid("The token is signed by a key that is not ours.")
        try:
            payload = jwt.decode(
                token,
                key.key,
                algorithms=[ALGORITHM],
                issuer=self.issuer,
                options={
                    "require": ["iss", "aud", "sub", "client_id", "exp", "iat", "jti", "scope", "tenant_id"],
                    "verify_aud": False,  # below: one of several, and never a list of them
                    "verify_exp": False,  # below, by the clock that we were given
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            if payload["aud"] not in (audiences or (AUDIENCE,)):
                raise ValueError("the token is for somebody else")
            claims = _Claims.model_validate(payload)
        except (jwt.PyJWTError, ValidationError, ValueError, TypeError, RecursionError) as error:
            raise TokenInvalid("The token is not valid here.") from error
        return self._in_time(claims)

    def _in_time(self, claims: _Claims) -> Principal:
        now = self._clock.now()
        expires_at = datetime.fromtimestamp(claims.exp, UTC)
        if now >= expires_at:
            raise TokenExpired("The token has expired.")
        if datetime.fromtimestamp(max(claims.iat, claims.nbf), UTC) > now + timedelta(seconds=CLOCK_SKEW_SECONDS):
            raise TokenInvalid("The token comes from the future; check the clocks of the servers.")
        return Principal(
            client_id=claims.client_id,
            tenant_id=claims.tenant_id,
            scopes=frozenset(claims.scope.split()),
            agent_id=claims.agent_id,
            expires_at=expires_at,
            jti=claims.jti,
            person=None if claims.act is None else claims.sub,
        )


def _kid_of(token: str) -> str:
    """The key id of a token whose header is exactly of the kind that we write."""
    if len(token) > MAX_TOKEN_CHARS or not _SHAPE.fullmatch(token):
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
