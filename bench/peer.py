"""The Node side: NestJS, BullMQ and Socket.IO as one process, `async with running_peer(role, redis_url) as peer`."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from nexus.cli.processes import end_with_parent
from nexus.kit.embedded import free_port

MAIN = Path(__file__).with_name("peer") / "dist" / "main.js"
WEBHOOK_SECRET = "peer-webhook-secret"
JWT_SECRET = "peer-jwt-secret-of-at-least-32-bytes"
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One process of it that listens."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def running_peer(
    role: str, redis_url: str, *, port: int | None = None, env: Mapping[str, str] | None = None
) -> AsyncGenerator[Peer]:
    """Starts it in one role (`ingest`, `gateway` or `worker`) and ends it. Raises RuntimeError when it does not start.

    Webhooks are signed with `WEBHOOK_SECRET`, tokens of agents (HS256, `sub` names the agent) with `JWT_SECRET`.
    """
    if not MAIN.exists():
        raise RuntimeError(f"there is no {MAIN}; `make bench-gateway` builds it, with Node 20 or newer")
    port = port or free_port()
    told = {
        "PEER_ROLE": role,
        "PORT": str(port),
        "REDIS_URL": redis_url,
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "JWT_SECRET": JWT_SECRET,
        "NODE_ENV": "production",
    }
    process = await asyncio.create_subprocess_exec(
        "node", str(MAIN),
        env={**os.environ, **told, **(env or {})}, stdout=asyncio.subprocess.PIPE, preexec_fn=end_with_parent,
    )  # fmt: skip
    try:
        await _ready(process)
        yield Peer(port, process.pid)
    finally:
        await _end(process)


async def _ready(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(START_SECONDS):
        while line := (await process.stdout.readline()).decode():
            if line.strip() == "ready":
                return
            said += line
    raise RuntimeError(f"the Node side did not start (exit code {await process.wait()}); {said.strip()}")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
