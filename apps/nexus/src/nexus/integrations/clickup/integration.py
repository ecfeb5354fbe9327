"""The ClickUp vendor as the rest of Oblivion sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

from nexus.integrations.clickup.answers import Named
from nexus.integrations.clickup.changes import ClickUpHistory
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.description import describe
from nexus.integrations.clickup.examination import examine
from nexus.integrations.clickup.hooks import ensure_hook, look_at_hook, remove_hooks, why_access_is_lost
from nexus.integrations.clickup.settings import Credentials, own_user_id, read_credentials
from nexus.integrations.clickup.sink import ClickUpTracker
from nexus.integrations.clickup.source import ClickUpSource
from nexus.kit.clock import Clock, SystemClock
from nexus.pipeline.errors import Rejected, Retryable, Unsure
from nexus.pipeline.ports import Answered, Connected, HookSecret, Probe, Source, Unreadable, Watch, uncounted
from oblivion_protocol.operating import Check, IntegrationResource


@dataclass(frozen=True, slots=True, repr=False)
class _Opened:
    token: str
    api_url: str
    client: ClickUpClient


class ClickUpIntegration:
    """ClickUp."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        answered: Answered = uncounted,
    ) -> None:
        self.name = "clickup"
        self.label = "ClickUp"
        self.role: Literal["tracker", "chat"] = "tracker"
        self._clock = clock or SystemClock()
        self._answered = answered
        self.source: Source = ClickUpSource(self._clock)
        self._opened: dict[UUID, _Opened] = {}
        self._retired: list[ClickUpClient] = []

    def describe(self, public_url: str) -> IntegrationResource:
        """What to do and to enter; our address is not needed for it, the webhook is registered by us."""
        return describe()

    async def probe(self, credentials: Mapping[str, Any]) -> Probe:
        """Tries a token. Raises Rejected with what to do, or Retryable when ClickUp cannot be reached."""
        wanted = read_credentials(credentials)
        client = self._connect(wanted)
        try:
            user = await client.user()
            team = _chosen(await client.teams(), wanted)
        finally:
            await client.aclose()
        return Probe(team.id, team.name, {"user_id": user.id, "username": user.username})

    async def subscribe(self, connection: Connected, public_url: str) -> list[HookSecret]:
        """Makes sure that one healthy webhook points at us. May be called as often as one likes."""
        endpoint, hooks = _endpoint(public_url), read_credentials(connection.credentials).hooks
        try:
            ensured = await ensure_hook(self._client(connection), connection.workspace_id, endpoint, hooks)
        except Unsure as error:
            # The next call begins with a look at what is there.
            raise Retryable(error.reason) from error
        return list(ensured.hooks)

    async def examine(self, connection: Connected, public_url: str) -> list[Check]:
        """The token, the workspace and our webhook, as they are now. Raises Retryable or Deferred."""
        client, credentials = self._client(connection), read_credentials(connection.credentials)
        return await examine(client, connection.workspace_id, _endpoint(public_url), credentials.hooks)

    async def unsubscribe(self, connection: Connected, public_url: str) -> None:
        """Deletes our webhooks. Raises Retryable, Deferred, Unsure or Rejected."""
        client, known = self._client(connection), read_credentials(connection.credentials).hooks
        await remove_hooks(client, connection.workspace_id, _endpoint(public_url), known)

    async def watch(self, connection: Connected, public_url: str) -> Watch:
        """Looks whether ClickUp still sends us webhooks, and sees to it. Raises Retryable or Deferred."""
        client, team_id = self._client(connection), connection.workspace_id
        try:
            hooks = read_credentials(connection.credentials).hooks
            found = await look_at_hook(client, team_id, _endpoint(public_url), hooks)
            return replace(found, budget=client.budget())
        except Unsure as error:
            raise Retryable(error.reason) from error
        except Rejected as refused:
            lost = await why_access_is_lost(client, team_id)
            return Watch("unknown", sound=False, problem=lost or refused.reason, access_lost=lost is not None)

    def history(self, connection: Connected) -> ClickUpHistory:
        """What happened in the workspace before now. Raises Rejected when it has to be connected again."""
        own_id = _own_id(connection)
        return ClickUpHistory(self._client(connection), team_id=connection.workspace_id, own_user_id=own_id)

    def open(self, connection: Connected) -> ClickUpTracker:
        """The tracker of a connection. Raises Rejected when it has to be connected again."""
        own_id = _own_id(connection)
        return ClickUpTracker(self._client(connection), team_id=connection.workspace_id, own_user_id=own_id)

    async def aclose(self) -> None:
        """Closes every pool."""
        clients = [opened.client for opened in self._opened.values()] + self._retired
        self._opened, self._retired = {}, []
        for client in clients:
            await client.aclose()

    def _client(self, connection: Connected) -> ClickUpClient:
        """One client per token, because ClickUp counts requests by token; a new one after a new token."""
        credentials = read_credentials(connection.credentials)
        token, api_url = credentials.authorization, credentials.api_url
        opened = self._opened.get(connection.id)
        if opened is not None and (opened.token, opened.api_url) == (token, api_url):
            return opened.client
        if opened is not None:
            # Calls may be under way in it.
            self._retired.append(opened.client)
        client = self._connect(credentials)
        self._opened[connection.id] = _Opened(token, api_url, client)
        return client

    def _connect(self, credentials: Credentials) -> ClickUpClient:
        return ClickUpClient(credentials, self._clock, answered=self._answered)


def _endpoint(public_url: str) -> str:
    if not public_url.startswith(("https://", "http://")):
        raise Rejected("ClickUp sends webhooks to a public URL only, and Oblivion has none: set it")
    return f"{public_url.rstrip('/')}/webhooks/clickup"


def _own_id(connection: Connected) -> str:
    try:
        return own_user_id(connection)
    except Unreadable as error:
        raise Rejected(str(error)) from None


def _chosen(teams: tuple[Named, ...], credentials: Credentials) -> Named:
    """The workspace to connect: the one that was asked for, or the only one."""
    choice = ", ".join(f"{team.name} ({team.id})" for team in teams)
    if not teams:
        raise Rejected("The token's user belongs to no ClickUp workspace: invite it to one")
    if credentials.team_id is not None:
        for team in teams:
            if team.id == credentials.team_id:
                return team
        raise Rejected(f"The token's user is not in workspace {credentials.team_id}, but in: {choice}")
    only, *others = teams
    if others:
        raise Rejected(f"The token's user is in several ClickUp workspaces; give team_id, one of: {choice}")
    return only
