"""`/mcp`: who may come in, and which process of an agent it is. MCP's authorization, RFC 9728 and RFC 6750."""

import asyncio
import importlib
import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from nexus.auth.errors import TokenInvalid
from nexus.auth.standing import Standing
from nexus.auth.tokens import Principal, Tokens
from nexus.http.boundary import Boundary
from nexus.http.limits import RateLimits
from nexus.http.problems import Refused
from nexus.mcp import processes
from nexus.mcp.processes import Client
from nexus.mcp.service import AgentTools
from oblivion_protocol import AGENT

CLIENT = "nexus_mcp_client"
"""Where the server finds who calls, in the state of a request."""

PATH = "/mcp"
METADATA = "/.well-known/oauth-protected-resource"
INSTANCE_HEADER = "oblivion-instance"
SESSION_HEADER = "mcp-session-id"
VERSION_HEADER = "mcp-protocol-version"

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class McpDoor:
    """ASGI application for the paths that `serves` names."""

    def __init__(
        self,
        tools: AgentTools,
        tokens: Tokens,
        standing: Standing,
        limits: RateLimits,
        public_url: str,
        version: str,
    ) -> None:
        self._tools = tools
        self._tokens = tokens
        self._standing = standing
        self._limits = limits
        self._resource = public_url.rstrip("/") + PATH
        self._metadata = public_url.rstrip("/") + METADATA + PATH
        self._version = version
        self._server: Any = None
        self._starting = asyncio.Lock()
        self._app = Boundary(self._route)

    @staticmethod
    def serves(path: str) -> bool:
        """Whether a path is one of this door's."""
        return path in (PATH, f"{PATH}/", METADATA, METADATA + PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        await self._app(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(METADATA):
            await self._describe()(scope, receive, send)
            return
        headers = _headers(scope)
        principal = await self._admit(scope, headers)
        assert principal.agent_id is not None
        client = Client(principal.tenant_id, principal.agent_id, _instance(headers))
        match scope["method"]:
            case "POST":
                scope.setdefault("state", {})[CLIENT] = client
                await (await self._started()).serve(scope, receive, _naming_session(headers, send))
            case "DELETE":
                await self._tools.goodbye(client)
                await Response(status_code=204)(scope, receive, send)
            case _:
                # No stream of our own to the client: all that it is told it asks for.
                raise Refused(405, "POST a request, or DELETE the session.", headers={"Allow": "POST, DELETE"})

    def _describe(self) -> JSONResponse:
        """RFC 9728 §3.2."""
        return JSONResponse(
            {
                "resource": self._resource,
                "resource_name": "Oblivion: tasks for agents",
                "authorization_servers": [self._tokens.issuer],
                "scopes_supported": [AGENT],
                "bearer_methods_supported": ["header"],
            },
            headers={"Cache-Control": "public, max-age=300"},
        )

    async def _admit(self, scope: Scope, headers: Mapping[str, str]) -> Principal:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            await self._limits.stranger(scope)
            raise self._refused(401, "This needs an access token: Authorization: Bearer, from POST /auth/token.")
        try:
            principal = await self._tokens.verify(token.strip())
            await self._standing.check(principal)
        except TokenInvalid as error:
            await self._limits.stranger(scope)
            raise self._refused(401, error.reason, error="invalid_token") from error
        await self._limits.client(scope, principal)
        if AGENT not in principal.scopes or principal.agent_id is None:
            detail = f"This needs a token of an agent, with the scope {AGENT}."
            raise self._refused(403, detail, error="insufficient_scope")
        return principal

    def _refused(self, status: int, detail: str, *, error: str | None = None) -> Refused:
        """RFC 6750 §3.1: without a token no error code; RFC 9728 §5.1: where to learn how to get one."""
        parts = ['realm="nexus"', f'resource_metadata="{self._metadata}"', f'scope="{AGENT}"']
        if error is not None:
            parts += [f'error="{error}"', f'error_description="{detail}"']
        return Refused(status, detail, headers={"WWW-Authenticate": f"Bearer {', '.join(parts)}"})

    async def _started(self) -> Any:
        """The server, which the first request has to wait for: whoever has no such agents does not load it."""
        async with self._starting:
            if self._server is None:
                module = await asyncio.to_thread(importlib.import_module, "nexus.mcp.server")
                self._server = module.McpServer(self._tools, self._version)
        return self._server


def _headers(scope: Scope) -> dict[str, str]:
    """Each that came once; one that came twice says nothing."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1")
        found[key] = "" if key in found else value.decode("latin-1")
    return found


def _instance(headers: Mapping[str, str]) -> str:
    """The name that the client gives itself, else its session's, else the one of all who have neither."""
    for header in (INSTANCE_HEADER, SESSION_HEADER):
        name = headers.get(header)
        if name is None:
            continue
        if not _NAME.fullmatch(name):
            raise Refused(400, f"{header} may have up to 64 letters, digits, '.', '_' and '-'.")
        return processes.PREFIX + name
    return processes.SHARED


def _naming_session(headers: Mapping[str, str], send: Send) -> Send:
    """Gives a client of the revisions before 2026-07-28 a session id with the answer to its `initialize`.

    It stands for nothing here: the client names itself by it, to whichever process it speaks.
    """
    if SESSION_HEADER in headers or VERSION_HEADER in headers:
        return send

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            session = (SESSION_HEADER.encode(), uuid4().hex.encode())
            message["headers"] = [*message.get("headers", ()), session]
        await send(message)

    return named
