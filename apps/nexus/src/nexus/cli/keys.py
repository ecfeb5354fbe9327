"""`oblivion keys`: the keys of the installation itself, and how they are changed without anybody noticing."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from nexus.cli.admin import ACTOR, with_nexus

if TYPE_CHECKING:
    from nexus.auth.resealing import Count, Resealer
    from nexus.bootstrap import Nexus

keys = typer.Typer(no_args_is_help=True)


@keys.command("rotate")
def rotate(
    at_once: Annotated[
        bool, typer.Option("--now", help="Sign with the new key at once, not when every copy of the JWKS has it.")
    ] = False,
    leaked: Annotated[
        bool, typer.Option("--leaked", help="End every token of the old keys, too: everybody logs in again.")
    ] = False,
) -> None:
    """Makes a new key that signs access tokens. It is published first, so that no login fails."""

    async def work(nexus: "Nexus") -> None:
        seconds = {"published_seconds": 0.0} if at_once else {}
        made = await nexus.keys.rotate(leaked=leaked, **seconds)
        data: dict[str, object] = {"signs_from": made.signs_from.isoformat(), "leaked": leaked}
        await _resealer(nexus).note("keys.rotate", made.kid, data, actor=ACTOR)
        when = "now" if leaked or at_once else f"from {made.signs_from:%H:%M:%S} UTC on"
        typer.echo(f"{made.kid} signs {when}")
        if leaked:
            typer.echo("tokens of earlier keys end within 30 s; whoever holds one asks for another")

    with_nexus(work)


@keys.command("reseal")
def reseal() -> None:
    """Seals everything under the first key of OBLIVION_SECRET_KEY. May be broken off and run again."""

    async def work(nexus: "Nexus") -> bool:
        resealer = _resealer(nexus)
        counts = await resealer.reseal(actor=ACTOR)
        for kind, count in counts.items():
            typer.echo(f"{kind}: {count.resealed} of {count.total} sealed anew{_lost(count)}")
        await _say_who_depends(resealer)
        return not any(count.lost for count in counts.values())

    if not with_nexus(work):
        raise typer.Exit(1)


@keys.command("status")
def status() -> None:
    """Which keys sign, and what still hangs on an old secret key. Exit code 1: do not drop it yet."""

    async def work(nexus: "Nexus") -> bool:
        table = Table("signing key", "state", "signs from", box=None, pad_edge=False)
        now = nexus.clock.now()
        for key in await nexus.keys.listed():
            state = (
                "next" if key.signs_from > now else "retired" if key.retired_at and key.retired_at <= now else "signs"
            )
            table.add_row(key.kid, state, f"{key.signs_from:%Y-%m-%d %H:%M:%S} UTC")
        Console(soft_wrap=True).print(table)
        resealer, clean = _resealer(nexus), True
        for kind, count in (await resealer.report()).items():
            typer.echo(f"{kind}: {count.total} sealed, {count.resealed} of them under an old key{_lost(count)}")
            clean &= not count.resealed and not count.lost
        return not await _say_who_depends(resealer) and clean

    if not with_nexus(work):
        raise typer.Exit(1)


def _resealer(nexus: "Nexus") -> "Resealer":
    from nexus.auth.resealing import Resealer

    return Resealer(nexus.db, nexus.sealer, nexus.clock)


def _lost(count: "Count") -> str:
    return f"; {count.lost} that no key opens: enter them anew (docs/operate.md)" if count.lost else ""


async def _say_who_depends(resealer: "Resealer") -> bool:
    """Whether anybody does."""
    dependents = await resealer.dependents()
    if not dependents:
        typer.echo("client secrets: none hangs on an old key")
        return False
    typer.echo(
        f"client secrets: {sum(one.secrets for one in dependents)} hang on an old key until their next login, or a "
        "rotation:"
    )
    for one in dependents:
        typer.echo(f"  {one.client_id}{'' if one.known else ' (of an earlier release: nobody knows under which key)'}")
    return True
