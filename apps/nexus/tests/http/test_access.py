"""Who may call what; every operation of the API, taken from its own description."""

import json
import re
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nexus.http.access import CanSearch
from nexus.http.app import create_app
from nexus.http.parts import HttpParts

Call = tuple[str, str, str]
"""Method, path with its parameters still in it, name of the scope that it needs."""

OPERATING = (
    "/v1/mappings",
    "/v1/deliveries",
    "/v1/tasks",
    "/v1/agents/{name}/mute",
    "/v1/agents/{name}/unmute",
    "/v1/connections/{connection_id}/test",
)
"""Where an operator may write; elsewhere only an admin."""

SUFFICIENT = {
    "admin:read": {"admin:read", "admin:operate", "admin:write"},
    "admin:operate": {"admin:operate", "admin:write"},
    "admin:write": {"admin:write"},
}


@pytest.fixture
def operations(parts: HttpParts) -> list[Call]:
    """All operations below /v1."""
    return [
        (method.upper(), path, needed(method, path))
        for path, methods in create_app(parts).openapi()["paths"].items()
        for method in methods
        if path.startswith("/v1/") and path != "/v1/search"  # two scopes: test_search.py
    ]


def needed(method: str, path: str) -> str:
    if method == "get":
        return "admin:read"
    return "admin:operate" if path.startswith(OPERATING) else "admin:write"


def bodies(goods: Any, mark: str) -> dict[str, Any]:
    """For each operation that takes a body, one that would do something to the goods, or make a new thing."""
    ids = [str(goods.dead_webhook), str(goods.dead_tried), str(goods.done)]
    return {
        "/v1/agents": {"name": f"new-{mark}"},
        "/v1/agents/{name}": {"messages_per_minute": 3},
        "/v1/agents/{name}/rotate": {"overlap_seconds": 0},
        "/v1/agents/{name}/mute": {"reason": "too loud"},
        "/v1/mappings/{mapping_id}": {"channel_id": "C9"},
        "/v1/tasks/{task_id}/reassign": {"agent": None},
        "/v1/aliases": {"alias": goods.alias, "agent": goods.agent},
        "/v1/mappings": {"list_id": "L", "channel_id": "C"},
        "/v1/members/{email}": {"role": "viewer"},
        "/v1/keys": {"name": f"new {mark}", "scopes": ["admin:read"]},
        "/v1/keys/{client_id}/rotate": {"overlap_seconds": 0},
        "/v1/connections": {"vendor": "slack", "credentials": {"token": "x"}},
        "/v1/deliveries/replay": {"ids": ids},
    }


def addresses(path: str, goods: Any) -> list[str]:
    """The path with everything of the goods that could stand in it."""
    choices = {
        "name": [goods.agent],
        "alias": [goods.alias],
        "vendor": ["clickup"],
        "email": [goods.member],
        "client_id": [goods.key],
        "mapping_id": [goods.mapping],
        "connection_id": [goods.tracker, goods.chat],
        "task_id": [goods.task, goods.conversation, goods.unmapped],
        "delivery_id": [goods.dead_webhook, goods.dead_tried, goods.done],
        "wanted": [goods.task, goods.unmapped, goods.dead_webhook, goods.done],
    }
    found = re.search(r"{(\w+)}", path)
    return [path.replace(found[0], str(value)) for value in choices[found[1]]] if found else [path]


async def test_every_operation_wants_a_token(api: httpx.AsyncClient, operations: list[Call], acme, stock):
    goods = await stock(acme)
    for method, path, _ in operations:
        for address in addresses(path, goods):
            answer = await api.request(method, address, json=bodies(goods, "x").get(path))
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), (method, address)
            assert answer.headers["www-authenticate"] == 'Bearer realm="nexus"'


async def test_every_operation_wants_its_own_scope(
    api: httpx.AsyncClient, operations: list[Call], parts: HttpParts, acme, stock, everything_of
):
    goods = await stock(acme)
    tokens = {
        scope: (await parts.tokens.issue(acme.client_id, acme.id, [scope])).access_token
        for scope in ("agent", "delegate", "admin:read", "admin:operate", "admin:write")
    }
    before = await everything_of(acme)
    for method, path, scope_needed in operations:
        for scope in tokens.keys() - SUFFICIENT[scope_needed]:
            headers = {"Authorization": f"Bearer {tokens[scope]}"}
            for address in addresses(path, goods):
                answer = await api.request(method, address, headers=headers, json=bodies(goods, "x").get(path))
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, address)
                assert f'error="insufficient_scope", scope="{scope_needed}"' in answer.headers["www-authenticate"]
    assert await everything_of(acme) == before


OWN = {f"/v1/{name}" for name in ("tenants", "agents", "me", "keys", "members", "audit", "overview", "integrations")}
"""Where the other tenant has something of its own to see, or everybody sees the same."""


