"""The other end of `agents_crowd.py`: crowds of agents' sockets, seen from the gateway's side of each connection."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nexus.cli.processes import end_with_parent

PROGRAM = Path(__file__).with_name("agents_crowd.py")
READY_SECONDS = 400.0
_LINE_BYTES = 4 * 1024 * 1024
_ESTABLISHED = "01"


@dataclass
class Crowd:
    """One process with many sockets."""

    process: asyncio.subprocess.Process
    ports: dict[str, int] = field(default_factory=dict[str, int])
    """Instance → its end of the connection."""

    async def order(self, line: str) -> dict[str, Any]:
        """Has the crowd do something, and returns what it says."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        return await self.heard(30)

    async def heard(self, seconds: float) -> dict[str, Any]:
        """The next thing it says."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), seconds)
        assert line, "a crowd ended; its errors are above"
        return json.loads(line)

    def stop(self) -> None:
        """SIGSTOP."""
        self.process.send_signal(signal.SIGSTOP)


@asynccontextmanager
async def gathered(url: str, members: Sequence[dict[str, str]], directory: Path, name: str) -> AsyncGenerator[Crowd]:
    """A crowd of which everybody has said hello."""
    path = directory / f"{name}.json"
    path.write_text(json.dumps({"url": url, "members": list(members)}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), str(path),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES, preexec_fn=end_with_parent,
    )  # fmt: skip
    crowd = Crowd(process)
    try:
        crowd.ports = (await crowd.heard(READY_SECONDS))["ports"]
        yield crowd
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


def open_ports(server_port: int) -> set[int]:
    """The peers' ports of all connections that the server's side holds open."""
    found: set[int] = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *_ = line.split()
        if state == _ESTABLISHED and int(local.rpartition(":")[2], 16) == server_port:
            found.add(int(remote.rpartition(":")[2], 16))
    return found
