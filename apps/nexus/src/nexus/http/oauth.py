"""The token endpoint and its relatives: RFC 6749 §4.4, RFC 8693, RFC 7009, RFC 7662, RFC 7517, RFC 8414."""

import contextlib
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from nexus.auth.clients import Authenticated
from nexus.auth.errors import TokenInvalid
from nexus.auth.keys import JWKS_SECONDS
from nexus.auth.roles import allows
from nexus.auth.tokens import ADMIN_SOCKET, AUDIENCE, Principal
from nexus.http import credentials, exchange
from nexus.http.credentials import OAuthRefused, OAuthRequest
from nexus.http.parts import HttpParts, Parts
from nexus.http.problems import RETRY_AFTER_SECONDS, Refused
from nexus.store.database import is_unavailable
from oblivion_protocol.resources import ExchangedTokenResponse, OAuthError, TokenResponse
from oblivion_protocol.scopes import ADMIN_READ, ADMIN_WRITE, ALL_SCOPES, Scope

router = APIRouter(tags=["oauth"])


class JwkSetResponse(JSONResponse):
    """Keys, RFC 7517 §8.5.2."""

    media_type = "application/jwk-set+json"


NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_GRANT = "client_credentials"
_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]
_CREDENTIALS: dict[str, Any] = {
    "client_id": {"type": "string"},
    "client_secret": {"type": "string", "format": "password"},
}


def _body_docs(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"schema": {"type": "object", "properties": properties | _CREDENTIALS, "required": required}}
    kinds = ("application/x-www-form-urlencoded", "application/json")
    return {"requestBody": {"required": True, "content": dict.fromkeys(kinds, schema)}, "security": [{"basic": []}, {}]}


@router.post(
    "/auth/token",
    response_model=ExchangedTokenResponse | TokenResponse,
    responses={400: {"model": OAuthError}, 401: {"model": OAuthError}, 429: {"model": OAuthError}},
    openapi_extra=_body_docs(
        {
            "grant_type": {"enum": [_GRANT, exchange.GRANT]},
            "scope": {"type": "string"},
            "subject_token": {"type": "string", "description": "For the token exchange: an e-mail."},
            "subject_token_type": {"const": exchange.EMAIL_TYPE},
            "audience": {"enum": [AUDIENCE, ADMIN_SOCKET]},
        },
        ["grant_type"],
    ),
)
async def issue_token(request: Request, parts: Parts) -> JSONResponse:
    """Exchanges a client's id and secret for an access token: its own, or one of a person for whom it acts."""
    try:
        asked = await credentials.read(request)
        match asked.parameters.get("grant_type"):
            case None:
                raise OAuthRefused("invalid_request", f"grant_type is missing; it is {_GRANT} or {exchange.GRANT}.")
            case "client_credentials":
                client = await _served(request, parts, asked)
                scopes = exchange.narrowed(asked.parameters.get("scope"), client.scopes)
                token = await parts.tokens.issue(client.client_id, client.tenant_id, scopes, client.agent_id)
            case exchange.GRANT:
                client = await _served(request, parts, asked)
                token = await exchange.exchange(parts, client, asked.parameters)
            case _:
                raise OAuthRefused("unsupported_grant_type", f"The grant types here are {_GRANT} and {exchange.GRANT}.")
    except OAuthRefused as refused:
        return _refusal(refused)
    except Exception as error:
        if is_unavailable(error):
            return _refusal(_AWAY)
        raise
    return JSONResponse(token.model_dump(), headers=NO_STORE)


@router.post(
    "/auth/introspect",
    responses={400: {"model": OAuthError}, 401: {"model": OAuthError}, 429: {"model": OAuthError}},
    openapi_extra=_body_docs({"token": {"type": "string"}, "token_type_hint": {"type": "string"}}, ["token"]),
)
async def introspect_token(request: Request, parts: Parts) -> JSONResponse:
    """Whether a token is good, RFC 7662: for its own client, and for clients that may read all of its tenant."""
    try:
        asked = await credentials.read(request)
        client = await _known(request, parts, asked)
        token = asked.parameters.get("token")
        if token is None:
            raise OAuthRefused("invalid_request", "token is missing.")
        return JSONResponse(await _introspected(parts, client, token), headers=NO_STORE)
    except OAuthRefused as refused:
        return _refusal(refused)
    except Exception as error:
        if is_unavailable(error):
            return _refusal(_AWAY)
        raise


