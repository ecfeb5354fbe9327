"""The commands of `oblivion`, each a thin shell around the parts that `bootstrap` assembles.

To import all parts takes seconds. So a command's module is imported when that command is run, and not before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
import typer.core
import typer.main
from rich.console import Console


@dataclass(frozen=True)
class Late:
    """A command that is not imported yet."""

    module: str
    name: str
    help: str
    """Its first line in the list of commands. A function's own docstring begins with the same words."""

    def load(self) -> Any:
        """Imports the function, or the group of commands."""
        return getattr(import_module(f"nexus.cli.{self.module}"), self.name)


COMMANDS: Mapping[str, Late] = {
    "up": Late(
        "up",
        "up",
        "Runs PostgreSQL, Valkey, Nexus, a sandbox ClickUp and Slack, a demo agent and the dashboard, until Ctrl-C.",
    ),
    "serve": Late("serve", "serve", "Runs one role of Nexus until SIGTERM; it then finishes what it has begun."),
    "link": Late("admin", "link", "Links a list to a channel: addressed tasks of the one appear in the other."),
    "connect": Late(
        "admin", "connect", "Connects a vendor workspace: tries the credentials, seals them, registers the webhook."
    ),
    "doctor": Late(
        "doctor",
        "doctor",
        "Checks PostgreSQL, Redis, the schema, traces and every connection. Exit code 1 when something is wrong.",
    ),
    "drill": Late(
        "drill",
        "drill",
        "Breaks something in a running `oblivion up` while messages flow, and judges what became of each.",
    ),
    "trace": Late(
        "trace",
        "trace",
        "Shows one trace that `oblivion up` has kept: every step, in which process, and how long it took.",
    ),
    "openapi": Late("openapi", "openapi", "Print the OpenAPI document of the HTTP API."),
    "sandbox-seed": Late(
        "sandbox",
        "sandbox_seed",
        "Makes a trial of this installation: a tenant, agents, members, a sandbox's connection, a link. Prints JSON.",
    ),
    "db": Late("admin", "db", "The database schema."),
    "agent": Late("admin", "agent", "Agents and their credentials."),
    "member": Late("members", "member", "People who may use the dashboard."),
    "observer": Late("members", "observer", "The dashboard's own credentials."),
    "keys": Late("keys", "keys", "The installation's own keys: those that sign tokens, and the one that seals."),
    "deliveries": Late("admin", "deliveries", "Dead letters: list them, replay them."),
    "search": Late("search", "search", "The memory of what was said: index it anew, measure it."),
}


class _Commands(typer.core.TyperGroup):
    """Lists commands by what is known of them beforehand, and imports the one that is run."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the arguments name, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else imported(name), rest


def imported(name: str) -> Any:
    """A command of the list, as what it does."""
    late, alone = COMMANDS[name], typer.Typer()
    found = late.load()
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name, help=late.help)
    else:
        alone.command(name)(found)
    return typer.main.get_group(alone).commands[name]


app = typer.Typer(
    cls=_Commands,
    name="oblivion",
    help="Puts your own AI agents to work inside ClickUp and Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _not_imported() -> None:
    """Stands in the list of commands only."""


for _name, _late in COMMANDS.items():
    app.command(_name, help=_late.help)(_not_imported)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("oblivion-nexus"))
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def run() -> int:
    """Runs the command line; returns its exit code."""
    try:
        ended = app(standalone_mode=False)
        return ended if isinstance(ended, int) else 0
    except typer.Abort:
        return 130
    except Exception as error:
        code = _explain(error)
        if code is None:
            raise
        return code


def _explain(error: Exception) -> int | None:
    """Says in a sentence what went wrong; returns the exit code, or None for what is our own mistake."""
    console = Console(stderr=True, soft_wrap=True)
    if hasattr(error, "format_message"):  # a usage error of the command line itself
        console.print(f"[bold red]oblivion:[/] {error.format_message()}", highlight=False)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        return 2
    from pydantic import ValidationError

    from nexus.auth.errors import AuthError
    from nexus.kit.embedded import EmbeddedServerError
    from nexus.pipeline.errors import PipelineError
    from nexus.settings import SettingsError
    from nexus.store.database import NotDurable, is_unavailable

    if isinstance(error, (SettingsError, EmbeddedServerError, NotDurable, AuthError, PipelineError)):
        console.print(f"[bold red]oblivion:[/] {error}", highlight=False)
    elif isinstance(error, ValidationError):
        for problem in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            console.print(f"[bold red]oblivion:[/] OBLIVION_{name}: {problem['msg']}", highlight=False)
    elif is_unavailable(error):
        console.print(
            "[bold red]oblivion:[/] PostgreSQL does not answer. Check OBLIVION_DATABASE_URL and that the server runs.",
            highlight=False,
        )
    else:
        return None
    return 1
