"""`running.json`: what an `oblivion up` of this machine tells other programs about itself."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from nexus.cli.state import write_private
from nexus.settings import SettingsError

RUNNING_FILE = "running.json"
LOCK_FILE = "lock"
"""Held by `oblivion up` for as long as it runs, so that nobody takes a file that was left behind for the truth."""


@dataclass(frozen=True)
class Running:
    """An `oblivion up` as it is at this moment."""

    addresses: dict[str, str]
    """Every address and development credential, as in `--ready-file`."""
    pids: dict[str, int | None]
    """Process id of each part; None while it is being started again. A part that we do not run has no entry."""

    def __getitem__(self, name: str) -> str:
        return self.addresses[name]


_PIDS: TypeAdapter[dict[str, int | None]] = TypeAdapter(dict[str, int | None])
_ADDRESSES: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


def write_running(home: Path, addresses: dict[str, str], pids: dict[str, int | None]) -> None:
    """Says what runs, readable by the owner only."""
    write_private(home / RUNNING_FILE, json.dumps({**addresses, "pids": pids}, indent=2) + "\n")


def read_running(home: Path) -> Running:
    """What runs in this directory. Raises SettingsError when nothing does."""
    start_first = f"Start `oblivion up` in {home.resolve().parent} first, or name another directory with --home."
    path = home / RUNNING_FILE
    if not path.exists():
        if is_held(home):
            raise SettingsError(f"`oblivion up` in {home.resolve().parent} is still starting. Wait until it is up.")
        raise SettingsError(f"Nothing runs here: there is no {path}. {start_first}")
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        pids = _PIDS.validate_python(document.pop("pids", {}))
        addresses = _ADDRESSES.validate_python(document)
    except (ValueError, ValidationError):
        raise SettingsError(f"{path} cannot be read. Stop `oblivion up` and start it again.") from None
    if not is_held(home) or not _is_alive(pids.get("up")):
        raise SettingsError(f"{path} is left over from an `oblivion up` that is gone. {start_first}")
    return Running(addresses, pids)


def is_held(home: Path) -> bool:
    """Whether an `oblivion up` runs on this directory."""
    try:
        with (home / LOCK_FILE).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _is_alive(pid: int | None) -> bool:
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
