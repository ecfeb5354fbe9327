"""`oblivion-agent new NAME`: an agent to begin with, its test, and all that runs it."""

import json
import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from oblivion._cli.main import Problem

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MAX_NAME_CHARS = 40
_SUFFIX = ".in"
"""Of the template's files, so that no tool takes them for code."""


def new(name: str, directory: Path) -> str:
    """Writes the agent; what to tell the user. Raises `Problem` before anything is written."""
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME_CHARS:
        raise Problem(
            f"{name!r} is no name for an agent. Write small letters, digits and single hyphens, a letter first, "
            f"at most {_MAX_NAME_CHARS}: for example `bug-fixer`."
        )
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Problem(f"{directory} exists and is not empty. Name another place with --directory.")
    client = _source("oblivion-client")
    sources = [source for source in (_source("oblivion-protocol"), client) if source is not None]
    values = {
        "{{name}}": name,
        "{{version}}": _version(),
        "{{sources}}": " ".join(f"'{source}'" for source in sources),
    }
    for path, template in _templates(files("oblivion._cli") / "template", Path()):
        text = template.read_text(encoding="utf-8")
        for mark, value in values.items():
            text = text.replace(mark, value)
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    (directory / "vendor").mkdir()
    (directory / "vendor" / ".gitkeep").touch()
    return (
        f"Made {directory}/. Next:\n\n  cd {directory}\n  make test     no network needed\n"
        "  make run      beside an `oblivion up`, or with a filled-in .env\n\n"
        "Then write a task with `@AI_Squad please` in its description."
    )


def _templates(folder: Traversable, path: Path) -> list[tuple[Path, Traversable]]:
    found: list[tuple[Path, Traversable]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _templates(entry, path / entry.name)
        elif entry.name.endswith(_SUFFIX):
            # "dot." because packagers and version control treat hidden files in their own ways.
            name = entry.name.removesuffix(_SUFFIX)
            found.append((path / re.sub(r"^dot\.", ".", name), entry))
    return found


def _source(name: str) -> str | None:
    """Where this installation of a package came from, if that is a place on this machine."""
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return None
    return _checkout(installed, name) or _recorded(installed)


def _checkout(installed: Distribution, name: str) -> str | None:
    """The checkout that a development installation points to."""
    package = "oblivion" if name == "oblivion-client" else name.replace("-", "_")
    module = __import__(package)
    for parent in Path(module.__file__ or "").resolve().parents[1:4]:
        project = parent / "pyproject.toml"
        if (
            project.is_file()
            and tomllib.loads(project.read_text(encoding="utf-8")).get("project", {}).get("name") == name
        ):
            return str(parent)
    return None


def _recorded(installed: Distribution) -> str | None:
    """The local path or wheel that it was installed from (PEP 610)."""
    record = installed.read_text("direct_url.json")
    if record is None:
        return None
    document: dict[str, Any] = json.loads(record)
    url = urlsplit(str(document.get("url", "")))
    path = Path(url2pathname(url.path))
    return str(path) if url.scheme == "file" and path.exists() else None


def _version() -> str:
    try:
        return distribution("oblivion-client").version
    except PackageNotFoundError:
        return "0.1.0"
