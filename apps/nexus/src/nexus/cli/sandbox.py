"""`oblivion sandbox-seed`: connects a Nexus that runs already, say in a cluster, to a sandbox, for trying it out."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from nexus.cli.local import connect_sandbox
from nexus.cli.state import credentials_of, state_from
from nexus.kit.logging import configure_logging
from nexus.settings import Settings, SettingsError

_DOCUMENT: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


def sandbox_seed(
    sandbox_url: Annotated[str, typer.Option(help="Where this Nexus reaches the sandbox.")],
    credentials: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What this command printed before (`-`: standard input): what still works is not made anew.",
        ),
    ] = None,
) -> None:
    """Makes a trial of this installation: a tenant, agents, members, a sandbox's connection, a link. Prints JSON.

    It may run any number of times. Development only: it makes an admin whom the development sign-in lets in.
    """
    configure_logging("console", level="ERROR")
    settings = Settings()
    if settings.environment != "development":
        raise SettingsError(
            "`oblivion sandbox-seed` makes members and agents for trying Oblivion out, and this is a production "
            "installation. Set OBLIVION_ENVIRONMENT=development where nothing real is kept."
        )
    state = state_from(_known(credentials))
    world = asyncio.run(connect_sandbox(settings, state, sandbox_url))
    typer.echo(json.dumps({**world, **credentials_of(state)}, indent=2))


def _known(source: str | None) -> dict[str, str]:
    if source is None:
        return {}
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        return _DOCUMENT.validate_json(text) if text.strip() else {}
    except OSError as error:
        raise SettingsError(f"{source} cannot be read: {error.strerror}") from None
    except ValidationError:
        raise SettingsError("What --credentials names is not what this command has printed.") from None
