"""Finished results, kept until Nexus has answered them: neither a cut nor the end of the process loses one.

SQLite, one file per process: a second process of the same agent takes the next free file beside the first. The lock
that a process holds on its file ends with the process, so what a dead one has left can be told from what a living
one is about to send.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from oblivion_protocol import TaskComplete, TaskFail

log = logging.getLogger("oblivion")

T = TypeVar("T")
Outcome = TaskComplete | TaskFail

KEPT_SECONDS = 7 * 86400.0
MAX_PROCESSES = 64

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS results (
        task_id TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, stale INTEGER NOT NULL, at REAL NOT NULL
    )
"""
_MODELS: dict[str, type[Outcome]] = {"complete": TaskComplete, "fail": TaskFail}
_ALL = "SELECT task_id, kind, body, stale, at FROM results"
_KEEP = "INSERT OR REPLACE INTO results (task_id, kind, body, stale, at) VALUES (?, ?, ?, ?, ?)"


def journal_path(environ: Mapping[str, str], client_id: str) -> Path | None:
    """OBLIVION_JOURNAL, none if that is empty, else a file in the user's state directory."""
    given = environ.get("OBLIVION_JOURNAL")
    if given is not None:
        return Path(given).expanduser() if given.strip() else None
    state = environ.get("XDG_STATE_HOME")
    try:
        base = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError:
        # A user without a home directory, as in some containers.
        return None
    safe = "".join(char if char.isalnum() or char in "-_" else "_" for char in client_id)[:80]
    return base / "oblivion" / f"{safe}.journal"


@dataclass(slots=True)
class _Kept:
    outcome: Outcome
    at: float
    stale: bool = False


class Journal:
    """At most one result a task. What cannot be written is kept in memory, as long as the process lives."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._kept: dict[str, _Kept] = {}
        self._file: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def open(self, path: Path | None) -> None:
        """Reads what earlier processes left, and takes it over. Raises nothing: without a file it works too."""
        if path is None:
            return
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        try:
            await self._do(lambda: self._open(path))
        except (OSError, sqlite3.Error) as error:
            log.warning("journal.unavailable path=%s error=%s: results survive a cut, but not a crash", path, error)
            self._file = None

    @property
    def unsent(self) -> list[Outcome]:
        """What Nexus has not answered, oldest first."""
        return [kept.outcome for kept in self._kept.values() if not kept.stale]

    def result_of(self, task_id: str) -> Outcome | None:
        """The result of a task that is offered again; none if another attempt was wanted."""
        kept = self._kept.get(task_id)
        if kept is None or (isinstance(kept.outcome, TaskFail) and kept.outcome.retryable):
            return None
        return kept.outcome

    async def write(self, outcome: Outcome) -> None:
        """Keeps a result that is about to be sent."""
        now = self._now()
        oldest = now - KEPT_SECONDS
        for task_id in [task_id for task_id, kept in self._kept.items() if kept.at < oldest]:
            del self._kept[task_id]
        self._kept[outcome.task_id] = _Kept(outcome, now)
        kind = "complete" if isinstance(outcome, TaskComplete) else "fail"
        await self._change(_KEEP, outcome.task_id, kind, outcome.model_dump_json(), 0, now)
        await self._change("DELETE FROM results WHERE at < ?", oldest)

    async def settle(self, outcome: Outcome) -> None:
        """Nexus has answered: the result may be forgotten."""
        if self._current(outcome) is not None:
            del self._kept[outcome.task_id]
            await self._change("DELETE FROM results WHERE task_id = ?", outcome.task_id)

    async def late(self, outcome: Outcome) -> None:
        """The task was no longer ours: the result counts only if the task comes back."""
        kept = self._current(outcome)
        if kept is not None:
            kept.stale = True
            await self._change("UPDATE results SET stale = 1 WHERE task_id = ?", outcome.task_id)

    async def close(self) -> None:
        """Lets another process have the file."""
        if self._thread is not None:
            if self._file is not None:
                await self._do(self._file.close)
            self._thread.shutdown(wait=False)
            self._thread = self._file = None

    def _current(self, outcome: Outcome) -> _Kept | None:
        kept = self._kept.get(outcome.task_id)
        same = kept is not None and (kept.outcome.event_id, kept.outcome.epoch) == (outcome.event_id, outcome.epoch)
        return kept if same else None

    async def _do(self, work: Callable[[], T]) -> T:
        assert self._thread is not None
        # Shielded: whoever stops waiting for it does not leave half of it behind.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, work))

    async def _change(self, statement: str, *values: object) -> None:
        file = self._file
        if file is None:
            return
        try:
            await self._do(lambda: file.execute(statement, values))
        except sqlite3.Error as error:
            log.warning("journal.not_written error=%s: results survive a cut, but not a crash", error)
            self._file = None

    def _open(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = [path, *(path.with_name(f"{path.name}.{number}") for number in range(2, MAX_PROCESSES + 1))]
        for mine in paths:
            self._file = _take(mine)
            if self._file is not None:
                break
        else:
            raise OSError("every journal file is in use")
        for other in paths:
            if other != mine and other.exists():
                self._inherit(other)
        self._file.execute("DELETE FROM results WHERE at < ?", (self._now() - KEPT_SECONDS,))
        for task_id, kind, body, stale, at in self._file.execute(f"{_ALL} ORDER BY at"):
            try:
                self._kept[task_id] = _Kept(_MODELS[kind].model_validate_json(body), at, bool(stale))
            except (KeyError, ValidationError):
                log.warning("journal.unreadable task=%s", task_id)

    def _inherit(self, path: Path) -> None:
        """Takes over what a process left that is gone."""
        assert self._file is not None
        left = _take(path)
        if left is None:
            return
        rows = left.execute(_ALL).fetchall()
        self._file.executemany(_KEEP, rows)
        left.execute("DELETE FROM results")
        left.close()


def _take(path: Path) -> sqlite3.Connection | None:
    """The file, locked as long as the connection is open; none when another process has it."""
    if not path.exists():
        # Results may be private. Not for a file that exists: closing it would end the locks of this process on it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    file = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        file.execute(_SCHEMA)
        file.execute("BEGIN EXCLUSIVE")
        file.execute("COMMIT")
    except sqlite3.OperationalError as error:
        file.close()
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return None
        raise
    return file
