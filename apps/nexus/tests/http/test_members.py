"""Who may use the dashboard, as the dashboard manages it."""

import asyncio
from urllib.parse import quote

import httpx
import pytest
from support.people import Dashboard

from nexus.auth.errors import LastAdmin
from nexus.http.parts import HttpParts


async def listed(api: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, str]:
    answer = await api.get("/v1/members", headers=headers)
    assert answer.status_code == 200 and answer.json()["next_cursor"] is None
    return {member["email"]: member["role"] for member in answer.json()["items"]}


async def test_an_admin_adds_a_person_who_can_then_sign_in(api, dashboard: Dashboard, clock):
    ann = await dashboard.headers("ann@example.com")
    assert (await dashboard.exchange("eve@example.com")).status_code == 400
    added = await api.put("/v1/members/eve@example.com", json={"role": "operator"}, headers=ann)
    assert added.status_code == 201
    assert added.json() == {
        "email": "eve@example.com",
        "role": "operator",
        "created_at": clock.now().isoformat().replace("+00:00", "Z"),
        "last_seen_at": None,
    }
    assert (await dashboard.exchange("eve@example.com")).json()["scope"] == "admin:read admin:operate"
    (eve,) = [one for one in (await api.get("/v1/members", headers=ann)).json()["items"] if "eve" in one["email"]]
    assert eve["last_seen_at"] is not None


async def test_another_role_for_a_member_is_no_second_member(api, dashboard: Dashboard):
    ann = await dashboard.headers("ann@example.com")
    changed = await api.put("/v1/members/VERA@example.com", json={"role": "admin"}, headers=ann)
    assert (changed.status_code, changed.json()["email"], changed.json()["role"]) == (200, "vera@example.com", "admin")
    expected = {"ann@example.com": "admin", "otto@example.com": "operator", "vera@example.com": "admin"}
    assert await listed(api, ann) == expected
    assert (await api.put("/v1/members/vera@example.com", json={"role": "admin"}, headers=ann)).status_code == 200
    assert await listed(api, ann) == expected


async def test_a_removed_member_is_gone_and_can_be_added_again(api, dashboard: Dashboard):
    ann = await dashboard.headers("ann@example.com")
    assert (await api.delete("/v1/members/Otto@example.com", headers=ann)).status_code == 204
    assert set(await listed(api, ann)) == {"ann@example.com", "vera@example.com"}
    again = await api.delete("/v1/members/otto@example.com", headers=ann)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    body = {"role": "viewer"}
    assert (await api.put("/v1/members/otto@example.com", json=body, headers=ann)).status_code == 201


async def test_the_last_admin_can_neither_go_nor_step_down(api, dashboard: Dashboard):
    ann = await dashboard.headers("ann@example.com")
    for attempt in (
        api.delete("/v1/members/ann@example.com", headers=ann),
        api.put("/v1/members/ann@example.com", json={"role": "operator"}, headers=ann),
    ):
        refused = await attempt
        assert (refused.status_code, refused.json()["code"]) == (409, "last_admin")
        assert "make somebody else one first" in refused.json()["detail"]
    assert (await listed(api, ann))["ann@example.com"] == "admin"
    assert (await api.put("/v1/members/vera@example.com", json={"role": "admin"}, headers=ann)).status_code == 200
    assert (await api.delete("/v1/members/ann@example.com", headers=ann)).status_code == 204


async def test_two_admins_who_remove_each_other_at_once_are_not_both_gone(parts: HttpParts, acme):
    pair = ("ann@example.com", "bob@example.com")
    for leaves in (True, False) * 3:
        for email in pair:
            await parts.members.put(acme.id, email, "admin", actor="test")
        ann, bob = pair
        outcomes = await asyncio.gather(
            parts.members.remove(acme.id, ann, actor="test"),
            parts.members.remove(acme.id, bob, actor="test")
            if leaves
            else parts.members.put(acme.id, bob, "viewer", actor="test"),
            return_exceptions=True,
        )
        assert [type(one) for one in outcomes if isinstance(one, Exception)] == [LastAdmin]
        assert [one.role for one in await parts.members.listed(acme.id)].count("admin") == 1


async def test_one_person_added_twice_at_once_is_one_member(parts: HttpParts, acme):
    both = (parts.members.put(acme.id, "eve@example.com", "admin", actor="test") for _ in range(2))
    assert {done.before for done in await asyncio.gather(*both)} == {None, "admin"}
    assert len(await parts.members.listed(acme.id)) == 1


@pytest.mark.parametrize(
    "email",
    ["ann", "ann@", "@example.com", "a b@example.com", "änn@example.com", "a@b@c", "ann@exam_ple.com", "a@b..c",
     "x" * 250 + "@example.com", "%00@example.com", "ann@example.com%0a"],
)  # fmt: skip
async def test_what_is_no_email_is_refused(api, acme, email: str):
    answer = await api.put(f"/v1/members/{email}", json={"role": "viewer"}, headers=acme.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.text
    assert await listed(api, acme.headers) == {}


@pytest.mark.parametrize(
    "email", ["o'neil+x_1@sub.example.co", "a@localhost", "a!#$&*=?^`{|}~.-@x.test", "UPPER@X.TEST"]
)
async def test_what_is_an_email_is_taken_and_can_be_exchanged(api, acme, open_dashboard, email: str):
    dashboard = await open_dashboard(acme)
    path = f"/v1/members/{quote(email, safe='')}"
    added = await api.put(path, json={"role": "viewer"}, headers=acme.headers)
    assert (added.status_code, added.json()["email"]) == (201, email.lower())
    assert (await dashboard.exchange(email)).status_code == 200


async def test_a_role_is_one_of_three(api, acme):
    for body in ({"role": "root"}, {"role": ""}, {}, {"role": "admin", "email": "x@example.com"}):
        assert (await api.put("/v1/members/eve@example.com", json=body, headers=acme.headers)).status_code == 400


async def test_members_come_in_pages(api, parts: HttpParts, acme, clock):
    for number in range(5):
        clock.advance(1)
        await parts.members.put(acme.id, f"m{number}@example.com", "viewer", actor="test")
    found, cursor = [], None
    for _ in range(3):
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.get("/v1/members", params=params, headers=acme.headers)).json()
        found += [member["email"] for member in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None and found == [f"m{number}@example.com" for number in range(5)]


async def test_each_tenant_has_members_of_its_own(api, parts: HttpParts, acme, rival):
    await parts.members.put(acme.id, "ann@example.com", "admin", actor="test")
    assert (await api.delete("/v1/members/ann@example.com", headers=rival.headers)).status_code == 404
    body = {"role": "viewer"}
    assert (await api.put("/v1/members/ann@example.com", json=body, headers=rival.headers)).status_code == 201
    assert await listed(api, rival.headers) == {"ann@example.com": "viewer"}
    assert await listed(api, acme.headers) == {"ann@example.com": "admin"}
