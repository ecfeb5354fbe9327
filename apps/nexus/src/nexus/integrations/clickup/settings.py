"""What a ClickUp connection is made of: what an operator enters, and what the probe learned."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from yarl import URL

from nexus.integrations.clickup.payloads import Id, Text
from nexus.pipeline.errors import Rejected
from nexus.pipeline.ports import Connected, Unreadable

DEFAULT_API_URL = "https://api.clickup.com/api/v2"


def _usable_token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("no token looks like this: copy it again from ClickUp, Settings, Apps")
    return SecretStr(text)


def _usable_url(value: str) -> str:
    try:
        url = URL(value.strip()).with_fragment(None)
    except ValueError:
        raise ValueError("not a URL") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("not a URL that begins with http:// or https://")
    if url.raw_user is not None or url.raw_password is not None:
        raise ValueError("a URL with a user or a password in it: the token alone says who we are")
    return str(url).rstrip("/")


def _or_default(value: object) -> object:
    return value or DEFAULT_API_URL


class Credentials(BaseModel):
    """What is sealed in the database. `hooks` has the secret of each webhook by its id."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    token: Annotated[SecretStr, AfterValidator(_usable_token)]
    api_url: Annotated[str, BeforeValidator(_or_default), AfterValidator(_usable_url)] = DEFAULT_API_URL
    team_id: Annotated[Id | None, BeforeValidator(lambda value: value or None)] = None
    hooks: Annotated[dict[str, str], BeforeValidator(lambda value: value or {})] = Field(
        default_factory=dict, repr=False
    )

    @property
    def authorization(self) -> str:
        """The header's value: a personal token stands bare, an OAuth token does not."""
        token = self.token.get_secret_value()
        return token if token.startswith("pk_") else f"Bearer {token}"


class Account(BaseModel):
    """What the probe learned; the user is who our own comments are by."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user_id: Id
    username: Text = ""


def read_credentials(given: Mapping[str, Any]) -> Credentials:
    """Raises Rejected, naming the field and never its value."""
    try:
        return Credentials.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"]) or "credentials"
        raise Rejected(f"ClickUp's {field} cannot be used: {first['msg']}") from None


def own_user_id(connection: Connected) -> str:
    """Our user in ClickUp. Raises Unreadable: without it, our own comments would come back for ever."""
    try:
        return Account.model_validate(connection.facts).user_id
    except ValidationError:
        raise Unreadable("The connection does not know its own ClickUp user: reconnect ClickUp.") from None
