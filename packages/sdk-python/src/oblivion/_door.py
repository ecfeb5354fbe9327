"""How an agent reaches Nexus. `oblivion.testing` puts another one in its place."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from oblivion._auth import TokenSource
from oblivion._http import search
from oblivion._settings import Settings
from oblivion._socket import Socket, SocketFactory
from oblivion_protocol import SearchHit


class Tokens(Protocol):
    """Where access tokens come from."""

    async def fresh(self) -> str:
        """A new token. Raises `CredentialsRefused` or `Unreachable`."""
        ...


@dataclass(frozen=True, slots=True)
class Door:
    """Everything between one agent and Nexus."""

    settings: Settings
    tokens: Tokens
    search: Callable[[str, int], Awaitable[list[SearchHit]]]
    """(query, limit)"""
    journal: Path | None
    socket: SocketFactory = Socket


def real_door(settings: Settings) -> Door:
    """Over the network."""
    tokens = TokenSource(settings.uri, settings.client_id, settings.client_secret)
    return Door(settings, tokens, partial(search, settings.uri, tokens), settings.journal)
