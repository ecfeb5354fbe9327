"""What the tests of the ClickUp integration share."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestServer
from support.local_clickup import LocalClickUp, Script

from nexus.pipeline.ports import Connected, RawRequest

PAYLOADS = Path(__file__).parent / "payloads"
NOW = datetime(2025, 11, 22, 12, tzinfo=UTC)


class HeldClock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def payload() -> Callable[[str], bytes]:
    """The bytes of a payload by its name."""
    return lambda name: (PAYLOADS / f"{name}.json").read_bytes()


@pytest.fixture
def changed(payload: Callable[[str], bytes]) -> Callable[..., bytes]:
    """A webhook payload with some keys changed, and some of its first history item (`item=`)."""

    def change(name: str, item: Mapping[str, Any] | None = None, **keys: Any) -> bytes:
        document = json.loads(payload(name)) | keys
        if item is not None:
            document["history_items"][0] |= item
        return json.dumps(document).encode()

    return change


@pytest.fixture
def request_of() -> Callable[..., RawRequest]:
    return lambda body, **headers: RawRequest(body=body, headers=headers, path="")


@pytest.fixture
def connected() -> Callable[..., Connected]:
    """A connection of the bot (user 81230001), or with other facts and credentials."""

    def connect(credentials: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None) -> Connected:
        return Connected(
            id=UUID(int=1),
            tenant_id=UUID(int=2),
            vendor="clickup",
            workspace_id="9011012345",
            credentials={"token": "pk_81230001_TEST"} if credentials is None else credentials,
            facts={"user_id": "81230001", "username": "Oblivion"} if facts is None else facts,
        )

    return connect


@pytest.fixture
async def local() -> AsyncIterator[LocalClickUp]:
    """A ClickUp on the loopback, to which `connected_to_local` connects."""
    made = LocalClickUp()
    async with TestServer(made.application()) as server:
        made.api_url = str(server.make_url("/api/v2"))
        yield made


@pytest.fixture
def connected_to_local(local: LocalClickUp, connected: Callable[..., Connected]) -> Callable[..., Connected]:
    """Like `connected`, with the local ClickUp's address among the credentials."""

    def connect(credentials: Mapping[str, Any] | None = None, **facts: Any) -> Connected:
        return connected({"token": "pk_81230001_TEST"} | dict(credentials or {}) | {"api_url": local.api_url}, **facts)

    return connect


@pytest.fixture
async def scripted() -> AsyncIterator[Callable[[Script], Awaitable[str]]]:
    """Starts a server that does what a script says with every connection; returns its address."""
    async with AsyncExitStack() as stack:

        async def start(script: Script) -> str:
            async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await script(reader, writer)
                writer.close()

            server = await stack.enter_async_context(await asyncio.start_server(converse, "127.0.0.1", 0))
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

        yield start
