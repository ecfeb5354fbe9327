"""An ingress controller in small: a reverse proxy whose endpoints come and go, as EndpointSlices have them.

It sends a request on once and never again, so that whatever a gateway does wrong while it ends is seen. Connections to
gateways are kept and used again, as every ingress controller does.
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

KEEP_SECONDS = 60.0
"""How long an idle connection to a gateway is kept: nginx's and Kong's default."""
_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length"}
"""RFC 9110 §7.6.1: of one connection, not of the message; and what aiohttp writes by itself."""


@dataclass
class Ingress:
    """Where it is, and to whom it leads."""

    url: str
    endpoints: list[str] = field(default_factory=list[str])
    """Base URLs. Requests and new sockets take turns; what is connected stays."""
    failures: list[str] = field(default_factory=list[str])
    """Requests that got no answer from their gateway."""
    sockets: dict[str, int] = field(default_factory=dict[str, int])
    """How many sockets were opened to each endpoint."""
    answers: int = 0
    _turn: "itertools.count[int]" = field(default_factory=itertools.count)

    def next(self) -> str:
        """Whose turn it is."""
        return self.endpoints[next(self._turn) % len(self.endpoints)]


@asynccontextmanager
async def running_ingress() -> AsyncGenerator[Ingress]:
    """Listens on a port of its own, with no endpoint yet."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_SECONDS)
    # What comes back is passed on as it is.
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        ingress = Ingress("")

        async def serve(request: web.Request) -> web.StreamResponse:
            if not ingress.endpoints:
                return web.Response(status=503, text="no endpoint")
            target = ingress.next()
            if request.headers.get("Upgrade", "").lower() == "websocket":
                ingress.sockets[target] = ingress.sockets.get(target, 0) + 1
                return await _socket(session, request, target)
            headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP]
            try:
                async with session.request(
                    request.method,
                    target + request.raw_path,
                    headers=headers,
                    data=await request.read() if request.body_exists else None,
                    allow_redirects=False,
                ) as answer:
                    body = await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                ingress.failures.append(f"{request.method} {request.path} at {target}: {error!r}")
                return web.Response(status=502, text="the gateway did not answer")
            ingress.answers += 1
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP]
            response = web.Response(status=answer.status, body=body)
            response.headers.clear()
            response.headers.extend(kept)
            return response

        app = web.Application(client_max_size=2 * 1024 * 1024)
        app.router.add_route("*", "/{tail:.*}", serve)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        ingress.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield ingress
        finally:
            await runner.cleanup()


async def _socket(session: aiohttp.ClientSession, request: web.Request, target: str) -> web.StreamResponse:
    """Two sockets made one; when either ends, so does the other."""
    near = web.WebSocketResponse(max_msg_size=0, autoping=False)
    try:
        far = await session.ws_connect(target + request.raw_path, max_msg_size=0, autoping=False)
    except (aiohttp.ClientError, TimeoutError):
        return web.Response(status=502, text="the gateway did not answer")
    async with far:
        await near.prepare(request)

        async def pump(
            source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
            sink: web.WebSocketResponse | aiohttp.ClientWebSocketResponse,
        ) -> None:
            async for message in source:
                with suppress(ConnectionError):
                    if message.type is aiohttp.WSMsgType.TEXT:
                        await sink.send_str(message.data)
                    elif message.type is aiohttp.WSMsgType.BINARY:
                        await sink.send_bytes(message.data)

        ways = [asyncio.create_task(pump(near, far)), asyncio.create_task(pump(far, near))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        await near.close()
    return near
