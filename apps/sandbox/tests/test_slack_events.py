"""What the hub is sent by Slack: over HTTP, over Socket Mode, and when somebody presses a button."""

import asyncio
import json
from urllib.parse import parse_qs

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from oblivion_sandbox import seed

SQUAD = seed.SLACK_CHANNEL_AI_SQUAD
BUTTONS = [
    {
        "type": "actions",
        "block_id": "act1",
        "elements": [
            {
                "type": "button",
                "action_id": "claim",
                "text": {"type": "plain_text", "text": "Claim"},
                "value": "86x",
            }
        ],
    }
]
FANCY = "use v2 &amp; keep &lt;id&gt; for <@U0SAM00002> see <https://example.com/a?b=1|spec>"


async def test_events_are_signed_and_the_url_is_verified(control, hub):
    answer = (await control.post("/slack/app", json={"events_url": f"{hub.url}/slack"})).json()
    assert answer["verification"] == {"ok": True, "status": 200, "reason": "ok"}
    challenge = hub.received[0]
    verifier = SignatureVerifier(seed.SLACK_SIGNING_SECRET)
    assert verifier.is_valid_request(challenge.body, challenge.headers)
    hub.statuses.append(500)
    dead = (await control.post("/slack/app", json={"events_url": "http://127.0.0.1:9/"})).json()
    assert dead["verification"]["ok"] is False
    away = await control.post("/slack/app", json={"events_url": "https://example.com/"})
    assert away.status_code == 400


def test_signature_agrees_with_slacks_own_vector(fixture_json, monkeypatch):
    from oblivion_sandbox.slack import events

    for vector in fixture_json("slack/signature_vectors")["vectors"]:
        monkeypatch.setattr(events.time, "time", lambda vector=vector: float(vector["timestamp"]))
        headers = events.signed_headers(vector["signing_secret"], vector["raw_body"].encode(), "x")
        assert headers["X-Slack-Signature"] == vector["x_slack_signature"]


async def test_what_people_write_looks_like_the_samples(slack_dana, slack, events, fixture_json, shape_of):
    await slack_dana.chat_postMessage(channel=SQUAD, text="morning all")
    envelope = await events.wait_event("message")
    assert shape_of(envelope) == shape_of(fixture_json("slack/event_message_channels_root_human"))
    root = (await slack.chat_postMessage(channel=SQUAD, text="root"))["ts"]
    await slack_dana.chat_postMessage(channel=SQUAD, text=FANCY, thread_ts=root)
    await events.wait_count(3)
    reply = events.events("message")[-1]
    sample = fixture_json("slack/event_message_thread_reply_human")
    assert shape_of(reply) == shape_of(sample)
    assert [each["type"] for each in reply["event"]["blocks"][0]["elements"][0]["elements"]] == [
        each["type"] for each in sample["event"]["blocks"][0]["elements"][0]["elements"]
    ]
    assert reply["event"]["text"] == FANCY
    assert reply["event"]["blocks"][0]["elements"][0]["elements"][0]["text"] == "use v2 & keep <id> for "
    verifier = SignatureVerifier(seed.SLACK_SIGNING_SECRET)
    assert all(verifier.is_valid_request(each.body, each.headers) for each in events.received)
    assert len({each.json["event_id"] for each in events.received}) == 3


async def test_the_apps_own_messages_come_back_without_a_subtype(slack, events, fixture_json, shape_of):
    header = [{"type": "header", "text": {"type": "plain_text", "text": "CSV"}}]
    meta = {"event_type": "x", "event_payload": {}}
    root = (await slack.chat_postMessage(channel=SQUAD, text="New task", blocks=header, metadata=meta))["ts"]
    own = await events.wait_event("message")
    assert shape_of(own) == shape_of(fixture_json("slack/event_message_own_bot_no_subtype"))
    custom = {"username": "AI_Squad/agent-7", "icon_emoji": ":robot_face:", "thread_ts": root}
    block = [{"type": "section", "text": {"type": "mrkdwn", "text": "build finished"}}]
    await slack.chat_postMessage(channel=SQUAD, text="build finished", blocks=block, **custom)
    posted = await events.wait_event("message.bot_message")
    assert shape_of(posted) == shape_of(fixture_json("slack/event_message_bot_message_customized"))


