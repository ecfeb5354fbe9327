"""What a token must be, and every way in which something may only look like one. RFC 8725."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.auth.errors import TokenExpired, TokenInvalid
from nexus.auth.keys import PublicKey
from nexus.auth.tokens import Tokens

PRIVATE = Ed25519PrivateKey.generate()
TENANT, AGENT = UUID(int=7), UUID(int=8)
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class HeldClock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


class OneKey:
    """Stands for SigningKeys, with one key in memory."""

    async def current(self) -> tuple[str, Ed25519PrivateKey]:
        return "k1", PRIVATE

    async def find(self, kid: str) -> PublicKey | None:
        return PublicKey("k1", PRIVATE.public_key(), {}, None) if kid == "k1" else None


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def tokens(clock: HeldClock) -> Tokens:
    return Tokens(OneKey(), "https://nexus.example", clock)


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


HEADER = {"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"}
CLAIMS = {
    "iss": "https://nexus.example",
    "aud": "nexus",
    "sub": "adm_x",
    "client_id": "adm_x",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 900,
    "jti": "j",
    "scope": "admin:read",
    "tenant_id": str(TENANT),
}


def forge(header: dict[str, Any], claims: Any = None, key: Ed25519PrivateKey = PRIVATE) -> str:
    """A token with any header and claims, really signed with the key."""
    signed = f"{part(header)}.{part(CLAIMS if claims is None else claims)}"
    return f"{signed}.{part(key.sign(signed.encode()))}"


async def test_what_was_issued_is_what_is_verified(tokens: Tokens):
    issued = await tokens.issue("agt_x", TENANT, ["agent"], AGENT)
    principal = await tokens.verify(issued.access_token)
    assert (principal.client_id, principal.tenant_id, principal.agent_id) == ("agt_x", TENANT, AGENT)
    assert principal.scopes == {"agent"} and principal.jti
    assert principal.expires_at == NOW + timedelta(seconds=900)
    header = jwt.get_unverified_header(issued.access_token)
    assert header == {"typ": "at+jwt", "alg": "EdDSA", "kid": "k1"}
    claims = jwt.decode(issued.access_token, options={"verify_signature": False})
    assert set(CLAIMS) | {"agent_id"} == set(claims)


async def test_no_two_tokens_have_the_same_id(tokens: Tokens):
    issued = [await tokens.issue("c", TENANT, ["agent"]) for _ in range(5)]
    assert len({(await tokens.verify(token.access_token)).jti for token in issued}) == 5


async def test_our_own_forgery_with_all_in_order_is_believed(tokens: Tokens):
    assert (await tokens.verify(forge(HEADER))).client_id == "adm_x"


async def test_a_token_ends_to_the_second(tokens: Tokens, clock: HeldClock):
    token = (await tokens.issue("c", TENANT, ["agent"])).access_token
    clock.time = NOW + timedelta(seconds=899.9)
    await tokens.verify(token)
    clock.time = NOW + timedelta(seconds=900)
    with pytest.raises(TokenExpired):
        await tokens.verify(token)


async def test_a_forged_token_is_invalid_before_it_is_expired(tokens: Tokens, clock: HeldClock):
    clock.time = NOW + timedelta(hours=1)
    with pytest.raises(TokenInvalid) as refused:
        await tokens.verify(forge(HEADER, key=Ed25519PrivateKey.generate()))
    assert not isinstance(refused.value, TokenExpired)


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": None},
        {"alg": ["EdDSA"]},
        {"typ": "JWT"},
        {"typ": None},
        {"typ": "id+jwt"},
        {"kid": "k2"},
        {"kid": None},
        {"kid": 1},
        {"kid": "../../etc/passwd"},
        {"kid": "k1' OR 1=1"},
        {"kid": "k" * 65},
        {"jku": "https://evil.example/jwks"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AA"}},
        {"x5c": ["AA"]},
        {"crit": ["exp"]},
        {"b64": False},
        {"zip": "DEF"},
    ],
)
async def test_a_header_of_any_other_kind_is_refused_even_when_signed(tokens: Tokens, changes: dict[str, Any]):
    with pytest.raises(TokenInvalid):
        await tokens.verify(forge(HEADER | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": "https://nexus.example/"},
        {"iss": None},
        {"aud": "observer"},
        {"aud": ["nexus", "observer"]},
        {"aud": ["nexus"]},
        {"aud": "nexus:admin-socket"},
        {"aud": None},
        {"client_id": None},
        {"client_id": "adm_y"},
        {"act": "adm_x"},
        {"act": {}},
        {"act": {"sub": 1}},
        {"act": {"sub": "adm_y"}},
        {"sub": None},
        {"sub": ""},
        {"sub": 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 1e300},
        {"exp": True},
        {"exp": 10**30},
        {"exp": -1},
        {"iat": None},
        {"iat": CLAIMS["iat"] + 60},
        {"nbf": CLAIMS["iat"] + 60},
        {"nbf": "0"},
        {"jti": None},
        {"scope": None},
        {"scope": ["admin:read"]},
        {"tenant_id": None},
        {"tenant_id": "x"},
        {"agent_id": "x"},
    ],
)
async def test_claims_of_any_other_kind_are_refused_even_when_signed(tokens: Tokens, changes: dict[str, Any]):
    claims = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    with pytest.raises(TokenInvalid):
        await tokens.verify(forge(HEADER, claims))


async def test_a_token_for_another_audience_is_refused(tokens: Tokens):
    token = (await tokens.issue("c", TENANT, ["agent"])).access_token
    with pytest.raises(TokenInvalid):
        await tokens.verify(token, "nexus:admin-socket")
    assert await tokens.verify(token, "nexus:admin-socket", "nexus")
    for_socket = await tokens.issue_for("ann@example.com", "c", TENANT, ["admin:read"], "nexus:admin-socket")
    assert await tokens.verify(for_socket.access_token, "nexus:admin-socket")
    with pytest.raises(TokenInvalid):
        await tokens.verify(for_socket.access_token)


async def test_a_persons_token_names_the_person_and_who_acts_for_them(tokens: Tokens, clock: HeldClock):
    own = await tokens.verify((await tokens.issue("obs_x", TENANT, ["delegate"])).access_token)
    assert (own.person, own.actor) == (None, "obs_x")
    issued = await tokens.issue_for("ann@example.com", "obs_x", TENANT, ["admin:read", "admin:operate"], "nexus")
    principal = await tokens.verify(issued.access_token)
    assert (principal.person, principal.actor, principal.client_id) == ("ann@example.com", "ann@example.com", "obs_x")
    assert principal.may("admin:operate") and not principal.may("admin:write")
    claims = jwt.decode(issued.access_token, options={"verify_signature": False})
    assert (claims["sub"], claims["client_id"], claims["act"]) == ("ann@example.com", "obs_x", {"sub": "obs_x"})
    clock.time = NOW + timedelta(seconds=60)
    with pytest.raises(TokenExpired):
        await tokens.verify(issued.access_token)


async def test_the_public_key_is_no_shared_secret(tokens: Tokens):
    public = PRIVATE.public_key()
    for secret in (
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        b"",
    ):
        for claimed in ("HS256", "EdDSA"):
            signed = f"{part(HEADER | {'alg': claimed})}.{part(CLAIMS)}"
            forged = f"{signed}.{part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
            with pytest.raises(TokenInvalid):
                await tokens.verify(forged)


async def test_a_signature_of_another_kind_is_refused(tokens: Tokens):
    es256 = jwt.encode(CLAIMS, generate_private_key(SECP256R1()), "ES256", {"typ": "at+jwt", "kid": "k1"})
    unsigned = f"{part(HEADER)}.{part(CLAIMS)}."
    for token in (es256, unsigned, f"{part(HEADER | {'alg': 'none'})}.{part(CLAIMS)}."):
        with pytest.raises(TokenInvalid):
            await tokens.verify(token)


async def test_any_changed_character_breaks_a_token(tokens: Tokens):
    token = (await tokens.issue("c", TENANT, ["agent"])).access_token
    for place in (*range(0, len(token) - 1, 7), len(token) - 1):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(TokenInvalid):
            await tokens.verify(changed)


@pytest.mark.parametrize("junk", ["=", "==", "!", " ", "\n", "*", "é"])
async def test_a_signature_can_be_written_in_one_way_only(tokens: Tokens, junk: str):
    head, body, signature = (await tokens.issue("c", TENANT, ["agent"])).access_token.split(".")
    last = "AQgw".index(signature[-1])
    unused_bits = "BRhx"[last]
    for written in (signature + junk, signature[:40] + junk + signature[40:], signature[:-1] + unused_bits):
        with pytest.raises(TokenInvalid):
            await tokens.verify(f"{head}.{body}.{written}")


@pytest.mark.parametrize("claims", [[], None, "x", 1, b"\xff", b"[" * 3000])
async def test_a_body_that_is_no_object_is_refused(tokens: Tokens, claims: Any):
    with pytest.raises(TokenInvalid):
        await tokens.verify(forge(HEADER, b"null" if claims is None else claims))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.binary(max_size=40).map(part), max_size=5).map(".".join)))
async def test_garbage_is_refused_in_one_way(garbage: str):
    with pytest.raises(TokenInvalid):
        await Tokens(OneKey(), "https://nexus.example", HeldClock()).verify(garbage)


async def test_a_token_of_megabytes_is_not_even_read(tokens: Tokens):
    with pytest.raises(TokenInvalid):
        await tokens.verify(forge(HEADER, CLAIMS | {"filler": "x" * 5_000_000}))
