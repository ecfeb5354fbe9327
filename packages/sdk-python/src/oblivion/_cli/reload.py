"""`oblivion-agent run --reload`: starts the agent again when its code changes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from oblivion._cli.main import Problem, say

POLL_SECONDS = 0.4
STOP_SECONDS = 10.0
_SKIPPED = frozenset({"node_modules", "__pycache__", "venv"})

Seen = dict[Path, int]


def supervise(file: Path) -> int:
    """Runs the agent in a process of its own until a signal ends this one; the agent's last exit code."""
    if not file.is_file():
        raise Problem(f"There is no {file}. Name the file of your agent: oblivion-agent run FILE")
    return _Supervisor(file).run()


def changed(directory: Path, seen: Seen) -> list[Path]:
    """Python files that were written or deleted since `seen`, which is brought up to date."""
    now = dict(_python_files(directory))
    differing = sorted(path for path in {*now, *seen} if now.get(path) != seen.get(path))
    seen.clear()
    seen.update(now)
    return differing


def problem_of(paths: list[Path]) -> str | None:
    """What keeps Python from reading one of these files."""
    for path in paths:
        try:
            compile(path.read_bytes(), str(path), "exec")
        except FileNotFoundError:
            continue
        except (SyntaxError, ValueError) as error:
            where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
            what = error.msg if isinstance(error, SyntaxError) else str(error)
            return f"{path}{where}: {what}"
    return None


class _Supervisor:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._directory = file.resolve().parent
        self._child: subprocess.Popen[bytes] | None = None
        self._signals = 0
        self._code = 0

    def run(self) -> int:
        handlers: Callable[[int, FrameType | None], None] = self._signaled
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, handlers)
        seen: Seen = {}
        changed(self._directory, seen)
        self._start([self._file])
        while not self._signals:
            time.sleep(POLL_SECONDS)
            self._notice_end()
            if paths := changed(self._directory, seen):
                self._start(paths)
        if self._child is not None:
            self._code = self._child.wait()
        return self._code

    def _start(self, paths: list[Path]) -> None:
        """Puts the new code to work; what cannot be read leaves the old one at work."""
        problem = problem_of(paths)
        if problem is not None:
            say(f"{problem}\nWaiting for the next change.")
            return
        if self._child is not None:
            say(f"{paths[0].name} changed: starting again")
            self._stop(self._child)
        command = [sys.executable, "-m", "oblivion._cli", "run", str(self._file)]
        # A session of its own: Ctrl-C reaches it once, by way of this process.
        self._child = subprocess.Popen(command, start_new_session=True)  # noqa: S603

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if child.poll() is None:
                child.send_signal(number)
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return

    def _notice_end(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            say(f"The agent ended with exit code {self._child.returncode}. Waiting for the next change.")
            self._code, self._child = self._child.returncode, None

    def _signaled(self, number: int, _frame: FrameType | None) -> None:
        self._signals += 1
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)


def _python_files(directory: Path) -> Iterator[tuple[Path, int]]:
    for parent, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if name not in _SKIPPED and not name.startswith(".")]
        for name in files:
            if name.endswith(".py"):
                path = Path(parent) / name
                try:
                    yield path, path.stat().st_mtime_ns
                except FileNotFoundError:
                    continue
