"""Taking a webhook in: the path that every event goes, in the process that answers people."""

import asyncio
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from budgets.conftest import ROOM, calls, statements
from prometheus_client import CollectorRegistry
from sqlalchemy import func, select
from support.standins import Silent

from nexus.http.metrics import IngestMetrics
from nexus.http.webhooks import WebhookDoor
from nexus.integrations import discover, names
from nexus.kit.clock import SystemClock
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.pipeline.connections import Connections
from nexus.pipeline.inbox import Inbox
from nexus.store.database import Database
from nexus.store.tables import Connection, InboxEvent, Tenant, WebhookKey

CALLS = 310
"""Of functions for one webhook, when many come at once."""
AT_ONCE = 64
SECRET = secrets.token_hex(16)


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    """The database of one tenant."""
    opened = Database(database_url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def door(db: Database) -> WebhookDoor:
    """The door, and one ClickUp that may knock."""
    clock, sealer = SystemClock(), Sealer([secrets.token_urlsafe(48)])
    tenant_id, connection_id = new_id(), new_id()
    async with db.system() as session:
        session.add(Tenant(id=tenant_id, name="acme"))
        await session.flush()
        session.add(
            Connection(
                id=connection_id, tenant_id=tenant_id, vendor="clickup", workspace_id="w", name="W", facts={},
                sealed=sealer.seal({}),
            )
        )  # fmt: skip
        await session.flush()
        session.add(
            WebhookKey(
                tenant_id=tenant_id, connection_id=connection_id, source="clickup", key="wh-1",
                sealed=sealer.seal({"secret": SECRET}),
            )
        )  # fmt: skip
    inbox = Inbox(db, Connections(db, sealer, discover()), Silent(), clock)
    return WebhookDoor(inbox, IngestMetrics(CollectorRegistry(), names()))


class Request:
    """One request as the server hands it on: its body is there."""

    more_body = False

    def __init__(self) -> None:
        item = {"id": secrets.token_hex(8), "date": "1794000000000", "field": "status", "note": "x" * 1000}
        event = {"event": "taskStatusUpdated", "task_id": "86abc", "webhook_id": "wh-1", "history_items": [item]}
        self.body = json.dumps(event).encode()
        self.status = 0

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        self.status = message.get("status", self.status)

    def scope(self) -> dict[str, Any]:
        signature = hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest().encode()
        headers = [(b"host", b"nexus"), (b"content-type", b"application/json"), (b"x-signature", signature)]
        return {"type": "http", "method": "POST", "path": "/webhooks/clickup", "headers": headers}


async def knocked(door: WebhookDoor, count: int) -> None:
    made = [Request() for _ in range(count)]
    scopes = [one.scope() for one in made]
    await asyncio.gather(*(door(scope, one.receive, one.send) for scope, one in zip(scopes, made, strict=True)))
    assert [one.status for one in made] == [200] * count


async def test_a_webhook_costs_no_more_calls_than_it_did(door: WebhookDoor, db: Database) -> None:
    await knocked(door, AT_ONCE)  # caches are filled
    with calls() as counted:
        await knocked(door, AT_ONCE)
    each = counted.each(AT_ONCE)
    print(f"{each:.0f} calls for one webhook")
    async with db.system() as session:
        assert (await session.execute(select(func.count()).select_from(InboxEvent))).scalar_one() == 2 * AT_ONCE
    assert each <= CALLS * ROOM, "look for what is done anew for each webhook, or raise CALLS and say why"


async def test_webhooks_that_come_at_once_share_a_transaction(door: WebhookDoor, db: Database) -> None:
    await knocked(door, 1)
    with statements(db) as counted:
        await knocked(door, AT_ONCE)
    # The first finds nobody under way and goes alone; all others wait for it and go together. Each: begin, insert,
    # commit.
    assert counted.count <= 6
