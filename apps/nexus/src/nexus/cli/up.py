"""`oblivion up`: everything on this machine, in one command.

Programs take a second or two to import what they need, so all of them start at once and wait for one another by
themselves; what this one needs of Nexus it imports while it waits.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from nexus.cli.dashboard import NoDashboard, build, find_checkout, serving
from nexus.cli.processes import Child, ChildFailed, KeptServer, Server, end_with_parent
from nexus.cli.running import LOCK_FILE, RUNNING_FILE, write_running
from nexus.cli.state import LocalState, credentials_of, load_state, save_state, write_private
from nexus.cli.tracing import keep_traces
from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.kit.logging import configure_logging
from nexus.settings import Settings, SettingsError

HOME = Path(".oblivion").absolute()
DEFAULT_PORT_BASE = 8000


@dataclass
class Addresses:
    """Where everything is; what `--ready-file` holds."""

    values: dict[str, str] = field(default_factory=dict[str, str])

    def __getitem__(self, name: str) -> str:
        return self.values[name]


@dataclass
class Parts:
    """Everything that runs, and what is told of it: to people in a line, to programs in `running.json`."""

    console: Console
    stack: AsyncExitStack
    everything: list[Child | KeptServer] = field(default_factory=list["Child | KeptServer"])
    addresses: Addresses | None = None
    """None until everything is up; before that nobody is told anything."""

    def changed(self, sentence: str | None) -> None:
        """A part has ended or runs again."""
        if self.addresses is None:
            return
        pids: dict[str, int | None] = {part.name: part.pid for part in self.everything}
        write_running(HOME, self.addresses.values, {"up": os.getpid(), **pids})
        if sentence is not None:
            self.console.print(f"[yellow]![/] {sentence}")

    def up(self, addresses: Addresses) -> None:
        """From now on `running.json` says what runs."""
        self.addresses = addresses
        self.changed(None)

    def down(self) -> None:
        """From now on nobody may rely on anything."""
        self.addresses = None
        (HOME / RUNNING_FILE).unlink(missing_ok=True)

    def server(self, name: str, server: Server) -> "asyncio.Task[None]":
        """Runs an embedded server until the end; the task is done when it takes connections."""
        kept = KeptServer(name, server, self.changed)
        self.stack.push_async_callback(kept.stop)
        self.everything.append(kept)
        return asyncio.create_task(kept.start())

    async def child(self, name: str, arguments: list[str], environment: dict[str, str]) -> Child:
        """Runs a process until the end."""
        child = Child(name, arguments, environment, HOME / "logs" / f"{name}.log", self.changed)
        self.stack.push_async_callback(child.stop)
        self.everything.append(child)
        await child.start()
        return child


def up(
    no_observer: Annotated[bool, typer.Option("--no-observer", help="Leave the dashboard out.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget everything in .oblivion/ and start anew.")] = False,
    port_base: Annotated[
        int, typer.Option(help="Nexus gets this port, Observer the next, the sandbox the one after it.")
    ] = DEFAULT_PORT_BASE,
    ready_file: Annotated[
        Path | None, typer.Option(help="Write all addresses and development credentials here, as JSON.")
    ] = None,
) -> None:
    """Runs PostgreSQL, Valkey, Nexus, a sandbox ClickUp and Slack, a demo agent and the dashboard, until Ctrl-C."""
    configure_logging("console", level="ERROR")
    _remove(ready_file)
    console = Console(highlight=False, soft_wrap=True)
    settings = Settings(environment="development")
    try:
        asyncio.run(_up(console, settings, fresh, port_base, ready_file, with_observer=not no_observer))
    except ChildFailed as error:
        console.print(f"[bold red]oblivion:[/] {error}")
        raise typer.Exit(1) from None


async def _up(
    console: Console,
    settings: Settings,
    fresh: bool,
    port_base: int,
    ready_file: Path | None,
    *,
    with_observer: bool,
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    started = time.monotonic()
    with _only_one(HOME):
        if fresh:
            _forget(HOME)
        _check_ports(port_base, with_observer)
        async with AsyncExitStack() as stack:
            parts = Parts(console, stack)
            parts.down()  # what is left of a run that could not clean up is not true any more
            starting = asyncio.create_task(_start(console, parts, settings, port_base, with_observer))
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait([starting, stop], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                addresses = starting.result()
                parts.up(addresses)
                if ready_file is not None:
                    write_private(ready_file, json.dumps(addresses.values, indent=2) + "\n")
                _welcome(console, addresses, time.monotonic() - started)
                observing = asyncio.create_task(_observer(console, parts, addresses, ready_file))
                await stop
                observing.cancel()
                await asyncio.gather(observing, return_exceptions=True)
            else:
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
            console.print("\nStopping …")
            parts.down()
            _remove(ready_file)
    console.print("Stopped. The data is kept in .oblivion/; `oblivion up --fresh` starts anew.")


async def _start(console: Console, parts: Parts, settings: Settings, port_base: int, with_observer: bool) -> Addresses:
    state_file = HOME / "state.json"
    state = load_state(state_file)
    save_state(state_file, state)
    database_url, postgres = _postgres(parts, settings)
    redis_url, valkey = _valkey(parts, settings)
    traces = await keep_traces(parts.stack, HOME, port_base + 3, os.environ)
    nexus_url, sandbox_url = f"http://127.0.0.1:{port_base}", f"http://127.0.0.1:{port_base + 2}"
    environment = {
        "OBLIVION_DATABASE_URL": database_url,
        "OBLIVION_REDIS_URL": redis_url,
        "OBLIVION_SECRET_KEY": state.secret_key,
        "OBLIVION_PUBLIC_URL": nexus_url,
        "OBLIVION_OBSERVER_URL": f"http://127.0.0.1:{port_base + 1}",
        # People write either name into the address bar.
        "OBLIVION_CORS_ORIGINS": json.dumps([f"http://localhost:{port_base + 1}"]),
        "OBLIVION_ENVIRONMENT": "development",
        "OBLIVION_HOST": "127.0.0.1",
        "OBLIVION_PORT": str(port_base),
        **traces,
    }
    python = [sys.executable, "-m"]
    gateway = await parts.child("gateway", [*python, "nexus", "serve", "gateway"], environment)
    sandbox = await parts.child(
        "sandbox",
        [*python, "oblivion_sandbox", "--port", str(port_base + 2), "--data", str(HOME / "sandbox")],
        {},
    )
    await parts.child("worker", [*python, "nexus", "serve", "worker"], environment)
    with _step(console, "PostgreSQL"):
        await postgres
    with _step(console, "Valkey"):
        await valkey
    with _step(console, "Schema"):
        from nexus.store.migrate import upgrade

        await upgrade(database_url)
    with _step(console, "Sandbox (a ClickUp and a Slack)"):
        await sandbox.wait_ready(f"{sandbox_url}/livez")
    with _step(console, "Nexus"):
        from nexus.cli.local import connect_sandbox

        await gateway.wait_ready(f"{nexus_url}/readyz")
    with _step(console, "Connections, agents and a link"):
        local = Settings(
            environment="development",
            database_url=database_url,  # pyright: ignore[reportArgumentType]
            redis_url=redis_url,  # pyright: ignore[reportArgumentType]
            secret_key=state.secret_key,  # pyright: ignore[reportArgumentType]
            public_url=nexus_url,
        )
        world = await connect_sandbox(local, state, sandbox_url)
        save_state(state_file, state)
    with _step(console, "Demo agent"):
        await parts.child(
            "demo-agent",
            [*python, "oblivion_sandbox.demo_agent"],
            {
                "OBLIVION_URI": nexus_url,
                "AGENT_ID": state.demo.client_id,
                "AGENT_SECRET": state.demo.client_secret,
                "AGENT_INSTANCE": "demo-1",
                "OBLIVION_JOURNAL": str((HOME / "demo-agent.journal").absolute()),
                "OTEL_SERVICE_NAME": "demo-agent",
                **traces,
            },
        )
        await _until_online(nexus_url, state)
    return Addresses(
        {
            "nexus_url": nexus_url,
            "observer_url": f"http://127.0.0.1:{port_base + 1}" if with_observer else "",
            "sandbox_url": sandbox_url,
            **world,
            **credentials_of(state),
            "auth_secret": state.auth_secret,
            "database_url": database_url,
            "redis_url": redis_url,
            "traces_url": traces.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        }
    )


async def _observer(console: Console, parts: Parts, addresses: Addresses, ready_file: Path | None) -> None:
    """Builds the dashboard if need be and serves it; whatever is in its way, everything else goes on."""
    url = addresses["observer_url"]
    if not url:
        return
    try:
        checkout = find_checkout()
        await build(checkout, HOME / "logs/observer-build.log", lambda name: _step(console, name))
        command, environment = serving(
            checkout,
            int(url.rpartition(":")[2]),
            {
                "NEXUS_URL": addresses["nexus_url"],
                "NEXUS_PUBLIC_URL": addresses["nexus_url"],
                "OBSERVER_CLIENT_ID": addresses["observer_client_id"],
                "OBSERVER_CLIENT_SECRET": addresses["observer_client_secret"],
                "AUTH_SECRET": addresses["auth_secret"],
            },
        )
        observer = await parts.child("observer", command, environment)
        await observer.wait_ready(f"{url}/api/health")
    except (NoDashboard, ChildFailed) as error:
        console.print(f"[yellow]![/] No dashboard: {error}\n  Everything else runs.")
        return
    parts.changed(None)
    if ready_file is not None:
        write_private(ready_file, json.dumps({**addresses.values, "observer_ready": "true"}, indent=2) + "\n")
    console.print(f"[green]✓[/] Dashboard [bold]{url}[/]")


def _postgres(parts: Parts, settings: Settings) -> tuple[str, "asyncio.Future[None]"]:
    """Its URL, and what is done once it takes connections."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value(), _done()
    server = EmbeddedPostgres(HOME / "postgres", before_exec=end_with_parent)
    return server.url, parts.server("postgres", server)


