"""Child processes of `oblivion up`: started, watched, started again when they die, ended together."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

STOP_SECONDS = 10
START_SECONDS = 40
RESTART_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec there is no time for it


class ChildFailed(Exception):
    """A process ended before it was ready; the text holds the end of its log."""


def end_with_parent() -> None:
    """In a new child on Linux: have it end when its parent dies in whatever way."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One process that should run until we stop it."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    restarts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _stopping: bool = False
    _watch: asyncio.Task[None] | None = field(default=None)

    async def start(self) -> None:
        """Starts it, and starts it again whenever it ends."""
        await self._spawn()
        self._watch = asyncio.create_task(self._keep_running())

    async def wait_ready(self, url: str) -> None:
        """Returns when `url` answers 200. Raises ChildFailed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        async with httpx.AsyncClient(timeout=2) as client:
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(url)).status_code == 200:
                        return
                if self.restarts or loop.time() > deadline:
                    raise ChildFailed(f"{self.name} did not start. The end of {self.log}:\n{self._tail()}")
                await asyncio.sleep(0.05)  # start-up polling; no event tells us

    async def stop(self) -> None:
        """Asks it to end, and makes it end after some seconds."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    async def _spawn(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.arguments,
                env={**os.environ, **self.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    async def _keep_running(self) -> None:
        while not self._stopping:
            assert self._process is not None
            await self._process.wait()
            if self._stopping:
                return
            self.restarts += 1
            await asyncio.sleep(RESTART_SECONDS)  # so that a process that cannot start does not spin
            await self._spawn()

    def _tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
