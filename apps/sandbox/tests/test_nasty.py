"""Answers that never come, and effects that come late; what a checker can rely on afterwards."""

import asyncio
import contextlib
import time

import httpx
import pytest

from oblivion_sandbox import Sandbox, Settings, record, running_sandbox, seed
from oblivion_sandbox.faults import FaultRule, Faults
from oblivion_sandbox.record import Delivery, Recorder

SQUAD = seed.SLACK_CHANNEL_AI_SQUAD
TASKS = f"/list/{seed.CLICKUP_LIST_INBOX}/task"
WAIT_SECONDS = 4


async def add(control, **rule) -> None:
    answer = await control.post("/faults", json=rule)
    assert answer.status_code == 200, answer.text


async def texts(slack) -> list[str]:
    return [each["text"] for each in (await slack.conversations_history(channel=SQUAD))["messages"]]


async def calls(control, method="chat.postMessage") -> list[dict]:
    return (await control.get("/calls", params={"method": method})).json()["calls"]


async def eventually(look) -> None:
    for _ in range(int(WAIT_SECONDS / 0.02)):
        if await look():
            return
        await asyncio.sleep(0.02)  # polling the sandbox
    raise AssertionError("never")


async def raw_post(box, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """One chat.postMessage over a socket of our own."""
    host, port = box.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = f"channel={SQUAD}&text={text}".encode()
    head = (
        f"POST /slack/api/chat.postMessage HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {seed.SLACK_BOT_TOKEN}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


@pytest.mark.parametrize("fault", ["drop", "accept_then_cut", "accept_late"])
async def test_a_cut_closes_the_connection_without_one_byte(box, control, fault):
    await add(control, vendor="slack", fault=fault, match="chat.postMessage", count=1, seconds=0.0)
    reader, writer = await raw_post(box, "cut")
    heard = b""
    async with asyncio.timeout(WAIT_SECONDS):
        with contextlib.suppress(ConnectionResetError):
            heard = await reader.read()
    assert heard == b""
    writer.close()


async def test_a_hang_holds_the_connection_and_says_nothing_until_it_is_over(box, control):
    await add(control, vendor="slack", fault="accept_then_hang", match="chat.postMessage", count=1, seconds=0.4)
    started = time.monotonic()
    reader, writer = await raw_post(box, "held")
    async with asyncio.timeout(WAIT_SECONDS):
        line = await reader.readline()
    assert line.startswith(b"HTTP/1.1 200")
    assert time.monotonic() - started >= 0.4
    writer.close()


async def test_a_late_effect_cannot_be_seen_right_after_the_cut_and_comes_later(slack, control):
    await add(control, vendor="slack", fault="accept_late", match="chat.postMessage", count=1, seconds=0.5)
    with pytest.raises(Exception, match="disconnected"):
        await slack.chat_postMessage(channel=SQUAD, text="late")
    assert await texts(slack) == []
    (cut,) = await calls(control)
    assert (cut["fault"], cut["effect"], cut["status"]) == ("accept_late", False, None)

    async def stands() -> bool:
        return await texts(slack) == ["late"]

    await eventually(stands)
    (cut,) = await calls(control)
    assert (cut["effect"], cut["status"], cut["ok"]) == (True, None, False)
    (effect,) = (await control.get("/slack/effects", params={"since": cut["n"]})).json()["effects"]
    assert effect["text"] == "late"


async def test_a_late_effect_is_under_way_until_then_and_a_reset_forgets_it(dana, control):
    await add(control, vendor="clickup", fault="accept_late", match="POST /list/*/task", count=1, seconds=30)
    with pytest.raises(httpx.TransportError):
        await dana.post(TASKS, json={"name": "never"})
    assert (await control.get("/state")).json()["under_way"] == 1
    await control.post("/reset")
    assert (await control.get("/state")).json()["under_way"] == 0


async def test_the_record_says_which_fault_hit_and_whether_it_happened(slack, dana, control):
    for fault in ("drop", "429", "5xx", "accept_then_cut"):
        await add(control, vendor="slack", fault=fault, match="chat.postMessage", count=1)
    for text in ("a", "b", "c", "d", "e"):
        try:
            await slack.chat_postMessage(channel=SQUAD, text=text)
        except Exception:
            continue
    with pytest.raises(Exception, match="channel_not_found"):
        await slack.chat_postMessage(channel="C0NOWHERE", text="f")
    found = await calls(control)
    assert [(each["fault"], each["effect"], each["status"]) for each in found] == [
        ("drop", False, None),
        ("429", False, 429),
        ("5xx", False, 503),
        ("accept_then_cut", True, None),
        (None, True, 200),
        (None, False, 200),
    ]
    assert sorted(each["n"] for each in found) == [each["n"] for each in found]
    assert (await dana.get("/task/nothing")).status_code == 401
    assert [each["effect"] for each in await calls(control, "GET /task/*")] == [False]
    lean = (await control.get("/calls", params={"body": "0"})).json()["calls"]
    assert all("body" not in each for each in lean)


def faults_of(rule: FaultRule, calls_made: int) -> list[float | None]:
    faults = Faults()
    faults.add(rule)
    found = [faults.for_call("slack", "chat.postMessage", "/chat.postMessage", "bot") for _ in range(calls_made)]
    return [None if each is None else each.seconds for each in found]


def test_chance_repeats_under_a_seed_and_hits_its_share():
    rule = FaultRule(vendor="slack", fault="delay", probability=0.2, seconds=0.5, spread_seconds=1.0, seed=7)
    first = faults_of(rule, 5000)
    assert first == faults_of(rule, 5000)
    assert first != faults_of(rule.model_copy(update={"seed": 8}), 5000)
    drawn = [seconds for seconds in first if seconds is not None]
    assert 900 < len(drawn) < 1100
    assert min(drawn) < 0.6 < 1.4 < max(drawn) <= 1.5


def test_calls_that_do_not_match_take_no_throw():
    rule = FaultRule(vendor="slack", match="chat.postMessage", fault="drop", probability=0.5, seed=3)
    faults = Faults()
    faults.add(rule)
    found = []
    for _ in range(50):
        faults.for_call("slack", "auth.test", "/auth.test", "bot")
        faults.for_call("clickup", "POST /x", "/x", "bot")
        hit = faults.for_call("slack", "chat.postMessage", "/chat.postMessage", "bot")
        found.append(None if hit is None else hit.seconds)
    assert found == faults_of(rule, 50)


async def test_slack_effects_are_read_in_one_go_and_by_what_changed(slack, slack_dana, control):
    metadata = {"event_type": "oblivion_delivery", "event_payload": {"delivery_id": "d1", "item_id": "86"}}
    root = (await slack.chat_postMessage(channel=SQUAD, text="root", metadata=metadata))["ts"]
    reply = (await slack_dana.chat_postMessage(channel=SQUAD, text="hi", thread_ts=root))["ts"]
    answer = (await control.get("/slack/effects")).json()
    assert [(each["ts"], each["thread_ts"], each["bot"], each["delivery_id"]) for each in answer["effects"]] == [
        (root, None, True, "d1"),
        (reply, root, False, None),
    ]
    await slack.chat_update(channel=SQUAD, ts=root, text="root, changed")
    await slack_dana.chat_delete(channel=SQUAD, ts=reply)
    changed = (await control.get("/slack/effects", params={"since": answer["last"]})).json()["effects"]
    assert [(each["text"], each["edited"], each["deleted"], each["channel"]) for each in changed] == [
        ("root, changed", True, False, SQUAD),
        ("hi", False, True, SQUAD),
    ]
    assert len((await control.get("/slack/effects")).json()["effects"]) == 2


async def test_a_message_without_blocks_is_an_effect_too(control):
    await control.post("/slack/messages", json={"channel": SQUAD, "ts": "1700000000.000100", "text": "old"})
    joined = {"channel": SQUAD, "ts": "1700000000.000200", "subtype": "channel_join", "blocks": []}
    await control.post("/slack/messages", json=joined)
    found = (await control.get("/slack/effects")).json()["effects"]
    assert [(each["text"], each["first_block"]) for each in found] == [("old", None), ("", None)]


async def test_a_deleted_root_with_replies_counts_as_deleted(slack, slack_dana, control):
    root = (await slack.chat_postMessage(channel=SQUAD, text="root"))["ts"]
    await slack_dana.chat_postMessage(channel=SQUAD, text="hi", thread_ts=root)
    await slack.chat_delete(channel=SQUAD, ts=root)
    found = (await control.get("/slack/effects")).json()["effects"]
    assert [(each["text"], each["deleted"]) for each in found] == [("hi", False), ("root", True)]


async def test_clickup_effects_are_read_in_one_go_and_by_what_changed(dana, bot, control):
    task = (await dana.post(TASKS, json={"name": "x"})).json()["id"]
    one = (await bot.post(f"/task/{task}/comment", json={"comment_text": "one"})).json()["id"]
    two = (await dana.post(f"/task/{task}/comment", json={"comment_text": "two"})).json()["id"]
    await dana.post(f"/comment/{two}/reply", json={"comment_text": "three"})
    answer = (await control.get("/clickup/effects")).json()
    assert [(each["task_id"], each["text"], each["bot"], each["parent_id"]) for each in answer["effects"]] == [
        (task, "one", True, None),
        (task, "two", False, None),
        (task, "three", False, str(two)),
    ]
    await bot.put(f"/comment/{one}", json={"comment_text": "uno"})
    await dana.delete(f"/comment/{two}")
    changed = (await control.get("/clickup/effects", params={"since": answer["last"]})).json()["effects"]
    assert [(each["text"], each["edited"], each["deleted"]) for each in changed] == [
        ("uno", True, False),
        ("three", False, True),
        ("two", False, True),
    ]


async def test_effects_survive_a_restart_and_end_with_a_reset(tmp_path):
    quiet = Settings(slack_post_per_second=0)
    body = {"channel": SQUAD, "text": "kept"}
    headers = {"Authorization": f"Bearer {seed.SLACK_BOT_TOKEN}"}
    async with running_sandbox(sandbox=Sandbox(quiet, tmp_path)) as box, httpx.AsyncClient() as client:
        await client.post(f"{box.slack_api_url}chat.postMessage", headers=headers, json=body)
    async with running_sandbox(sandbox=Sandbox(quiet, tmp_path)) as box, httpx.AsyncClient() as client:
        found = (await client.get(f"{box.url}/_control/slack/effects")).json()["effects"]
        assert [each["text"] for each in found] == ["kept"]
        await client.post(f"{box.url}/_control/reset")
        assert (await client.get(f"{box.url}/_control/slack/effects")).json()["effects"] == []


def test_bodies_are_kept_up_to_a_bound_and_facts_beyond_it(monkeypatch):
    monkeypatch.setattr(record, "KEPT_BODY_BYTES", 10_000)
    recorder = Recorder()
    for number in range(50):
        recorder.open_call(
            "slack", "POST", "/chat.postMessage", "", b'{"text": "%d"}' % number, "application/json", "bot"
        )
        recorder.add_delivery(
            Delivery(recorder.next_n(), 0.0, "slack", "message", f"Ev{number}", "", 1, 200, 1.0, "ok", "x" * 990)
        )
    found = recorder.find_calls("slack", "chat.*", 0)
    assert [each["n"] for each in found] == list(range(1, 100, 2))
    assert (found[0]["body"], found[-1]["body"]) == (None, {"text": "49"})
    made = recorder.find_deliveries("slack", None, 0)
    assert sum(each["body"] is not None for each in made) == 9
    assert made[-1]["body"] == "x" * 990
    assert [each["n"] for each in recorder.find_calls(None, None, 95)] == [97, 99]
    recorder.clear()
    assert recorder.find_calls(None, None, 0) == []


def test_a_record_of_fifty_thousand_calls_stays_small_and_quick():
    recorder = Recorder()
    body = b'{"text": "' + b"x" * 2000 + b'"}'
    for _ in range(50_000):
        recorder.open_call("slack", "POST", "/chat.postMessage", "", bytes(body), "application/json", "bot")
    kept = sum(call.body_bytes for call in recorder.calls)
    assert len(recorder.calls) == 50_000
    assert kept <= record.KEPT_BODY_BYTES
    assert [each["n"] for each in recorder.find_calls(None, None, 49_998)] == [49_999, 50_000]
