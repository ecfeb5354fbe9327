"""The dashboard in a browser, as `make speed-browser` measures it: script, a long list, a fast feed (README.md)."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bench.__main__ import Effort
from bench.results import Result, Row
from nexus.cli.dashboard import build, find_checkout

MAX_SCRIPT_KB, MAX_INTERACTION_MS, MIN_FRAMES = 300, 200, 50
"""The bounds of apps/observer/e2e/speed.bench.ts, which says what each means."""
_LONGEST_SECONDS = 300.0
_SCRIPT = re.compile(r"^\s*(/\S*): (\d+) kB of script", re.MULTILINE)
_INTERACTION = re.compile(r"interactions over \d+ ms, the slowest (\d+) ms")
_FRAMES = re.compile(r"([\d.]+) frames a second at \d+ lines a second")
_NOT_MEASURED = "not measured"


async def run(effort: Effort) -> Result:
    """Runs the dashboard's own measurements and reads what they print; it is built first where it is not yet."""
    del effort  # they are as long as they are
    checkout = find_checkout()
    await build(checkout, checkout.root / "build/bench/observer-build.log", _step)
    output = await _output_of_speed_browser(checkout.root)
    pages = {page: int(size) for page, size in _SCRIPT.findall(output)}
    interaction, frames = _INTERACTION.search(output), _FRAMES.search(output)
    if not (pages or interaction or frames):
        raise RuntimeError(f"the browser has measured nothing:\n{output[-2000:]}")
    result = Result("observer", raw={"script_kb": pages, "output": output})
    heaviest = max(pages, key=lambda page: pages[page], default="")
    result.rows = [
        Row(
            f"dashboard: script that a page loads at first, the heaviest of {len(pages)}",
            f"≤ {MAX_SCRIPT_KB} kB",
            "",
            f"{pages[heaviest]} kB ({heaviest})" if pages else _NOT_MEASURED,
            pages[heaviest] <= MAX_SCRIPT_KB if pages else None,
        ),
        Row(
            "dashboard: slowest interaction on a list of 10,000 tasks",
            f"≤ {MAX_INTERACTION_MS} ms",
            "",
            f"{interaction[1]} ms" if interaction else _NOT_MEASURED,
            int(interaction[1]) <= MAX_INTERACTION_MS if interaction else None,
        ),
        Row(
            "dashboard: frames a second while the feed gets 500 lines a second",
            f"≥ {MIN_FRAMES}",
            "",
            frames[1] if frames else _NOT_MEASURED,
            float(frames[1]) >= MIN_FRAMES if frames else None,
        ),
    ]
    result.notes = [
        "`make speed-browser`: Chromium without a GPU beside the whole system that it looks at, so that drawing, too, "
        "is work for the same cores.",
        "Script is counted as it comes over the wire, packed; an interaction is from the press until the next paint.",
    ]
    return result


async def _output_of_speed_browser(root: Path) -> str:
    """All that it prints, whether its own bounds hold or not."""
    process = await asyncio.create_subprocess_exec(
        "npm", "run", "--silent", "e2e", "-w", "apps/observer",
        cwd=root, env={**os.environ, "OBSERVER_E2E_KIND": "bench", "CI": "true"}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
    return said.decode(errors="replace")


@contextmanager
def _step(name: str) -> Generator[None]:
    print(f"  {name} …", flush=True)
    yield
