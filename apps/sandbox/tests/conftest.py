"""A sandbox, a hub that listens to it, and the vendors' clients."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from oblivion_sandbox import Running, Sandbox, Settings, running_sandbox, seed

FIXTURES = Path(__file__).parent / "fixtures"
WAIT_SECONDS = 4
QUICK = Settings(
    clickup_retry_base_seconds=0.0,
    slack_retry_seconds=(0.0, 0.0, 0.0),
)


def load(name: str) -> Any:
    """A fixture such as `slack/event_message_changed`."""
    return json.loads((FIXTURES / f"{name}.json").read_text())


def shape(value: Any) -> Any:
    """The structure of a JSON value: its keys, and those of the first entry of each array."""
    if isinstance(value, dict):
        return {key: shape(child) for key, child in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


@dataclass(frozen=True)
class Received:
    """A request the hub got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Hub:
    """Records what it is sent, and answers as told: first `statuses`, then 200."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: deque[int] = field(default_factory=deque)
    headers: dict[str, str] = field(default_factory=dict)
    hang_seconds: float = 0.0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        async with self.arrived:
            self.received.append(Received(request.path, headers, body))
            self.arrived.notify_all()
        if self.hang_seconds:
            await asyncio.sleep(self.hang_seconds)
        if body.startswith(b"{") and json.loads(body).get("type") == "url_verification":
            return web.json_response({"challenge": json.loads(body)["challenge"]})
        return web.Response(status=self.statuses.popleft() if self.statuses else 200, headers=self.headers)

    async def wait(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_SECONDS), self.arrived:
            await self.arrived.wait_for(ready)

    async def wait_count(self, count: int) -> list[Received]:
        await self.wait(lambda: len(self.received) >= count)
        return self.received

    def events(self, kind: str) -> list[Any]:
        """ClickUp bodies or Slack envelopes of a kind."""
        found = [each.json for each in self.received if each.path in ("/clickup", "/slack")]
        return [body for body in found if body.get("event") == kind or event_kind(body) == kind]

    async def wait_event(self, kind: str) -> Any:
        await self.wait(lambda: bool(self.events(kind)))
        return self.events(kind)[-1]


def event_kind(envelope: Any) -> str | None:
    event = envelope.get("event")
    if not isinstance(event, dict):
        return None
    return event["type"] + (f".{event['subtype']}" if "subtype" in event else "")


@pytest.fixture
async def hub() -> AsyncGenerator[Hub]:
    state = Hub()
    app = web.Application()
    app.router.add_post("/{tail:.*}", state.answer)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    state.url = str(server.make_url("")).rstrip("/")
    yield state
    await server.close()


@pytest.fixture
async def box() -> AsyncGenerator[Running]:
    async with running_sandbox(sandbox=Sandbox(QUICK)) as running:
        yield running


@pytest.fixture
async def control(box: Running) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{box.url}/_control", trust_env=False) as client:
        yield client


def clickup_client(box: Running, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=box.clickup_api_url, headers={"Authorization": token}, trust_env=False, timeout=3)


@pytest.fixture
async def dana(box: Running) -> AsyncGenerator[httpx.AsyncClient]:
    """ClickUp as Dana."""
    async with clickup_client(box, seed.CLICKUP_TOKEN_DANA) as client:
        yield client


@pytest.fixture
async def bot(box: Running) -> AsyncGenerator[httpx.AsyncClient]:
    """ClickUp as the hub."""
    async with clickup_client(box, seed.CLICKUP_TOKEN_BOT) as client:
        yield client


@pytest.fixture
async def slack(box: Running) -> AsyncWebClient:
    """Slack as the hub."""
    return AsyncWebClient(seed.SLACK_BOT_TOKEN, base_url=box.slack_api_url, retry_handlers=[], timeout=3)


@pytest.fixture
async def slack_dana(box: Running) -> AsyncWebClient:
    """Slack as Dana."""
    return AsyncWebClient(seed.SLACK_TOKEN_DANA, base_url=box.slack_api_url, retry_handlers=[], timeout=3)


@pytest.fixture
async def webhook(bot: httpx.AsyncClient, hub: Hub) -> Any:
    """A registered webhook for everything."""
    body = {"endpoint": f"{hub.url}/clickup", "events": "*"}
    return (await bot.post(f"/team/{seed.CLICKUP_TEAM_ID}/webhook", json=body)).json()["webhook"]


@pytest.fixture
async def events(control: httpx.AsyncClient, hub: Hub) -> Hub:
    """The hub, with Slack events switched on."""
    urls = {"events_url": f"{hub.url}/slack", "interactivity_url": f"{hub.url}/press"}
    answer = (await control.post("/slack/app", json=urls)).json()
    assert answer["verification"]["ok"], answer
    hub.received.clear()
    return hub


@pytest.fixture
def fixture_json() -> Callable[[str], Any]:
    return load


@pytest.fixture
def shape_of() -> Callable[[Any], Any]:
    return shape
