"""Who may come in at /mcp, and what they find."""

import json
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from support.world import World

from nexus.mcp.tools import TOOLS
from oblivion_protocol import MAX_MESSAGE_BYTES

INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_clients_of_both_eras_find_the_tools_and_how_to_use_them(connect: Any, mode: str) -> None:
    async with connect(mode=mode) as coder:
        listed = (await coder.client.list_tools()).tools
        assert "next_task → accept" in coder.client.instructions
    assert [tool.name for tool in listed] == list(TOOLS)
    for tool in listed:
        assert tool.description
        assert tool.input_schema["type"] == "object"


async def test_who_has_no_token_is_told_where_to_get_one(world: World) -> None:
    """RFC 9728: from the refusal to the metadata, to the authorization server, to a token that works."""
    client_id, secret = world.agents["coder"]
    async with httpx.AsyncClient(base_url=world.url) as client:
        refused = await client.post("/mcp", json=INITIALIZE, headers=HEADERS)
        assert refused.status_code == 401
        challenge = refused.headers["www-authenticate"]
        assert "error=" not in challenge
        metadata = (await client.get(challenge.split('resource_metadata="')[1].split('"')[0])).json()
        assert metadata["resource"] == f"{world.url}/mcp"
        assert metadata["scopes_supported"] == ["agent"]
        (issuer,) = metadata["authorization_servers"]
        server = (await client.get(f"{issuer}/.well-known/oauth-authorization-server")).json()
        answer = await client.post(
            server["token_endpoint"],
            auth=(client_id, secret),
            data={"grant_type": "client_credentials", "scope": "agent"},
        )
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        accepted = await client.post("/mcp", json=INITIALIZE, headers=HEADERS | bearer)
        assert accepted.status_code == 200, accepted.text


class Kept:
    """Where the official client keeps its token."""

    token: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.token

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.token = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError("nobody registers clients here")


async def test_official_client_gets_its_tokens_itself(world: World) -> None:
    """An access token lives for a quarter of an hour; with id and secret the client renews it."""
    client_id, secret = world.agents["coder"]
    url, kept = f"{world.url}/mcp", Kept()
    credentials = ClientCredentialsOAuthProvider(url, kept, client_id, secret, issuer=world.url)
    async with (
        httpx2.AsyncClient(auth=credentials, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        assert (await client.list_tools()).tools
    assert kept.token is not None


async def test_tokens_that_are_wrong_or_of_another_scope_are_refused(world: World) -> None:
    admin = await world.admin()
    async with admin:
        scope = await admin.post("/mcp", json=INITIALIZE, headers=HEADERS)
        wrong = await admin.post("/mcp", json=INITIALIZE, headers=HEADERS | {"Authorization": "Bearer no.to.ken"})
    assert (scope.status_code, scope.json()["code"]) == (403, "forbidden")
    assert 'error="insufficient_scope"' in scope.headers["www-authenticate"]
    assert 'scope="agent"' in scope.headers["www-authenticate"]
    assert wrong.status_code == 401
    assert 'error="invalid_token"' in wrong.headers["www-authenticate"]
    assert "resource_metadata=" in wrong.headers["www-authenticate"]


async def test_revoked_agent_is_not_let_in_with_a_token_that_still_runs(world: World, token: str) -> None:
    await world.nexus.directory.revoke(world.tenant_id, "coder")
    async with httpx.AsyncClient(base_url=world.url) as client:
        answer = await client.post("/mcp", json=INITIALIZE, headers=HEADERS | {"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_bodies_and_calls_that_are_too_large_and_other_methods_are_refused(world: World, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "search_history", "arguments": {"query": "x" * MAX_MESSAGE_BYTES}},
    }
    async with httpx.AsyncClient(base_url=world.url, headers=HEADERS | bearer) as client:
        assert (await client.post("/mcp", content=b" " * (1024 * 1024 + 1))).status_code == 413
        assert (await client.get("/mcp")).status_code == 405
        deep = {**call, "params": {"name": "set_plan", "arguments": {"steps": []}}}
        for depth in (300, 50_000):
            refused = await client.post("/mcp", content=json.dumps(deep).replace("[]", "[" * depth + "]" * depth))
            assert refused.status_code == 400
        deep["params"]["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        modern = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "set_plan"}
        body = json.dumps(deep).replace("[]", "[" * 300 + "]" * 300)
        assert "nested too deeply" in (await client.post("/mcp", content=body, headers=modern)).text
        large = await client.post("/mcp", json=call)
        assert "A call may have 102400 bytes" in large.text
        named = await client.post("/mcp", json=INITIALIZE, headers={"Oblivion-Instance": "two words"})
        assert named.status_code == 400


async def test_call_that_is_misspelt_or_misses_something_says_what(connect: Any) -> None:
    async with connect() as coder:
        misspelt = await coder.refused("next_task", wait_second=1)
        assert (misspelt["code"], misspelt["detail"]) == (
            "invalid",
            "wait_second: Extra inputs are not permitted",
        )
        assert "task_id: Field required" in (await coder.refused("accept", epoch=1))["detail"]
        assert "There is no tool 'sing'" in (await coder.refused("sing"))["detail"]
