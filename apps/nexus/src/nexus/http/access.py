"""Named permissions: a route asks for one by the type of its `principal` parameter. RFC 6750."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2

from nexus.auth.errors import TokenInvalid
from nexus.auth.roles import ROLE_NEEDED, role_of
from nexus.auth.tokens import Principal
from nexus.http.parts import Parts
from nexus.http.problems import Refused
from oblivion_protocol.scopes import ADMIN_OPERATE, ADMIN_READ, ADMIN_WRITE, AGENT, DELEGATE, Scope

_SCHEME = OAuth2(
    scheme_name="clientCredentials",
    flows=OAuthFlows(
        clientCredentials=OAuthFlowClientCredentials(
            tokenUrl="/auth/token",
            scopes={
                AGENT: "Take tasks over the gateway, and search.",
                ADMIN_READ: "See everything of the tenant.",
                ADMIN_OPERATE: "Also change mappings; cancel, reassign and replay; mute and unmute; test connections.",
                ADMIN_WRITE: "Also change agents, aliases, connections, members and keys.",
                DELEGATE: "Ask for tokens of people, RFC 8693; gives no right of its own.",
            },
        )
    ),
    auto_error=False,
)


async def authenticated(
    request: Request, parts: Parts, _documented: Annotated[str | None, Depends(_SCHEME)]
) -> Principal:
    """The caller, from `Authorization: Bearer`. What was revoked stops working at once."""
    headers = request.headers.getlist("authorization")
    scheme, _, token = (headers[0] if len(headers) == 1 else "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        await parts.limits.stranger(request.scope)
        # RFC 6750 §3.1: no error code for a request that lacks any authentication information.
        raise Refused(
            401,
            "This needs an access token: Authorization: Bearer, from POST /auth/token.",
            headers={"WWW-Authenticate": 'Bearer realm="nexus"'},
        )
    try:
        principal = await parts.tokens.verify(token.strip())
        await parts.standing.check(principal)
    except TokenInvalid:
        await parts.limits.stranger(request.scope)
        raise
    await parts.limits.client(request.scope, principal)
    return principal


def _any_of(*scopes: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    async def permitted(principal: Annotated[Principal, Depends(authenticated)]) -> Principal:
        if not any(principal.may(scope) for scope in scopes):
            missing = f"This needs the scope {' or '.join(scopes)}."
            role = role_of(principal.scopes)
            raise Refused(
                403,
                f"This needs the role {ROLE_NEEDED[scopes[0]]}; you are {role}." if principal.person else missing,
                headers={
                    "WWW-Authenticate": 'Bearer realm="nexus", error="insufficient_scope", '
                    f'scope="{scopes[0]}", error_description="{missing}"'
                },
            )
        return principal

    return permitted


CanReadAdmin = Annotated[Principal, Depends(_any_of(ADMIN_READ))]
CanOperate = Annotated[Principal, Depends(_any_of(ADMIN_OPERATE))]
CanWriteAdmin = Annotated[Principal, Depends(_any_of(ADMIN_WRITE))]
CanSearch = Annotated[Principal, Depends(_any_of(ADMIN_READ, AGENT))]
