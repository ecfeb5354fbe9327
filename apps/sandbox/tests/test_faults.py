"""Each fault, as a client or the hub feels it; the record of calls and deliveries."""

import asyncio

import aiohttp
import httpx
import pytest
from slack_sdk.errors import SlackApiError

from oblivion_sandbox import seed

SQUAD = seed.SLACK_CHANNEL_AI_SQUAD
TASKS = f"/list/{seed.CLICKUP_LIST_INBOX}/task"


async def add(control, **rule) -> dict[str, object]:
    answer = await control.post("/faults", json=rule)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def texts(slack) -> list[str]:
    return [each["text"] for each in (await slack.conversations_history(channel=SQUAD))["messages"]]


async def test_drop_cuts_before_and_accept_then_cut_after_the_effect(slack, control):
    await add(control, vendor="slack", match="chat.postMessage", fault="drop", count=1)
    await add(control, vendor="slack", match="chat.postMessage", fault="accept_then_cut", count=1)
    for text in ("dropped", "accepted"):
        with pytest.raises(aiohttp.ClientError):
            await slack.chat_postMessage(channel=SQUAD, text=text)
    await slack.chat_postMessage(channel=SQUAD, text="fine")
    assert await texts(slack) == ["fine", "accepted"]
    calls = (await control.get("/calls", params={"method": "chat.postMessage"})).json()["calls"]
    assert [(each["fault"], each["status"], each["ok"]) for each in calls] == [
        ("drop", None, False),
        ("accept_then_cut", None, False),
        (None, 200, True),
    ]
    assert calls[0]["body"]["text"] == "dropped"
    assert calls[0]["token"] == "bot"


async def test_the_same_cuts_are_felt_by_httpx(dana, control):
    await add(control, vendor="clickup", match="POST /list/*/task", fault="drop", count=1)
    await add(control, vendor="clickup", match="POST /list/*/task", fault="accept_then_cut", count=1)
    for name in ("dropped", "accepted"):
        with pytest.raises(httpx.TransportError):
            await dana.post(TASKS, json={"name": name})
    assert [task["name"] for task in (await dana.get(TASKS)).json()["tasks"]] == ["accepted"]


async def test_accept_then_hang_outlasts_the_clients_patience(box, slack, control):
    await add(control, vendor="slack", match="chat.postMessage", fault="accept_then_hang", seconds=30, count=1)
    slack.timeout = 0.3
    with pytest.raises(asyncio.TimeoutError):
        await slack.chat_postMessage(channel=SQUAD, text="hung")
    slack.timeout = 3
    assert await texts(slack) == ["hung"]


async def test_refusals_name_the_vendors_errors(dana, slack, control):
    await add(control, vendor="slack", match="chat.*", fault="reject_error", error="fatal_error", count=1)
    await add(control, vendor="slack", match="chat.*", fault="429", seconds=7, count=1)
    await add(control, vendor="clickup", fault="429", seconds=7, count=1)
    await add(control, vendor="clickup", fault="5xx", count=1)
    with pytest.raises(SlackApiError) as rejected:
        await slack.chat_postMessage(channel=SQUAD, text="x")
    assert rejected.value.response.data == {"ok": False, "error": "fatal_error"}
    with pytest.raises(SlackApiError) as limited:
        await slack.chat_postMessage(channel=SQUAD, text="x")
    assert limited.value.response.headers["Retry-After"] == "7"
    refused = await dana.get("/user")
    assert (refused.status_code, refused.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert (await dana.get("/user")).status_code == 503
    assert (await dana.get("/user")).status_code == 200
    assert await texts(slack) == []


async def test_delay_keeps_the_caller_waiting(dana, control):
    await add(control, vendor="clickup", fault="delay", seconds=0.2, count=1)
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert (await dana.get("/user")).status_code == 200
    assert loop.time() - started >= 0.2


async def test_webhooks_are_dropped_doubled_and_reordered(slack_dana, events, control):
    await add(control, vendor="slack", match="webhook", fault="drop", count=1)
    await add(control, vendor="slack", match="webhook:message", fault="duplicate", count=1)
    await add(control, vendor="slack", match="webhook:message", fault="reorder", count=1, seconds=5)
    for text in ("dropped", "doubled", "late", "early"):
        await slack_dana.chat_postMessage(channel=SQUAD, text=text)
    received = await events.wait_count(4)
    assert [each.json["event"]["text"] for each in received] == ["doubled", "doubled", "early", "late"]
    assert received[0].body == received[1].body
    made = (await control.get("/deliveries", params={"vendor": "slack"})).json()["deliveries"]
    assert made[0]["outcome"] == "drop"


async def test_a_delayed_webhook_is_overtaken(dana, webhook, hub, control):
    await add(control, vendor="clickup", match="webhook:taskCreated", fault="delay", seconds=0.1, count=1)
    await dana.post(TASKS, json={"name": "x"})
    received = await hub.wait_count(2)
    assert [each.json["event"] for each in received] == ["taskStatusUpdated", "taskCreated"]


async def test_chance_repeats_under_the_same_seed(dana, control):
    async def outcomes() -> list[int]:
        await add(control, vendor="clickup", fault="5xx", probability=0.5, seed=42)
        found = [(await dana.get("/user")).status_code for _ in range(12)]
        await control.delete("/faults")
        return found

    first = await outcomes()
    assert set(first) == {200, 503}
    assert await outcomes() == first


async def test_rules_can_be_listed_and_single_ones_removed(control):
    one = await add(control, vendor="slack", fault="drop", match="chat.*", token="bot")
    await add(control, vendor="clickup", fault="delay")
    assert len((await control.get("/faults")).json()["faults"]) == 2
    assert (await control.delete("/faults", params={"id": one["id"]})).json() == {"removed": 1}
    assert (await control.post("/faults", json={"vendor": "slack", "fault": "duplicate"})).status_code == 400
    assert (await control.post("/faults", json={"vendor": "slack", "fault": "frogs"})).status_code == 400


async def test_reset_brings_the_seeded_world_back(dana, slack, control):
    await dana.post(TASKS, json={"name": "x"})
    await slack.chat_postMessage(channel=SQUAD, text="x")
    await control.post("/reset")
    state = (await control.get("/state")).json()
    assert state["clickup"]["tasks"] == []
    assert await texts(slack) == []
