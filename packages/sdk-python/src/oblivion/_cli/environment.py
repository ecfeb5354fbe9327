"""Where `oblivion-agent run` finds what the agent needs: the environment, `.env`, an `oblivion up` nearby."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oblivion._cli.main import Problem

NEEDED = ("OBLIVION_URI", "AGENT_ID", "AGENT_SECRET")
RUNNING_FILE = Path(".oblivion") / "running.json"


@dataclass(frozen=True, slots=True)
class Found:
    """Variables to add to the environment, and what to tell the user about them."""

    variables: dict[str, str]
    notes: list[str]


def find(environ: Mapping[str, str], directory: Path) -> Found:
    """What is missing in the environment, from `.env` in this directory, then from an `oblivion up`."""
    variables: dict[str, str] = {}
    notes: list[str] = []
    dotenv = directory / ".env"
    if dotenv.is_file():
        read = {name: value for name, value in parse(dotenv).items() if value and not environ.get(name)}
        variables |= read
        if read:
            notes.append(f"Read {', '.join(sorted(read))} from {dotenv.name}")
    known = {**{name: value for name, value in environ.items() if value}, **variables}
    if not any(name in known for name in (*NEEDED, "AGENT_SECRET_FILE")):
        path = _ready_file(environ, directory)
        if path is not None:
            variables |= _credentials(path)
            notes.append(f"Using the development agent of the `oblivion up` in {path}")
        else:
            notes.append(
                "No credentials here. Fill in .env, or type the `export` line that `oblivion up` printed, or work in a "
                "directory below the one where it runs."
            )
    return Found(variables, notes)


def parse(path: Path) -> dict[str, str]:
    """`NAME=value` lines; comments, quotes and `export` are understood."""
    variables: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not name.replace("_", "").isalnum():
            raise Problem(f"{path}, line {number}: write NAME=value.")
        if value[:1] in ("'", '"') and value.find(value[0], 1) > 0:
            value = value[1 : value.find(value[0], 1)]
        else:
            value = value.split(" #")[0].strip()
        variables[name] = value
    return variables


def _ready_file(environ: Mapping[str, str], directory: Path) -> Path | None:
    given = environ.get("OBLIVION_READY_FILE")
    if given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise Problem(f"OBLIVION_READY_FILE names {path}, which is not there. Is `oblivion up` running?")
        return path
    here = directory.resolve()
    for place in (here, *here.parents):
        path = place / RUNNING_FILE
        if path.is_file() and _is_alive(path):
            return path
    return None


def _credentials(path: Path) -> dict[str, str]:
    try:
        document = _document(path)
        values = (document["nexus_url"], document["agent_client_id"], document["agent_client_secret"])
    except (OSError, ValueError, KeyError) as error:
        raise Problem(f"{path} cannot be read ({error!r}). Stop `oblivion up` and start it again.") from error
    return dict(zip(NEEDED, map(str, values), strict=True))


def _is_alive(path: Path) -> bool:
    """Whether the `oblivion up` that wrote this is still there."""
    try:
        pid = _document(path)["pids"]["up"]
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def _document(path: Path) -> dict[str, Any]:
    document: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document  # pyright: ignore[reportUnknownVariableType] - JSON
