"""The other end of `bench.agents`, and whom it connects: registered agents of Nexus, agents of the Node side."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from cluster import Cluster

from bench.agent_socket import Member
from bench.peer import JWT_SECRET
from nexus.bootstrap import open_nexus
from nexus.cli.processes import end_with_parent

INSTANCES = 40
"""Processes of one agent."""
CONNECT_SECONDS = 180.0
_ROOT = Path(__file__).parent.parent
_LINE_BYTES = 1024 * 1024


@dataclass
class Crowd:
    """One process with many sockets, as many as were let in within two minutes."""

    process: asyncio.subprocess.Process
    connected: dict[str, Any]
    """What it said first: "connected", "seconds", and how many attempts were "refused"."""

    async def order(self, order: str, **about: Any) -> dict[str, Any]:
        """Has it do something; returns what it says. Takes as long as it was told, and half a minute at most."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"order": order, **about}).encode() + b"\n")
        return await self._heard(about.get("seconds", 0) + 40)

    async def _heard(self, seconds: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), seconds)
        if not line:
            raise RuntimeError("the agents' process has ended; its errors are above")
        return json.loads(line)


@asynccontextmanager
async def connected(port: int, members: Sequence[Member], directory: Path) -> AsyncGenerator[Crowd]:
    """A crowd of whom everybody is in, or as many as could be."""
    path = directory / "members.json"
    path.write_text(json.dumps({"port": port, "members": [asdict(member) for member in members]}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.agents", str(path), cwd=_ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES, preexec_fn=end_with_parent,
    )  # fmt: skip
    crowd = Crowd(process, {})
    try:
        crowd.connected = await crowd._heard(CONNECT_SECONDS)
        yield crowd
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def registered(cluster: Cluster, count: int) -> list[Member]:
    """So many processes of agents, `INSTANCES` of each, with a token of its agent."""
    number = -(-count // INSTANCES)
    async with open_nexus(cluster.settings) as nexus:
        made = [await nexus.directory.create(cluster.tenant_id, f"bench-{one}", ("nothing",)) for one in range(number)]
    members: list[Member] = []
    async with httpx.AsyncClient(base_url=cluster.gateway_urls[0], timeout=30, trust_env=False) as client:
        for one in made:
            asked = {
                "grant_type": "client_credentials",
                "client_id": one.client_id,
                "client_secret": one.client_secret,
            }
            token = (await client.post("/auth/token", data=asked)).raise_for_status().json()["access_token"]
            members += [Member(token, str(one.agent_id), f"{one.name}-{process}") for process in range(INSTANCES)]
    return members[:count]


def known_to_peer(count: int) -> list[Member]:
    """So many agents of the Node side."""
    until = int(time.time()) + 3600
    return [Member(_jwt({"sub": f"agent-{number}", "exp": until})) for number in range(count)]


def _jwt(claims: dict[str, Any]) -> str:
    """HS256 (RFC 7515)."""
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (signed + b"." + _base64url(hmac.digest(JWT_SECRET.encode(), signed, hashlib.sha256))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
