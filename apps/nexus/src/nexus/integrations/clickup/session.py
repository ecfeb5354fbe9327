"""HTTP to ClickUp: one request, one answer, over connections that are kept open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlencode
from urllib.request import getproxies, proxy_bypass

import aiohttp
import orjson
from yarl import URL

TIMEOUT = aiohttp.ClientTimeout(total=10.0, connect=5.0)
"""Of one request, in seconds. `connect` covers the wait for a free connection; whom it ends has sent nothing."""

CONNECTIONS = 100
IDLE_SECONDS = 5.0

MAX_HEADER_BYTES = 100 * 1024
"""Of one line; aiohttp's own 8 KB are less than some proxies add."""

Verb = Literal["GET", "POST", "PUT", "DELETE"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What ClickUp said; the names of `headers` match in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Session:
    """Calls below one address with one token. aiohttp needs a running loop, so the first call opens it."""

    def __init__(self, api_url: str, authorization: str) -> None:
        self._api_url = api_url.rstrip("/")
        self._authorization = authorization
        self._http: aiohttp.ClientSession | None = None
        self._closed = False

    async def request(
        self, verb: Verb, path: tuple[str, ...], params: Mapping[str, str] | None = None, json: Any = None
    ) -> Reply:
        """Sends it, once. Raises aiohttp.ClientError or OSError, and RuntimeError after `aclose`."""
        http = self._http or self._open()
        # Encoded here and nowhere else: yarl would decode and normalise what an id is made of.
        url = URL(self._api_url + "".join(f"/{quote(step, safe='')}" for step in path) + _query(params), encoded=True)
        async with http.request(verb, url, json=json, allow_redirects=False) as response:
            return Reply(response.status, response.headers, await response.read())

    async def aclose(self) -> None:
        """Closes the connections, for good."""
        self._closed = True
        if self._http is not None:
            await self._http.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise RuntimeError("the session with ClickUp is closed")
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
            headers={"Authorization": self._authorization},
            cookie_jar=aiohttp.DummyCookieJar(),
            json_serialize_bytes=orjson.dumps,
            middlewares=(_once,),
            timeout=TIMEOUT,
            proxy=_proxy_for(URL(self._api_url, encoded=True)),
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )
        return self._http


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keeps aiohttp from repeating what is no POST after these two errors.

    It may have arrived, and if the second try found nobody there, it would look as if nothing had been sent.
    """
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _query(params: Mapping[str, str] | None) -> str:
    return f"?{urlencode(params)}" if params else ""


def _proxy_for(url: URL) -> str | None:
    """The environment's proxy for it, read once.

    aiohttp's `trust_env` would ask two threads at every request, and for a host in ~/.netrc it refuses our header.
    """
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(f"{url.host}:{url.port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
