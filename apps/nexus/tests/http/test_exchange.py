"""POST /auth/token for people: token exchange, to the letter of RFC 8693 and RFC 6749."""

import base64
import json
from datetime import UTC, datetime

import httpx
import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.people import EMAIL, EXCHANGE, Dashboard

from nexus.auth.errors import TokenInvalid
from nexus.http.parts import HttpParts

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def assert_refused(answer: httpx.Response, status: int, error: str) -> str:
    """Returns the description."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert set(answer.json()) == {"error", "error_description"} and answer.json()["error_description"]
    assert answer.headers["cache-control"] == "no-store" and answer.headers["pragma"] == "no-cache"
    description = answer.json()["error_description"]
    assert not set(description) & {'"', "\\"} and description.isascii(), "RFC 6749 §5.2"
    return description


@pytest.mark.parametrize(
    ("person", "role", "scope"),
    [
        ("vera", "viewer", "admin:read"),
        ("otto", "operator", "admin:read admin:operate"),
        ("ann", "admin", "admin:read admin:operate admin:write"),
    ],
)
async def test_a_member_gets_a_token_with_the_rights_of_their_role(
    api, acme, dashboard: Dashboard, person: str, role: str, scope: str
):
    answer = await dashboard.exchange(f"{person}@example.com")
    assert answer.status_code == 200
    body = answer.json()
    token = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 60, "scope": scope, "issued_token_type": ACCESS_TOKEN}
    assert answer.headers["cache-control"] == "no-store" and answer.headers["pragma"] == "no-cache"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["sub"], claims["client_id"]) == (f"{person}@example.com", dashboard.client_id)
    assert (claims["act"], claims["aud"]) == ({"sub": dashboard.client_id}, "nexus")
    assert (claims["tenant_id"], claims["scope"]) == (str(acme.id), scope)
    assert claims["exp"] - claims["iat"] == 60
    me = (await api.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).json()
    assert me == {
        "actor": f"{person}@example.com",
        "role": role,
        "email": f"{person}@example.com",
        "tenant": {"id": str(acme.id), "name": acme.name},
        "scopes": sorted(scope.split()),
    }


@pytest.mark.parametrize(
    ("scopes", "role"),
    [
        (["admin:read"], "viewer"),
        (["admin:operate"], "operator"),
        (["admin:write"], "admin"),
        (["admin:read", "admin:write"], "admin"),
    ],
)
async def test_a_program_that_acts_for_itself_is_nobodys_but_its_own(api, parts, acme, scopes, role):
    client_id, _ = await parts.clients.create(acme.id, "ci", scopes)
    token = (await parts.tokens.issue(client_id, acme.id, scopes)).access_token
    me = (await api.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).json()
    assert (me["actor"], me["email"], me["role"], me["scopes"]) == (client_id, None, role, sorted(scopes))


async def test_the_exchange_works_with_basic_and_with_json(api, dashboard: Dashboard):
    parameters = {"grant_type": EXCHANGE, "subject_token": "ann@example.com", "subject_token_type": EMAIL}
    credentials = base64.b64encode(f"{dashboard.client_id}:{dashboard.secret}".encode()).decode()
    basic = {"Authorization": f"Basic {credentials}"}
    assert (await api.post("/auth/token", data=parameters, headers=basic)).status_code == 200
    own = {"client_id": dashboard.client_id, "client_secret": dashboard.secret}
    assert (await api.post("/auth/token", json=parameters | own)).status_code == 200


async def test_an_email_is_the_same_in_any_case(dashboard: Dashboard, parts: HttpParts):
    token = (await dashboard.exchange("Ann@Example.COM")).json()["access_token"]
    assert (await parts.tokens.verify(token)).actor == "ann@example.com"


async def test_rights_can_be_narrowed_and_never_widened(dashboard: Dashboard):
    assert (await dashboard.exchange("ann@example.com", scope="admin:read")).json()["scope"] == "admin:read"
    for person, scope in (
        ("vera", "admin:operate"),
        ("otto", "admin:read admin:write"),
        ("ann", "delegate"),
        ("ann", "agent"),
        ("ann", "admin:read  admin:write"),
    ):
        assert_refused(await dashboard.exchange(f"{person}@example.com", scope=scope), 400, "invalid_scope")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": ""}, "invalid_request"),
        ({"subject_token": "ann"}, "invalid_request"),
        ({"subject_token": 'ann"\\@example.com'}, "invalid_request"),
        ({"subject_token": "änn@example.com"}, "invalid_request"),
        ({"subject_token": f"{'a' * 250}@example.com"}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"actor_token": "x"}, "invalid_request"),
        ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"audience": "agents"}, "invalid_target"),
        ({"audience": "nexus nexus:admin-socket"}, "invalid_target"),
        ({"audience": "NEXUS"}, "invalid_target"),
        ({"resource": "https://nexus.example/mcp"}, "invalid_target"),
        ({"subject_token": "eve@example.com"}, "invalid_grant"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}, "unsupported_grant_type"),
    ],
)
async def test_each_mistake_has_its_error(dashboard: Dashboard, changes: dict[str, str | None], error: str):
    assert_refused(await dashboard.exchange("ann@example.com", **changes), 400, error)


async def test_what_is_said_twice_has_its_error(api, dashboard: Dashboard):
    form = (
        f"grant_type={EXCHANGE}&client_id={dashboard.client_id}&client_secret={dashboard.secret}"
        f"&subject_token=ann@example.com&subject_token_type={EMAIL}"
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for more, error in (
        ("&audience=nexus&audience=nexus:admin-socket", "invalid_target"),
        ("&subject_token=otto@example.com", "invalid_request"),
        ("&scope=admin:read&scope=admin:write", "invalid_request"),
        ("&requested_token_type=a&requested_token_type=b", "invalid_request"),
    ):
        assert_refused(await api.post("/auth/token", content=form + more, headers=headers), 400, error)
    assert (await api.post("/auth/token", content=form + "&audience=nexus", headers=headers)).status_code == 200


async def test_a_requested_access_token_is_what_there_is(dashboard: Dashboard):
    assert (await dashboard.exchange("ann@example.com", requested_token_type=ACCESS_TOKEN)).status_code == 200


async def test_a_stranger_is_told_what_an_admin_must_do(dashboard: Dashboard):
    said = assert_refused(await dashboard.exchange("eve@example.com"), 400, "invalid_grant")
    assert "eve@example.com is no member" in said
    assert "oblivion member add eve@example.com" in said


@pytest.mark.parametrize("scopes", [["admin:write"], ["admin:read", "admin:operate", "admin:write"], ["agent"]])
async def test_only_who_may_delegate_acts_for_people(api, parts, acme, dashboard: Dashboard, scopes: list[str]):
    other = Dashboard(api, *await parts.clients.create(acme.id, "ci", scopes))
    assert_refused(await other.exchange("ann@example.com"), 400, "unauthorized_client")


async def test_who_cannot_prove_the_secret_is_told_nothing_about_members(dashboard: Dashboard):
    for email in ("ann@example.com", "eve@example.com"):
        assert_refused(await dashboard.exchange(email, client_secret="obl_sk_guess"), 401, "invalid_client")


async def test_guessing_the_dashboards_secret_is_slowed_down(dashboard: Dashboard):
    answers = [await dashboard.exchange("ann@example.com", client_secret="obl_sk_guess") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert (await dashboard.exchange("ann@example.com")).status_code == 200


async def test_to_delegate_is_no_right_of_its_own(api, parts, acme, dashboard: Dashboard):
    token = (await parts.tokens.issue(dashboard.client_id, acme.id, ["delegate"])).access_token
    for path in ("/v1/me", "/v1/tasks", "/v1/keys", "/v1/search?q=x"):
        answer = await api.get(path, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path


async def test_a_dashboard_acts_for_members_of_its_own_tenant_only(
    api, parts, rival, dashboard: Dashboard, open_dashboard
):
    await parts.members.put(rival.id, "rita@example.com", "admin", actor="test")
    assert_refused(await dashboard.exchange("rita@example.com"), 400, "invalid_grant")
    theirs = await open_dashboard(rival)
    token = (await theirs.exchange("ann@example.com")).json()["access_token"]
    me = (await api.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).json()
    assert me["tenant"] == {"id": str(rival.id), "name": rival.name}


async def test_a_ticket_for_the_socket_opens_nothing_else(api, parts, dashboard: Dashboard, clock):
    answer = await dashboard.exchange("ann@example.com", audience="nexus:admin-socket")
    assert answer.json()["expires_in"] == 30
    ticket = answer.json()["access_token"]
    for path in ("/v1/me", "/v1/tasks"):
        refused = await api.get(path, headers={"Authorization": f"Bearer {ticket}"})
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    principal = await parts.tokens.verify(ticket, "nexus:admin-socket")
    assert (principal.actor, principal.may("admin:read")) == ("ann@example.com", True)
    plain = (await dashboard.exchange("ann@example.com", audience="nexus")).json()["access_token"]
    with pytest.raises(TokenInvalid):
        await parts.tokens.verify(plain, "nexus:admin-socket")


@pytest.mark.parametrize(("audience", "seconds"), [("nexus", 60), ("nexus:admin-socket", 30)])
async def test_a_persons_token_ends_to_the_second(parts, dashboard: Dashboard, clock, audience, seconds):
    clock.time = datetime.now(UTC).replace(microsecond=0)
    token = (await dashboard.exchange("ann@example.com", audience=audience)).json()["access_token"]
    clock.advance(seconds - 0.1)
    await parts.tokens.verify(token, audience)
    clock.advance(0.1)
    with pytest.raises(TokenInvalid):
        await parts.tokens.verify(token, audience)


async def test_a_change_of_role_counts_from_the_next_token(api, parts, acme, dashboard: Dashboard):
    before = await dashboard.headers("otto@example.com")
    body = {"name": "x", "scopes": ["admin:read"]}
    await parts.members.put(acme.id, "otto@example.com", "viewer", actor="test")
    assert (await dashboard.exchange("otto@example.com")).json()["scope"] == "admin:read"
    await parts.members.put(acme.id, "otto@example.com", "admin", actor="test")
    assert (await api.post("/v1/keys", json=body, headers=before)).status_code == 403
    after = await dashboard.headers("otto@example.com")
    assert (await api.post("/v1/keys", json=body, headers=after)).status_code == 201


async def test_a_removed_member_gets_no_further_token(parts, acme, dashboard: Dashboard):
    await dashboard.headers("otto@example.com")
    await parts.members.remove(acme.id, "otto@example.com", actor="test")
    assert_refused(await dashboard.exchange("otto@example.com"), 400, "invalid_grant")


async def test_when_the_dashboards_client_is_revoked_so_is_everybodys_token(api, parts, acme, dashboard: Dashboard):
    headers = await dashboard.headers("ann@example.com")
    assert (await api.get("/v1/me", headers=headers)).status_code == 200
    await parts.clients.revoke(acme.id, dashboard.client_id)
    answer = await api.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert_refused(await dashboard.exchange("ann@example.com"), 401, "invalid_client")


async def test_introspection_names_the_person_and_who_acts_for_them(api, acme, dashboard: Dashboard, rival):
    for audience in ("nexus", "nexus:admin-socket"):
        token = (await dashboard.exchange("otto@example.com", audience=audience)).json()["access_token"]
        asking = {"client_id": dashboard.client_id, "client_secret": dashboard.secret, "token": token}
        seen = (await api.post("/auth/introspect", data=asking)).json()
        assert (seen["active"], seen["sub"]) == (True, "otto@example.com")
        assert (seen["client_id"], seen["act"]) == (dashboard.client_id, {"sub": dashboard.client_id})
        asking = {"client_id": rival.client_id, "client_secret": rival.secret, "token": token}
        assert (await api.post("/auth/introspect", data=asking)).json() == {"active": False}
    own = {"client_id": acme.client_id, "client_secret": acme.secret}
    asking = own | {"token": acme.headers["Authorization"].removeprefix("Bearer ")}
    assert (await api.post("/auth/introspect", data=asking)).json()["act"] is None


async def test_the_metadata_say_that_there_is_an_exchange(api):
    metadata = (await api.get("/.well-known/oauth-authorization-server")).json()
    assert EXCHANGE in metadata["grant_types_supported"]
    assert {"admin:operate", "delegate"} <= set(metadata["scopes_supported"])


async def test_being_seen_is_noted_to_the_minute(api, parts, acme, dashboard: Dashboard, clock):
    async def seen() -> datetime | None:
        return {row.email: row.last_seen_at for row in await parts.members.listed(acme.id)}["ann@example.com"]

    assert await seen() is None
    first = clock.now()
    await dashboard.exchange("ann@example.com")
    assert await seen() == first
    clock.advance(59)
    await dashboard.exchange("ann@example.com")
    assert await seen() == first
    clock.advance(1)
    await dashboard.exchange("ann@example.com")
    assert await seen() == clock.now()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["subject_token", "subject_token_type", "audience", "resource", "scope", "actor_token"]),
        st.one_of(st.text(max_size=30), st.none(), st.integers(), st.lists(st.text(max_size=5), max_size=3)),
    )
)
async def test_garbage_gets_an_error_of_the_rfc_and_no_token(api, dashboard: Dashboard, garbage):
    own = {"grant_type": EXCHANGE, "client_id": dashboard.client_id, "client_secret": dashboard.secret}
    answer = await api.post(
        "/auth/token", content=json.dumps(own | garbage), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert_refused(answer, 400, answer.json()["error"])
