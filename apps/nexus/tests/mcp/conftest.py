"""Coding agents with the official MCP client, at a whole Oblivion."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from support.world import CHANNEL_ID, LIST_ID, World, running_world


@dataclass
class Coder:
    """A coding agent, reduced to its tool calls."""

    client: Client
    task: dict[str, Any] = field(default_factory=dict[str, Any])

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool returns that does its work."""
        answer = await self.client.call_tool(tool, arguments)
        assert not answer.is_error, answer.content
        return answer.structured_content

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool returns that does not."""
        answer = await self.client.call_tool(tool, arguments)
        assert answer.is_error, answer.content
        assert answer.structured_content["next"], "it says what to do"
        return answer.structured_content

    async def takes_a_task(self) -> dict[str, Any]:
        """Waits for a task and accepts it."""
        offered = await self.call("next_task", wait_seconds=20)
        assert offered["task"], offered
        self.task = offered["task"]
        await self.call("accept", **self.about)
        return self.task

    @property
    def about(self) -> dict[str, Any]:
        """What every call about its task names."""
        return {"task_id": self.task["task_id"], "epoch": self.task["epoch"]}


class Connect(Protocol):
    """Connects a coding agent."""

    def __call__(
        self, name: str | None = None, *, mode: str = "auto", url: str | None = None
    ) -> AbstractAsyncContextManager[Coder]: ...


@pytest.fixture
async def world(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[World]:
    """Everything runs; a list is linked, and the squad has one agent without a program."""
    monkeypatch.setenv("OBLIVION_SEARCH_DIRECTORY", str(tmp_path / "search"))
    async with running_world(database_url, redis_url) as running:
        running.agents["coder"] = await running.agent_credentials("coder", skills=("fix_bug",))
        await running.nexus.links.link(running.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        yield running


@pytest.fixture
async def token(world: World) -> str:
    """The agent's access token."""
    client_id, secret = world.agents["coder"]
    async with httpx.AsyncClient(base_url=world.url) as client:
        answer = await client.post("/auth/token", auth=(client_id, secret), data={"grant_type": "client_credentials"})
    return answer.json()["access_token"]


@pytest.fixture
def connect(world: World, token: str) -> Connect:
    """Coding agents with the agent's credentials; `name` is the process's own."""

    @asynccontextmanager
    async def connected(
        name: str | None = None, *, mode: str = "auto", url: str | None = None
    ) -> AsyncGenerator[Coder]:
        headers = {"Authorization": f"Bearer {token}"}
        if name is not None:
            headers["Oblivion-Instance"] = name
        async with (
            httpx2.AsyncClient(headers=headers, timeout=70) as http,
            Client(streamable_http_client(f"{url or world.url}/mcp", http_client=http), mode=mode) as client,
        ):
            yield Coder(client)

    return connected
