"""Slack as an integration: tries credentials, opens workspaces, listens over Socket Mode."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from pydantic import ValidationError

from nexus.integrations.slack.answers import AuthTest, UserInfo
from nexus.integrations.slack.client import SlackClient
from nexus.integrations.slack.description import describe
from nexus.integrations.slack.examination import examine, try_app_token
from nexus.integrations.slack.gaps import SlackHistory
from nexus.integrations.slack.listener import listen
from nexus.integrations.slack.payloads import Credentials, Identity, parse
from nexus.integrations.slack.sink import SlackChat
from nexus.integrations.slack.source import SlackSource
from nexus.kit.logging import get_logger
from nexus.pipeline.errors import Rejected
from nexus.pipeline.ports import Accept, Answered, Connected, HookSecret, Probe, Source, uncounted
from oblivion_protocol.operating import Check, IntegrationResource

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Open:
    credentials: Credentials
    us: Identity
    client: SlackClient
    chat: SlackChat
    history: SlackHistory


class SlackIntegration:
    """Implements `nexus.pipeline.ports.Integration` and `Listener`."""

    name: str = "slack"
    label: str = "Slack"
    role: Literal["tracker", "chat"] = "chat"

    def __init__(self, answered: Answered = uncounted) -> None:
        self._answered = answered
        self.source: Source = SlackSource()
        self._open: dict[UUID, _Open] = {}
        self._replaced: list[SlackClient] = []

    def describe(self, public_url: str) -> IntegrationResource:
        """What to do and to enter, with the manifest of the app."""
        return describe(public_url)

    async def probe(self, credentials: Mapping[str, Any]) -> Probe:
        """Whose token it is, and whether the app-level token works. Raises Rejected with what to do."""
        given = _credentials(credentials)
        client = self._connect(given.bot_token, given.api_url)
        try:
            who = await client.read("auth.test", AuthTest)
            if who.bot_id is None or who.team_id is None:
                raise Rejected("This is no bot token of one workspace. Enter the Bot User OAuth Token (xoxb-…).")
            app_id = await _app_id(client, who, given)
        finally:
            await client.aclose()
        if given.app_token:
            await try_app_token(given, self._connect)
        facts = {"bot_user_id": who.user_id, "bot_id": who.bot_id, "app_id": app_id}
        return Probe(workspace_id=who.team_id, name=who.team, facts=facts)

    async def subscribe(self, connection: Connected, public_url: str) -> list[HookSecret]:
        """How requests are signed. Nothing to call: the app's manifest says where Slack sends events."""
        given = _credentials(connection.credentials)
        us = parse(Identity, dict(connection.facts))
        if not given.signing_secret:
            return []
        if us.app_id is None:
            raise Rejected("The id of the Slack app is not known. Test the connection again in Settings.")
        return [HookSecret(f"{us.app_id}:{connection.workspace_id}", given.signing_secret)]

    async def examine(self, connection: Connected, public_url: str) -> list[Check]:
        """The tokens and how events reach us, as it is now. Raises Retryable or Deferred."""
        opened = self._opened(connection)
        return await examine(opened.client, opened.credentials, opened.us, public_url, self._connect)

    async def unsubscribe(self, connection: Connected, public_url: str) -> None:
        """Nothing to call: events are refused once we have no secret for them. Only people can delete the app."""

    def open(self, connection: Connected) -> SlackChat:
        """The workspace, the same object for as long as nothing about it changes."""
        return self._opened(connection).chat

    def history(self, connection: Connected) -> SlackHistory:
        """What happened in the workspace before now."""
        return self._opened(connection).history

    def _opened(self, connection: Connected) -> _Open:
        given = _credentials(connection.credentials)
        us = parse(Identity, dict(connection.facts))
        known = self._open.get(connection.id)
        if known is not None and (known.credentials, known.us) == (given, us):
            return known
        if known is not None:
            # It may be in use at this moment.
            self._replaced.append(known.client)
        client = self._connect(given.bot_token, given.api_url)
        chat = SlackChat(client, us, posts_per_second=given.posts_per_second)
        opened = _Open(given, us, client, chat, SlackHistory(client, us, connection.workspace_id))
        self._open[connection.id] = opened
        return opened

    def _connect(self, token: str, api_url: str) -> SlackClient:
        return SlackClient(token, api_url, answered=self._answered)

    def can_listen(self, connection: Connected) -> bool:
        """Whether there is an app-level token."""
        return bool(_credentials(connection.credentials).app_token)

    async def listen(self, connection: Connected, accept: Accept) -> None:
        """Receives events over Socket Mode until cancelled. Raises Rejected when Slack refuses the token."""
        await listen(_credentials(connection.credentials), accept, self._connect)

    async def aclose(self) -> None:
        """Closes all connections."""
        clients = [*self._replaced, *(each.client for each in self._open.values())]
        self._open, self._replaced = {}, []
        for client in clients:
            await client.aclose()


def _credentials(given: Mapping[str, Any]) -> Credentials:
    try:
        return Credentials.model_validate(dict(given))
    except ValidationError as error:
        fields = ", ".join(sorted({str(each["loc"][0]) for each in error.errors()}))
        raise Rejected(f"Slack's credentials are incomplete or of the wrong kind: {fields}.") from None


async def _app_id(client: SlackClient, who: AuthTest, given: Credentials) -> str:
    found = who.app_id
    if found is None:
        try:
            found = (await client.read("users.info", UserInfo, user=who.user_id)).user.profile.api_app_id
        except Rejected as refused:
            log.info("slack.app_unknown", reason=refused.reason)
    if found and given.app_id and found != given.app_id:
        raise Rejected(f"The bot token belongs to the app {found}, not to {given.app_id}. Enter values of one app.")
    app_id = found or given.app_id
    if not app_id:
        raise Rejected("Slack did not say which app the token belongs to. Enter the App ID (Basic Information).")
    return app_id