@router.post(
    "/auth/revoke",
    response_class=Response,
    responses={
        200: {"description": "The token does not work, whatever it was."},
        400: {"model": OAuthError},
        401: {"model": OAuthError},
        429: {"model": OAuthError},
        503: {"model": OAuthError},
    },
    openapi_extra=_body_docs({"token": {"type": "string"}, "token_type_hint": {"type": "string"}}, ["token"]),
)
async def revoke_token(request: Request, parts: Parts) -> Response:
    """Ends a token, RFC 7009: a client's own, or with `admin:write` any of its tenant. Sockets close within 5 s."""
    try:
        asked = await credentials.read(request)
        client = await _known(request, parts, asked)
        token = asked.parameters.get("token")
        if token is None:
            raise OAuthRefused("invalid_request", "token is missing.")
        # The hint is none to us (§2.1: it may be ignored): there is one type of token.
        with contextlib.suppress(TokenInvalid):
            principal = await parts.tokens.verify(token, AUDIENCE, ADMIN_SOCKET)
            if _concerns(principal, client, ADMIN_WRITE):
                await parts.standing.revoke(principal, actor=client.client_id)
        # §2.2: the same answer to what is unknown, over, or somebody else's; it tells nobody what is what.
        return Response(headers=NO_STORE)
    except OAuthRefused as refused:
        return _refusal(refused)
    except Exception as error:
        if is_unavailable(error):
            return _refusal(_AWAY)  # §2.2.1: the token must be taken for one that still works
        raise


@router.get("/.well-known/jwks.json", response_class=JwkSetResponse)
async def get_jwks(parts: Parts) -> JSONResponse:
    """The keys that verify access tokens, RFC 7517 §5."""
    return JwkSetResponse(
        await parts.keys.jwks(),
        headers={"Cache-Control": f"public, max-age={JWKS_SECONDS}"},
    )


@router.get("/.well-known/oauth-authorization-server")
async def get_authorization_server(parts: Parts) -> dict[str, Any]:
    """What this authorization server can do, RFC 8414."""
    issuer = parts.tokens.issuer
    return {
        "issuer": issuer,
        # There is none, as no grant type here needs one (RFC 8414 §2); some clients take no metadata without it.
        "authorization_endpoint": f"{issuer}/auth/authorize",
        "token_endpoint": f"{issuer}/auth/token",
        "introspection_endpoint": f"{issuer}/auth/introspect",
        "revocation_endpoint": f"{issuer}/auth/revoke",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "grant_types_supported": [_GRANT, exchange.GRANT],
        "response_types_supported": [],
        "scopes_supported": list(ALL_SCOPES),
        "token_endpoint_auth_methods_supported": _AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": _AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": _AUTH_METHODS,
    }


async def _proven(request: Request, parts: HttpParts, asked: OAuthRequest) -> Authenticated:
    client = await parts.clients.authenticate(asked.client_id, asked.client_secret)
    if client is not None:
        return client
    wait_seconds = await parts.limits.failed(request.scope, asked.client_id)
    if wait_seconds is None:
        raise credentials.invalid_client()
    raise OAuthRefused(
        "invalid_client",
        "Too many failures; check the secret before the next try.",
        status=429,
        headers={"Retry-After": str(wait_seconds)},
    )


async def _served(request: Request, parts: HttpParts, asked: OAuthRequest) -> Authenticated:
    """A client that proved its secret and may have one more token."""
    client = await _proven(request, parts, asked)
    subject = asked.parameters.get("subject_token", "")
    wait_seconds = await parts.limits.token(request.scope, client.client_id, subject)
    if wait_seconds is None:
        return client
    raise OAuthRefused(
        "temporarily_unavailable",
        "Too many tokens; keep the one that you have until it ends.",
        status=429,
        headers={"Retry-After": str(wait_seconds)},
    )


async def _known(request: Request, parts: HttpParts, asked: OAuthRequest) -> Authenticated:
    """A client that proved its secret and may ask about one more token."""
    client = await _proven(request, parts, asked)
    try:
        await parts.limits.request(request.scope, str(client.tenant_id), client.client_id, "")
    except Refused as refused:
        raise OAuthRefused(
            "temporarily_unavailable", refused.detail, status=refused.status, headers=refused.headers
        ) from refused
    return client


async def _introspected(parts: HttpParts, client: Authenticated, token: str) -> dict[str, Any]:
    """RFC 7662 §2.2; a token that is none of the caller's business is not active for it."""
    try:
        principal = await parts.tokens.verify(token, AUDIENCE, ADMIN_SOCKET)
        if not _concerns(principal, client, ADMIN_READ):
            return {"active": False}
        await parts.standing.check(principal)
    except TokenInvalid:
        return {"active": False}
    return {
        "active": True,
        "scope": " ".join(sorted(principal.scopes)),
        "client_id": principal.client_id,
        "sub": principal.actor,
        "act": {"sub": principal.client_id} if principal.person else None,
        "token_type": "Bearer",
        "exp": int(principal.expires_at.timestamp()),
        "iss": parts.tokens.issuer,
        "jti": principal.jti,
        "tenant_id": str(principal.tenant_id),
        "agent_id": str(principal.agent_id) if principal.agent_id else None,
    }


def _concerns(principal: Principal, client: Authenticated, scope: Scope) -> bool:
    """Whether a token is the client's own, or of a tenant in which the client has this scope."""
    own = principal.client_id == client.client_id or allows(client.scopes, scope)
    return own and principal.tenant_id == client.tenant_id


_AWAY = OAuthRefused(
    "temporarily_unavailable",
    "The database is away for the moment; try again.",
    status=503,
    headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
)


def _refusal(refused: OAuthRefused) -> JSONResponse:
    body = OAuthError(error=refused.error, error_description=refused.description)
    return JSONResponse(body.model_dump(), refused.status, headers=NO_STORE | dict(refused.headers))
