"""The other end of the zygote: names, process ids, and who lives."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nexus.cli.processes import end_with_parent

ZYGOTE = Path(__file__).with_name("zygote.py")
START_SECONDS = 40.0
STOP_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Death:
    """The end of one life of a process."""

    name: str
    pid: int
    life: int
    """1 for the first."""
    code: int
    """Exit code; a signal's number, negative."""
    at: float
    """When it was noticed, `time.monotonic()`."""


@dataclass
class Supervised:
    """One named process."""

    name: str
    order: dict[str, Any]
    pid: int | None = None
    lives: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Starts processes through one zygote, and knows of each whether it lives."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: dict[str, Supervised] = {}
        self.deaths: list[Death] = []
        self._zygote: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def open(self) -> None:
        """Starts the zygote and returns when it has imported everything."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "zygote.log").open("ab") as log:
            self._zygote = await asyncio.create_subprocess_exec(
                sys.executable, str(ZYGOTE),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                start_new_session=True, preexec_fn=end_with_parent,
            )  # fmt: skip
        self._listening = asyncio.create_task(self._listen())
        await asyncio.wait_for(self._ready.wait(), START_SECONDS)

    async def close(self) -> None:
        """Kills everything that still runs."""
        assert self._zygote is not None and self._zygote.stdin is not None and self._listening is not None
        for process in self.processes.values():
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGCONT)
        self._zygote.stdin.close()
        await asyncio.wait_for(self._zygote.wait(), STOP_SECONDS)
        await self._listening

    async def run(
        self, name: str, arguments: Sequence[str], environment: dict[str, str], *, again: bool = True
    ) -> None:
        """Starts `python ARGUMENTS` under a name; with `again` it is started again whenever it ends."""
        log = str(self.log_of(name))
        order = {"do": "start", "name": name, "arguments": list(arguments), "environment": environment, "log": log}
        self.processes[name] = Supervised(name, {**order, "again": again})
        await self.start(name)

    async def start(self, name: str) -> None:
        """Starts what was stopped; returns when the process exists."""
        self._order(self.processes[name].order)
        await self._until(name, lives=True)

    async def stop(self, name: str) -> None:
        """SIGTERM, and no new life; returns when it is dead. After some seconds it is killed."""
        self._order({"do": "stop", "name": name, "signal": int(signal.SIGTERM)})
        try:
            await self._until(name, lives=False)
        except TimeoutError:
            self._order({"do": "stop", "name": name, "signal": int(signal.SIGKILL)})
            await self._until(name, lives=False)

    async def pid(self, name: str) -> int:
        """The process id of the present life; waits for it if there is none at this moment."""
        await self._until(name, lives=True)
        pid = self.processes[name].pid
        assert pid is not None
        return pid

    def log_of(self, name: str) -> Path:
        """Where a process writes; all its lives write to one file."""
        return self.directory / f"{name}.log"

    def tails(self, lines: int = 15) -> str:
        """The ends of all logs."""
        parts: list[str] = []
        for path in sorted(self.directory.glob("*.log")):
            end = path.read_text(errors="replace").splitlines()[-lines:]
            parts.append(f"--- {path.name} ---\n" + "\n".join(line[:400] for line in end))
        return "\n".join(parts)

    def _order(self, order: dict[str, Any]) -> None:
        assert self._zygote is not None and self._zygote.stdin is not None
        self._zygote.stdin.write(json.dumps(order).encode() + b"\n")

    async def _until(self, name: str, *, lives: bool) -> None:
        process = self.processes[name]
        async with asyncio.timeout(STOP_SECONDS):
            while (process.pid is not None) is not lives:
                process.changed.clear()
                await process.changed.wait()

    async def _listen(self) -> None:
        assert self._zygote is not None and self._zygote.stdout is not None
        async for line in self._zygote.stdout:
            told = json.loads(line)
            if told["event"] == "ready":
                self._ready.set()
                continue
            process = self.processes[told["name"]]
            if told["event"] == "started":
                process.pid, process.lives = told["pid"], told["life"]
            else:
                process.pid = None
                self.deaths.append(Death(told["name"], told["pid"], told["life"], told["code"], told["at"]))
            process.changed.set()
