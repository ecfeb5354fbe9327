"""Access tokens: OAuth 2.0 client credentials, RFC 6749 §4.4."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from pydantic import ValidationError

from oblivion._http import request
from oblivion.errors import CredentialsRefused, Unreachable
from oblivion_protocol import OAuthError, TokenResponse

if TYPE_CHECKING:
    import httpx

_USABLE_FRACTION = 0.8
_TRANSIENT = frozenset({"server_error", "temporarily_unavailable"})


class TokenSource:
    """Fetches access tokens for one agent, and remembers the last one."""

    def __init__(self, uri: str, client_id: str, client_secret: str, now: Callable[[], float] = time.monotonic) -> None:
        self._url = f"{uri}/auth/token"
        self._client_id = client_id
        self._client_secret = client_secret
        self._now = now
        self._token: str | None = None
        self._stale_at = 0.0

    async def current(self) -> str:
        """The remembered token while most of its life is left, else a fresh one."""
        if self._token is not None and self._now() < self._stale_at:
            return self._token
        return await self.fresh()

    async def fresh(self) -> str:
        """A new token.

        Raises `CredentialsRefused` when trying again is useless, `Unreachable` when it may help.
        """
        asked_at = self._now()
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        response = await request("POST", self._url, form=form)
        if response.status_code != HTTPStatus.OK:
            raise _refusal(response, self._url, self._client_id)
        try:
            token = TokenResponse.model_validate_json(response.content)
        except ValidationError as error:
            raise Unreachable(f"{self._url} answered something else than a token. Is this Nexus?") from error
        self._token = token.access_token
        self._stale_at = asked_at + token.expires_in * _USABLE_FRACTION
        return token.access_token


def _refusal(response: "httpx.Response", url: str, client_id: str) -> CredentialsRefused | Unreachable:
    try:
        refusal = OAuthError.model_validate_json(response.content)
    except ValidationError:
        if response.status_code == HTTPStatus.FORBIDDEN:
            return CredentialsRefused(f"{url} answered 403: agent {client_id!r} may not connect.")
        return Unreachable(f"{url} answered {response.status_code}. Is OBLIVION_URI the address of Nexus?")
    if refusal.error in _TRANSIENT:
        return Unreachable(f"{url} answered {refusal.error}: {refusal.error_description}")
    return CredentialsRefused(
        f"Nexus refused agent {client_id!r} ({refusal.error}: {refusal.error_description}). "
        "Check AGENT_ID and AGENT_SECRET; `oblivion agent rotate` makes a new secret."
    )
