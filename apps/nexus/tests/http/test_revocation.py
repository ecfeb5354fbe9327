"""POST /auth/revoke, to the letter of RFC 7009, and what a revoked token is good for: nothing."""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select
from support.oauth import assert_refused, basic
from support.people import Dashboard

from nexus.auth.standing import KEPT_SECONDS
from nexus.http.parts import HttpParts
from nexus.store.tables import AuditEntry, RevokedToken


async def revoke(api: httpx.AsyncClient, caller, token: str, **more: str) -> httpx.Response:
    return await api.post("/auth/revoke", data={"token": token} | more, headers=basic(caller.client_id, caller.secret))


async def works(api: httpx.AsyncClient, token: str) -> bool:
    answer = await api.get("/v1/tenants", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def issued(parts: HttpParts, member, client_id: str | None = None) -> str:
    return (await parts.tokens.issue(client_id or member.client_id, member.id, ["admin:read"])).access_token


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
async def test_a_client_ends_its_own_token_at_once_whatever_it_hints(api, parts: HttpParts, acme, hint: str | None):
    token, other = await issued(parts, acme), await issued(parts, acme)
    assert await works(api, token)
    answer = await revoke(api, acme, token, **({"token_type_hint": hint} if hint else {}))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert not await works(api, token)
    assert await works(api, other), "the client and its other tokens go on"
    asking = {"token": token}
    told = await api.post("/auth/introspect", data=asking, headers=basic(acme.client_id, acme.secret))
    assert told.json() == {"active": False}


async def test_to_revoke_twice_is_one_act_in_the_audit_log(api, parts: HttpParts, acme):
    token = await issued(parts, acme)
    for _ in range(2):
        assert (await revoke(api, acme, token)).status_code == 200
    async with parts.db.tenant(acme.id) as session:
        acts = list(await session.scalars(select(AuditEntry).where(AuditEntry.action == "token.revoke")))
    assert [(act.actor, act.object) for act in acts] == [(acme.client_id, acme.client_id)]


async def test_what_is_no_token_any_more_or_never_was_is_answered_as_if_it_had_been(api, parts: HttpParts, acme, clock):
    old = await issued(parts, acme)
    clock.advance(901)
    for token in (old, "garbage", "a.b.c", "x" * 5000):
        assert (await revoke(api, acme, token)).status_code == 200
    async with parts.db.tenant(acme.id) as session:
        assert list(await session.scalars(select(RevokedToken))) == []


async def test_nobody_ends_tokens_of_another_tenant_and_only_an_admin_those_of_its_own(
    api, parts: HttpParts, acme, rival, join
):
    program, secret = await parts.clients.create(acme.id, "program", ["admin:read"])
    theirs = await issued(parts, acme)
    reader = type(acme)(acme.id, acme.name, program, secret, {})
    for caller in (rival, reader):
        assert (await revoke(api, caller, theirs)).status_code == 200, "and says nothing of whose it is"
        assert await works(api, theirs)
    programs = await issued(parts, acme, program)
    assert (await revoke(api, acme, programs)).status_code == 200
    assert not await works(api, programs)


async def test_the_dashboard_ends_the_tokens_of_people(api, dashboard: Dashboard):
    headers = await dashboard.headers("ann@example.com")
    token = headers["Authorization"].removeprefix("Bearer ")
    answer = await api.post("/auth/revoke", data={"token": token}, headers=basic(dashboard.client_id, dashboard.secret))
    assert answer.status_code == 200
    assert not await works(api, token)


async def test_a_member_that_was_removed_is_out_at_once(api, parts: HttpParts, acme, dashboard: Dashboard):
    headers = await dashboard.headers("vera@example.com")
    assert (await api.get("/v1/me", headers=headers)).status_code == 200
    await parts.members.remove(acme.id, "vera@example.com", actor="test")
    assert (await api.get("/v1/me", headers=headers)).status_code == 401


async def test_a_revocation_without_a_client_or_a_token_is_refused(api, parts: HttpParts, acme):
    token = await issued(parts, acme)
    wrong = basic(acme.client_id, "wrong")
    assert_refused(await api.post("/auth/revoke", data={"token": token}, headers=wrong), 401, "invalid_client")
    assert_refused(await api.post("/auth/revoke", data={"token": token}), 401, "invalid_client")
    mine = basic(acme.client_id, acme.secret)
    assert_refused(await api.post("/auth/revoke", data={"x": "y"}, headers=mine), 400, "invalid_request")
    assert (await api.get("/auth/revoke")).status_code == 405
    assert await works(api, token)


async def test_the_metadata_names_the_way_to_revoke(api):
    told = (await api.get("/.well-known/oauth-authorization-server")).json()
    assert told["revocation_endpoint"] == told["issuer"] + "/auth/revoke"
    assert told["revocation_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]


async def test_revoked_tokens_are_forgotten_when_they_are_long_over(api, parts: HttpParts, acme, clock):
    for _ in range(3):
        await revoke(api, acme, await issued(parts, acme))
    clock.advance(900 + KEPT_SECONDS + 1)
    last = await issued(parts, acme)
    await revoke(api, acme, last)
    async with parts.db.tenant(acme.id) as session:
        kept = list(await session.scalars(select(RevokedToken)))
    assert [row.jti for row in kept] == [(await parts.tokens.verify(last)).jti]
    assert kept[0].expires_at - clock.now() <= timedelta(seconds=900)
