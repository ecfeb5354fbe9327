"""How long people wait: for `oblivion up` until it says that it is up, and for `import oblivion` (README.md)."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

from bench.__main__ import Effort
from bench.results import Result, Row

UP_SECONDS, UP_MOONSHOT_SECONDS = 10.0, 4.0
IMPORT_SECONDS, IMPORT_MOONSHOT_SECONDS = 0.6, 0.3
IMPORTS = 10
_PORTS = 4
"""`oblivion up` takes so many in a row, beginning with its `--port-base`."""
_LONGEST_SECONDS = 90.0
_STOP_SECONDS = 30.0
_STEP = re.compile(r"✓ (.+) ([\d.]+) s$")


async def run(effort: Effort) -> Result:
    """Starts Oblivion in a folder where it never was, then where it was before; and imports the SDK, in turns."""
    result = Result("start")
    fresh: list[float] = []
    again: list[float] = []
    steps: list[dict[str, float]] = []
    for _ in range(min(effort.rounds, 2)):
        with tempfile.TemporaryDirectory(prefix="oblivion-start-") as directory:
            for seconds in (fresh, again):
                took, of_each = await _up(Path(directory))
                seconds.append(took)
                steps.append(of_each)
    with_sdk, without = _imports(IMPORTS)
    result.raw = {
        "fresh_seconds": fresh, "again_seconds": again, "steps": steps,
        "import_seconds": with_sdk, "python_seconds": without,
    }  # fmt: skip
    up, up_again, imported = median(fresh), median(again), median(with_sdk)
    target, moonshot = f"≤ {UP_SECONDS:.0f} s", f"{UP_MOONSHOT_SECONDS:.0f} s"
    result.rows = [
        Row("`oblivion up` from installed to ready, without Observer", target, moonshot, _said(up), up <= UP_SECONDS),
        Row("the same where it ran before", target, moonshot, _said(up_again), up_again <= UP_SECONDS),
        Row(
            "SDK import",
            f"≤ {IMPORT_SECONDS} s",
            f"{IMPORT_MOONSHOT_SECONDS} s",
            f"{imported:.2f} s, of which Python's own start is {median(without):.2f} s",
            imported <= IMPORT_SECONDS,
        ),
    ]
    slowest = sorted(steps[0].items(), key=lambda step: step[1], reverse=True)[:3]
    result.notes = [
        "`oblivion up --no-observer`, from the start of the process until it says that it is up: PostgreSQL, Valkey, "
        "schema, sandbox, gateway, worker, connections and an agent that is online.",
        f"The longest steps of the first start: {', '.join(f'{name} {took:.1f} s' for name, took in slowest)}.",
        f"SDK import: medians of {IMPORTS} runs of `python -c 'import oblivion'` and of `python -c pass`, in turns; "
        "files are in the page cache and compiled.",
    ]
    return result


def _said(seconds: float) -> str:
    return f"{seconds:.1f} s"


async def _up(directory: Path) -> tuple[float, dict[str, float]]:
    """Seconds until it said that it is up, and those of each step as it told them; it is stopped again."""
    command = [Path(sys.executable).with_name("oblivion"), "up", "--no-observer", "--port-base", str(_free_ports())]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={name: said for name, said in os.environ.items() if not name.startswith("OBLIVION_")},
    )  # fmt: skip
    said: list[str] = []
    steps: dict[str, float] = {}
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            async for line in process.stdout:
                said.append(line.decode().strip())
                if step := _STEP.search(said[-1]):
                    steps[step[1]] = float(step[2])
                if "Oblivion is up" in said[-1]:
                    return time.monotonic() - began, steps
        raise RuntimeError(f"`oblivion up` ended: {said[-5:]}")
    finally:
        await _stop(process)


async def _stop(process: Any) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_ports() -> int:
    """The first of several ports in a row that nobody listens on."""
    for base in range(21_000, 32_000, 10):
        with suppress(OSError):
            for port in range(base, base + _PORTS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return base
    raise RuntimeError("no free ports")


def _imports(times: int) -> tuple[list[float], list[float]]:
    with_sdk: list[float] = []
    without: list[float] = []
    for _ in range(times):
        for code, seconds in (("import oblivion", with_sdk), ("pass", without)):
            began = time.monotonic()
            subprocess.run([sys.executable, "-c", code], check=True)
            seconds.append(time.monotonic() - began)
    return with_sdk, without
