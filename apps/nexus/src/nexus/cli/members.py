"""`oblivion member` and `oblivion observer`: who may use the dashboard, and the dashboard's own credentials."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from nexus.cli.admin import ACTOR, TenantOption, tenant_named, with_nexus
from oblivion_protocol.scopes import DELEGATE

if TYPE_CHECKING:
    from nexus.bootstrap import Nexus

member = typer.Typer(no_args_is_help=True)
observer = typer.Typer(no_args_is_help=True)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="As the sign-in of the dashboard knows them.")]


class RoleChoice(StrEnum):
    """What a member may do."""

    viewer = "viewer"
    operator = "operator"
    admin = "admin"


@member.command("add")
def add(
    email: Email,
    role: Annotated[
        RoleChoice,
        typer.Option(help="viewer: see everything; operator: link, replay, cancel, mute; admin: everything."),
    ],
    tenant: TenantOption = None,
) -> None:
    """Lets a person use the dashboard, or gives a member another role."""

    async def work(nexus: "Nexus") -> None:
        tenant_id = await tenant_named(nexus, tenant, create=True)
        done = await nexus.members.put(tenant_id, email, role.value, actor=ACTOR)
        said = f"{done.member.email} is {done.member.role}"
        typer.echo(said if done.before in (None, role) else f"{said} now, no longer {done.before}")

    with_nexus(work)


@member.command("list")
def members(tenant: TenantOption = None) -> None:
    """Who may use the dashboard, and as what."""

    async def work(nexus: "Nexus") -> None:
        rows = await nexus.members.listed(await tenant_named(nexus, tenant))
        if not rows:
            typer.echo("There are no members: `oblivion member add EMAIL --role admin` makes the first one.")
            return
        table = Table("e-mail", "role", "last seen", box=None, pad_edge=False)
        for row in rows:
            seen = f"{row.last_seen_at:%Y-%m-%d %H:%M} UTC" if row.last_seen_at else "never"
            table.add_row(row.email, row.role, seen)
        Console(soft_wrap=True).print(table)

    with_nexus(work)


@member.command("remove")
def remove(email: Email, tenant: TenantOption = None) -> None:
    """Ends what a person may do, within a minute."""

    async def work(nexus: "Nexus") -> None:
        await nexus.members.remove(await tenant_named(nexus, tenant), email, actor=ACTOR)
        typer.echo(f"{email.lower()} is no member any more; what they have open ends within a minute")

    with_nexus(work)


@observer.command("create")
def create(
    name: Annotated[str, typer.Option(help="How it is called in the list of keys.")] = "observer",
    tenant: TenantOption = None,
) -> None:
    """Makes a client for the dashboard, which may act for every member, and prints its credentials, once."""

    async def work(nexus: "Nexus") -> None:
        tenant_id = await tenant_named(nexus, tenant, create=True)
        client_id, secret = await nexus.clients.create(tenant_id, name, [DELEGATE], actor=ACTOR)
        typer.echo(f"OBSERVER_CLIENT_ID={client_id}\nOBSERVER_CLIENT_SECRET={secret}")
        Console(stderr=True).print(
            "[dim]Give both to Observer and to nobody else: whoever has them can act for every member. The secret is "
            f"shown this once. NEXUS_URL is {nexus.settings.public_url}[/]",
            highlight=False,
        )

    with_nexus(work)