def _valkey(parts: Parts, settings: Settings) -> tuple[str, "asyncio.Future[None]"]:
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value(), _done()
    server = EmbeddedValkey(HOME / "valkey", before_exec=end_with_parent)
    return server.url, parts.server("valkey", server)


def _done() -> "asyncio.Future[None]":
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


async def _until_online(nexus_url: str, state: LocalState) -> None:
    """Returns once the demo agent is on the roster; the command works without it, so only for some seconds."""
    async with httpx.AsyncClient(base_url=nexus_url, timeout=5) as client:
        token = (
            await client.post(
                "/auth/token",
                data={
                    "grant_type": "client_credentials",
                    "client_id": state.admin.client_id,
                    "client_secret": state.admin.client_secret,
                },
            )
        ).json()["access_token"]
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            roster = (await client.get("/v1/agents", headers={"Authorization": f"Bearer {token}"})).json()
            if any(agent["online"] for agent in roster["items"]):
                return
            await asyncio.sleep(0.05)  # presence has no event for this client


@contextlib.contextmanager
def _step(console: Console, name: str) -> Generator[None]:
    started = time.monotonic()
    with console.status(f"{name} …"):
        try:
            yield
        except BaseException:
            console.print(f"[red]✗[/] {name}")
            raise
    console.print(f"[green]✓[/] {name} [dim]{time.monotonic() - started:.1f} s[/]")


