"""`oblivion doctor`: checks every dependency and credential, and says what to do."""

import asyncio
import os
import resource
from collections.abc import Awaitable, Callable
from typing import Annotated

import httpx
import typer
from rich.console import Console
from sqlalchemy import select, text

from nexus.auth.resealing import Resealer
from nexus.bootstrap import Nexus, open_nexus
from nexus.kit.logging import configure_logging
from nexus.kit.telemetry import Off, destination
from nexus.settings import Settings
from nexus.store.migrate import current_revision, newest_revision, serves
from nexus.store.tables import Connection

CHECK_SECONDS = 10
MIN_OPEN_FILES = 4096


class Unhealthy(Exception):
    """A check failed; the text says what to do."""


def doctor(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what is wrong.")] = False,
) -> None:
    """Checks PostgreSQL, Redis, the schema, traces and every connection. Exit code 1 when something is wrong."""
    configure_logging("console", level="CRITICAL")
    raise typer.Exit(0 if asyncio.run(_examine(quiet)) else 1)


async def _examine(quiet: bool) -> bool:
    console = Console(soft_wrap=True, highlight=False)
    settings = Settings()
    healthy = True

    async def check(name: str, look: Callable[[], Awaitable[str]]) -> bool:
        nonlocal healthy
        try:
            said = await asyncio.wait_for(look(), CHECK_SECONDS)
        except Exception as error:
            healthy = False
            reason = str(error) or type(error).__name__
            console.print(f"[red]✗[/] {name:<22} {reason}")
            return False
        if not quiet:
            console.print(f"[green]✓[/] {name:<22} {said}")
        return True

    async with open_nexus(settings) as nexus:
        up = await check("PostgreSQL", lambda: _postgres(nexus))
        up = up and await check("schema", lambda: _schema(settings))
        await check("Redis", lambda: _redis(nexus))
        await check("traces", _traces)
        _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files < MIN_OPEN_FILES:
            console.print(
                f"[yellow]![/] a gateway started from here may hold {files} connections and files at a time, which "
                f"many slow clients use up: allow {MIN_OPEN_FILES} or more (ulimit -Hn, LimitNOFILE= of systemd)"
            )
        if up:
            await check("secret key", lambda: _secret_key(nexus))
            async with nexus.db.system() as session:
                rows = (await session.scalars(select(Connection).order_by(Connection.vendor))).all()
            if not rows:
                console.print("[yellow]![/] no workspace is connected yet: see `oblivion connect --help`")
            for row in rows:
                await check(f"{row.vendor} {row.workspace_id}", lambda row=row: _connection(nexus, row))
    return healthy


async def _postgres(nexus: Nexus) -> str:
    try:
        await nexus.db.ping()
    except Exception as error:
        raise Unhealthy(f"does not answer ({type(error).__name__}): check OBLIVION_DATABASE_URL") from error
    await nexus.db.check_durability()
    async with nexus.db.engine.connect() as connection:
        version = (await connection.execute(text("SHOW server_version"))).scalar_one()
    return f"{version}, durable commits"


async def _schema(settings: Settings) -> str:
    found = await current_revision(settings.required("database_url"))
    if found is None or not serves(found):
        raise Unhealthy(f"at {found or 'nothing'}, wanted {newest_revision()}: run `oblivion db upgrade`")
    return found


async def _redis(nexus: Nexus) -> str:
    try:
        await nexus.bells.ping()
    except Exception as error:
        raise Unhealthy(
            f"does not answer ({type(error).__name__}): check OBLIVION_REDIS_URL. Nothing is lost, only slower"
        ) from error
    return "answers"


async def _traces() -> str:
    to = destination(os.environ)
    if isinstance(to, Off):
        if to.wrong:
            raise Unhealthy(f"not sent: {to.reason}")
        return f"not sent: {to.reason}"
    headers = {"Content-Type": "application/x-protobuf", **(to.headers or {})}
    consequence = "Nothing but traces is lost"
    try:
        async with httpx.AsyncClient(timeout=CHECK_SECONDS / 2) as client:
            answer = await client.post(to.url, content=b"", headers=headers)  # a request without spans
    except httpx.HTTPError as error:
        raise Unhealthy(f"{to.shown} does not answer ({type(error).__name__}). {consequence}") from error
    if not answer.is_success:
        what = "our keys or headers" if answer.status_code in (401, 403) else "what we send"
        raise Unhealthy(f"{to.shown} does not take {what}: HTTP {answer.status_code}. {consequence}")
    return f"sent to {to.shown}"


async def _secret_key(nexus: Nexus) -> str:
    resealer = Resealer(nexus.db, nexus.sealer, nexus.clock)
    counts = await resealer.report()
    if lost := {kind: count.lost for kind, count in counts.items() if count.lost}:
        which = ", ".join(f"{number} of the {kind}" for kind, number in lost.items())
        raise Unhealthy(f"OBLIVION_SECRET_KEY does not open {which}: list the key that they were sealed with as well")
    old = sum(count.resealed for count in counts.values())
    opens = f"opens all that is sealed ({sum(count.total for count in counts.values())})"
    return f"{opens}; {old} under an old key: run `oblivion keys reseal`" if old else opens


async def _connection(nexus: Nexus, row: Connection) -> str:
    if row.broken_reason:
        raise Unhealthy(row.broken_reason)
    connected = nexus.connections.opened(row)
    probe = await nexus.connections.integrations[row.vendor].probe(connected.credentials)
    if row.health.get("last_error"):
        raise Unhealthy(f"the credentials work, but at the last look: {row.health['last_error']}")
    webhook = f"; its webhook was {row.health['status']} at the last look" if row.health.get("status") else ""
    return f"{probe.name}: the credentials work{webhook}"
