"""Who did what, as people read it."""

from datetime import datetime

import httpx
from support.people import Dashboard

from nexus.auth.audit import record
from nexus.http.parts import HttpParts


async def read(api: httpx.AsyncClient, headers: dict[str, str], **params: str | int) -> list[dict]:
    """Every page."""
    found: list[dict] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        answer = await api.get("/v1/audit", params=params | more, headers=headers)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


async def test_an_act_is_under_the_name_of_the_person(api, dashboard: Dashboard):
    ann = await dashboard.headers("ann@example.com")
    await api.put("/v1/members/vera@example.com", json={"role": "operator"}, headers=ann)
    newest = (await read(api, ann))[0]
    assert datetime.fromisoformat(newest.pop("at")) and newest.pop("id")
    assert newest == {
        "actor": "ann@example.com",
        "action": "member.change",
        "object": "vera@example.com",
        "data": {"role": "operator", "before": "viewer"},
    }


async def test_an_act_of_a_program_is_under_its_client_id(api, acme):
    await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)
    assert {(entry["actor"], entry["action"]) for entry in (await read(api, acme.headers))[:2]} == {
        (acme.client_id, "agent.create"),
        (acme.client_id, "client.create"),
    }


async def test_no_secret_is_in_the_audit_log(api, acme):
    key = (await api.post("/v1/keys", json={"name": "ci", "scopes": ["admin:read"]}, headers=acme.headers)).json()
    rotated = (await api.post(f"/v1/keys/{key['client_id']}/rotate", headers=acme.headers)).json()
    told = (await api.get("/v1/audit", headers=acme.headers)).text
    assert key["client_id"] in told
    assert key["client_secret"] not in told and rotated["client_secret"] not in told


async def test_what_changed_nothing_is_no_act(api, dashboard: Dashboard):
    ann = await dashboard.headers("ann@example.com")
    before = await read(api, ann)
    await api.put("/v1/members/vera@example.com", json={"role": "viewer"}, headers=ann)
    await api.delete("/v1/members/ann@example.com", headers=ann)
    await api.delete("/v1/members/nobody@example.com", headers=ann)
    await dashboard.exchange("eve@example.com")
    assert await read(api, ann) == before


async def test_it_can_be_asked_by_actor_and_by_action(api, parts: HttpParts, acme):
    async with parts.db.tenant(acme.id) as session:
        for actor, action in (
            ("ann@example.com", "mapping.link"),
            ("ann@example.com", "mapping.unlink"),
            ("otto@example.com", "mapping.link"),
            ("otto@example.com", "mappings.link"),
            ("100%@example.com", "map%.x"),
        ):
            record(session, acme.id, actor, action, "it")

    async def found(**params: str) -> set[tuple[str, str]]:
        return {(entry["actor"], entry["action"]) for entry in await read(api, acme.headers, **params)}

    assert await found(actor="ann@example.com") == {
        ("ann@example.com", "mapping.link"),
        ("ann@example.com", "mapping.unlink"),
    }
    assert await found(action="mapping.link", actor="otto@example.com") == {("otto@example.com", "mapping.link")}
    assert {action for _, action in await found(action="mapping")} == {"mapping.link", "mapping.unlink"}
    assert await found(action="map%") == {("100%@example.com", "map%.x")}
    assert await found(actor="Ann@example.com") == set()


async def test_it_comes_in_pages_newest_first_and_new_acts_shift_nothing(api, parts: HttpParts, acme):
    async with parts.db.tenant(acme.id) as session:
        for number in range(7):
            record(session, acme.id, "ann", "count", str(number))
            await session.flush()
    first = (await api.get("/v1/audit", params={"limit": 3, "action": "count"}, headers=acme.headers)).json()
    async with parts.db.tenant(acme.id) as session:
        record(session, acme.id, "ann", "count", "new")
    params = {"limit": 3, "action": "count", "cursor": first["next_cursor"]}
    second = (await api.get("/v1/audit", params=params, headers=acme.headers)).json()
    seen = [entry["object"] for entry in first["items"] + second["items"]]
    assert seen == ["6", "5", "4", "3", "2", "1"]
    assert [entry["object"] for entry in await read(api, acme.headers, action="count", limit=2)] == [
        "new", "6", "5", "4", "3", "2", "1", "0",
    ]  # fmt: skip


async def test_nobody_reads_the_acts_of_another_tenant(api, acme, rival):
    await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)
    assert all(entry["object"] != "fixer" for entry in await read(api, rival.headers))
    assert await read(api, rival.headers, actor=acme.client_id) == []
