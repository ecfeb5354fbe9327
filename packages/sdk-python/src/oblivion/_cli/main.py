"""The arguments of `oblivion-agent`."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

EXIT_USAGE = 2


class Problem(Exception):
    """Something that the user can put right; the text says how."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; its exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        if parsed.command == "new":
            from oblivion._cli.new import new

            say(new(parsed.name, parsed.directory or Path(parsed.name)))
            return 0
        if parsed.reload:
            from oblivion._cli.reload import supervise

            return supervise(parsed.file)
        from oblivion._cli.run import run

        run(parsed.file)
    except Problem as problem:
        sys.stderr.write(f"oblivion-agent: {problem}\n")
        return EXIT_USAGE
    return 0


def say(text: str) -> None:
    """One line for the user, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="oblivion-agent", description="Writes and runs agents of Oblivion.")
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    new = commands.add_parser("new", help="make a new agent: code, test, Makefile, Dockerfile")
    new.add_argument("name", metavar="NAME", help="a word such as `fixer`")
    new.add_argument("--directory", type=Path, help="where to put it (default: ./NAME)")
    run = commands.add_parser("run", help="run an agent")
    run.add_argument("file", metavar="FILE", nargs="?", type=Path, default=Path("agent.py"), help="default: agent.py")
    run.add_argument("--reload", action="store_true", help="start it again whenever a .py file changes")
    return parser


def _version() -> str:
    try:
        return f"oblivion-agent {version('oblivion-client')}"
    except PackageNotFoundError:
        return "oblivion-agent (not installed)"
