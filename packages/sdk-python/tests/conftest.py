"""A Nexus for tests: it speaks the wire, does what the test says, and remembers what it was told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import socketio
import uvicorn

from oblivion import Agent

NAMESPACE = "/agents"
PATIENCE_SECONDS = 15.0
CLIENT_ID, CLIENT_SECRET = "fixer-id", "obl_sk_right"

Frame = dict[str, Any]
AnswerScript = Callable[[Frame], Frame | Awaitable[Frame]]


class ScriptedNexus:
    """Answers every command with `{ok: true}` unless `answers` says otherwise."""

    def __init__(self) -> None:
        self.uri = ""
        self.frames: list[tuple[str, Frame]] = []
        self.tokens: list[str] = []
        self.requests: list[tuple[str, str, str]] = []
        self.handshakes: list[str] = []
        self.refuse_handshakes: list[str] = []
        self.token_answers: list[tuple[int, Frame]] = []
        self.http_answers: dict[str, tuple[int, Frame]] = {}
        self.answers: dict[str, AnswerScript] = {}
        self.hello: Frame = {"confirmed": [], "revoked": [], "replayed": 0}
        self.heartbeat_seconds = 20
        self.down = False
        self.slam_websockets = 0
        self.sid: str | None = None
        self.connections: set[Any] = set()
        self._seq = 0
        self._changed = asyncio.Event()
        self._sio = socketio.AsyncServer(async_mode="asgi", namespaces=[NAMESPACE], async_handlers=False)
        self._sio.on("connect", self._connect, namespace=NAMESPACE)
        self._sio.on("*", self._command, namespace=NAMESPACE)
        self._wire = socketio.ASGIApp(self._sio, self._http)

    # What the test sees

    async def frame(self, name: str, nth: int = 1) -> Frame:
        """The nth command of this name, as soon as it is there."""
        await self.until(lambda: len(self.named(name)) >= nth, f"{name} number {nth}")
        return self.named(name)[nth - 1]

    def named(self, name: str) -> list[Frame]:
        return [data for got, data in self.frames if got == name]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():
                    changed = self._changed
                    await changed.wait()
        except TimeoutError:
            pytest.fail(f"{what} did not happen; got {[name for name, _ in self.frames]}", pytrace=False)

    # What the test does

    async def send(self, name: str, **data: Any) -> Frame:
        await self._sio.emit(name, data, to=self.sid, namespace=NAMESPACE)
        return data

    async def durable(self, name: str, **data: Any) -> Frame:
        seq = data.pop("seq", self._seq + 1)
        self._seq = max(self._seq, seq)
        return await self.send(name, **({"delivery_id": f"d{seq}", "seq": seq} | data))

    async def offer(self, task_id: str = "t1", **data: Any) -> Frame:
        offer = {
            "task_id": task_id,
            "epoch": 1,
            "lease_seconds": 60,
            "type": "fix_bug",
            "title": "CSV export",
            "instructions": "You work for @AI_Squad.",
        }
        return await self.durable("task.assigned", **(offer | data))

    async def update(self, text: str, task_id: str = "t1", **data: Any) -> Frame:
        update = {
            "task_id": task_id,
            "kind": "reply",
            "author": "Dana Reyes",
            "source": "slack",
            "text": text,
        }
        return await self.durable("context.updated", **(update | {"at": "2026-11-22T09:30:00Z"} | data))

    async def kick(self) -> None:
        await self._sio.disconnect(self.sid, namespace=NAMESPACE)

    def cut(self) -> None:
        """The network fails: nobody says goodbye."""
        self.sid = None
        for connection in list(self.connections):
            connection.transport.abort()

    # How it answers

    async def _connect(self, sid: str, _environ: Frame, auth: Frame) -> None:
        self.handshakes.append(auth["token"])
        if self.refuse_handshakes:
            code = self.refuse_handshakes.pop(0)
            self._notify()
            raise socketio.exceptions.ConnectionRefusedError(code)
        self.sid = sid

    async def _command(self, name: str, _sid: str, data: Frame) -> Frame:
        self.frames.append((name, data))
        self._notify()
        if name == "hello":
            return {
                "ok": True,
                "agent_id": "a1",
                "session_epoch": 1,
                "lease_seconds": 60,
                "heartbeat_seconds": self.heartbeat_seconds,
            } | self.hello
        answer = self.answers[name](data) if name in self.answers else {"ok": True}
        return await answer if isinstance(answer, Awaitable) else answer

    async def app(self, scope: Frame, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket" and self.slam_websockets:
            self.slam_websockets -= 1
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1001})
            return
        await self._wire(scope, receive, send)

    async def _http(self, scope: Frame, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        self.requests.append((scope["path"], scope["query_string"].decode(), headers.get("authorization", "")))
        self._notify()
        status, answer = self._http_answer(scope["path"], body)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json")],
            }
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _http_answer(self, path: str, body: bytes) -> tuple[int, Frame]:
        if self.down:
            return 503, {}
        if path != "/auth/token":
            return self.http_answers.get(path, (404, {}))
        if self.token_answers:
            return self.token_answers.pop(0)
        form = parse_qs(body.decode())
        if (form["client_id"], form["client_secret"]) != ([CLIENT_ID], [CLIENT_SECRET]):
            return 401, {"error": "invalid_client", "error_description": "Unknown client or wrong secret."}
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        return 200, {
            "access_token": self.tokens[-1],
            "token_type": "Bearer",
            "expires_in": 900,
            "scope": "agent",
        }

    def _notify(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


@pytest.fixture
async def nexus() -> AsyncIterator[ScriptedNexus]:
    scripted = ScriptedNexus()
    config = uvicorn.Config(scripted.app, interface="asgi3", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    scripted.uri = f"http://127.0.0.1:{listener.getsockname()[1]}"
    # Not `serve()` and `shutdown()`: they sleep, and take over the signals of the test run.
    scripted.connections = server.server_state.connections
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    yield scripted
    for listening in server.servers:
        listening.close()
    scripted.cut()


@pytest.fixture(autouse=True)
def no_long_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oblivion._service.RECONNECT_BASE_SECONDS", 0.02)
    monkeypatch.setattr("oblivion._service.RATE_LIMIT_BASE_SECONDS", 0.02)
    monkeypatch.setattr("oblivion._questions.EXPIRY_GRACE_SECONDS", 0.1)


@pytest.fixture(autouse=True)
def journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No test finds what another one, or an agent of this machine, has left."""
    path = tmp_path / "journal"
    monkeypatch.setenv("OBLIVION_JOURNAL", str(path))
    return path


@pytest.fixture
def agent(nexus: ScriptedNexus) -> Agent:
    return Agent("fixer", uri=nexus.uri, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)


@pytest.fixture
def serving(nexus: ScriptedNexus) -> Callable[[Agent], Any]:
    """`async with serving(agent):` an agent that is connected, and stopped at the end."""

    @asynccontextmanager
    async def serve(agent: Agent) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(agent.serve())
        try:
            await nexus.frame("hello")
            yield task
        finally:
            agent.stop()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.wait({task})
        task.result()

    return serve
