"""Every recorded webhook of both vendors, fed as a raw signed request while the system runs."""

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text
from support.waiting import eventually
from support.world import World

from nexus.kit.ids import new_id
from oblivion_sandbox import seed

PAYLOADS = Path(__file__).parent.parent / "payloads"
CLICKUP_WEBHOOK = "5b1d7c52-3f0e-4f5c-9d2a-8f7f2f0a1c11"
CLICKUP_SECRET = "O94IM25S7PXBPYTMNXLLET230SRP0S89COR7B1YOJ2ZIE8WQNK5UUKEF26W0Z5GA"
ITEM = "86cx1ab2c"
ROOT_TS = "1763801000.000100"


def recorded(vendor: str, pattern: str) -> list[tuple[str, bytes]]:
    """(name, raw body) of every recorded request, in the compact form in which the vendors send them."""
    return [
        (path.stem, json.dumps(json.loads(path.read_text()), ensure_ascii=False, separators=(",", ":")).encode())
        for path in sorted((PAYLOADS / vendor).glob(pattern))
    ]


def signed_for_slack(body: bytes, content_type: str = "application/json") -> dict[str, str]:
    timestamp = str(int(time.time()))
    digest = hmac.new(seed.SLACK_SIGNING_SECRET.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }


def signed_for_clickup(body: bytes) -> dict[str, str]:
    digest = hmac.new(CLICKUP_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json", "X-Signature": digest}


@pytest.fixture
async def mirrored(linked: World) -> World:
    """The recorded task exists, its webhook is known, and its card has the `ts` that the recordings name."""
    async with httpx.AsyncClient(base_url=linked.box.url) as control:
        item = json.loads((PAYLOADS / "clickup" / "get_task_include_markdown_description.json").read_text())
        assert (await control.post("/_control/clickup/tasks", json=item)).status_code == 200
    async with linked.nexus.db.tenant(linked.tenant_id) as session:
        await session.execute(
            text(
                "INSERT INTO webhook_keys (id, tenant_id, connection_id, source, key, sealed) "
                "SELECT :id, tenant_id, id, 'clickup', :key, :sealed FROM connections WHERE vendor = 'clickup'"
            ),
            {"id": new_id(), "key": CLICKUP_WEBHOOK, "sealed": linked.nexus.sealer.seal({"secret": CLICKUP_SECRET})},
        )
    (_, body), *_ = recorded("clickup", "webhook_taskCreated.json")
    async with httpx.AsyncClient(base_url=linked.url) as vendor:
        assert (
            await vendor.post("/webhooks/clickup", content=body, headers=signed_for_clickup(body))
        ).status_code == 200
    root = await linked.root("CSV export for invoices")
    await linked.settled()
    async with httpx.AsyncClient(base_url=linked.box.url) as control:
        imported = {**root, "ts": ROOT_TS, "channel": "C0A1B2C3D"}
        assert (await control.post("/_control/slack/messages", json=imported)).status_code == 200
    async with linked.nexus.db.tenant(linked.tenant_id) as session:
        await session.execute(text("UPDATE task_mappings SET root_ts = :ts"), {"ts": ROOT_TS})
    return linked


async def test_every_recorded_clickup_webhook_is_answered_200_and_settled(mirrored: World) -> None:
    async with httpx.AsyncClient(base_url=mirrored.url) as vendor:
        for name, body in recorded("clickup", "webhook_*.json"):
            if "taskDeleted" in name:
                continue
            for _ in range(2):
                answer = await vendor.post("/webhooks/clickup", content=body, headers=signed_for_clickup(body))
                assert answer.status_code == 200, (name, answer.text)
        await mirrored.settled()
        assert await mirrored.rows("SELECT reason FROM inbox WHERE state = 'dead'") == []
        assert await mirrored.rows("SELECT reason FROM deliveries WHERE state = 'dead'") == []
        said = await mirrored.said(ROOT_TS)
        assert [line for line in said if "v2 endpoint" in line] == ["Use the v2 endpoint please, not v1"]
        for _ in range(2):
            (_, body), *_ = recorded("clickup", "webhook_taskDeleted.json")
            answer = await vendor.post("/webhooks/clickup", content=body, headers=signed_for_clickup(body))
            assert answer.status_code == 200
    await eventually(lambda: mirrored.rows("SELECT 1 FROM task_mappings WHERE closed_at IS NOT NULL"))
    await mirrored.settled()
    assert len(await mirrored.rows("SELECT 1 FROM task_mappings")) == 1
    assert len(await mirrored.rows("SELECT 1 FROM deliveries WHERE kind = 'card'")) == 1


async def test_every_recorded_slack_event_is_answered_200_and_settled(mirrored: World) -> None:
    skipped = {"event_app_uninstalled", "event_tokens_revoked"}  # they end the connection, and have a test below
    async with httpx.AsyncClient(base_url=mirrored.url) as vendor:
        for name, body in recorded("slack", "event_*.json"):
            if name in skipped:
                continue
            for _ in range(2):
                answer = await vendor.post("/webhooks/slack", content=body, headers=signed_for_slack(body))
                assert answer.status_code == 200, (name, answer.text)
                if name == "event_url_verification":
                    assert json.loads(body)["challenge"] in answer.text
        for _, payload in recorded("slack", "interactivity_*.json"):
            body = urlencode({"payload": payload.decode()}).encode()
            headers = signed_for_slack(body, "application/x-www-form-urlencoded")
            answer = await vendor.post("/webhooks/slack/interactive", content=body, headers=headers)
            assert (answer.status_code, answer.content) == (200, b"")
    await mirrored.settled()
    assert await mirrored.rows("SELECT source, reason FROM inbox WHERE state = 'dead'") == []
    messages = await mirrored.rows("SELECT text, edited_at, deleted_at FROM messages WHERE source = 'slack' ORDER BY 1")
    known: list[tuple[Any, ...]] = [
        (row.text.split("\n")[0], bool(row.edited_at or row.deleted_at)) for row in messages
    ]
    assert ("sample attached", False) in known, "a shared file is a reply"
    assert any(changed for _, changed in known), "the edit or the deletion was applied"
    assert not any("New task" in said for said, _ in known), "our own messages are not replies"
    assert await mirrored.comments(ITEM) == [], "no recorded reply begins with !sync"


async def test_uninstalled_app_marks_its_connection_broken_with_what_to_do(mirrored: World) -> None:
    (_, body), *_ = recorded("slack", "event_app_uninstalled.json")
    async with httpx.AsyncClient(base_url=mirrored.url) as vendor:
        assert (await vendor.post("/webhooks/slack", content=body, headers=signed_for_slack(body))).status_code == 200
    (row,) = await eventually(
        lambda: mirrored.rows("SELECT broken_reason FROM connections WHERE broken_reason IS NOT NULL")
    )
    assert "install" in row.broken_reason.lower()
