"""Runs `one_task.py` in a process of its own."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fake_context import assigned

SCRIPT = Path(__file__).parent / "one_task.py"
PATIENCE_SECONDS = 50


@dataclass(frozen=True)
class Ended:
    code: int
    outcome: dict[str, Any]
    log: str


class Process:
    """One process; `kill` may be called from any thread."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self._running: asyncio.subprocess.Process | None = None

    def kill(self) -> None:
        assert self._running is not None
        self._running.kill()

    async def run(self, people: str, **task: Any) -> Ended:
        basic = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._running = await asyncio.create_subprocess_exec(
            sys.executable, str(SCRIPT), assigned(**task).model_dump_json(), people,
            env=basic | self._environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                out, err = await self._running.communicate()
        finally:
            if self._running.returncode is None:
                self._running.kill()
                await self._running.wait()
        lines = out.decode().splitlines()
        return Ended(self._running.returncode or 0, json.loads(lines[-1]) if lines else {}, err.decode())


async def one_task(environ: dict[str, str], people: str = "yes", **task: Any) -> Ended:
    return await Process(environ).run(people, **task)
