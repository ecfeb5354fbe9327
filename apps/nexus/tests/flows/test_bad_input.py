"""What nobody should send: a clear refusal, nothing stored, and no neighbour harmed."""

import asyncio
import hashlib
import hmac
import json
import random
import secrets
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World, running_world

from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.store.migrate import upgrade
from oblivion_sandbox import seed

SECRET = seed.SLACK_SIGNING_SECRET.encode()


def signed(body: bytes, at: float | None = None) -> dict[str, str]:
    timestamp = str(int(at or time.time()))
    digest = hmac.new(SECRET, f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": f"v0={digest}",
    }


def event(**changes: object) -> bytes:
    inner = {
        "type": "message", "user": seed.SLACK_USER_DANA, "text": "hello", "ts": "1795000000.000100",
        "channel": CHANNEL_ID, "team": seed.SLACK_TEAM_ID, "event_ts": "1795000000.000100", "channel_type": "channel",
    }  # fmt: skip
    outer = {
        "type": "event_callback", "team_id": seed.SLACK_TEAM_ID, "api_app_id": seed.SLACK_APP_ID,
        "event_id": f"Ev{secrets.token_hex(5)}", "event_time": 1795000000, "event": inner,
    }  # fmt: skip
    return json.dumps({**outer, **changes}).encode()


@pytest.fixture
async def door(world: World) -> AsyncGenerator[httpx.AsyncClient]:
    """A vendor's side of the webhook door."""
    async with httpx.AsyncClient(base_url=world.url, timeout=15) as client:
        yield client


async def stored(world: World) -> int:
    return len(await world.rows("SELECT 1 FROM inbox"))


async def test_wrong_missing_and_stale_signatures_get_403_and_nothing_is_stored(
    world: World, door: httpx.AsyncClient
) -> None:
    body = event()
    wrong = {**signed(body), "x-slack-signature": "v0=" + "0" * 64}
    garbage = {**signed(body), "x-slack-request-timestamp": "soon", "x-slack-signature": "v0=é"}
    for headers in (wrong, garbage, {"content-type": "application/json"}, signed(body, time.time() - 301)):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = await door.post("/webhooks/slack", content=body, headers=raw)
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "bad_signature"
    for clickup in (
        {"event": "taskCreated", "task_id": "x", "webhook_id": "unknown"},
        {"event": "taskCreated", "task_id": "x", "webhook_id": next(iter(world.box.sandbox.clickup.state.webhooks))},
    ):
        answer = await door.post("/webhooks/clickup", json=clickup, headers={"X-Signature": "0" * 64})
        assert answer.status_code == 403, "never 401 or 410: ClickUp would suspend the webhook"
    assert await stored(world) == 0


async def test_unknown_source_wrong_method_and_large_bodies_are_refused(world: World, door: httpx.AsyncClient) -> None:
    assert (await door.post("/webhooks/jira", content=b"{}")).status_code == 404
    assert (await door.get("/webhooks/slack")).status_code == 405
    large = b" " * (1024 * 1024 + 1)
    assert (await door.post("/webhooks/slack", content=large, headers=signed(large))).status_code == 413

    async def chunks() -> AsyncGenerator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    assert (await door.post("/webhooks/slack", content=chunks())).status_code == 413
    edge = event() + b" " * (1024 * 1024 - len(event()))
    assert (await door.post("/webhooks/slack", content=edge, headers=signed(edge))).status_code == 200
    assert await stored(world) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"not json", b"[]", b"42", b"null", b'"text"', b"\xff\xfe\x00", b"[" * 200_000, b'{"a":' * 50_000,
        b'{"type":"event_callback"}', event(event_id=7), event(event="text"), event(team_id=None),
        event(event_id="Ev\x00"), event(event={"type": "message", "channel": "C\x00", "ts": "x"}),
        b'{"event_id": 1' + b"0" * 5000 + b"}", event(event_time=10**30), event(event={"type": "message", "ts": "-1"}),
    ],
)  # fmt: skip
async def test_what_cannot_be_read_gets_400_or_a_dead_letter_with_its_reason_and_never_500(
    world: World, door: httpx.AsyncClient, body: bytes
) -> None:
    async def sent(content: bytes) -> httpx.Response:
        """As Slack does it: a 503, which a starved machine may give, is sent again."""
        answer = await door.post("/webhooks/slack", content=content, headers=signed(content))
        for _ in range(3):
            if answer.status_code == 503 and answer.json()["code"] == "unavailable":
                answer = await door.post("/webhooks/slack", content=content, headers=signed(content))
        return answer

    unreadable, neighbour = await asyncio.gather(sent(body), sent(event()))
    assert unreadable.status_code in (200, 400, 403), unreadable.text
    assert neighbour.status_code == 200, neighbour.text
    if unreadable.status_code == 400:
        assert unreadable.json()["detail"]
    await world.settled()
    for row in await world.rows("SELECT state, reason FROM inbox"):
        assert row.state in ("done", "ignored") or (row.state == "dead" and row.reason)


