"""Credentials of programs, as an admin manages them."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select
from support.people import Dashboard

from nexus.http.parts import HttpParts
from nexus.store.tables import ApiKey


async def listed(api: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, dict]:
    answer = await api.get("/v1/keys", headers=headers)
    assert answer.status_code == 200
    return {key["client_id"]: key for key in answer.json()["items"]}


async def token_status(api: httpx.AsyncClient, client_id: str, secret: str) -> int:
    grant = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return (await api.post("/auth/token", data=grant)).status_code


async def test_a_new_key_works_and_its_secret_is_shown_once(api, acme):
    made = await api.post("/v1/keys", json={"name": "CI", "scopes": ["admin:operate"]}, headers=acme.headers)
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    key = made.json()
    secret = key.pop("client_secret")
    assert secret.startswith("obl_sk_")
    assert (key["name"], key["scopes"], key["kind"]) == ("CI", ["admin:operate"], "admin")
    assert key["client_id"].startswith("adm_ci_")
    assert (key["last_used_at"], key["revoked_at"]) == (None, None)
    assert (await listed(api, acme.headers))[key["client_id"]] == key
    assert secret not in (await api.get("/v1/keys", headers=acme.headers)).text
    assert await token_status(api, key["client_id"], secret) == 200


async def test_every_kind_of_key_is_listed_oldest_first(api, parts: HttpParts, acme, dashboard: Dashboard):
    agent = await parts.directory.create(acme.id, "fixer")
    keys = await listed(api, acme.headers)
    assert {client_id: key["kind"] for client_id, key in keys.items()} == {
        acme.client_id: "admin",
        dashboard.client_id: "observer",
        agent.client_id: "agent",
    }
    assert list(keys) == [acme.client_id, dashboard.client_id, agent.client_id]
    assert dashboard.client_id.startswith("obs_")
    page = (await api.get("/v1/keys", params={"limit": 2}, headers=acme.headers)).json()
    assert len(page["items"]) == 2
    rest = await api.get("/v1/keys", params={"cursor": page["next_cursor"]}, headers=acme.headers)
    assert [key["client_id"] for key in rest.json()["items"]] == [agent.client_id]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["delegate"]},
        {"name": "x", "scopes": ["admin:write", "delegate"]},
        {"name": "x", "scopes": ["agent"]},
        {"name": "x", "scopes": ["root"]},
        {"name": "", "scopes": ["admin:read"]},
        {"name": "x"},
        {"name": "x", "scopes": ["admin:read"], "client_id": "adm_mine"},
    ],
)
async def test_nobody_makes_a_key_that_acts_for_people_or_is_an_agent(api, acme, everything_of, body: dict):
    before = await everything_of(acme)
    answer = await api.post("/v1/keys", json=body, headers=acme.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert await everything_of(acme) == before


async def test_a_rotated_secret_has_a_time_beside_the_new_one(api, parts: HttpParts, acme, clock):
    client_id, old = await parts.clients.create(acme.id, "ci", ["admin:read"])
    rotated = await api.post(f"/v1/keys/{client_id}/rotate", json={"overlap_seconds": 600}, headers=acme.headers)
    assert rotated.status_code == 200 and rotated.headers["cache-control"] == "no-store"
    body = rotated.json()
    new = body.pop("client_secret")
    assert body == {"client_id": client_id, "overlap_seconds": 600}
    assert [await token_status(api, client_id, secret) for secret in (old, new)] == [200, 200]
    clock.advance(600)
    assert [await token_status(api, client_id, secret) for secret in (old, new)] == [401, 200]


async def test_the_secret_of_an_agent_can_be_rotated_here_too(api, parts: HttpParts, acme):
    agent = await parts.directory.create(acme.id, "fixer")
    rotated = await api.post(f"/v1/keys/{agent.client_id}/rotate", headers=acme.headers)
    assert rotated.json()["overlap_seconds"] == 24 * 3600
    assert await token_status(api, agent.client_id, rotated.json()["client_secret"]) == 200


async def test_nobody_gets_the_dashboards_secret_over_http(api, dashboard: Dashboard, everything_of, acme):
    ann = await dashboard.headers("ann@example.com")
    before = await everything_of(acme)
    refused = await api.post(f"/v1/keys/{dashboard.client_id}/rotate", headers=ann)
    assert (refused.status_code, refused.json()["code"]) == (409, "observer_key")
    assert "oblivion observer create" in refused.json()["detail"]
    assert await everything_of(acme) == before


async def test_a_revoked_key_ends_with_its_tokens_and_stays_in_the_list(api, parts: HttpParts, acme, clock):
    client_id, secret = await parts.clients.create(acme.id, "ci", ["admin:read"])
    token = (await parts.tokens.issue(client_id, acme.id, ["admin:read"])).access_token
    own = {"Authorization": f"Bearer {token}"}
    assert (await api.get("/v1/me", headers=own)).status_code == 200
    assert (await api.delete(f"/v1/keys/{client_id}", headers=acme.headers)).status_code == 204
    assert (await api.get("/v1/me", headers=own)).status_code == 401
    assert await token_status(api, client_id, secret) == 401
    assert (await listed(api, acme.headers))[client_id]["revoked_at"] is not None
    for method, path in (("DELETE", f"/v1/keys/{client_id}"), ("POST", f"/v1/keys/{client_id}/rotate")):
        answer = await api.request(method, path, headers=acme.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_an_agent_ends_on_the_roster_and_not_by_its_key(api, parts: HttpParts, acme):
    agent = await parts.directory.create(acme.id, "fixer")
    refused = await api.delete(f"/v1/keys/{agent.client_id}", headers=acme.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "agent_key")
    assert "fixer" in refused.json()["detail"]
    assert await token_status(api, agent.client_id, agent.client_secret) == 200
    assert (await api.delete("/v1/agents/fixer", headers=acme.headers)).status_code == 204
    assert (await api.delete(f"/v1/keys/{agent.client_id}", headers=acme.headers)).status_code == 404


async def test_the_last_use_of_a_key_is_known_to_the_minute(api, parts: HttpParts, acme, clock):
    client_id, secret = await parts.clients.create(acme.id, "ci", ["admin:read"])
    token = (await parts.tokens.issue(client_id, acme.id, ["admin:read"])).access_token

    async def used():
        (key,) = [key for key in await parts.clients.listed(acme.id) if key.client_id == client_id]
        return key.last_used_at

    begun = clock.now()
    assert await used() is None
    assert await token_status(api, client_id, "obl_sk_guess") == 401
    assert await used() is None, "who guesses does not use it"
    assert await token_status(api, client_id, secret) == 200
    assert await used() == begun
    clock.advance(59)
    await api.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert await used() == begun
    clock.advance(1)
    await api.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert await used() == begun + timedelta(seconds=60)


async def test_using_a_key_does_not_wait_for_who_changes_it(api, parts: HttpParts, acme, database):
    client_id, secret = await parts.clients.create(acme.id, "ci", ["admin:read"])
    async with database.tenant(acme.id) as session:
        await session.scalar(select(ApiKey).where(ApiKey.client_id == client_id).with_for_update())
        assert await token_status(api, client_id, secret) == 200
    (key,) = [key for key in await parts.clients.listed(acme.id) if key.client_id == client_id]
    assert key.last_used_at is None, "noted the next time"


async def test_a_key_of_another_tenant_is_no_key(api, acme, rival):
    for method, path in (("DELETE", f"/v1/keys/{acme.client_id}"), ("POST", f"/v1/keys/{acme.client_id}/rotate")):
        answer = await api.request(method, path, headers=rival.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert list(await listed(api, rival.headers)) == [rival.client_id]
    assert await token_status(api, acme.client_id, acme.secret) == 200
