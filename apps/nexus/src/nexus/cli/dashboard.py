"""The dashboard of `oblivion up`: installed and built once, beside what runs already, then served."""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import nexus
from nexus.cli.processes import end_with_parent

BUILD = ".next-local"
MIN_NODE = 20
_LOCK_POLL_SECONDS = 0.5
_SOURCES = ("src", "public", "next.config.ts", "package.json", "postcss.config.mjs", "tsconfig.json")
_NICE = 5
"""A build takes all that a small machine has; what serves people goes first."""

Step = Callable[[str], AbstractContextManager[None]]
"""Shows a name while something takes its time, and how long it took."""


class NoDashboard(Exception):
    """It cannot be built here; the text says why and what to do. Everything else runs without it."""


@dataclass(frozen=True)
class Checkout:
    """Where the sources of the dashboard are, and what is made of them."""

    root: Path

    @property
    def observer(self) -> Path:
        """The workspace of the dashboard."""
        return self.root / "apps/observer"

    @property
    def server(self) -> Path:
        """What node runs, once it is built."""
        return self.observer / BUILD / "standalone/apps/observer/server.js"

    def fingerprint(self) -> str:
        """Changes with whatever the build is made of."""
        digest = hashlib.sha256()
        parts = [self.observer / name for name in _SOURCES]
        for part in (*parts, self.root / "packages/protocol/ts", self.root / "package-lock.json"):
            for path in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if path.is_file():
                    digest.update(f"{path.relative_to(self.root)}\0".encode() + path.read_bytes())
        return digest.hexdigest()

    @property
    def is_built(self) -> bool:
        """Whether the build is of these very sources."""
        stamp = self.observer / BUILD / "fingerprint"
        return self.server.exists() and stamp.exists() and stamp.read_text() == self.fingerprint()

    @property
    def is_installed(self) -> bool:
        """Whether the packages of the lock file are there; `make setup` leaves the same mark."""
        mark, lock = self.root / "node_modules/.ready", self.root / "package-lock.json"
        return mark.exists() and mark.stat().st_mtime >= lock.stat().st_mtime


def find_checkout() -> Checkout:
    """The repository that this command runs from. Raises NoDashboard for an installation without one."""
    root = Path(nexus.__file__).resolve().parents[4]
    checkout = Checkout(root)
    if not (checkout.observer / "package.json").exists():
        raise NoDashboard("the dashboard's sources are not part of this installation; use its container image")
    return checkout


async def build(checkout: Checkout, log: Path, step: Step) -> None:
    """Installs and builds what is missing, for this machine alone: it has the development sign-in.

    Raises NoDashboard.
    """
    node = await _node()
    if checkout.is_built and checkout.is_installed:
        return
    async with _one_at_a_time(checkout):
        if not checkout.is_installed:
            with step("Dashboard: packages (once)"):
                await _run(["npm", "ci", "--no-audit", "--no-fund"], checkout.root, {}, log)
                (checkout.root / "node_modules/.ready").touch()
        if not checkout.is_built:
            with step("Dashboard: build (once)"):
                fingerprint = checkout.fingerprint()
                next_build = [node, str(checkout.root / "node_modules/next/dist/bin/next"), "build"]
                environment = {"OBSERVER_LOCAL": "1", "NEXT_TELEMETRY_DISABLED": "1"}
                await _run(next_build, checkout.observer, environment, log)
                await asyncio.to_thread(_complete, checkout)
                (checkout.observer / BUILD / "fingerprint").write_text(fingerprint)


def serving(checkout: Checkout, port: int, environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the dashboard's server, on loopback."""
    server = {
        "HOSTNAME": "127.0.0.1",
        "PORT": str(port),
        "NODE_ENV": "production",
        "AUTH_TRUST_HOST": "true",
        "NEXT_TELEMETRY_DISABLED": "1",
    }
    return ["node", str(checkout.server)], {**server, **environment}


def _complete(checkout: Checkout) -> None:
    """The server's folder holds its code only; the files that browsers load are put beside it."""
    beside = checkout.server.parent
    shutil.copytree(checkout.observer / BUILD / "static", beside / BUILD / "static", dirs_exist_ok=True)
    if (checkout.observer / "public").is_dir():
        shutil.copytree(checkout.observer / "public", beside / "public", dirs_exist_ok=True)


async def _node() -> str:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        raise NoDashboard(f"it needs Node {MIN_NODE} or newer with npm on the PATH")
    asking = await asyncio.create_subprocess_exec(node, "--version", stdout=asyncio.subprocess.PIPE)
    said = (await asking.communicate())[0].decode().strip()
    if not said.startswith("v") or int(said[1:].partition(".")[0]) < MIN_NODE:
        raise NoDashboard(f"it needs Node {MIN_NODE} or newer; {node} is {said}")
    return node


@asynccontextmanager
async def _one_at_a_time(checkout: Checkout) -> AsyncGenerator[None]:
    """Two of us on one checkout would write into the same folders."""
    with (checkout.observer / ".build.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                await asyncio.sleep(_LOCK_POLL_SECONDS)  # another process's lock: nothing tells when it goes
        yield


async def _run(arguments: list[str], directory: Path, environment: Mapping[str, str], log: Path) -> None:
    """Runs it to its end, and ends it with everything that it has started when we are cancelled."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=directory,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_before_exec,
        )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        await process.wait()
        raise
    if code != 0:
        raise NoDashboard(f"`{Path(arguments[0]).name} {arguments[1]}` failed; see {log}. Its end:\n{_end_of(log)}")


def _end_of(log: Path, lines: int = 8) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _before_exec() -> None:
    end_with_parent()
    os.nice(_NICE)
