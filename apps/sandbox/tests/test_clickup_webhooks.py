"""What the hub is sent by ClickUp, and how ClickUp treats a hub that fails."""

import asyncio
import hashlib
import hmac
from typing import Any

import pytest

from oblivion_sandbox import seed

LIST = seed.CLICKUP_LIST_INBOX


async def make_task(dana, name="Fix login", **more) -> str:
    answer = await dana.post(f"/list/{LIST}/task", json={"name": name, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"]


async def health(bot) -> dict[str, Any]:
    hooks = (await bot.get(f"/team/{seed.CLICKUP_TEAM_ID}/webhook")).json()["webhooks"]
    return hooks[0]["health"]


async def until_health(bot, status: str) -> dict[str, Any]:
    async with asyncio.timeout(4):
        while (now := await health(bot))["status"] != status:
            pass
    return now


async def test_creating_a_task_fires_two_events_that_share_the_status_history_id(
    dana, webhook, hub, fixture_json, shape_of
):
    await make_task(dana)
    created, moved = [each.json for each in await hub.wait_count(2)]
    assert [created["event"], moved["event"]] == ["taskCreated", "taskStatusUpdated"]
    assert shape_of(created) == shape_of(fixture_json("clickup/webhook_taskCreated"))
    assert shape_of(moved) == shape_of(fixture_json("clickup/webhook_taskStatusUpdated_on_create"))
    assert [item["field"] for item in created["history_items"]] == ["status", "task_creation"]
    assert created["history_items"][0]["id"] == moved["history_items"][0]["id"]
    assert created["webhook_id"] == webhook["id"]
    assert len(created["history_items"][0]["id"]) == 19


async def test_signature_covers_the_raw_utf8_bytes(dana, webhook, hub):
    await make_task(dana, markdown_description="café ✅")
    task = (await hub.wait_count(2))[0].json["task_id"]
    await dana.put(f"/task/{task}", json={"name": "naïve ✅"})
    last = (await hub.wait_count(3))[2]
    expected = hmac.new(webhook["secret"].encode(), last.body, hashlib.sha256).hexdigest()
    assert last.headers["x-signature"] == expected
    assert "naïve ✅".encode() in last.body


def test_signature_agrees_with_clickups_own_example(fixture_json):
    from oblivion_sandbox.clickup.hooks import signature

    for vector in fixture_json("clickup/signature_vectors")["vectors"]:
        assert signature(vector["secret"], vector["raw_body"].encode()) == vector["x_signature"]


@pytest.mark.parametrize(
    ("change", "event", "fixture"),
    [
        ({"status": "in progress"}, "taskStatusUpdated", "webhook_taskStatusUpdated"),
        ({"priority": 2}, "taskPriorityUpdated", "webhook_taskPriorityUpdated"),
        ({"due_date": 1764608800000}, "taskDueDateUpdated", "webhook_taskDueDateUpdated"),
        ({"assignees": {"add": [81234599]}}, "taskAssigneeUpdated", "webhook_taskAssigneeUpdated_add"),
        ({"markdown_content": "new **text**"}, "taskUpdated", "webhook_taskUpdated_description"),
    ],
)
async def test_a_change_fires_its_event_with_the_keys_of_the_vendors_sample(
    dana, webhook, hub, fixture_json, shape_of, change, event, fixture
):
    task = await make_task(dana)
    await hub.wait_count(2)
    hub.received.clear()
    assert (await dana.put(f"/task/{task}", json=change)).status_code == 200
    body = await hub.wait_event(event)
    assert shape_of(body) == shape_of(fixture_json(f"clickup/{fixture}"))
    same = await hub.wait_event("taskUpdated")
    assert same["history_items"] == body["history_items"]


async def test_a_change_to_the_same_value_fires_nothing(dana, webhook, hub):
    task = await make_task(dana)
    await dana.put(f"/task/{task}", json={"status": "to do", "name": "Fix login"})
    await dana.delete(f"/task/{task}")
    await hub.wait_event("taskDeleted")
    assert [each.json["event"] for each in hub.received] == [
        "taskCreated",
        "taskStatusUpdated",
        "taskDeleted",
    ]


async def test_a_comment_fires_two_events_with_one_history_id_and_an_edit_reuses_it(
    dana, webhook, hub, fixture_json, shape_of
):
    task = await make_task(dana)
    answer = (await dana.post(f"/task/{task}/comment", json={"comment_text": "use v2"})).json()
    posted = await hub.wait_event("taskCommentPosted")
    assert shape_of(posted) == shape_of(fixture_json("clickup/webhook_taskCommentPosted"))
    twin = await hub.wait_event("taskUpdated")
    assert twin["history_items"] == posted["history_items"]
    assert answer["hist_id"] == posted["history_items"][0]["id"]
    assert isinstance(answer["id"], int)
    assert isinstance(answer["date"], int)
    await dana.put(f"/comment/{answer['id']}", json={"comment_text": "use v3"})
    edited = await hub.wait_event("taskCommentUpdated")
    assert edited["history_items"][0]["id"] == answer["hist_id"]
    assert edited["history_items"][0]["comment"]["text_content"] == "use v3\n"
    seen = len(hub.received)
    await dana.delete(f"/comment/{answer['id']}")
    await dana.delete(f"/task/{task}")
    deleted = await hub.wait_event("taskDeleted")
    assert len(hub.received) == seen + 1  # no event for the deleted comment
    assert shape_of(deleted) == shape_of(fixture_json("clickup/webhook_taskDeleted"))


async def test_tags_fire_their_event(dana, webhook, hub, fixture_json, shape_of):
    task = await make_task(dana)
    await dana.post(f"/task/{task}/tag/AI_Squad")
    body = await hub.wait_event("taskTagUpdated")
    assert shape_of(body) == shape_of(fixture_json("clickup/webhook_taskTagUpdated"))
    hub.received.clear()
    await dana.delete(f"/task/{task}/tag/ai_squad")
    assert (await hub.wait_event("taskTagUpdated"))["history_items"][0]["field"] == "tag_removed"


async def test_an_event_is_lost_after_five_retries(dana, bot, webhook, hub):
    hub.statuses.extend([500] * 6)
    await make_task(dana)
    received = await hub.wait_count(7)
    assert [each.json["event"] for each in received] == ["taskCreated"] * 6 + ["taskStatusUpdated"]
    assert len({each.body for each in received[:6]}) == 1


async def test_a_success_clears_the_failures(dana, bot, webhook, hub):
    hub.statuses.extend([500] * 12)
    await make_task(dana)
    assert (await until_health(bot, "failing"))["status"] == "failing"
    await hub.wait_count(12)
    await make_task(dana)
    assert (await until_health(bot, "active"))["fail_count"] == 0


@pytest.mark.parametrize("status", [401, 410])
async def test_401_and_410_suspend_at_once_and_only_put_wakes_it(dana, bot, webhook, hub, status):
    hub.statuses.append(status)
    await make_task(dana)
    await until_health(bot, "suspended")
    seen = len(hub.received)
    await make_task(dana)
    patch = {"endpoint": webhook["endpoint"], "events": "*", "status": "active"}
    assert (await bot.put(f"/webhook/{webhook['id']}", json=patch)).status_code == 200
    assert await health(bot) == {"status": "active", "fail_count": 0}
    await make_task(dana, "after")
    await hub.wait_count(seen + 2)
    assert len(hub.received) == seen + 2


async def test_a_hundred_lost_events_suspend_the_webhook(dana, bot, webhook, hub, control):
    await control.post("/settings", json={"clickup_retries": 0})
    hub.statuses.extend([500] * 1000)
    for number in range(50):
        await make_task(dana, f"task {number}")
    now = await until_health(bot, "suspended")
    assert now["fail_count"] == 100


async def test_a_slow_hub_counts_as_failing(dana, bot, webhook, hub, control):
    hub.hang_seconds = 0.5
    await control.post("/settings", json={"clickup_retries": 0, "clickup_timeout_seconds": 0.1})
    await make_task(dana)
    await until_health(bot, "failing")
    made = (await control.get("/deliveries", params={"vendor": "clickup"})).json()["deliveries"]
    assert made[0]["outcome"] == "timeout"
    hub.hang_seconds = 0


async def test_registration_follows_the_vendors_rules(bot, dana, webhook, fixture_json, shape_of):
    team = f"/team/{seed.CLICKUP_TEAM_ID}/webhook"
    again = await bot.post(team, json={"endpoint": webhook["endpoint"], "events": ["taskCreated"]})
    assert (again.status_code, again.json()) == (400, fixture_json("clickup/error_webhook_exists"))
    assert (await dana.get(team)).json() == {"webhooks": []}
    listed = (await bot.get(team)).json()
    assert shape_of(listed) == shape_of(fixture_json("clickup/get_webhooks_failing"))
    away = await bot.post(team, json={"endpoint": "https://example.com/hook", "events": "*"})
    assert away.status_code == 400
    assert "this machine" in away.json()["err"]
    assert (await bot.put(f"/webhook/{webhook['id']}", json={"status": "active"})).status_code == 400
    assert (await bot.delete(f"/webhook/{webhook['id']}")).json() == {}


async def test_a_webhook_for_one_list_hears_only_that_list(bot, dana, hub):
    body = {
        "endpoint": f"{hub.url}/clickup",
        "events": ["taskCreated"],
        "list_id": int(seed.CLICKUP_LIST_WEBSITE),
    }
    made = (await bot.post(f"/team/{seed.CLICKUP_TEAM_ID}/webhook", json=body)).json()["webhook"]
    assert made["list_id"] == int(seed.CLICKUP_LIST_WEBSITE)
    assert len(made["secret"]) == 64
    await make_task(dana)
    await dana.post(f"/list/{seed.CLICKUP_LIST_WEBSITE}/task", json={"name": "here"})
    await hub.wait_count(1)
    assert len(hub.received) == 1