async def test_no_operation_shows_or_touches_anything_of_another_tenant(
    api: httpx.AsyncClient, operations: list[Call], acme, rival, stock, everything_of
):
    goods = await stock(acme)
    theirs = [str(value) for value in vars(goods).values() if not isinstance(value, list)]
    theirs += [str(acme.id), acme.name, goods.agent.removeprefix("fixer-"), *goods.secrets]
    before = await everything_of(acme)
    tried = 0
    for method, path, _ in operations:
        for address in addresses(path, goods):
            body = bodies(goods, uuid4().hex[:8]).get(path)
            if (method, path) == ("POST", "/v1/mappings"):
                continue  # what may be linked is the linker's to say
            if (method, path) == ("PUT", "/v1/members/{email}"):
                continue  # the same person may be a member of both
            answer = await api.request(method, address, headers=rival.headers, json=body)
            tried += 1
            aimed = "{" in path and "{vendor}" not in path
            assert answer.status_code == 404 if aimed else answer.status_code in (200, 201, 404), (
                method,
                address,
                answer.text,
            )
            shown = answer.text.replace(address.rpartition("/")[2], "")
            if aimed or path == "/v1/aliases":
                # A refusal may repeat the name that was asked for.
                shown = shown.replace(goods.agent, "").replace(goods.alias, "")
            if path == "/v1/deliveries/replay":
                assert {item["outcome"] for item in answer.json()["items"]} == {"not_found"}
                continue
            assert not [secret for secret in theirs if secret in shown], (method, address, answer.text)
            if method == "GET" and "{" not in path and path not in OWN:
                assert answer.json()["items"] == [], (method, address)
    assert tried > 20
    assert await everything_of(acme) == before


async def test_a_tenant_in_the_payload_or_the_address_changes_nothing(api: httpx.AsyncClient, acme, rival):
    answer = await api.get("/v1/tenants", params={"tenant_id": str(acme.id)}, headers=rival.headers)
    assert [tenant["id"] for tenant in answer.json()["items"]] == [str(rival.id)]
    answer = await api.post("/v1/agents", json={"name": "spy", "tenant_id": str(acme.id)}, headers=rival.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


@pytest.mark.parametrize(
    "header",
    ["Basic YTpi", "Bearer", "Bearer  ", "bearer x.y.z", "Bearer \x7f", "Bearer a b", "Bearer eyJ.e30.", "x"],
)
async def test_anything_but_a_token_of_ours_is_401(api: httpx.AsyncClient, header: str):
    answer = await api.get("/v1/tasks", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_an_expired_token_says_so(api: httpx.AsyncClient, acme, clock):
    clock.advance(901)
    answer = await api.get("/v1/tasks", headers=acme.headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_two_tokens_are_none(api: httpx.AsyncClient, acme):
    twice = [*acme.headers.items(), *acme.headers.items()]
    assert (await api.get("/v1/tasks", headers=twice)).status_code == 401


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.just("\x00")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["name", "skills", "aliases", "alias", "agent", "list_id", "channel_id", "sync_rule", "sync_keyword", "ids",
     "all", "vendor", "role", "scopes", "fingerprint", "reason", "credentials", "overlap_seconds"]
)  # fmt: skip


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a failure names its operation; shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    body=st.one_of(st.binary(max_size=50), JSON, st.dictionaries(FIELDS, JSON, max_size=4)), tail=st.text(max_size=8)
)
async def test_garbage_never_breaks_an_operation(
    api: httpx.AsyncClient, operations: list[Call], acme, body: Any, tail: str
):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    for method, path, _ in operations:
        address = re.sub(r"{\w+}", quote(tail, safe="") or "x", path)
        answer = await api.request(
            method,
            address,
            headers=acme.headers | {"Content-Type": "application/json"},
            params={"cursor": tail, "limit": tail, "state": tail, "agent": tail},
            content=None if method == "GET" else content,
        )
        assert answer.status_code < 500, (method, address, answer.text)


async def test_agents_may_search_and_administrators_too(parts: HttpParts, serve, acme):
    app = create_app(parts)

    @app.get("/search-stand-in")
    async def search(principal: CanSearch) -> str:
        return principal.client_id

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nexus") as client:
        statuses = {}
        for scope in ("agent", "admin:read", "admin:operate", "admin:write", "delegate"):
            token = (await parts.tokens.issue(acme.client_id, acme.id, [scope])).access_token
            answer = await client.get("/search-stand-in", headers={"Authorization": f"Bearer {token}"})
            statuses[scope] = answer.status_code
    assert statuses == {"agent": 200, "admin:read": 200, "admin:operate": 200, "admin:write": 200, "delegate": 403}
