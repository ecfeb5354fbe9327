"""What a benchmark found: rows for the table of targets, and everything that was measured, as JSON."""

import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

DIRECTORY = Path("build/bench")
_PACKAGES = ("uvicorn", "uvloop", "httptools", "sqlalchemy", "asyncpg", "python-socketio", "bullmq", "redis")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of docs/performance.md: a target, and the figure that stands beside it."""

    what: str
    target: str
    moonshot: str
    measured: str
    reached: bool | None
    """Whether the target is; None where the row only tells."""


@dataclass(slots=True)
class Result:
    """All that one benchmark says."""

    name: str
    """Also the name of its command: `make bench-NAME`."""
    rows: list[Row] = field(default_factory=list[Row])
    notes: list[str] = field(default_factory=list[str])
    """How it was measured and what it does not say: one sentence each."""
    raw: dict[str, Any] = field(default_factory=dict[str, Any])

    def save(self) -> None:
        """Writes it to build/bench/NAME.json and prints it."""
        DIRECTORY.mkdir(parents=True, exist_ok=True)
        told = {**asdict(self), "at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
        (DIRECTORY / f"{self.name}.json").write_text(json.dumps(told, indent=1, default=str) + "\n")
        print(f"\n{self.name}")
        for row in self.rows:
            mark = {True: "✓", False: "✗", None: "·"}[row.reached]
            print(f"  {mark} {row.what}: {row.measured} (target {row.target or '-'}, moonshot {row.moonshot or '-'})")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank); not a number when there is none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, math.ceil(share * len(ranked)) - 1))]


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of each round: what disturbs a round disturbs both of its halves."""
    return median(one / other for one, other in zip(ours, theirs, strict=True))


def milliseconds(seconds: float) -> str:
    """For people: `12 ms`, `0.8 ms`."""
    millis = seconds * 1000
    return f"{millis:.0f} ms" if millis >= 10 else f"{millis:.1f} ms"


def machine() -> dict[str, Any]:
    """What the figures belong to."""
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "cpu": f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}",
        "memory_gib": round(memory_kb / 1024 / 1024),
        "system": platform.platform(),
        "python": platform.python_version(),
        "node": node,
        "load_average": os.getloadavg()[0],
        **{name: version(name) for name in _PACKAGES},
    }
