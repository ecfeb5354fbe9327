"""What an operator does from a shell: schema, agents, connections, links, dead letters.

What takes long to import is imported by the command that uses it, so that help and wrong usage are answered at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from nexus.auth.audit import record
from nexus.kit.logging import configure_logging
from nexus.settings import Settings, SettingsError
from nexus.store import migrate
from nexus.store.tables import Tenant

if TYPE_CHECKING:
    from nexus.bootstrap import Nexus

db = typer.Typer(no_args_is_help=True)
agent = typer.Typer(no_args_is_help=True)
deliveries = typer.Typer(no_args_is_help=True)

ACTOR = "command line"
DEFAULT_TENANT = "default"
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Name of the tenant, if there are several.")]
ResultT = TypeVar("ResultT")


class SyncRuleChoice(StrEnum):
    """When a reply becomes a comment."""

    keyword = "keyword"
    metadata = "metadata"
    reaction = "reaction"
    all = "all"


def with_nexus(work: Callable[["Nexus"], Awaitable[ResultT]]) -> ResultT:
    """Does something with the parts of the installation that the environment names. Raises SettingsError."""

    from nexus.bootstrap import open_nexus

    async def run() -> ResultT:
        async with open_nexus(Settings()) as nexus:
            return await work(nexus)

    configure_logging("console", level="ERROR")
    return asyncio.run(run())


async def tenant_named(nexus: "Nexus", name: str | None, *, create: bool = False) -> UUID:
    """The tenant of this name; without a name the only one there is. Raises SettingsError."""
    async with nexus.db.system() as session:
        tenants = {row.name: row.id for row in await session.scalars(select(Tenant))}
        if name is None and len(tenants) == 1:
            return next(iter(tenants.values()))
        if name is None and tenants:
            raise SettingsError(f"There are several tenants: say which with --tenant. Known: {', '.join(tenants)}.")
        wanted = name or DEFAULT_TENANT
        if wanted in tenants:
            return tenants[wanted]
        if not create:
            raise SettingsError(
                f"There is no tenant {wanted!r}. `oblivion agent create` makes the first one"
                + (f"; known: {', '.join(tenants)}." if tenants else ".")
            )
        tenant = Tenant(name=wanted)
        session.add(tenant)
        await session.flush()
        made = tenant.id
    async with nexus.db.tenant(made) as session:
        record(session, made, ACTOR, "tenant.create", wanted)
    return made


@db.command("upgrade")
def upgrade() -> None:
    """Brings the schema to the newest revision; does nothing when it is there, or newer than this release."""
    configure_logging("console", level="WARNING")
    url = Settings().required("database_url")
    before = asyncio.run(migrate.current_revision(url))
    migrate.upgrade_sync(url)
    after = migrate.newest_revision()
    if before == after:
        typer.echo(f"schema: {after}, nothing to do")
    elif migrate.serves(before):
        typer.echo(f"schema: {before}, newer than this release, which works on it; nothing to do")
    else:
        typer.echo(f"schema: {before or 'empty'} → {after}")


@agent.command("create")
def create(
    name: Annotated[str, typer.Argument(help="A short name, such as fixer.")],
    skill: Annotated[list[str] | None, typer.Option(help="A type of work it can do; may be repeated.")] = None,
    alias: Annotated[list[str] | None, typer.Option(help="A handle it answers to; may be repeated.")] = None,
    expires_in_days: Annotated[int | None, typer.Option(min=1, help="When its secret ends by itself.")] = None,
    tenant: TenantOption = None,
) -> None:
    """Registers an agent and prints its credentials, once."""

    async def work(nexus: "Nexus") -> None:
        tenant_id = await tenant_named(nexus, tenant, create=True)
        made = await nexus.directory.create(
            tenant_id, name, skill or (), alias or (), secret_days=expires_in_days, actor=ACTOR
        )
        typer.echo(f"AGENT_ID={made.client_id}\nAGENT_SECRET={made.client_secret}")
        Console(stderr=True).print(
            f"[dim]Agent {made.name} is registered. The secret is shown this once; `oblivion agent rotate {made.name}` "
            f"makes a new one. OBLIVION_URI is {nexus.settings.public_url}[/]",
            highlight=False,
        )

    with_nexus(work)


@agent.command("list")
def roster(tenant: TenantOption = None) -> None:
    """The roster: who is registered, who is online."""

    async def work(nexus: "Nexus") -> None:
        table = Table("agent", "client id", "aliases", "skills", "state", "load", box=None, pad_edge=False)
        for one in await nexus.directory.roster(await tenant_named(nexus, tenant)):
            state = "revoked" if one.revoked_at else "muted" if one.muted else "online" if one.online else "offline"
            aliases = " ".join(f"@{alias.removeprefix('@')}" for alias in one.aliases)
            load = f"{one.load}/{one.capacity}"
            table.add_row(one.name, one.client_id, aliases, " ".join(one.skills), state, load)
        Console(soft_wrap=True).print(table)

    with_nexus(work)


@agent.command("limit")
def limit(
    name: str,
    messages_per_minute: Annotated[
        int | None, typer.Argument(min=1, max=600, help="With one message more it is muted. Absent: the usual 10.")
    ] = None,
    tenant: TenantOption = None,
) -> None:
    """Sets how much an agent may say."""

    async def work(nexus: "Nexus") -> None:
        tenant_id = await tenant_named(nexus, tenant)
        await nexus.directory.limit(tenant_id, name, messages_per_minute, actor=ACTOR)
        shown = await nexus.directory.find(tenant_id, name)
        typer.echo(f"{name} is muted when it says more than {shown.messages_per_minute} things within a minute")

    with_nexus(work)


@agent.command("rotate")
def rotate(name: str, tenant: TenantOption = None) -> None:
    """Makes a new secret; the old one works for a day."""

    async def work(nexus: "Nexus") -> None:
        made = await nexus.directory.rotate(await tenant_named(nexus, tenant), name, actor=ACTOR)
        typer.echo(f"AGENT_ID={made.client_id}\nAGENT_SECRET={made.client_secret}")

    with_nexus(work)


@agent.command("revoke")
def revoke(name: str, tenant: TenantOption = None) -> None:
    """Locks an agent out, now and for good."""

    async def work(nexus: "Nexus") -> None:
        await nexus.directory.revoke(await tenant_named(nexus, tenant), name, actor=ACTOR)
        typer.echo(f"{name} is revoked; its sockets close within seconds")

    with_nexus(work)


def link(
    list_id: Annotated[str, typer.Argument(metavar="LIST", help="Id of the tracker's list.")],
    channel_id: Annotated[str, typer.Argument(metavar="CHANNEL", help="Id of the chat's channel.")],
    sync_rule: Annotated[SyncRuleChoice, typer.Option(help="When a reply becomes a comment.")] = SyncRuleChoice.keyword,
    sync_keyword: Annotated[str, typer.Option(help="For the rule `keyword`.")] = "!sync",
    tenant: TenantOption = None,
) -> None:
    """Links a list to a channel: addressed tasks of the one appear in the other."""

    async def work(nexus: "Nexus") -> None:
        made = await nexus.links.link(
            await tenant_named(nexus, tenant),
            list_id,
            channel_id,
            sync_rule=sync_rule.value,
            sync_keyword=sync_keyword,
            actor=ACTOR,
        )
        typer.echo(f"{made.list_name} → #{made.channel_name} (a reply is synced by {made.sync_rule})")

    with_nexus(work)


def connect(
    vendor: Annotated[str, typer.Argument(help="clickup, slack, …")],
    credential: Annotated[
        list[str], typer.Option("--set", help="NAME=VALUE, or NAME=@FILE; may be repeated.", metavar="NAME=VALUE")
    ],
    tenant: TenantOption = None,
) -> None:
    """Connects a vendor workspace: tries the credentials, seals them, registers the webhook."""
    credentials = dict(_credential(one) for one in credential)

    async def work(nexus: "Nexus") -> None:
        made = await nexus.onboarding.connect(
            await tenant_named(nexus, tenant, create=True), vendor, credentials, ACTOR
        )
        typer.echo(f"{vendor} is connected: {made.name} ({made.workspace_id})")

    with_nexus(work)


def _credential(given: str) -> tuple[str, str]:
    name, separator, value = given.partition("=")
    if not separator or not name:
        raise SettingsError(f"--set wants NAME=VALUE, not {name!r}")
    if value.startswith("@"):
        try:
            with open(value[1:], encoding="utf-8") as file:  # noqa: PTH123 - a path that the operator typed
                value = file.read().strip()
        except OSError as error:
            raise SettingsError(f"{value[1:]} cannot be read: {error.strerror}") from error
    return name, value


@deliveries.command("list")
def dead_letters(tenant: TenantOption = None, limit: int = 50) -> None:
    """Dead letters, newest first, with their reasons."""
    from nexus.http.delivery_rows import DeliveryFilter, read_deliveries

    async def work(nexus: "Nexus") -> None:
        async with nexus.db.tenant(await tenant_named(nexus, tenant)) as session:
            rows = list(await read_deliveries(session, DeliveryFilter(state="dead"), before=None, limit=limit))
        if not rows:
            typer.echo("There are no dead letters.")
            return
        table = Table("id", "what", "tries", "reason", box=None, pad_edge=False)
        for row in rows:
            table.add_row(row.id, f"{row.sink} {row.kind}", str(row.attempts), row.reason or "")
        Console(soft_wrap=True).print(table)

    with_nexus(work)


@deliveries.command("replay")
def replay_dead_letters(
    ids: Annotated[list[str] | None, typer.Argument(help="Which ones; see `oblivion deliveries list`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are dead.")] = False,
    tenant: TenantOption = None,
) -> None:
    """Tries dead letters again, under the same ids, so that nothing is doubled."""
    if bool(ids) == everything:
        raise SettingsError("Name the ids to replay, or say --all.")
    from nexus.http.replay import MAX_REPLAYS, Dead, replay

    async def work(nexus: "Nexus") -> None:
        tenant_id = await tenant_named(nexus, tenant)
        async with nexus.db.tenant(tenant_id) as session:
            dead = await Dead.of(session)
            wanted = [UUID(one) for one in ids or ()] or await dead.ids(session, MAX_REPLAYS)
            revived = await replay(session, wanted, nexus.clock.now())
            for row_id in revived:
                record(session, tenant_id, ACTOR, "delivery.replay", str(row_id))
        nexus.bells.ring("inbox")
        nexus.bells.ring("deliveries")
        typer.echo(f"{len(revived)} of {len(wanted)} are due again")

    with_nexus(work)
