"""What the agent is told by its environment. Every secret may come as a file: NAME_FILE holds its path."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from oblivion import ConfigurationError

GITHUB_DOT_COM = "https://github.com"
READ_TOOLSETS = "repos,issues,pull_requests"
DEFAULT_MCP_COMMAND = f"github-mcp-server stdio --read-only --toolsets {READ_TOOLSETS}"
DEFAULT_CHECKPOINTS = ".oblivion/reference-agent.sqlite"


@dataclass(frozen=True, slots=True)
class Settings:
    """Read once, at the start."""

    github_token: str = field(repr=False)
    """Empty: the agent works without GitHub."""
    github_host: str
    github_api_url: str
    github_mcp_command: tuple[str, ...]
    github_repositories: frozenset[str]
    """`owner/name` in lower case; empty: whatever the token can reach."""
    openai_api_key: str = field(repr=False)
    openai_base_url: str
    openai_model: str
    model_timeout_seconds: float
    langfuse_public_key: str
    langfuse_secret_key: str = field(repr=False)
    langfuse_base_url: str
    otlp_endpoint: str
    checkpoints: str = field(repr=False)
    """A path of a SQLite file, or a `postgresql://` address."""
    approvers: tuple[str, ...]
    approval_timeout_seconds: float | None
    concurrency: int
    other_secrets: tuple[str, ...] = field(repr=False)
    """Secrets that others read, known here to keep them out of logs and spans."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every value that must appear in no log line and no span."""
        own = (self.github_token, self.openai_api_key, self.langfuse_secret_key)
        password = urlsplit(self.checkpoints).password if "://" in self.checkpoints else None
        return tuple(value for value in (*own, password or "", *self.other_secrets) if value)

    @property
    def offline(self) -> bool:
        """Whether no model is configured."""
        return not self.openai_api_key and not self.openai_base_url

    @property
    def postgres(self) -> bool:
        """Whether checkpoints go to PostgreSQL."""
        return self.checkpoints.startswith(("postgres://", "postgresql://"))


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from the environment. Raises `ConfigurationError` naming what is wrong."""
    host = _address(environ, "GITHUB_HOST", GITHUB_DOT_COM)
    langfuse_keys = _text(environ, "LANGFUSE_PUBLIC_KEY"), _secret(environ, "LANGFUSE_SECRET_KEY")
    return Settings(
        github_token=_secret(environ, "GITHUB_TOKEN"),
        github_host=host,
        github_api_url=_address(environ, "GITHUB_API_URL", _api_of(host)),
        github_mcp_command=_command(environ),
        github_repositories=frozenset(name.lower() for name in _list(environ, "GITHUB_REPOSITORIES")),
        openai_api_key=_secret(environ, "OPENAI_API_KEY"),
        openai_base_url=_address(environ, "OPENAI_BASE_URL", ""),
        openai_model=_text(environ, "OPENAI_MODEL", "gpt-5-mini"),
        model_timeout_seconds=_seconds(environ, "MODEL_TIMEOUT_SECONDS", 120.0) or 120.0,
        langfuse_public_key=langfuse_keys[0],
        langfuse_secret_key=langfuse_keys[1],
        langfuse_base_url=_address(environ, "LANGFUSE_BASE_URL", "https://cloud.langfuse.com"),
        otlp_endpoint=_text(environ, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        or _text(environ, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        checkpoints=_secret(environ, "OBLIVION_CHECKPOINTS") or DEFAULT_CHECKPOINTS,
        approvers=_list(environ, "OBLIVION_APPROVERS"),
        approval_timeout_seconds=_seconds(environ, "APPROVAL_TIMEOUT_SECONDS", None),
        concurrency=_count(environ, "OBLIVION_CONCURRENCY", 2),
        other_secrets=(_secret(environ, "AGENT_SECRET"), _text(environ, "OTEL_EXPORTER_OTLP_HEADERS")),
    )


def _text(environ: Mapping[str, str], name: str, default: str = "") -> str:
    return environ.get(name, "").strip() or default


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part for part in (raw.strip() for raw in environ.get(name, "").split(",")) if part)


def _secret(environ: Mapping[str, str], name: str) -> str:
    path = _text(environ, f"{name}_FILE")
    if not path:
        return _text(environ, name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{name}_FILE cannot be read: {error}") from error


def _address(environ: Mapping[str, str], name: str, default: str) -> str:
    value = _text(environ, name, default).rstrip("/")
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise ConfigurationError(f"{name} is no address: {value!r}. It looks like https://example.com.")
    return value


def _api_of(host: str) -> str:
    """Where the REST API of a GitHub is: github.com has a name of its own for it, GitHub Enterprise a path."""
    return "https://api.github.com" if host == GITHUB_DOT_COM else f"{host}/api/v3"


def _command(environ: Mapping[str, str]) -> tuple[str, ...]:
    try:
        command = tuple(shlex.split(_text(environ, "OBLIVION_GITHUB_MCP_CMD", DEFAULT_MCP_COMMAND)))
    except ValueError as error:
        raise ConfigurationError(f"OBLIVION_GITHUB_MCP_CMD is no command line: {error}.") from error
    if not command:
        raise ConfigurationError("OBLIVION_GITHUB_MCP_CMD is empty.")
    return command


def _seconds(environ: Mapping[str, str], name: str, default: float | None) -> float | None:
    value = _text(environ, name)
    try:
        seconds = float(value) if value else default
    except ValueError as error:
        raise ConfigurationError(f"{name} is no number of seconds: {value!r}.") from error
    if seconds is not None and not seconds > 0:
        raise ConfigurationError(f"{name} must be above 0, not {value}.")
    return seconds


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    value = _text(environ, name, str(default))
    if not value.isdigit() or int(value) < 1:
        raise ConfigurationError(f"{name} must be a whole number from 1, not {value!r}.")
    return int(value)