async def test_edits_deletions_and_reactions_look_like_the_samples(slack, slack_dana, events, fixture_json, shape_of):
    root = (await slack.chat_postMessage(channel=SQUAD, text="root"))["ts"]
    ts = (await slack_dana.chat_postMessage(channel=SQUAD, text="v2", thread_ts=root))["ts"]
    await slack_dana.chat_update(channel=SQUAD, ts=ts, text="v2, final")
    changed = await events.wait_event("message.message_changed")
    assert shape_of(changed) == shape_of(fixture_json("slack/event_message_changed"))
    assert changed["event"]["ts"] != ts
    await slack_dana.reactions_add(channel=SQUAD, timestamp=ts, name="white_check_mark")
    reaction = await events.wait_event("reaction_added")
    assert shape_of(reaction) == shape_of(fixture_json("slack/event_reaction_added"))
    other = (await slack_dana.chat_postMessage(channel=SQUAD, text="oops", thread_ts=root))["ts"]
    await slack_dana.chat_delete(channel=SQUAD, ts=other)
    deleted = await events.wait_event("message.message_deleted")
    assert shape_of(deleted) == shape_of(fixture_json("slack/event_message_deleted"))
    await slack.chat_update(channel=SQUAD, ts=root, text="done")
    await events.wait(lambda: len(events.events("message.message_changed")) == 2)
    assert events.events("message.message_changed")[-1]["event"]["message"]["bot_id"] == seed.SLACK_BOT_ID


async def test_mentions_broadcasts_and_joins_have_their_events(slack, slack_dana, events, fixture_json, shape_of):
    root = (await slack.chat_postMessage(channel=SQUAD, text="root"))["ts"]
    await slack_dana.chat_postMessage(channel=SQUAD, text=f"<@{seed.SLACK_BOT_USER}> status?", thread_ts=root)
    mention = await events.wait_event("app_mention")
    sample = fixture_json("slack/event_app_mention")
    assert mention["event"].keys() - {"channel_type"} == sample["event"].keys()
    await slack_dana.chat_postMessage(channel=SQUAD, text="shipping", thread_ts=root, reply_broadcast=True)
    broadcast = await events.wait_event("message.thread_broadcast")
    sample = fixture_json("slack/event_message_thread_broadcast")
    assert sample["event"].keys() <= broadcast["event"].keys()
    await slack.conversations_join(channel=seed.SLACK_CHANNEL_WEBSITE)
    joined = await events.wait_event("member_joined_channel")
    sample = fixture_json("slack/event_member_joined_channel")
    assert joined["event"].keys() == sample["event"].keys() - {"inviter"}


async def test_channels_without_the_bot_are_silent(slack_dana, events):
    await slack_dana.chat_postMessage(channel=seed.SLACK_CHANNEL_WEBSITE, text="unheard")
    await slack_dana.chat_postMessage(channel=seed.SLACK_CHANNEL_PRIVATE, text="unheard")
    await slack_dana.chat_postMessage(channel=SQUAD, text="heard")
    await events.wait_count(1)
    assert [each.json["event"]["text"] for each in events.received] == ["heard"]


async def test_events_are_retried_three_times_with_the_reason(slack_dana, events):
    events.statuses.extend([500] * 4)
    await slack_dana.chat_postMessage(channel=SQUAD, text="x")
    received = await events.wait_count(4)
    assert [each.headers.get("x-slack-retry-num") for each in received] == [None, "1", "2", "3"]
    assert received[1].headers["x-slack-retry-reason"] == "http_error"
    assert len({each.json["event_id"] for each in received}) == 1


async def test_the_hub_can_refuse_retries(slack_dana, events):
    events.statuses.append(500)
    events.headers["X-Slack-No-Retry"] = "1"
    await slack_dana.chat_postMessage(channel=SQUAD, text="one")
    await slack_dana.chat_postMessage(channel=SQUAD, text="two")
    received = await events.wait_count(2)
    assert [each.json["event"]["text"] for each in received] == ["one", "two"]


