"""The parts of `oblivion up`: started, watched, started again when they end, stopped together."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import httpx

from nexus.kit.embedded import EmbeddedServerError

STOP_SECONDS = 10
START_SECONDS = 40
SHORT_LIFE_SECONDS = 1.5
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 5.0
_PR_SET_PDEATHSIG = 1
_SIGNALS = {number.value: number.name for number in signal.Signals}
_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec there is no time for it

OnChange = Callable[[str | None], None]
"""Called in the event loop when a part has ended or runs again, with a sentence for people if there is one."""


class ChildFailed(Exception):
    """A process ended before it was ready; the text holds the end of its log."""


class Server(Protocol):
    """An embedded server, as `nexus.kit.embedded` has them."""

    @property
    def pid(self) -> int:
        """Its process id, once started."""
        ...

    def start(self) -> None:
        """Returns when it takes connections. Raises EmbeddedServerError."""
        ...

    def wait(self) -> int:
        """Returns its exit code when it has ended."""
        ...

    def stop(self) -> None:
        """Stops it if it runs."""
        ...


def end_with_parent() -> None:
    """In a new child on Linux: have it end when the thread that made it does, in whatever way."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Restarts:
    """How long to wait before something that ended is started again: not at all, unless it cannot stay up."""

    def __init__(self) -> None:
        self._short_lives = 0

    def pause_seconds(self, lived_seconds: float) -> float:
        """Call once for each end."""
        self._short_lives = self._short_lives + 1 if lived_seconds < SHORT_LIFE_SECONDS else 0
        if self._short_lives < 2:
            return 0.0
        return min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._short_lives - 2))


@dataclass
class Child:
    """One process that should run until we stop it."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    on_change: OnChange = lambda _sentence: None
    restarts: int = 0
    _process: asyncio.subprocess.Process | None = None
    _stopping: bool = False
    _watch: asyncio.Task[None] | None = field(default=None)

    @property
    def pid(self) -> int | None:
        """Its process id; None while it does not run."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

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
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
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
        restarts = Restarts()
        while not self._stopping:
            assert self._process is not None
            began = time.monotonic()
            code = await self._process.wait()
            if self._stopping:
                return
            self.restarts += 1
            self.on_change(None)
            await asyncio.sleep(restarts.pause_seconds(time.monotonic() - began))
            await self._spawn()
            self.on_change(_started_again(self.name, code))

    def _tail(self, lines: int = 15) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class KeptServer:
    """An embedded server that runs until we stop it, on the same port with the same data.

    It has a thread of its own. To start a server blocks, and no other thread may do it: `end_with_parent` ends
    a child with the thread that made it, which for one of a pool may be at any time.
    """

    def __init__(self, name: str, server: Server, on_change: OnChange = lambda _sentence: None) -> None:
        self.name = name
        self._server = server
        self._on_change = on_change
        self._runs = False
        self._stopping = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._thread = threading.Thread(target=self._keep_running, name=f"keeps {name}", daemon=True)

    @property
    def pid(self) -> int | None:
        """Its process id; None while it does not run."""
        return self._server.pid if self._runs else None

    async def start(self) -> None:
        """Returns when it takes connections. Raises EmbeddedServerError."""
        self._thread.start()
        await self._started

    async def stop(self) -> None:
        """Stops it, wherever it is in starting or running."""
        self._stopping.set()
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        while self._thread.is_alive():
            self._server.stop()
            self._thread.join(0.1)

    def _keep_running(self) -> None:
        try:
            self._server.start()
        except Exception as error:
            self._in_loop(self._settle, error)
            return
        self._runs = True
        self._in_loop(self._settle, None)
        restarts = Restarts()
        while True:
            began = time.monotonic()
            code = self._server.wait()
            self._runs = False
            if self._stopping.is_set():
                return
            self._in_loop(self._on_change, None)
            if self._stopping.wait(restarts.pause_seconds(time.monotonic() - began)):
                return
            try:
                self._server.start()
            except EmbeddedServerError as error:
                if not self._stopping.is_set():
                    self._in_loop(self._on_change, f"{self.name} could not be started again; trying on. {error}")
                continue
            self._runs = True
            self._in_loop(self._on_change, _started_again(self.name, code))

    def _settle(self, error: Exception | None) -> None:
        if self._started.done():  # nobody waits any more
            return
        if error is None:
            self._started.set_result(None)
        else:
            self._started.set_exception(error)

    def _in_loop(self, call: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody to tell
            self._loop.call_soon_threadsafe(call, *arguments)


def _started_again(name: str, exit_code: int) -> str:
    how = f"with code {exit_code}" if exit_code >= 0 else f"by {_SIGNALS.get(-exit_code, f'signal {-exit_code}')}"
    return f"{name} ended {how} and was started again"
