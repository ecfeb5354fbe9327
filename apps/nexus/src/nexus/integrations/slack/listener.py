"""Events over Socket Mode, for a hub that has no public address.

The payloads are those of HTTP; they are passed on in the same form, so that one parser serves both.
Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

import asyncio
import json
import time
from typing import Any, cast
from urllib.parse import urlencode

from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from nexus.integrations.slack.answers import SocketAddress
from nexus.integrations.slack.client import Connect
from nexus.integrations.slack.payloads import Credentials
from nexus.kit.logging import get_logger
from nexus.kit.retry import full_jitter_seconds
from nexus.pipeline.errors import Retryable, Unsure
from nexus.pipeline.ports import Accept, RawRequest

log = get_logger(__name__)

_CHECK_SECONDS = 5.0
_DEAD_AFTER_SECONDS = 30.0
_CONNECT_SECONDS = 15.0
_MAX_WAIT_SECONDS = 60.0


async def listen(credentials: Credentials, accept: Accept, connect: Connect) -> None:
    """Runs until cancelled. Raises Rejected when Slack refuses the token; waits out anything else."""
    attempt = 0
    while True:
        started_seconds = time.monotonic()
        try:
            await _one_connection(credentials, accept, connect)
        except (Retryable, Unsure, TimeoutError) as failure:
            log.warning("slack.socket_lost", reason=str(failure) or type(failure).__name__)
        # A connection that held for a while makes the next loss a first one again.
        attempt = 1 if time.monotonic() - started_seconds > _MAX_WAIT_SECONDS else attempt + 1
        await asyncio.sleep(full_jitter_seconds(attempt, cap_seconds=_MAX_WAIT_SECONDS))


async def _one_connection(credentials: Credentials, accept: Accept, connect: Connect) -> None:
    """Until slack_sdk, which reconnects by itself, has not managed to for half a minute.

    Left alone it would try one expired address for ever, so it is given a new one by starting again.
    """
    address = await _address(credentials, connect)
    web = AsyncWebClient(base_url=credentials.api_url, retry_handlers=[])
    client = SocketModeClient(app_token=credentials.app_token, web_client=web)
    client.wss_uri = address
    client.socket_mode_request_listeners.append(_Passing(accept))
    try:
        await asyncio.wait_for(client.connect(), _CONNECT_SECONDS)
        log.info("slack.socket_open")
        alive_seconds = time.monotonic()
        while time.monotonic() - alive_seconds < _DEAD_AFTER_SECONDS:
            await asyncio.sleep(_CHECK_SECONDS)
            if await client.is_connected():
                alive_seconds = time.monotonic()
    finally:
        await client.close()


async def _address(credentials: Credentials, connect: Connect) -> str:
    client = connect(credentials.app_token, credentials.api_url)
    try:
        return (await client.write("apps.connections.open", SocketAddress)).url
    finally:
        await client.aclose()


class _Passing:
    """Passes each envelope on, and acknowledges it only after it is durable: else Slack sends it again."""

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    async def __call__(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        raw = raw_request(request.type, cast("dict[str, Any]", request.payload))  # pyright: ignore[reportUnknownMemberType]
        if raw is None:
            log.info("slack.envelope_unused", type=request.type)
        else:
            try:
                await self._accept(raw)
            except Exception as failure:
                log.warning("slack.envelope_refused", type=request.type, failure=type(failure).__name__)
                return
        await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))


def raw_request(kind: str, payload: dict[str, Any]) -> RawRequest | None:
    """An envelope as the webhook that it would have been; None for kinds that are not used."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    match kind:
        case "events_api":
            return RawRequest(body.encode(errors="surrogatepass"), {"content-type": "application/json"}, "")
        case "interactive":
            form = urlencode({"payload": body}, errors="surrogatepass")
            headers = {"content-type": "application/x-www-form-urlencoded"}
            return RawRequest(form.encode(), headers, "interactive")
        case _:
            return None
