"""What answers tell browsers and caches, and whose pages may read them."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from nexus.http.app import create_app
from nexus.http.parts import HttpParts
from nexus.settings import Settings
from nexus.store.database import Database

OURS = "https://observer.example"
STRANGERS = ("https://evil.example", "null", "https://observer.example.evil.example", "http://observer.example",
             "https://observer.example:8443", "https://OBSERVER.example", "*")  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/v1/tasks", "/v1/nothing", "/livez", "/auth/token", "/openapi.json", "/docs", "/redoc"]
)
async def test_every_answer_forbids_sniffing_framing_and_being_kept(api: httpx.AsyncClient, acme, path: str) -> None:
    for headers in (acme.headers, {}):
        answer = await api.get(path, headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.headers.get_list("cache-control")) == 1


async def test_what_says_how_long_it_may_be_kept_keeps_that(api: httpx.AsyncClient) -> None:
    assert (await api.get("/.well-known/jwks.json")).headers["cache-control"] == "public, max-age=60"


async def test_only_over_https_a_browser_is_told_to_stay_there(parts: HttpParts) -> None:
    for scheme, told in (("http", None), ("https", "max-age=31536000")):
        transport = httpx.ASGITransport(create_app(parts))
        async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://nexus") as client:
            assert (await client.get("/livez")).headers.get("strict-transport-security") == told


async def test_pages_of_exactly_the_named_origins_may_read_and_nobody_sends_cookies(
    serve: Callable[[HttpParts], httpx.AsyncClient], make_parts: Callable[..., HttpParts], database: Database, acme
) -> None:
    client = serve(make_parts(database, cors_origins=(OURS,)))
    for origin in (*STRANGERS, OURS, None):
        headers = acme.headers | ({} if origin is None else {"Origin": origin})
        asked = headers | {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "Authorization"}
        for answer in (
            await client.get("/v1/tasks", headers=headers),
            await client.options("/v1/tasks", headers=asked),
        ):
            allowed = OURS if origin == OURS else None
            assert answer.headers.get("access-control-allow-origin") == allowed, origin
            assert "access-control-allow-credentials" not in answer.headers
            assert "origin" in answer.headers["vary"].lower(), "a cache must not give one origin's answer to another"


@pytest.mark.parametrize(
    "wrong", ["*", "null", "https://*.example", "https://a.example/", "https://a.example/x", "a.example", "", "HTTPS://A",
              "https://a.example:x", "https://u@a.example", "https://a.example https://b.example", "file://", "https://"]
)  # fmt: skip
def test_an_origin_that_is_none_is_no_setting(wrong: str) -> None:
    with pytest.raises(ValidationError, match="cors_origins"):
        Settings.model_validate({"cors_origins": [wrong]})


@pytest.mark.parametrize("right", ["https://a.example", "http://127.0.0.1:3000", "http://[::1]:3000"])
def test_an_origin_as_a_browser_writes_it_is_one(right: str) -> None:
    assert Settings.model_validate({"cors_origins": [right]}).cors_origins == [right]


async def test_a_body_that_does_not_come_is_not_waited_for(
    parts: HttpParts, acme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus.http.boundary.BODY_TIMEOUT_SECONDS", 0.05)
    sent: list[dict[str, Any]] = []
    pieces = [{"type": "http.request", "body": b'{"name": "', "more_body": True}]

    async def receive() -> dict[str, Any]:
        if pieces:
            return pieces.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in acme.headers.items()]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/agents", "raw_path": b"/v1/agents", "query_string": b"",
        "headers": [*headers, (b"content-type", b"application/json")], "http_version": "1.1", "scheme": "http",
        "server": ("nexus", 80), "client": ("1.2.3.4", 1), "root_path": "",
    }  # fmt: skip
    await asyncio.wait_for(create_app(parts)(scope, receive, send), 10)
    assert sent[0]["status"] == 408
    assert b'"code":"timeout"' in sent[1]["body"]