async def test_a_pressed_button_arrives_like_the_sample_and_may_be_answered(
    slack, events, control, fixture_json, shape_of
):
    ts = (await slack.chat_postMessage(channel=SQUAD, text="card", blocks=BUTTONS))["ts"]
    press = {"channel": SQUAD, "ts": ts, "action_id": "claim"}
    answer = (await control.post("/slack/press", json=press)).json()
    assert (answer["ok"], answer["status"]) == (True, 200)
    raw = next(each for each in events.received if each.path == "/press")
    assert SignatureVerifier(seed.SLACK_SIGNING_SECRET).is_valid_request(raw.body, raw.headers)
    payload = json.loads(parse_qs(raw.body.decode())["payload"][0])
    sample = fixture_json("slack/interactivity_block_actions")
    for each in (payload, sample):
        each["message"].pop("blocks")
    assert shape_of(payload) == shape_of(sample)
    assert payload["actions"][0]["value"] == "86x"
    async with httpx.AsyncClient(trust_env=False) as client:
        body = {"replace_original": True, "text": "claimed", "blocks": []}
        statuses = [(await client.post(payload["response_url"], json=body)).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [404]
    assert (await slack.conversations_history(channel=SQUAD))["messages"][0]["text"] == "claimed"
    assert (await control.post("/slack/press", json=press)).status_code == 400  # the button is gone


async def socket_client(box, acknowledge: bool) -> tuple[SocketModeClient, asyncio.Queue[SocketModeRequest]]:
    web = AsyncWebClient(base_url=box.slack_api_url, retry_handlers=[])
    client = SocketModeClient(app_token=seed.SLACK_APP_TOKEN, web_client=web)
    queue: asyncio.Queue[SocketModeRequest] = asyncio.Queue()

    async def listen(client: SocketModeClient, request: SocketModeRequest) -> None:
        if acknowledge:
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        await queue.put(request)

    client.socket_mode_request_listeners.append(listen)
    await client.connect()
    return client, queue


async def test_socket_mode_carries_events_and_presses(box, control, slack, slack_dana, fixture_json):
    with pytest.raises(SlackApiError):
        await AsyncWebClient(base_url=box.slack_api_url).apps_connections_open(app_token=seed.SLACK_APP_TOKEN)
    await control.post("/slack/app", json={"socket_mode": True})
    client, queue = await socket_client(box, acknowledge=True)
    try:
        await slack_dana.chat_postMessage(channel=SQUAD, text="over the socket")
        async with asyncio.timeout(4):
            request = await queue.get()
        sample = fixture_json("slack/socket_mode_events_api")
        assert request.type == "events_api"
        assert request.payload.keys() == sample["payload"].keys()
        assert request.retry_attempt == 0
        ts = (await slack.chat_postMessage(channel=SQUAD, text="card", blocks=BUTTONS))["ts"]
        press = {"channel": SQUAD, "ts": ts, "action_id": "claim"}
        assert (await control.post("/slack/press", json=press)).json()["ok"]
        async with asyncio.timeout(4):
            while (await queue.get()).type != "interactive":
                pass
        assert (await control.post("/slack/disconnect", json={})).json() == {"closed": 1}
    finally:
        await client.close()


async def test_an_envelope_nobody_acknowledges_is_sent_again(box, control, slack_dana):
    await control.post("/slack/app", json={"socket_mode": True})
    await control.post("/settings", json={"slack_timeout_seconds": 0.1})
    client, queue = await socket_client(box, acknowledge=False)
    try:
        await slack_dana.chat_postMessage(channel=SQUAD, text="x")
        async with asyncio.timeout(4):
            first, second = await queue.get(), await queue.get()
        assert first.payload["event_id"] == second.payload["event_id"]
        assert first.envelope_id != second.envelope_id
        assert (second.retry_attempt, second.retry_reason) == (1, "timeout")
    finally:
        await client.close()
