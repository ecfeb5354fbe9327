"""A Python that imports Nexus once and forks a process for each life of a gateway or worker.

To import everything takes seconds; a fork takes milliseconds, so what was killed runs again at once. Orders come
as JSON lines on standard input, what happens goes as JSON lines to standard output; at the end of the input all
children are killed. There are no threads and there is no event loop here, for neither survives a fork.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Any

PRELOADED = (
    "nexus.cli", "nexus.cli.serve", "nexus.bootstrap", "nexus.gateway.server", "nexus.gateway.admin", "nexus.http.app",
    "nexus.http.front", "nexus.mcp.door", "nexus.mcp.service", "nexus.integrations.clickup", "nexus.integrations.slack",
    "oblivion_sandbox.serve", "aiohttp", "asyncpg", "uvloop",
    "uvicorn.protocols.http.httptools_impl", "uvicorn.protocols.websockets.websockets_sansio_impl",
    "sqlalchemy.dialects.postgresql.asyncpg",
)  # fmt: skip
RESTART_SECONDS = 0.5
"""Only after an end that was no SIGKILL: so that a process that cannot start does not spin."""


@dataclass
class Child:
    """One process that should run for as long as it is wanted."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: str
    again: bool
    """Whether it is started again when it ends by itself."""
    wanted: bool = True
    pid: int | None = None
    start_at: float = 0.0
    lives: int = field(default=0)


def say(**what: Any) -> None:
    """One line to whoever started us."""
    os.write(1, json.dumps({**what, "at": time.monotonic()}).encode() + b"\n")


def live(child: Child) -> None:
    """The life of a child; never returns."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        from nexus.cli.processes import end_with_parent

        end_with_parent()
        nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(child.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        os.environ.update(child.environment)
        if child.arguments[0] == "-m":
            sys.argv = [child.arguments[1], *child.arguments[2:]]
            runpy.run_module(child.arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = child.arguments
            runpy.run_path(child.arguments[0], run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def start(child: Child) -> None:
    """Forks the next life."""
    pid = os.fork()
    if pid == 0:
        live(child)
    child.pid, child.lives = pid, child.lives + 1
    say(event="started", name=child.name, pid=pid, life=child.lives)


def reap(children: dict[str, Child]) -> None:
    """Notices who is dead, and starts again at once whoever was killed."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        child = next(each for each in children.values() if each.pid == pid)
        child.pid = None
        code = os.waitstatus_to_exitcode(status)
        say(event="ended", name=child.name, pid=pid, code=code, life=child.lives)
        child.wanted = child.wanted and child.again
        if child.wanted and code == -signal.SIGKILL:
            start(child)
        elif child.wanted:
            child.start_at = time.monotonic() + RESTART_SECONDS


def obey(children: dict[str, Child], order: dict[str, Any]) -> None:
    """Does what one line says: `start` with all about the child, or `stop` with a signal's number."""
    name = order["name"]
    if order["do"] == "start":
        known = children.get(name)
        if known is not None and known.pid is not None:
            known.wanted = True
            return
        children[name] = Child(name, order["arguments"], order["environment"], order["log"], order["again"])
        children[name].lives = known.lives if known else 0
        start(children[name])
    elif order["do"] == "stop":
        child = children[name]
        child.wanted = False
        if child.pid is not None:
            os.kill(child.pid, order["signal"])


def main() -> None:
    """Runs until the end of the input."""
    for module in PRELOADED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    noticed, bell = os.pipe()
    for end in (noticed, bell):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
    children: dict[str, Child] = {}
    say(event="ready")
    pending = b""
    while True:
        due = [each for each in children.values() if each.wanted and each.pid is None]
        wait = min((each.start_at - time.monotonic() for each in due), default=None)
        readable, _, _ = select.select([0, noticed], [], [], None if wait is None else max(wait, 0.0))
        if noticed in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(noticed, 4096)
        if 0 in readable:
            given = os.read(0, 65536)
            if not given:
                break
            *orders, pending = (pending + given).split(b"\n")
            for order in orders:
                obey(children, json.loads(order))
        reap(children)
        for child in children.values():
            if child.wanted and child.pid is None and child.start_at <= time.monotonic():
                start(child)
    for child in children.values():
        if child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
