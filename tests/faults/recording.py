"""Results of scenarios: printed for people, and one JSON line each for `docs/reliability.md`."""

import json
import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import Cluster

from nexus.drill.report import Report


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        found = (line.split(":", 1)[1].strip() for line in cpus.read_text().splitlines() if "model name" in line)
        model = next(found, model)
    return {
        "cores": os.cpu_count(),
        "cpu": model,
        "python": platform.python_version(),
        "system": platform.system(),
    }


@dataclass
class Recording:
    """The report of one test, and how to run it again."""

    test: str
    scale: float
    seed: int
    started: float = field(default_factory=time.time)

    @property
    def command(self) -> str:
        """Runs this very scenario with the same dice."""
        return f"FAULTS_SCALE={self.scale:g} FAULTS_SEED={self.seed} .venv/bin/pytest -n 0 -s {self.test}"

    async def keep(self, cluster: Cluster, report: Report) -> None:
        """Prints the report and appends it to the file FAULTS_REPORT, if that is set."""
        print(f"\n{report}\n  {'again':<9} {self.command}", flush=True)
        ((postgresql,),) = await cluster.rows("SHOW server_version")
        self._append({**machine(), "postgresql": postgresql}, report)

    def _append(self, measured_on: dict[str, Any], report: Report) -> None:
        path = os.environ.get("FAULTS_REPORT")
        if not path:
            return
        line = {
            **report.as_json(),
            "scale": self.scale,
            "seconds": round(time.time() - self.started, 1),
            "machine": measured_on,
            "command": self.command,
        }
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
