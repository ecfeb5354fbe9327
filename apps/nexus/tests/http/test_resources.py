"""Agents, aliases, mappings, vendors and connections, as an administrator's program sees them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from nexus.auth.errors import TokenInvalid
from nexus.http.parts import HttpParts
from nexus.store.tables import AgentSession, AuditEntry, Task


async def pages(api, path: str, headers, **params) -> list[list]:
    """All pages of a list."""
    found: list[list] = []
    cursor = None
    while cursor is not None or not found:
        answer = await api.get(path, headers=headers, params=params | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found.append(answer.json()["items"])
        cursor = answer.json()["next_cursor"]
        assert len(found) < 50
    return found


async def test_a_new_agent_can_log_in_and_is_on_the_roster(api, acme):
    body = {"name": "fixer", "skills": ["fix_bug"], "aliases": ["@AI_Squad"], "icon": ":wrench:"}
    made = await api.post("/v1/agents", json=body, headers=acme.headers)
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    secret = made.json()["client_secret"]
    assert secret.startswith("obl_sk_") and len(secret) == len("obl_sk_") + 43
    assert made.json()["client_id"].startswith("agt_fixer_")

    grant = {"grant_type": "client_credentials", "client_id": made.json()["client_id"], "client_secret": secret}
    assert (await api.post("/auth/token", data=grant)).status_code == 200
    (agent,) = (await api.get("/v1/agents", headers=acme.headers)).json()["items"]
    assert (agent["id"], agent["name"], agent["client_id"]) == (
        made.json()["id"],
        "fixer",
        made.json()["client_id"],
    )
    assert (agent["skills"], agent["aliases"], agent["online"]) == (["fix_bug"], ["@AI_Squad"], False)


async def test_a_name_is_taken_once_in_a_tenant(api, acme, rival):
    assert (await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)).status_code == 201
    again = await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert "fixer" in again.json()["detail"]
    assert (await api.post("/v1/agents", json={"name": "fixer"}, headers=rival.headers)).status_code == 201


async def test_an_agent_that_cannot_be_made_leaves_nothing_behind(api, acme, everything_of):
    before = await everything_of(acme)
    body = {"name": "fixer", "aliases": ["fine", "not fine"]}
    assert (await api.post("/v1/agents", json=body, headers=acme.headers)).status_code == 400
    assert await everything_of(acme) == before


async def test_the_roster_shows_presence_and_load(api, parts: HttpParts, acme, stock, clock):
    goods = await stock(acme)

    def session(instance: str, seconds_ago: float, *, closed: bool = False) -> AgentSession:
        return AgentSession(
            tenant_id=acme.id,
            agent_id=goods.agent_id,
            instance=instance,
            gateway="g",
            sid=instance,
            skills=[],
            capacity=2,
            version="0.1",
            connected_at=clock.now() - timedelta(hours=1),
            last_seen_at=clock.now() - timedelta(seconds=seconds_ago),
            closed_at=clock.now() if closed else None,
        )

    async with parts.db.tenant(acme.id) as db:
        db.add_all([session("live", 29), session("silent", 31), session("closed", 1, closed=True)])
        task = await db.get(Task, goods.task)
        db.add(
            Task(
                tenant_id=acme.id,
                conversation_id=goods.unmapped,
                alias="a",
                type="t",
                title="t",
                instructions="i",
                state="completed",
                agent_id=goods.agent_id,
                expires_at=task.expires_at,
                finished_at=clock.now(),
            )
        )
    (agent,) = (await api.get("/v1/agents", headers=acme.headers)).json()["items"]
    assert {one["instance"]: one["online"] for one in agent["sessions"]} == {"live": True, "silent": False}
    assert (agent["online"], agent["capacity"], agent["load"]) == (True, 2, 1)
    clock.advance(2)
    (agent,) = (await api.get("/v1/agents", headers=acme.headers)).json()["items"]
    assert (agent["online"], agent["capacity"]) == (False, 0)
    assert agent["last_seen_at"] is not None


async def test_lists_are_paged_without_gaps_or_repeats(api, parts: HttpParts, acme):
    names = [f"agent-{n}" for n in range(7)]
    for name in names:
        await parts.directory.create(acme.id, name)
    found = await pages(api, "/v1/agents", acme.headers, limit=3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [agent["name"] for page in found for agent in page] == names


async def test_a_cursor_that_is_not_ours_is_refused(api, acme):
    for path in ("/v1/agents", "/v1/tasks", "/v1/deliveries", "/v1/mappings", "/v1/connections"):
        for cursor in ("x", "ä", "A" * 32 + "!", "A" * 31, "f" * 32):
            answer = await api.get(path, params={"cursor": cursor}, headers=acme.headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), (path, cursor)
        for limit in ("0", "201", "-1", "x", "9" * 40):
            answer = await api.get(path, params={"limit": limit}, headers=acme.headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


async def test_rotation_gives_a_second_secret_and_says_how_long_the_first_lives(api, parts, acme, clock):
    made = (await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)).json()
    rotated = await api.post("/v1/agents/fixer/rotate", json={"overlap_seconds": 300}, headers=acme.headers)
    assert rotated.json()["client_id"] == made["client_id"] and rotated.json()["overlap_seconds"] == 300
    assert rotated.headers["cache-control"] == "no-store"
    new, old = rotated.json()["client_secret"], made["client_secret"]
    assert await parts.clients.authenticate(made["client_id"], old)
    assert await parts.clients.authenticate(made["client_id"], new)
    clock.advance(301)
    assert await parts.clients.authenticate(made["client_id"], old) is None
    assert await parts.clients.authenticate(made["client_id"], new)
    default = await api.post("/v1/agents/fixer/rotate", headers=acme.headers)
    assert default.json()["overlap_seconds"] == 24 * 3600
    assert (await api.post("/v1/agents/nobody/rotate", headers=acme.headers)).status_code == 404


async def test_a_revoked_agent_is_locked_out_at_once_and_stays_on_the_roster(api, parts: HttpParts, acme):
    made = (await api.post("/v1/agents", json={"name": "fixer", "aliases": ["sq"]}, headers=acme.headers)).json()
    token = await parts.tokens.issue(made["client_id"], acme.id, ["agent"])
    principal = await parts.tokens.verify(token.access_token)
    await parts.standing.check(principal)
    assert (await api.delete("/v1/agents/fixer", headers=acme.headers)).status_code == 204
    assert await parts.clients.authenticate(made["client_id"], made["client_secret"]) is None
    with pytest.raises(TokenInvalid):
        await parts.standing.check(principal)
    (agent,) = (await api.get("/v1/agents", headers=acme.headers)).json()["items"]
    assert agent["revoked_at"] is not None
    assert (await api.get("/v1/aliases", headers=acme.headers)).json()["items"] == []
    assert (await api.delete("/v1/agents/fixer", headers=acme.headers)).status_code == 404
    assert (await api.post("/v1/agents/fixer/rotate", headers=acme.headers)).status_code == 404
    again = await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)
    assert again.status_code == 409 and "revoked" in again.json()["detail"]


async def test_administrative_acts_are_in_the_audit_log_without_secrets(api, parts: HttpParts, acme):
    made = (await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)).json()
    rotated = (await api.post("/v1/agents/fixer/rotate", headers=acme.headers)).json()
    await api.post("/v1/aliases", json={"alias": "@Sq", "agent": "fixer"}, headers=acme.headers)
    await api.delete("/v1/aliases/sq", headers=acme.headers)
    await api.delete("/v1/agents/fixer", headers=acme.headers)
    async with parts.db.tenant(acme.id) as session:
        rows = list(await session.scalars(select(AuditEntry).where(AuditEntry.actor == acme.client_id)))
    assert sorted(row.action for row in rows) == [
        "agent.create",
        "agent.revoke",
        "alias.add",
        "alias.remove",
        "client.create",
        "client.revoke",
        "client.rotate",
    ]
    told = str([(row.object, row.data) for row in rows])
    assert made["client_secret"] not in told and rotated["client_secret"] not in told


async def test_secrets_are_kept_as_hashes_only(api, acme, everything_of):
    made = (await api.post("/v1/agents", json={"name": "fixer"}, headers=acme.headers)).json()
    kept = await everything_of(acme)
    secret = made["client_secret"]
    assert made["client_id"] in kept and secret not in kept and secret.encode().hex() not in kept


async def test_an_alias_is_the_same_in_any_case_and_may_stand_for_a_squad(api, parts: HttpParts, acme):
    for name in ("one", "two"):
        await parts.directory.create(acme.id, name)
    add = [
        await api.post("/v1/aliases", json={"alias": alias, "agent": agent}, headers=acme.headers)
        for alias, agent in (("@AI_Squad", "one"), ("ai_squad", "two"), ("AI_SQUAD", "one"))
    ]
    assert [answer.status_code for answer in add] == [201, 201, 409]
    assert add[1].json() == {"alias": "AI_Squad", "agents": ["one", "two"]}
    assert (await api.get("/v1/aliases", headers=acme.headers)).json()["items"] == [add[1].json()]

    one = await api.delete("/v1/aliases/Ai_Squad", params={"agent": "one"}, headers=acme.headers)
    assert one.status_code == 204
    assert (await api.get("/v1/aliases", headers=acme.headers)).json()["items"] == [
        {"alias": "ai_squad", "agents": ["two"]}
    ]
    assert (await api.delete("/v1/aliases/AI_SQUAD", headers=acme.headers)).status_code == 204
    assert (await api.delete("/v1/aliases/AI_SQUAD", headers=acme.headers)).status_code == 404
    unknown = await api.post("/v1/aliases", json={"alias": "x", "agent": "nobody"}, headers=acme.headers)
    assert unknown.status_code == 404


async def test_a_mapping_is_made_listed_and_removed(api, acme, stock):
    goods = await stock(acme)
    body = {"list_id": "L2", "channel_id": "C2", "sync_rule": "all"}
    made = await api.post("/v1/mappings", json=body, headers=acme.headers)
    assert made.status_code == 201, made.text
    assert (made.json()["sync_rule"], made.json()["sync_keyword"]) == ("all", "!sync")
    found = await pages(api, "/v1/mappings", acme.headers, limit=1)
    assert [page[0]["id"] for page in found] == [str(goods.mapping), made.json()["id"]]
    path = f"/v1/mappings/{made.json()['id']}"
    assert (await api.delete(path, headers=acme.headers)).status_code == 204
    assert (await api.delete(path, headers=acme.headers)).status_code == 404
    assert (await api.delete("/v1/mappings/x", headers=acme.headers)).status_code == 400
    for wrong in ({"sync_rule": "maybe"}, {"list_id": ""}, {"list_id": "a\x00"}, {"sync_keyword": "a\nb"}):
        answer = await api.post("/v1/mappings", json=body | wrong, headers=acme.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), wrong


async def test_what_a_vendor_has_is_shown_with_the_time_it_was_read(api, acme, vendors):
    lists = (await api.get("/v1/clickup/lists", headers=acme.headers)).json()
    assert lists["items"] == [{"id": "901", "name": f"Inbox of {acme.id}", "group": "Space / Folder"}]
    assert lists["synced_at"] == "2026-01-02T00:00:00Z"
    channels = (await api.get("/v1/slack/channels", headers=acme.headers)).json()
    assert channels["items"] == [{"id": "C1", "name": "general", "is_member": True, "is_private": False}]
    assert (await api.get("/v1/clickup/lists", params={"refresh": "true"}, headers=acme.headers)).status_code == 200
    assert (await api.get("/v1/slack/channels", params={"refresh": 1}, headers=acme.headers)).status_code == 200
    assert vendors.refreshed == [False, False, True, True]
    unknown = await api.get("/v1/jira/lists", headers=acme.headers)
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "No integration is called jira.")


async def test_credentials_go_in_and_never_come_out(api, acme, stock, vendors):
    goods = await stock(acme)
    credentials = {"bot_token": "xoxb-canary", "signing_secret": "canary"}
    made = await api.post("/v1/connections", json={"vendor": "slack", "credentials": credentials}, headers=acme.headers)
    assert made.status_code == 201 and "canary" not in made.text and "hush" not in made.text
    assert vendors.connected == [(acme.id, "slack", credentials)]
    listed = await api.get("/v1/connections", headers=acme.headers)
    assert {row["id"] for row in listed.json()["items"]} == {str(goods.tracker), str(goods.chat)}
    shown = {
        "id", "vendor", "workspace_id", "name", "state", "broken_reason", "checks", "checked_at", "created_at",
    }  # fmt: skip
    assert all(set(row) == shown for row in listed.json()["items"])
    assert "xoxb" not in listed.text
