"""What operators do to a running system: move a list, look at the vendors, connect and disconnect."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from oblivion_sandbox import FaultRule, seed

OTHER_CHANNEL = seed.SLACK_CHANNEL_WEBSITE


@pytest.fixture
async def admin(world: World) -> AsyncGenerator[httpx.AsyncClient]:
    client = await world.admin()
    yield client
    await client.aclose()


async def control(world: World, path: str, body: dict[str, Any]) -> None:
    async with httpx.AsyncClient(base_url=world.box.url, timeout=10) as client:
        answer = await client.post(f"/_control{path}", json=body)
    assert answer.status_code == 200, answer.text


async def cards(world: World, channel: str, containing: str) -> list[dict[str, Any]]:
    history = await world.slack.conversations_history(channel=channel, limit=200)
    return [one for one in history["messages"] if one.get("bot_id") and containing in one["text"]]


async def items(admin: httpx.AsyncClient, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await admin.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def test_moved_list_posts_new_tasks_elsewhere_and_old_threads_go_on(
    linked: World, admin: httpx.AsyncClient
) -> None:
    old_item = await linked.create_task("Before the move")
    root = await linked.root("Before the move")
    (mapping,) = await items(admin, "/v1/mappings")
    assert mapping["created_by"] == "test"
    answer = await admin.patch(f"/v1/mappings/{mapping['id']}", json={"channel_id": OTHER_CHANNEL})
    assert answer.status_code == 200, answer.text
    moved = answer.json()
    assert (moved["channel_id"], moved["channel_name"], moved["sync_rule"]) == (OTHER_CHANNEL, "website", "keyword")
    assert (moved["created_at"], moved["created_by"]) == (mapping["created_at"], "test")
    assert moved["updated_at"] > mapping["updated_at"]

    await linked.create_task("After the move")
    await eventually(lambda: cards(linked, OTHER_CHANNEL, "After the move"))
    await linked.reply(root["ts"], "!sync said in the old thread")
    await eventually(lambda: linked.comments(old_item))
    await linked.settled()
    assert await linked.roots("After the move") == []
    assert len(await linked.roots("Before the move")) == 1
    assert await cards(linked, OTHER_CHANNEL, "Before the move") == []
    names = {row["title"]: row["channel_name"] for row in await items(admin, "/v1/tasks")}
    assert names == {"Before the move": "ai-squad", "After the move": "website"}


async def test_rule_that_is_changed_holds_for_threads_that_exist(linked: World, admin: httpx.AsyncClient) -> None:
    item = await linked.create_task("Rules change")
    root = await linked.root("Rules change")
    (mapping,) = await items(admin, "/v1/mappings")
    answer = await admin.patch(f"/v1/mappings/{mapping['id']}", json={"sync_keyword": "!note"})
    assert answer.json()["sync_keyword"] == "!note"
    await linked.reply(root["ts"], "!sync not any more")
    await linked.reply(root["ts"], "!note but this")
    await eventually(lambda: linked.comments(item))
    await linked.settled()
    assert ["but this" in said for said in await linked.comments(item)] == [True]
    audit = await linked.rows("SELECT action, data FROM audit_log WHERE action LIKE 'mapping.%' ORDER BY created_at")
    assert [row.action for row in audit] == ["mapping.link", "mapping.change"]
    assert audit[1].data["after"]["keyword"] == "!note"


async def test_channel_that_is_gone_is_mended_by_linking_another_and_replaying(
    linked: World, admin: httpx.AsyncClient
) -> None:
    await control(linked, "/slack/channels", {"channel": CHANNEL_ID, "archived": True})
    await linked.create_task("Nowhere to go")
    (dead,) = await eventually(lambda: items(admin, "/v1/deliveries", state="dead"))
    assert dead["title"] == "Nowhere to go" and "archived" in dead["reason"]
    (mapping,) = await items(admin, "/v1/mappings")
    await admin.patch(f"/v1/mappings/{mapping['id']}", json={"channel_id": OTHER_CHANNEL})
    body = {"fingerprint": dead["fingerprint"]}
    answer = await admin.post("/v1/deliveries/replay", json=body)
    assert [one["outcome"] for one in answer.json()["items"]] == ["replayed"]
    await eventually(lambda: cards(linked, OTHER_CHANNEL, "Nowhere to go"))
    await linked.settled()
    assert await items(admin, "/v1/deliveries", state="dead") == []
    detail = (await admin.get(f"/v1/deliveries/{dead['id']}")).json()
    assert [one["outcome"] for one in detail["history"]] == ["dead", "replayed", "done"]
    (task,) = await items(admin, "/v1/tasks", channel_id=OTHER_CHANNEL)
    assert (task["channel_name"], task["mirror"]) == ("website", "mirrored")


async def test_move_to_nowhere_changes_nothing(linked: World, admin: httpx.AsyncClient) -> None:
    before = await items(admin, "/v1/mappings")
    path = f"/v1/mappings/{before[0]['id']}"
    refused = await admin.patch(path, json={"channel_id": "C0NOWHERE1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "rejected")
    assert "C0NOWHERE1" in refused.json()["detail"]
    assert (await admin.patch(path, json={})).json() == before[0]
    assert (await admin.patch(path, json={"sync_rule": "sometimes"})).status_code == 400
    missing = await admin.patch(f"/v1/mappings/{'0' * 8}-0000-7000-8000-000000000000", json={"sync_rule": "all"})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert await items(admin, "/v1/mappings") == before
    assert await linked.rows("SELECT 1 FROM audit_log WHERE action = 'mapping.change'") == []


async def test_lists_and_channels_tell_where_they_are_and_are_read_anew_when_asked(
    world: World, admin: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = {one["id"]: (one["name"], one["group"]) for one in await items(admin, "/v1/clickup/lists")}
    assert lists[LIST_ID] == ("Inbox", "Product")
    assert lists[seed.CLICKUP_LIST_RELIABILITY] == ("Reliability", "Product / Platform")
    channels = {one["id"]: one for one in await items(admin, "/v1/slack/channels")}
    assert (channels[CHANNEL_ID]["is_member"], channels[CHANNEL_ID]["is_private"]) == (True, False)
    assert channels[OTHER_CHANNEL]["is_member"] is False
    await control(world, "/slack/channels", {"channel": OTHER_CHANNEL, "archived": True})
    first = (await admin.get("/v1/slack/channels", params={"refresh": True})).json()
    assert OTHER_CHANNEL in {one["id"] for one in first["items"]}, "not more often than every few seconds"
    monkeypatch.setattr("nexus.pipeline.catalog.REFRESH_SECONDS", 0)
    fresh = (await admin.get("/v1/slack/channels", params={"refresh": True})).json()
    assert OTHER_CHANNEL not in {one["id"] for one in fresh["items"]}
    assert fresh["synced_at"] > first["synced_at"]
    assert (await admin.get("/v1/slack/channels")).json() == fresh
    for path in ("/v1/jira/lists", "/v1/slack/lists", "/v1/clickup/channels"):
        assert (await admin.get(path)).status_code == 404


async def test_connection_is_made_from_what_its_integration_asks_for(world: World, admin: httpx.AsyncClient) -> None:
    described = {one["vendor"]: one for one in await items(admin, "/v1/integrations")}
    assert [(one["vendor"], one["role"]) for one in described.values()] == [("clickup", "tracker"), ("slack", "chat")]
    assert f"request_url: {world.url}/webhooks/slack\n" in described["slack"]["manifest"]
    async with httpx.AsyncClient(base_url=world.box.url, timeout=10) as client:
        offered = (await client.get("/_control/world")).json()
    for vendor, one in described.items():
        asked = {field["name"]: field for field in one["fields"]}
        assert set(offered[vendor]) <= set(asked)
        entered = {name: offered[vendor][name] for name in asked if name in offered[vendor]}
        assert {name for name, field in asked.items() if field["required"]} <= set(entered)
        answer = await admin.post("/v1/connections", json={"vendor": vendor, "credentials": entered})
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "ok"
        assert answer.json()["checks"][0]["state"] == "ok"


async def test_renewal_that_gets_no_webhook_leaves_the_credentials_that_work(
    world: World, admin: httpx.AsyncClient
) -> None:
    async with httpx.AsyncClient(base_url=world.box.url, timeout=10) as client:
        offered = (await client.get("/_control/world")).json()["clickup"]
    sealed = "SELECT sealed, broken_reason FROM connections ORDER BY id"
    before = await world.rows(sealed), await world.rows("SELECT key, sealed FROM webhook_keys ORDER BY key")
    world.box.sandbox.core.faults.add(FaultRule(vendor="clickup", match="GET /team/*/webhook", fault="5xx"))
    answer = await admin.post("/v1/connections", json={"vendor": "clickup", "credentials": offered})
    assert answer.status_code == 503, answer.text
    after = await world.rows(sealed), await world.rows("SELECT key, sealed FROM webhook_keys ORDER BY key")
    assert after == before


async def verdict_on(admin: httpx.AsyncClient, vendor: str) -> dict[str, Any]:
    (connection,) = [one for one in await items(admin, "/v1/connections") if one["vendor"] == vendor]
    answer = await admin.post(f"/v1/connections/{connection['id']}/test")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_connections_are_tested_at_the_vendor_with_a_verdict(linked: World, admin: httpx.AsyncClient) -> None:
    await linked.create_task("An event of each")
    await linked.reply((await linked.root("An event of each"))["ts"], "hello")
    await linked.settled()
    clickup, slack = await verdict_on(admin, "clickup"), await verdict_on(admin, "slack")
    assert [(one["name"], one["state"]) for one in clickup["checks"]] == [
        ("Token", "ok"),
        ("Workspace", "ok"),
        ("Webhook", "ok"),
        ("Requests", "ok"),
        ("Last event", "ok"),
    ]
    assert [(one["name"], one["state"]) for one in slack["checks"]] == [
        ("Bot token", "ok"),
        ("Channels", "ok"),
        ("Events", "warning"),
        ("Last event", "ok"),
    ], "Slack itself takes https only, this machine has none"
    assert clickup["ok"] and slack["ok"]
    before = await linked.rows("SELECT health FROM connections ORDER BY id")
    await control(linked, "/clickup/webhooks", {"health": "suspended", "fail_count": 100})
    suspended = await verdict_on(admin, "clickup")
    webhook = next(one for one in suspended["checks"] if one["name"] == "Webhook")
    assert (suspended["ok"], webhook["state"]) == (False, "failed")
    assert "suspended" in webhook["detail"] and webhook["hint"]
    await control(linked, "/clickup/webhooks", {"delete": True})
    assert (await verdict_on(admin, "clickup"))["ok"] is False
    assert await linked.rows("SELECT health FROM connections ORDER BY id") == before, "a test changes nothing"


async def test_disconnecting_takes_the_webhook_away_and_needs_force_while_lists_are_linked(
    linked: World, admin: httpx.AsyncClient
) -> None:
    (clickup,) = [one for one in await items(admin, "/v1/connections") if one["vendor"] == "clickup"]
    path = f"/v1/connections/{clickup['id']}"
    hooks = linked.box.sandbox.clickup.state.webhooks
    assert len(hooks) == 1
    refused = await admin.delete(path)
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "1 list" in refused.json()["detail"] and len(hooks) == 1
    assert (await admin.delete(path, params={"force": True})).status_code == 204
    assert len(hooks) == 0
    assert [one["vendor"] for one in await items(admin, "/v1/connections")] == ["slack"]
    assert await items(admin, "/v1/mappings") == []
    assert await linked.rows("SELECT 1 FROM webhook_keys WHERE source = 'clickup'") == []
    assert (await admin.delete(path)).status_code == 404
    assert (await admin.post(f"{path}/test")).status_code == 404
    assert (await admin.get("/v1/clickup/lists")).status_code == 404


async def test_connection_whose_vendor_is_away_can_be_removed_all_the_same(
    world: World, admin: httpx.AsyncClient
) -> None:
    (clickup,) = [one for one in await items(admin, "/v1/connections") if one["vendor"] == "clickup"]
    world.box.sandbox.core.faults.add(FaultRule(vendor="clickup", match="GET /team/*/webhook", fault="5xx"))
    assert (await admin.delete(f"/v1/connections/{clickup['id']}")).status_code == 204
    assert [one["vendor"] for one in await items(admin, "/v1/connections")] == ["slack"]
