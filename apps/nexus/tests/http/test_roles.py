"""Every role against every route that changes something: who may, who may not, and whose name is written down."""

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from nexus.auth.roles import ROLE_SCOPES, Role, allows, role_of
from nexus.http.app import create_app
from nexus.http.parts import HttpParts
from nexus.store.tables import AuditEntry
from oblivion_protocol.scopes import ADMIN_SCOPES, ALL_SCOPES

PEOPLE: dict[Role, str] = {"viewer": "vera@example.com", "operator": "otto@example.com", "admin": "ann@example.com"}

WRITES: dict[str, tuple[Role, int, str | None]] = {
    "POST /v1/agents": ("admin", 201, "agent.create"),
    "DELETE /v1/agents/{name}": ("admin", 204, "agent.revoke"),
    "PATCH /v1/agents/{name}": ("admin", 200, "agent.change"),
    "POST /v1/agents/{name}/rotate": ("admin", 200, "client.rotate"),
    "POST /v1/agents/{name}/mute": ("operator", 200, "agent.mute"),
    "POST /v1/agents/{name}/unmute": ("operator", 200, None),
    "POST /v1/aliases": ("admin", 201, "alias.add"),
    "DELETE /v1/aliases/{alias}": ("admin", 204, "alias.remove"),
    "POST /v1/connections": ("admin", 201, None),
    "DELETE /v1/connections/{connection_id}": ("admin", 409, None),
    "POST /v1/connections/{connection_id}/test": ("operator", 200, None),
    "POST /v1/deliveries/replay": ("operator", 200, "delivery.replay"),
    "POST /v1/deliveries/{delivery_id}/replay": ("operator", 200, "delivery.replay"),
    "POST /v1/keys": ("admin", 201, "client.create"),
    "DELETE /v1/keys/{client_id}": ("admin", 204, "client.revoke"),
    "POST /v1/keys/{client_id}/rotate": ("admin", 200, "client.rotate"),
    "POST /v1/mappings": ("operator", 201, None),
    "PATCH /v1/mappings/{mapping_id}": ("operator", 200, None),
    "DELETE /v1/mappings/{mapping_id}": ("operator", 204, None),
    "PUT /v1/members/{email}": ("admin", 200, "member.change"),
    "DELETE /v1/members/{email}": ("admin", 204, "member.remove"),
    "POST /v1/tasks/{task_id}/cancel": ("operator", 200, "task.cancel"),
    "POST /v1/tasks/{task_id}/reassign": ("operator", 200, "task.reassign"),
}
"""The weakest role that may, what it is answered, and what the audit log calls it where no stand-in does it."""


def body_of(route: str, goods: Any) -> dict[str, Any] | None:
    return {
        "POST /v1/agents": {"name": "new"},
        "PATCH /v1/agents/{name}": {"messages_per_minute": 30},
        "POST /v1/aliases": {"alias": "@new", "agent": goods.agent},
        "POST /v1/connections": {"vendor": "slack", "credentials": {"token": "x"}},
        "POST /v1/deliveries/replay": {"ids": [str(goods.dead_webhook)]},
        "POST /v1/keys": {"name": "new", "scopes": ["admin:read"]},
        "POST /v1/mappings": {"list_id": "L", "channel_id": "C"},
        "PATCH /v1/mappings/{mapping_id}": {"channel_id": "C9"},
        "PUT /v1/members/{email}": {"role": "operator"},
        "POST /v1/tasks/{task_id}/reassign": {"agent": None},
    }.get(route)


def address_of(path: str, goods: Any) -> str:
    named = {
        "name": goods.agent,
        "alias": goods.alias,
        "connection_id": goods.chat,
        "delivery_id": goods.dead_webhook,
        "client_id": goods.key,
        "mapping_id": goods.mapping,
        "email": goods.member,
        "task_id": goods.task,
    }
    return re.sub(r"{(\w+)}", lambda found: str(named[found[1]]), path)


def test_no_route_that_changes_something_is_forgotten_here(parts: HttpParts):
    paths = create_app(parts).openapi()["paths"]
    changing = {
        f"{method.upper()} {path}"
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/v1/") and method != "get"
    }
    assert changing == set(WRITES)


@pytest.mark.parametrize("route", WRITES)
async def test_a_role_may_what_it_may_and_answers_for_it(
    api: httpx.AsyncClient, parts: HttpParts, acme, rival, stock, everything_of, open_dashboard, route: str
):
    weakest, status, act = WRITES[route]
    method, path = route.split(" ")
    ranked = list(PEOPLE)
    may = ranked[ranked.index(weakest) :]
    scenes = [(acme, ranked[: ranked.index(weakest) + 1])] + ([(rival, ["admin"])] if weakest != "admin" else [])
    for tenant, roles in scenes:
        goods, dashboard = await stock(tenant), await open_dashboard(tenant)
        address, body = address_of(path, goods), body_of(route, goods)
        for role in roles:
            person = await dashboard.headers(PEOPLE[role])
            before = await everything_of(tenant)
            answer = await api.request(method, address, headers=person, json=body)
            if role in may:
                assert answer.status_code == status, answer.text
                entry = await newest_act(parts, tenant)
                assert act is None or (entry.action, entry.actor) == (act, PEOPLE[role])
                continue
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert answer.json()["detail"] == f"This needs the role {weakest}; you are {role}."
            assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
            assert await everything_of(tenant) == before


async def newest_act(parts: HttpParts, tenant: Any) -> AuditEntry:
    async with parts.db.tenant(tenant.id) as session:
        newest = select(AuditEntry).order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc()).limit(1)
        return (await session.scalars(newest)).one()


@pytest.mark.parametrize("role", PEOPLE)
async def test_whoever_may_use_the_dashboard_may_see_everything(api, acme, stock, open_dashboard, role: Role):
    goods = await stock(acme)
    person = await (await open_dashboard(acme)).headers(PEOPLE[role])
    for path in ("me", "members", "keys", "audit", "agents", "aliases", "connections", "mappings", "tenants", "tasks"):
        assert (await api.get(f"/v1/{path}", headers=person)).status_code == 200, path
    for path in (f"tasks/{goods.task}", f"tasks/{goods.task}/timeline", f"explain/{goods.task}", "deliveries"):
        assert (await api.get(f"/v1/{path}", headers=person)).status_code == 200, path


def test_a_stronger_role_has_the_rights_of_the_weaker_ones():
    viewer, operator, admin = (set(ROLE_SCOPES[role]) for role in ("viewer", "operator", "admin"))
    assert viewer < operator < admin
    for role, scopes in ROLE_SCOPES.items():
        assert role_of(scopes) == role
        assert role_of([scopes[-1]]) == role, "the strongest alone is enough"
        assert [scope for scope in ADMIN_SCOPES if allows([scopes[-1]], scope)] == list(scopes)
    assert role_of(["agent", "delegate"]) is None
    for scope in ("agent", "delegate"):
        assert [other for other in ALL_SCOPES if allows([scope], other)] == [scope]
        assert not allows(ADMIN_SCOPES, scope)
