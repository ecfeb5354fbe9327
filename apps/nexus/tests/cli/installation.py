"""A real `oblivion up` in a directory of its own, and the command line beside it."""

import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.forked import Forked, clean_environment

PATIENCE_SECONDS = 60


def until(found: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass
class Installation:
    """`oblivion up`, from outside."""

    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def running(self) -> dict[str, Any]:
        return json.loads((self.directory / ".oblivion/running.json").read_text())

    def pid(self, part: str) -> int | None:
        return self.running["pids"][part]

    @property
    def output(self) -> str:
        return (self.directory / "up.log").read_text()

    def start(self, *arguments: str) -> Forked:
        return Forked(*arguments, environment=clean_environment(), directory=self.directory)

    def oblivion(self, *arguments: str) -> tuple[int, str, str]:
        """(exit code, standard output, standard error)"""
        return self.start(*arguments).finish()


def _port_base() -> int:
    for _ in range(100):
        base = random.randrange(20_000, 32_000, 10)
        try:
            for port in (base, base + 2):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports")


@contextmanager
def running_up() -> Generator[Installation]:
    # Not below pytest's directories: as root, PostgreSQL runs as another user, who cannot pass through them.
    with tempfile.TemporaryDirectory(prefix="oblivion-") as name:
        directory = Path(name)
        with (directory / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "nexus", "up", "--no-observer", "--port-base", str(_port_base())],
                cwd=directory, env=clean_environment(), stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        installation = Installation(directory, process)
        try:
            ready = directory / ".oblivion/running.json"
            until(lambda: ready.exists() or process.poll() is not None, "oblivion up is up", 120)
            assert process.poll() is None, installation.output
            yield installation
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
