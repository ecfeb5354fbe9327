"""Running the sandbox: as a process, or inside the event loop of a test."""

import asyncio
import signal
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn

from oblivion_sandbox.app import create_app
from oblivion_sandbox.net import is_loopback_host
from oblivion_sandbox.sandbox import Sandbox

SHUTDOWN_SECONDS = 1


def bind(host: str, port: int, *, allow_remote: bool = False) -> socket.socket:
    """A listening socket, on this machine unless `allow_remote`.

    Raises ValueError for any other host, OSError when the port is taken.
    """
    if not allow_remote and not is_loopback_host(host):
        raise ValueError(
            f"{host} is not a loopback address: the sandbox has no real secrets and stays on this machine. "
            "Where only those can reach it who may, --allow-remote listens all the same."
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio turns Nagle off: else every answer waits 40 ms for a delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket) -> str:
    """The URL of a bound socket, without a slash at the end."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _EmbeddedServer(uvicorn.Server):
    """Leaves the process's signals alone, and ends when it is told, with no polling in between."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Ask it to stop."""
        self._ending.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._ending.wait()


def server_config(sandbox: Sandbox, listener: socket.socket) -> uvicorn.Config:
    """How to serve for `listener`; it exits within 2 s of being asked to, even with connections open."""
    sandbox.core.listens_at(base_url(listener))
    return uvicorn.Config(
        create_app(sandbox),
        log_level="warning",
        access_log=False,
        http="h11",
        ws="websockets-sansio",
        loop="asyncio",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        date_header=False,
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that listens."""

    url: str
    sandbox: Sandbox

    @property
    def clickup_api_url(self) -> str:
        """Base of the ClickUp API, without a slash at the end."""
        return f"{self.url}/clickup/api/v2"

    @property
    def slack_api_url(self) -> str:
        """Base of the Slack Web API, with the slash slack_sdk wants."""
        return f"{self.url}/slack/api/"


@asynccontextmanager
async def running_sandbox(port: int = 0, sandbox: Sandbox | None = None) -> AsyncGenerator[Running]:
    """Run a sandbox on 127.0.0.1 in the current event loop; port 0 picks a free one."""
    state = sandbox or Sandbox()
    listener = bind("127.0.0.1", port)
    url = base_url(listener)
    server = _EmbeddedServer(server_config(state, listener))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Running(url, state)
    finally:
        server.end()
        await task


async def serve_until_signal(sandbox: Sandbox, listener: socket.socket) -> None:
    """Run until SIGTERM or SIGINT; open connections and hangs get a second to end."""
    server = _EmbeddedServer(server_config(sandbox, listener))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.end)
    await server.serve(sockets=[listener])
