"""The dashboard as Nexus meets it: it signs people in and asks for tokens with which it acts for them."""

from dataclasses import dataclass
from typing import Any

import httpx

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
EMAIL = "urn:oblivion:params:oauth:token-type:email"


@dataclass(frozen=True)
class Dashboard:
    """The client of a tenant's dashboard."""

    api: httpx.AsyncClient
    client_id: str
    secret: str

    async def exchange(self, email: str | None, **changes: str | None) -> httpx.Response:
        """Asks for a person's token; a parameter that is None is left out."""
        form: dict[str, Any] = {
            "grant_type": EXCHANGE,
            "client_id": self.client_id,
            "client_secret": self.secret,
            "subject_token": email,
            "subject_token_type": EMAIL,
        }
        form = {name: value for name, value in (form | changes).items() if value is not None}
        return await self.api.post("/auth/token", data=form)

    async def headers(self, email: str, **changes: str | None) -> dict[str, str]:
        """What a request for this person carries."""
        answer = await self.exchange(email, **changes)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}