async def test_mutated_events_never_cause_a_500_and_never_stop_the_worker(linked: World) -> None:
    chance = random.Random(20261122)
    async with httpx.AsyncClient(base_url=linked.url, timeout=15) as door:
        for _ in range(150):
            body = bytearray(event())
            for _ in range(chance.randint(1, 6)):
                body[chance.randrange(len(body))] = chance.randrange(256)
            answer = await door.post("/webhooks/slack", content=bytes(body), headers=signed(bytes(body)))
            assert answer.status_code in (200, 400, 403), answer.text
    await linked.settled()
    await linked.create_task("Still alive")
    await linked.root("Still alive")


async def test_unknown_list_or_channel_is_refused_with_what_to_do(world: World) -> None:
    admin = await world.admin()
    for body in (
        {"list_id": "000", "channel_id": CHANNEL_ID},
        {"list_id": LIST_ID, "channel_id": "C0NOSUCH1"},
        {"list_id": LIST_ID, "channel_id": seed.SLACK_CHANNEL_PRIVATE},
    ):
        answer = await admin.post("/v1/mappings", json=body)
        assert 400 <= answer.status_code < 500, answer.text
        assert "check the id" in answer.json()["detail"].lower()
    await admin.aclose()


async def test_database_away_means_503_with_retry_after_and_nothing_accepted_is_lost() -> None:
    with tempfile.TemporaryDirectory(prefix="oblivion-", ignore_cleanup_errors=True) as directory:
        postgres, valkey = EmbeddedPostgres(Path(directory) / "pg"), EmbeddedValkey(Path(directory) / "vk")
        postgres.start()
        valkey.start()
        try:
            await upgrade(postgres.url)
            async with (
                running_world(postgres.url, valkey.url) as world,
                httpx.AsyncClient(base_url=world.url, timeout=15) as door,
            ):
                body = event()
                assert (await door.post("/webhooks/slack", content=body, headers=signed(body))).status_code == 200
                await asyncio.to_thread(postgres.stop, immediate=True)
                body = event()
                answer = await door.post("/webhooks/slack", content=body, headers=signed(body))
                assert answer.status_code == 503
                assert int(answer.headers["retry-after"]) > 0
                assert (await door.get("/livez")).status_code == 200
                assert (await door.get("/readyz")).status_code == 503
                await asyncio.to_thread(postgres.start)

                async def accepted() -> bool:
                    again = await door.post("/webhooks/slack", content=body, headers=signed(body))
                    return again.status_code == 200

                await eventually(accepted)
                await world.settled()
                assert await stored(world) == 2
        finally:
            valkey.stop()
            postgres.stop()


async def test_redis_away_costs_nothing_but_time(database_url: str) -> None:
    with tempfile.TemporaryDirectory(prefix="oblivion-", ignore_cleanup_errors=True) as directory:
        valkey = EmbeddedValkey(Path(directory))
        valkey.start()
        async with running_world(database_url, valkey.url) as world:
            await world.agent_credentials()
            await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
            valkey.stop(immediate=True)
            item = await world.create_task("Without Redis")
            root = await world.root("Without Redis")
            await world.reply(root["ts"], "!sync without Redis")
            await eventually(lambda: world.comments(item))
            statuses = {entry["status"] for entry in world.box.sandbox.core.recorder.find_deliveries(None, None, 0)}
            assert statuses == {200}, "webhooks are answered 200 all the same"
            await world.settled()
            assert len(await world.roots()) == 1
            assert len(await world.comments(item)) == 1
