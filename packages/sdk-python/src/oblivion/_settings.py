"""Where an agent's settings come from: arguments first, then the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from oblivion._journal import journal_path
from oblivion.errors import ConfigurationError

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What one connection of an agent needs to know."""

    uri: str
    client_id: str
    client_secret: str = field(repr=False)
    instance: str
    journal: Path | None = None
    """Where finished results are kept until Nexus has answered them."""


def resolve(
    name: str,
    environ: Mapping[str, str],
    *,
    uri: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
) -> Settings:
    """Settings from the arguments and, where they are absent, from the environment.

    Raises `ConfigurationError` naming the first setting that is missing or unusable.
    """
    uri = _base_uri(uri or _required(environ, "OBLIVION_URI", "uri", "the address of Nexus"))
    client_id = client_id or _required(environ, "AGENT_ID", "client_id", "printed by `oblivion agent create`")
    return Settings(
        uri=uri,
        client_id=client_id,
        client_secret=client_secret or _secret(environ),
        instance=environ.get("AGENT_INSTANCE") or f"{name}-{uuid4().hex[:12]}",
        journal=journal_path(environ, client_id),
    )


def _required(environ: Mapping[str, str], variable: str, argument: str, hint: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise ConfigurationError(f"{variable} is not set. Set it to {hint}, or pass {argument}= to Agent.")
    return value


def _secret(environ: Mapping[str, str]) -> str:
    path = environ.get("AGENT_SECRET_FILE")
    if not path:
        return _required(environ, "AGENT_SECRET", "client_secret", "the secret printed by `oblivion agent create`")
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"AGENT_SECRET_FILE cannot be read: {error}") from error
    if not secret:
        raise ConfigurationError(f"AGENT_SECRET_FILE is empty: {path}")
    return secret


def _base_uri(uri: str) -> str:
    parts = urlsplit(uri.strip())
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise ConfigurationError(f"{uri!r} is no address of Nexus. It looks like https://nexus.example.com.")
    return f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}"
