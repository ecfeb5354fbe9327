"""Where API calls come in: each is recorded, and a fault rule may spoil it."""

import asyncio
import math
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from oblivion_sandbox import seed
from oblivion_sandbox.faults import FaultRule
from oblivion_sandbox.jsontypes import decode_object, encode
from oblivion_sandbox.record import Call, Vendor
from oblivion_sandbox.sandbox import Sandbox
from oblivion_sandbox.slack.args import read_args
from oblivion_sandbox.slack.callers import CALLERS
from oblivion_sandbox.slack.errors import SlackError

_SLACK_REFUSAL = b'{"ok":false'
PREFIXES: dict[str, Vendor] = {"/clickup/api/v2": "clickup", "/slack/api": "slack"}


class Door:
    """ASGI middleware around the two APIs; everything else passes untouched."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        prefix = next((each for each in PREFIXES if str(scope.get("path", "")).startswith(each + "/")), None)
        if scope["type"] != "http" or prefix is None:
            await self._app(scope, receive, send)
            return
        core = self._sandbox.core
        body = await _read_body(receive)
        headers = Headers(scope=scope)
        vendor, path = PREFIXES[prefix], str(scope["path"]).removeprefix(prefix)
        query, content_type = scope["query_string"].decode(), headers.get("content-type", "")
        kind = _token_kind(vendor, headers, content_type, body, query)
        call = core.recorder.open_call(vendor, scope["method"], path, query, body, content_type, kind)
        rule = core.faults.for_call(vendor, call.method, path, kind)
        call.fault = None if rule is None else rule.fault
        await self._serve(rule, call, _replay(body, receive), _Noting(send, call), scope, receive)

    async def _serve(
        self,
        rule: FaultRule | None,
        call: Call,
        replay: Receive,
        send: "_Noting",
        scope: Scope,
        receive: Receive,
    ) -> None:
        match None if rule is None else rule.fault:
            case "drop":
                await _cut(receive)
            case "delay" if rule is not None:
                await asyncio.sleep(rule.seconds)
                await self._app(scope, replay, _watching(call, send))
            case "429" if rule is not None:
                await self._refuse_429(call, rule, send)
            case "5xx":
                await _answer(send, 503, b'{"err":"Service unavailable"}', {})
            case "reject_error" if rule is not None:
                await _answer(send, 200, encode(SlackError(rule.error).body()), {})
            case "accept_then_cut":
                await self._app(scope, replay, _watching(call, _discard))
                await _cut(receive)
            case "accept_late" if rule is not None:
                self._sandbox.core.outgoing.spawn(self._happen(rule.seconds, call, scope, replay))
                await _cut(receive)
            case "accept_then_hang" if rule is not None:
                held: list[Message] = []
                await self._app(scope, replay, _watching(call, _keep(held)))
                if not await _client_left(receive, rule.seconds):
                    for message in held:
                        await send(message)
            case _:
                await self._app(scope, replay, _watching(call, send))

    async def _happen(self, seconds: float, call: Call, scope: Scope, replay: Receive) -> None:
        await asyncio.sleep(seconds)
        await self._app(scope, replay, _watching(call, _discard))

    async def _refuse_429(self, call: Call, rule: FaultRule, send: "_Noting") -> None:
        wait = max(1, math.ceil(rule.seconds))
        if call.vendor == "slack":
            await _answer(send, 429, b'{"ok":false,"error":"ratelimited"}', {"retry-after": str(wait)})
            return
        limit = self._sandbox.core.settings.clickup_requests_per_minute
        reset = math.ceil(time.time() + rule.seconds)
        headers = {
            "x-ratelimit-limit": str(limit),
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": str(reset),
        }
        await _answer(send, 429, b'{"err":"Rate limit reached"}', headers)


class _Noting:
    """Passes to the caller what it gets to hear, and notes that in the record."""

    def __init__(self, send: Send, call: Call) -> None:
        self._send = send
        self._call = call

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._call.status = message["status"]
            self._call.ok = message["status"] < 400
        elif message["type"] == "http.response.body":
            self._note(message.get("body", b""))
        await self._send(message)

    def _note(self, body: bytes) -> None:
        if self._call.ok and not body.startswith(_SLACK_REFUSAL):
            return
        document = decode_object(body) or {}
        error = document.get("error") or document.get("ECODE") or document.get("err")
        self._call.ok = False
        self._call.error = None if error is None else str(error)


def _watching(call: Call, send: Send) -> Send:
    """Notes in the record what the vendor did, whatever becomes of its answer."""
    done = False

    async def watch(message: Message) -> None:
        nonlocal done
        if message["type"] == "http.response.start":
            done = message["status"] < 400
        elif message["type"] == "http.response.body":
            call.effect = done and not message.get("body", b"").startswith(_SLACK_REFUSAL)
        await send(message)

    return watch


def _token_kind(vendor: Vendor, headers: Headers, content_type: str, body: bytes, query: str) -> str:
    token: str | None = headers.get("authorization", "").removeprefix("Bearer ").strip()
    if vendor == "clickup":
        user = seed.CLICKUP_TOKENS.get(token or "")
        return "none" if user is None else "bot" if user == seed.CLICKUP_USER_BOT else "human"
    if not token:
        try:
            _, token = read_args(content_type, body, query)
        except SlackError:
            token = None
    caller = CALLERS.get(token or "")
    return "none" if caller is None else caller.kind


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _discard(message: Message) -> None:
    return


def _keep(held: list[Message]) -> Send:
    async def keep(message: Message) -> None:
        held.append(message)

    return keep


async def _answer(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    every = {"content-type": "application/json; charset=utf-8", "content-length": str(len(body))} | headers
    raw = [(name.encode(), value.encode()) for name, value in every.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _client_left(receive: Receive, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _cut(receive: Receive) -> None:
    """Close the connection with no answer.

    ASGI has no word for it. Under uvicorn `receive` belongs to the request cycle, which has the transport.
    """
    transport: object = getattr(getattr(receive, "__self__", None), "transport", None)
    abort: Callable[[], None] | None = getattr(transport, "abort", None)
    if abort is None:
        raise ConnectionAbortedError("fault: connection cut")
    abort()
    await _client_left(receive, 1)
