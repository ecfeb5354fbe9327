"""A ClickUp on the loopback that says what a test wants, or misbehaves."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""What a server does with one connection; it is closed afterwards."""


@dataclass(frozen=True)
class Answer:
    """What the local ClickUp says: JSON, or the very bytes of `body`."""

    status: int = 200
    json: Any = None
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        return b"" if self.json is None else json.dumps(self.json).encode()


@dataclass(frozen=True)
class Asked:
    """A request as it came in; `target` is its path and query, untouched."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0].removeprefix("/api/v2")


CUT = "the connection is cut instead of an answer"
Saying = Callable[[Asked], Answer | str]


class LocalClickUp:
    """A server on the loopback that says what `says` returns, or cuts the connection for CUT."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.says: Saying = lambda asked: Answer(json={})
        self.api_url = ""

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        return application

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.method, request.raw_path, request.headers, await request.read())
        self.asked.append(asked)
        answer = self.says(asked)
        if isinstance(answer, str):
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.Response(status=answer.status, body=answer.content(), headers=answer.headers)
