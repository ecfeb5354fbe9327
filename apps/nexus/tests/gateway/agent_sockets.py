"""Agents without the SDK: python-socketio as it is, and a bare WebSocket that writes each packet by hand."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import socketio
import uvicorn
from socketio.exceptions import ConnectionError as Refused
from support.waiting import eventually
from support.world import World
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from nexus.bootstrap import Nexus
from nexus.gateway.server import Gateway
from nexus.tasks import mailbox
from oblivion_protocol import AGENT

NAMESPACE = "/agents"
BOUND_SECONDS = 10.0


@dataclass(frozen=True)
class Account:
    """An agent as its owner registered it, with a valid token."""

    agent_id: UUID
    client_id: str
    name: str
    token: str
    alias: str
    """Without its @. Each agent has one of its own, so that tests of one world do not share work."""


async def register(world: World, *, alias: str | None = None, tenant_id: UUID | None = None) -> Account:
    """A new agent, behind an alias that another one may have already."""
    name, tenant_id = f"agent-{secrets.token_hex(4)}", tenant_id or world.tenant_id
    alias = alias or f"squad_{secrets.token_hex(4)}"
    made = await world.nexus.directory.create(tenant_id, name, (), (alias,))
    issued = await world.nexus.tokens.issue(made.client_id, tenant_id, [AGENT], made.agent_id)
    return Account(made.agent_id, made.client_id, name, issued.access_token, alias)


async def owe(
    world: World, account: Account, *texts: str, instance: str | None = "one", task_id: str | None = None
) -> None:
    """Owes an agent events, as everything does that has something to tell it."""
    async with world.nexus.db.tenant(world.tenant_id) as session:
        for said in texts:
            await mailbox.post(
                session, account.agent_id, world.tenant_id, "agent.muted",
                task_id=task_id and UUID(task_id), instance=instance, reason=said,
            )  # fmt: skip
    world.nexus.bells.ring("agents")


class AgentSocket:
    """One connection of one process of an agent; keeps every event in the order of arrival."""

    def __init__(self, url: str, token: str | None, namespace: str = NAMESPACE) -> None:
        self._url, self._token, self._namespace = url, token, namespace
        self.refusal: str | None = None
        self.closed = asyncio.Event()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.client: Any = socketio.AsyncClient(reconnection=False, handle_sigint=False)
        self.client.on("*", self._received, namespace=namespace)
        self.client.on("connect_error", self._refused, namespace=namespace)
        self.client.on("disconnect", self._lost, namespace=namespace)

    async def open(self) -> "AgentSocket":
        """Connects. Raises the library's ConnectionError."""
        await self.client.connect(
            self._url,
            auth=None if self._token is None else {"token": self._token},
            transports=["websocket"],
            namespaces=[self._namespace],
            wait_timeout=BOUND_SECONDS,
        )
        return self

    async def close(self) -> None:
        await self.client.disconnect()

    async def call(self, name: str, *data: Any) -> Any:
        """Sends a frame and returns its answer."""
        return await self.client.call(name, data[0] if data else None, namespace=self._namespace, timeout=BOUND_SECONDS)

    async def emit(self, name: str, data: Any) -> None:
        """Sends a frame without waiting for its answer."""
        await self.client.emit(name, data, namespace=self._namespace)

    async def hello(self, instance: str = "one", **more: Any) -> dict[str, Any]:
        answer = await self.call("hello", {"instance": instance, "skills": ["fix_bug"], "capacity": 5, **more})
        assert answer["ok"], answer
        return answer

    async def command(self, name: str, task: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A command about a task, under the epoch of the given offer unless told otherwise."""
        return await self.call(name, frame(task, **more))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [data for event, data in self.events if event == name]

    def seqs(self) -> list[int]:
        return [data["seq"] for _, data in self.events if "seq" in data]

    async def offered(self, number: int = 1) -> dict[str, Any]:
        """The latest offer, once there are so many."""
        await eventually(lambda: len(self.of("task.assigned")) >= number, f"offer {number}", BOUND_SECONDS)
        return self.of("task.assigned")[-1]

    async def gone(self, seconds: float = BOUND_SECONDS) -> None:
        """Returns when the server has ended this connection."""
        await asyncio.wait_for(self.closed.wait(), seconds)

    async def _received(self, name: str, data: Any = None) -> None:
        self.events.append((name, data))

    async def _refused(self, reason: Any = None) -> None:
        self.refusal = reason["message"] if isinstance(reason, dict) else reason

    async def _lost(self, *_reason: Any) -> None:
        self.closed.set()


def frame(task: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What every command about a task carries."""
    return {"task_id": task["task_id"], "epoch": task["epoch"], "event_id": secrets.token_hex(8), **more}


async def refusal(url: str, token: str | None, namespace: str = NAMESPACE) -> str | None:
    """What a client is told when it is not let in; None when it is let in."""
    agent = AgentSocket(url, token, namespace)
    try:
        await agent.open()
    except Refused as error:
        return agent.refusal or str(error)
    await agent.close()
    return None


@asynccontextmanager
async def connected(
    url: str, account: Account, instance: str | None = "one", **more: Any
) -> AsyncGenerator[AgentSocket]:
    """A connection that has said hello, unless `instance` is None."""
    agent = await AgentSocket(url, account.token).open()
    try:
        if instance is not None:
            await agent.hello(instance, **more)
        yield agent
    finally:
        await agent.close()


class RawSocket:
    """Engine.IO 4 by hand: nothing is answered that a test does not answer, not even a ping."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    async def enter(self, token: str, instance: str = "raw") -> None:
        """Connects to the namespace and says hello."""
        await self.send(f"40{NAMESPACE}," + json.dumps({"token": token}))
        await self.receive("40")
        await self.send(f"42{NAMESPACE},0" + json.dumps(["hello", {"instance": instance}]))
        await self.receive("43")

    async def send(self, packet: str | bytes) -> None:
        await self._websocket.send(packet)

    async def receive(self, beginning: str) -> str:
        """The next packet that begins so; others are dropped."""
        async with asyncio.timeout(BOUND_SECONDS):
            while True:
                packet = await self._websocket.recv()
                if isinstance(packet, str) and packet.startswith(beginning):
                    return packet

    async def closed(self, seconds: float = BOUND_SECONDS) -> bool:
        """Whether the server closes the WebSocket within the bound, while every ping is answered."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if await self._websocket.recv() == "2":
                        await self.send("3")
        except ConnectionClosed:
            return True
        except TimeoutError:
            return False


@asynccontextmanager
async def raw(url: str) -> AsyncGenerator[RawSocket]:
    """An open Engine.IO transport that has joined no namespace."""
    address = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    async with connect(address, close_timeout=0.1) as websocket:
        opened = RawSocket(websocket)
        await opened.receive("0")
        yield opened


@asynccontextmanager
async def deaf(url: str) -> AsyncGenerator[None]:
    """A transport whose other end takes nothing from the wire: what it is sent piles up at the server."""
    loop, address = asyncio.get_running_loop(), urlsplit(url)
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.setblocking(False)
        await loop.sock_connect(peer, (address.hostname, address.port))
        request = (
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1", f"Host: {address.netloc}", "Upgrade: websocket",
            "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "\r\n",
        )  # fmt: skip
        await loop.sock_sendall(peer, "\r\n".join(request).encode())
        yield


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@dataclass
class Serving:
    """A gateway process of the same installation."""

    gateway: Gateway
    url: str


@asynccontextmanager
async def another_gateway(nexus: Nexus) -> AsyncGenerator[Serving]:
    """A second gateway of the same installation, made under the constants of this moment."""
    gateway = nexus.gateway()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    server = _Server(
        uvicorn.Config(
            socketio.ASGIApp(gateway.sio), ws="websockets-sansio", ws_ping_interval=None, lifespan="off",
            access_log=False, log_config=None, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    running = asyncio.create_task(gateway.run())
    try:
        yield Serving(gateway, f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        await gateway.close_all()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        server.should_exit = True
        await serving
