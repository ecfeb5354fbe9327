"""`oblivion …` in a process that is forked from one where everything is imported: to import takes a second, a fork
some milliseconds. It is a process like any other, with its own exit code, output, environment, directory and signals.

That it can also be started by an interpreter of its own is for a few tests to show, not for all.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

from zygote import PRELOADED

# Nothing of `nexus.cli.up`: it asks where it is when it is imported.
_COMMANDS = ("nexus.cli.admin", "nexus.cli.doctor", "nexus.cli.drill", "nexus.cli.trace", "nexus.cli.keys")
OURS = ("OBLIVION_", "AGENT_", "OTEL_", "LANGFUSE_")


def clean_environment() -> dict[str, str]:
    """That of the tests, without what is meant for us."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, *_COMMANDS, __name__])
    return context


def _live(arguments: tuple[str, ...], environment: dict[str, str], directory: str, out: str, err: str) -> None:
    for path, end in ((os.devnull, 0), (out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_RDWR), end)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["oblivion", *arguments]
    from nexus.cli import run

    sys.exit(run())


class Forked:
    """One command that runs."""

    def __init__(self, *arguments: str, environment: dict[str, str], directory: Path | None = None) -> None:
        self._said = tempfile.TemporaryDirectory(prefix="oblivion-said-")
        self._out, self._err = (Path(self._said.name) / name for name in ("out", "err"))
        for path in (self._out, self._err):
            path.touch()
        where = str(directory or Path.cwd())
        self._process = _server().Process(
            target=_live, args=(arguments, environment, where, str(self._out), str(self._err))
        )
        self._process.start()

    def interrupt(self) -> None:
        """Ctrl-C."""
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGINT)

    def finish(self, seconds: float = 200) -> tuple[int, str, str]:
        """(exit code, standard output, standard error); kills it when it does not end by itself."""
        self._process.join(seconds)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        code = self._process.exitcode
        assert code is not None
        said = code, self._out.read_text(), self._err.read_text()
        self._said.cleanup()
        return said