@contextlib.contextmanager
def _only_one(home: Path) -> Generator[None]:
    """Two of us on one directory would ruin each other's data."""
    home.mkdir(exist_ok=True)
    with (home / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(
                f"Another `oblivion up` runs in {home.resolve()}. Stop it first, or start in another directory with "
                "another --port-base."
            ) from None
        yield


def _remove(ready_file: Path | None) -> None:
    """Nobody may take the addresses of a run that is over for those of the next one."""
    if ready_file is not None:
        ready_file.unlink(missing_ok=True)


def _forget(home: Path) -> None:
    for entry in home.iterdir():
        if entry.name == LOCK_FILE:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _check_ports(port_base: int, with_observer: bool) -> None:
    wanted = [(port_base, "Nexus"), (port_base + 2, "the sandbox")]
    if with_observer:
        wanted.append((port_base + 1, "the dashboard"))
    for port, what in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise SettingsError(
                    f"Port {port}, meant for {what}, is taken. Choose others: oblivion up --port-base {port_base + 100}"
                ) from None


def _welcome(console: Console, addresses: Addresses, seconds: float) -> None:
    console.print(
        f"\n[bold]Oblivion is up[/] [dim]({seconds:.1f} s)[/]\n\n"
        f"  Try it     {addresses['sandbox_url']}   ClickUp on the left, Slack on the right\n"
        f"{_dashboard_line(addresses['observer_url'])}"
        f"  API        {addresses['nexus_url']}/docs\n"
        f"  Logs       {HOME / 'logs'}\n"
        f"{_traces_line(addresses['traces_url'])}\n"
        "Open the first address, press [bold]New task[/] and write: [bold]@AI_Squad fix_bug The export loses a row[/]\n"
        "A card appears in #ai-squad, the demo agent goes to work, and you can reply in its thread;\n"
        "a reply that begins with [bold]!sync[/] becomes a comment in ClickUp.\n\n"
        "[bold]Your own agent[/]  export "
        f"OBLIVION_URI={addresses['nexus_url']} AGENT_ID={addresses['agent_client_id']} "
        f"AGENT_SECRET={addresses['agent_client_secret']}\n"
        "                oblivion-agent new hello && cd hello && make test && make run\n"
        "                then write in a task: [bold]@my-agent Hello[/]\n\n"
        "[dim]Ctrl-C stops everything.[/]"
    )


def _traces_line(url: str) -> str:
    return "  Traces     oblivion trace\n" if url else ""


def _dashboard_line(url: str) -> str:
    return f"  Dashboard  {url}   soon: the first time it is built beside all this\n" if url else ""
