"""Real payloads, a scripted Slack for faults, and views to draw."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from nexus.pipeline.facts import CardView
from nexus.pipeline.ports import Connected, Outgoing, RawRequest

PAYLOADS = Path(__file__).parent / "payloads"
Answer = web.StreamResponse | Callable[[web.Request], Any]


@pytest.fixture
def payload() -> Callable[[str], dict[str, Any]]:
    """A payload by its file name without `.json`, to be changed at will."""
    return lambda name: json.loads((PAYLOADS / f"{name}.json").read_text())


@pytest.fixture
def event_request() -> Callable[[object], RawRequest]:
    def make(data: object) -> RawRequest:
        return RawRequest(json.dumps(data).encode(), {"content-type": "application/json"}, "")

    return make


@pytest.fixture
def form_request() -> Callable[[object], RawRequest]:
    def make(data: object) -> RawRequest:
        body = urlencode({"payload": json.dumps(data)}).encode()
        return RawRequest(body, {"content-type": "application/x-www-form-urlencoded"}, "interactive")

    return make


@pytest.fixture
def connected() -> Connected:
    return Connected(
        id=UUID(int=1),
        tenant_id=UUID(int=2),
        vendor="slack",
        workspace_id="T0A1B2C3D",
        credentials={"bot_token": "xoxb-secret", "signing_secret": "s", "app_id": "A0NEXUS001"},
        facts={"bot_user_id": "U0NEXUSBOT", "bot_id": "B0NEXUS001", "app_id": "A0NEXUS001"},
    )


@pytest.fixture
def make_view() -> Callable[..., CardView]:
    def make(**changes: Any) -> CardView:
        given: dict[str, Any] = {
            "conversation_id": "conv-1",
            "title": "CSV export for invoices",
            "url": "https://app.clickup.com/t/86cx1ab2c",
            "list_name": "Billing",
            "status": "to do",
            "priority": "high",
            "requested_by": "Dana",
            "assignees": ("Sam",),
            "alias": "AI_Squad",
            "agent": "fixer",
            "task_id": "task-1",
            "state": "working",
            "reason": None,
            "progress": None,
        }
        return CardView(**(given | changes))

    return make


@pytest.fixture
def make_outgoing(make_view: Callable[..., CardView]) -> Callable[..., Outgoing]:
    def make(intent: Any, **changes: Any) -> Outgoing:
        given: dict[str, Any] = {
            "id": UUID(int=77),
            "intent": intent,
            "attempted_at": None,
            "root_ts": None,
            "item_id": "86cx1ab2c",
            "twin_id": None,
            "card": make_view(),
            "permalink": None,
        }
        return Outgoing(**(given | changes))

    return make


class ScriptedSlack:
    """Answers each method with what the test put in line for it, the last of them again and again."""

    def __init__(self) -> None:
        self.url = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers: dict[str, list[Any]] = {}

    def answers(self, method: str, *answers: Any) -> None:
        """Dicts are JSON with status 200; callables get the request and return or break."""
        self._answers[method] = list(answers)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.calls if name == method]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await request.json() if request.method == "POST" else dict(request.query)
        self.calls.append((method, arguments))
        line = self._answers.get(method, [{"ok": False, "error": "unknown_method"}])
        answer = line.pop(0) if len(line) > 1 else line[0]
        return web.json_response(answer) if isinstance(answer, dict) else await answer(request)


@pytest.fixture
async def scripted() -> AsyncIterator[ScriptedSlack]:
    slack = ScriptedSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.handle)
    async with TestServer(app) as server:
        slack.url = str(server.make_url("/api"))
        yield slack


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """slack_sdk sends even local requests through a proxy of the environment."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield
