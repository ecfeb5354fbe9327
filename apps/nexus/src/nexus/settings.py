"""Settings from the environment. Only `bootstrap` and the command line read them."""

import os
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyNetwork, SecretStr, StringConstraints, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from nexus.kit.logging import LogFormat

PREFIX = "OBLIVION_"
DEVELOPMENT_SECRET_KEY = "development-only-secret-key-do-not-use-in-production"  # noqa: S105 - refused outside of development


Origin = Annotated[str, StringConstraints(pattern=r"^https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$")]
"""RFC 6454 §6.2, as browsers send it: small letters, nothing after the port, no `*` and no `null`."""


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which, why, and what to do."""


class Settings(BaseSettings):
    """What an operator may set. Every secret may also come as a file, by the name with `_FILE` at its end."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr | None = Field(default=None, description="PostgreSQL. Absent: `oblivion up` embeds one.")
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey. Absent: `oblivion up` embeds one.")
    secret_key: SecretStr | None = Field(
        default=None,
        description="Seals connections and peppers secrets. Several, separated by commas, during a rotation: the "
        "first one seals, all open.",
    )
    public_url: str = Field(default="http://127.0.0.1:8000", description="Where vendors and agents reach Nexus.")
    issuer: str | None = Field(default=None, description="`iss` of tokens; the public URL by default.")
    environment: str = Field(default="production", pattern="^(production|development)$")
    log_format: LogFormat = "console"
    log_level: str = "INFO"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    health_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="Where `oblivion serve worker` answers `/livez`, `/readyz` and `/metrics`. Absent: nowhere. The "
        "other roles answer them on their own port.",
    )
    cors_origins: list[Origin] = Field(
        default_factory=list[Origin],
        description="Whose pages may call the API from a browser, each as a browser writes it: no path, no wildcard.",
    )
    observer_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s]+",
        description="Where people open the dashboard: its pages may connect to the live feed.",
    )
    trusted_proxies: Annotated[list[IPvAnyNetwork], NoDecode] = Field(
        default_factory=list[IPvAnyNetwork],
        description="Networks of the proxies in front of Nexus, separated by commas: only what they say of a request's "
        "origin (X-Forwarded-For) is believed. Such as `10.0.0.0/8,fd00::/8`.",
    )
    requests_per_minute: int = Field(
        default=600, ge=1, description="How many requests one client, or one person, may make to the API."
    )
    qdrant_url: SecretStr | None = Field(
        default=None, description="Qdrant, for history. Absent: an index in `search_directory`, kept by the gateway."
    )
    qdrant_api_key: SecretStr | None = None
    search_directory: Path = Field(default=Path(".oblivion/search"), description="Where the embedded index is kept.")
    embeddings_url: str | None = Field(
        default=None, description="An endpoint that speaks OpenAI's embeddings. Absent: the packaged model."
    )
    embeddings_model: str = "text-embedding-3-small"
    embeddings_api_key: SecretStr | None = None

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in cls.model_fields:
            path = os.environ.get(f"{PREFIX}{name.upper()}_FILE")
            if path and not values.get(name):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as error:
                    raise ValueError(f"{PREFIX}{name.upper()}_FILE={path} cannot be read: {error.strerror}") from error
        return values

    def secret_keys(self) -> list[str]:
        """The secret keys, the sealing one first. Raises SettingsError for a missing or a development one."""
        given = self.secret_key.get_secret_value() if self.secret_key else ""
        keys = [key.strip() for key in given.split(",") if key.strip()]
        if self.environment == "development":
            return keys or [DEVELOPMENT_SECRET_KEY]
        if not keys:
            raise SettingsError(
                "OBLIVION_SECRET_KEY is not set. It seals credentials and must stay the same for the life of the "
                "installation. Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        if DEVELOPMENT_SECRET_KEY in keys or min(map(len, keys)) < 32:
            raise SettingsError(
                "OBLIVION_SECRET_KEY is the development key or shorter than 32 characters: everybody could open what "
                "it seals. Make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        return keys

    def socket_origins(self) -> list[str]:
        """The origins whose pages may connect to the live feed, as a browser writes them, RFC 6454 §6.2."""
        if self.observer_url is None:
            return self.cors_origins
        url = urlsplit(self.observer_url.lower())
        usual_port = ":443" if url.scheme == "https" else ":80"
        return list(dict.fromkeys([*self.cors_origins, f"{url.scheme}://{url.netloc.removesuffix(usual_port)}"]))

    def required(self, name: str) -> str:
        """A URL that this command cannot do without. Raises SettingsError."""
        value: SecretStr | None = getattr(self, name)
        if value is None:
            raise SettingsError(
                f"{PREFIX}{name.upper()} is not set. `oblivion up` runs everything on this machine without it; "
                "the other commands need it."
            )
        return value.get_secret_value()
