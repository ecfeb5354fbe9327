"""The commands of `oblivion`, each a thin shell around the parts that `bootstrap` assembles."""

from importlib.metadata import version
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from nexus.auth.errors import AuthError
from nexus.cli import admin, doctor, drill, members, openapi, search, serve, up
from nexus.kit.embedded import EmbeddedServerError
from nexus.pipeline.errors import PipelineError
from nexus.settings import SettingsError
from nexus.store.database import NotDurable, is_unavailable

app = typer.Typer(
    name="oblivion",
    help="Puts your own AI agents to work inside ClickUp and Slack.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("up")(up.up)
app.command("serve")(serve.serve)
app.command("link")(admin.link)
app.command("connect")(admin.connect)
app.command("doctor")(doctor.doctor)
app.command("drill")(drill.drill)
app.command("openapi")(openapi.openapi)
app.add_typer(admin.db, name="db", help="The database schema.")
app.add_typer(admin.agent, name="agent", help="Agents and their credentials.")
app.add_typer(members.member, name="member", help="People who may use the dashboard.")
app.add_typer(members.observer, name="observer", help="The dashboard's own credentials.")
app.add_typer(admin.deliveries, name="deliveries", help="Dead letters: list them, replay them.")
app.add_typer(search.search, name="search", help="The memory of what was said: index it anew, measure it.")


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
    console = Console(stderr=True, soft_wrap=True)
    try:
        ended = app(standalone_mode=False)
        return ended if isinstance(ended, int) else 0
    except typer.Abort:
        return 130
    except (SettingsError, EmbeddedServerError, NotDurable) as error:
        console.print(f"[bold red]oblivion:[/] {error}", highlight=False)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            console.print(f"[bold red]oblivion:[/] OBLIVION_{name}: {problem['msg']}", highlight=False)
    except (AuthError, PipelineError) as error:
        console.print(f"[bold red]oblivion:[/] {error}", highlight=False)
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of the command line itself
            console.print(f"[bold red]oblivion:[/] {error.format_message()}", highlight=False)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            return 2
        if not is_unavailable(error):
            raise
        console.print(
            "[bold red]oblivion:[/] PostgreSQL does not answer. Check OBLIVION_DATABASE_URL and that the server runs.",
            highlight=False,
        )
    return 1
