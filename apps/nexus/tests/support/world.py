"""A whole Oblivion in one event loop: sandbox, gateway and worker, on real PostgreSQL and Valkey."""

import asyncio
import secrets
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import text

from nexus.bootstrap import Nexus, open_nexus
from nexus.cli.admin import tenant_named
from nexus.gateway.server import Gateway
from nexus.settings import Settings
from nexus.worker import WorkerProcess
from oblivion_protocol import ADMIN_READ, ADMIN_WRITE
from oblivion_sandbox import Running, Sandbox, running_sandbox, seed
from oblivion_sandbox import Settings as SandboxSettings
from support.waiting import eventually

LIST_ID = seed.CLICKUP_LIST_INBOX
CHANNEL_ID = seed.SLACK_CHANNEL_AI_SQUAD


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@dataclass
class World:
    """Everything that a flow needs; people act through the vendors' own APIs."""

    nexus: Nexus
    gateway: Gateway
    url: str
    box: Running
    tenant_id: UUID
    people: httpx.AsyncClient
    slack: AsyncWebClient
    agents: dict[str, Any] = field(default_factory=dict[str, Any])
    worker: WorkerProcess | None = None
    _running_worker: asyncio.Task[None] | None = None

    # --- people in ClickUp ---

    async def create_task(self, title: str, description: str = "@AI_Squad fix_bug", **more: Any) -> str:
        answer = await self.people.post(
            f"/list/{more.pop('list_id', LIST_ID)}/task",
            json={"name": title, "markdown_description": description, **more},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["id"]

    async def change_task(self, item_id: str, **changes: Any) -> None:
        answer = await self.people.put(f"/task/{item_id}", json=changes)
        assert answer.status_code == 200, answer.text

    async def comment(self, item_id: str, said: str) -> str:
        answer = await self.people.post(f"/task/{item_id}/comment", json={"comment_text": said, "notify_all": False})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def comments(self, item_id: str) -> list[str]:
        """Texts of our own comments, oldest first."""
        found = (await self.people.get(f"/task/{item_id}/comment")).json()["comments"]
        return [one["comment_text"] for one in reversed(found) if one["user"]["id"] == seed.CLICKUP_USER_BOT]

    # --- people in Slack ---

    async def roots(self, containing: str = "") -> list[dict[str, Any]]:
        history = await self.slack.conversations_history(channel=CHANNEL_ID, limit=200)
        return [one for one in history["messages"] if one.get("bot_id") and containing in one["text"]]

    async def root(self, containing: str) -> dict[str, Any]:
        """The one card about something; waits for it."""
        found = await eventually(lambda: self.roots(containing), f"a card about {containing!r}")
        assert len(found) == 1, [one["text"] for one in found]
        return found[0]

    async def thread(self, root_ts: str) -> list[dict[str, Any]]:
        """Everything below the root."""
        return (await self.slack.conversations_replies(channel=CHANNEL_ID, ts=root_ts, limit=200))["messages"][1:]

    async def said(self, root_ts: str) -> list[str]:
        """What we said below the root."""
        return [one["text"] for one in await self.thread(root_ts) if one.get("bot_id")]

    async def reply(self, root_ts: str, said: str, **more: Any) -> str:
        answer = await self.slack.chat_postMessage(channel=CHANNEL_ID, thread_ts=root_ts, text=said, **more)
        return answer["ts"]

    # --- the inside, for what nobody outside can see ---

    async def rows(self, query: str, **parameters: Any) -> list[Any]:
        async with self.nexus.db.engine.connect() as connection:
            return list((await connection.execute(text(query), parameters)).all())

    async def settled(self) -> None:
        """Returns once nothing is on its way any more: not from the vendors to us, nor from us to them."""

        async def idle() -> bool:
            if self.box.sandbox.core.outgoing.under_way:
                return False
            (count,) = (
                await self.rows(
                    "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending') + "
                    "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending'))"
                )
            )[0]
            return count == 0 and not self.box.sandbox.core.outgoing.under_way

        await eventually(idle, "everything settled")

    async def start_worker(self) -> None:
        self.worker = self.nexus.worker()
        self._running_worker = asyncio.create_task(self.worker.run())

    async def stop_worker(self) -> None:
        if self.worker is not None and self._running_worker is not None:
            self.worker.stop()
            await self._running_worker
            self.worker = None

    async def agent_credentials(self, name: str = "fixer", **more: Any) -> tuple[str, str]:
        made = await self.nexus.directory.create(self.tenant_id, name, more.get("skills", ()), ("AI_Squad",))
        return made.client_id, made.client_secret

    async def admin(self) -> httpx.AsyncClient:
        """An API client with all rights in this tenant."""
        client_id, secret = await self.nexus.clients.create(
            self.tenant_id, f"admin-{secrets.token_hex(3)}", [ADMIN_READ, ADMIN_WRITE]
        )
        async with httpx.AsyncClient(base_url=self.url) as client:
            answer = await client.post(
                "/auth/token",
                data={"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret},
            )
        return httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
        )


@asynccontextmanager
async def serving(nexus: Nexus, listener: socket.socket) -> AsyncGenerator[Gateway]:
    """Serves API, webhooks and sockets on a bound socket."""
    await nexus.keys.ensure()
    gateway = nexus.gateway()
    server = _Server(
        uvicorn.Config(
            nexus.application(gateway), ws="websockets-sansio", ws_ping_interval=None, lifespan="off",
            access_log=False, log_config=None, proxy_headers=False, timeout_keep_alive=75, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    running = asyncio.create_task(server.serve(sockets=[listener]))
    loops = [asyncio.create_task(gateway.run()), asyncio.create_task(nexus.bells.listen())]
    try:
        yield gateway
    finally:
        await gateway.close_all()
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        server.should_exit = True
        await running


def listening(port: int = 0) -> tuple[socket.socket, str]:
    """A bound socket on loopback, and its URL; on any free port if none is named."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def local_sandbox() -> Sandbox:
    """A ClickUp and a Slack that try again soon."""
    return Sandbox(SandboxSettings(clickup_retry_base_seconds=0.2, slack_retry_seconds=[0.05, 0.2, 0.5]))


@asynccontextmanager
async def running_world(database_url: str, redis_url: str, **settings: Any) -> AsyncGenerator[World]:
    """Starts everything, connects it as an operator would, and stops it again."""
    listener, url = listening()
    async with (
        running_sandbox(sandbox=local_sandbox()) as box,
        running_nexus(box, database_url, redis_url, listener, url, **settings) as world,
    ):
        await connect(world)
        await world.start_worker()
        yield world


@asynccontextmanager
async def running_nexus(
    box: Running, database_url: str, redis_url: str, listener: socket.socket, url: str, **more: Any
) -> AsyncGenerator[World]:
    """Nexus before a running sandbox; its worker is not started yet. `more` are settings."""
    given = {"database_url": database_url, "redis_url": redis_url, "environment": "development", "public_url": url}
    settings = Settings.model_validate({**given, **more})
    async with open_nexus(settings) as nexus, serving(nexus, listener) as gateway:
        tenant_id = await tenant_named(nexus, "acme", create=True)
        dana = {"Authorization": seed.CLICKUP_TOKEN_DANA}
        async with httpx.AsyncClient(base_url=box.clickup_api_url, headers=dana, timeout=10) as people:
            world = World(
                nexus=nexus, gateway=gateway, url=url, box=box, tenant_id=tenant_id, people=people,
                slack=AsyncWebClient(token=seed.SLACK_TOKEN_DANA, base_url=box.slack_api_url, retry_handlers=[]),
            )  # fmt: skip
            try:
                yield world
            finally:
                await world.stop_worker()


async def connect(world: World) -> None:
    """Connects both vendors, as an operator would."""
    async with httpx.AsyncClient(base_url=world.box.url, timeout=10) as control:
        offered = (await control.get("/_control/world")).json()
        for vendor in ("slack", "clickup"):
            await world.nexus.onboarding.connect(world.tenant_id, vendor, offered[vendor], "test")
        url = f"{world.url}/webhooks/slack"
        hooks = {"events_url": url, "interactivity_url": f"{url}/interactive"}
        verified: dict[str, Any] = {}

        async def verify() -> bool:
            """As a person would press "Retry": on a starved machine the first request may get a 503."""
            verified.update((await control.post("/_control/slack/app", json=hooks)).json())
            return verified["verification"]["ok"]

        await eventually(verify, f"Slack takes our addresses: {verified}")
