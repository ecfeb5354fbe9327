"""`oblivion openapi`: the description of the HTTP API, without a server or a database."""

import json
from importlib.metadata import version

import typer

from nexus.http.app import create_routes


def openapi() -> None:
    """Print the OpenAPI document of the HTTP API."""
    document = create_routes(version("oblivion-nexus")).openapi()
    typer.echo(json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False))
