"""Credentials tried, workspaces opened."""

from dataclasses import replace

import pytest

from nexus.integrations.slack import integration as make
from nexus.integrations.slack.integration import SlackIntegration
from nexus.pipeline.errors import Rejected, Retryable
from nexus.pipeline.ports import HookSecret, Listener, Probe

WHO = {"ok": True, "team": "Example", "team_id": "T0A1B2C3D", "user_id": "U0NEXUSBOT", "bot_id": "B0NEXUS001"}
FACTS = {"bot_user_id": "U0NEXUSBOT", "bot_id": "B0NEXUS001", "app_id": "A0NEXUS001"}
UNKNOWN = {"ok": False, "error": "user_not_found"}


@pytest.fixture
def slack(scripted, payload):
    scripted.answers("auth.test", WHO)
    scripted.answers("users.info", payload("users.info_bot_ok"))
    return scripted


def given(slack, **more: str) -> dict[str, str]:
    return {"bot_token": " xoxb-1\n", "signing_secret": "s", "api_url": slack.url, **more}


async def test_probe_learns_who_we_are(slack) -> None:
    assert await SlackIntegration().probe(given(slack)) == Probe("T0A1B2C3D", "Example", FACTS)


async def test_probe_takes_the_app_id_from_the_credentials_when_slack_does_not_say(slack) -> None:
    slack.answers("users.info", UNKNOWN)
    assert (await SlackIntegration().probe(given(slack, app_id="A0NEXUS001"))).facts == FACTS
    with pytest.raises(Rejected, match="Enter the App ID"):
        await SlackIntegration().probe(given(slack))


async def test_probe_refuses_values_of_two_apps(slack) -> None:
    with pytest.raises(Rejected, match="belongs to the app A0NEXUS001, not to A0OTHER"):
        await SlackIntegration().probe(given(slack, app_id="A0OTHER"))


async def test_probe_refuses_a_token_that_is_no_bots(slack) -> None:
    slack.answers("auth.test", {**WHO, "bot_id": None})
    with pytest.raises(Rejected, match="xoxb-"):
        await SlackIntegration().probe(given(slack))


async def test_probe_tries_the_app_token(slack) -> None:
    slack.answers("apps.connections.open", {"ok": False, "error": "not_allowed_token_type"})
    with pytest.raises(Rejected, match="Socket Mode does not work"):
        await SlackIntegration().probe(given(slack, app_token="xapp-1"))
    slack.answers("apps.connections.open", {"ok": True, "url": "wss://x.example/"})
    assert (await SlackIntegration().probe(given(slack, app_token="xapp-1"))).facts == FACTS


async def test_probe_says_what_to_do_about_a_bad_token_and_waits_for_slack(slack) -> None:
    slack.answers("auth.test", {"ok": False, "error": "invalid_auth"})
    with pytest.raises(Rejected, match="new bot token"):
        await SlackIntegration().probe(given(slack))
    slack.answers("auth.test", {"ok": False, "error": "fatal_error"})
    with pytest.raises(Retryable):
        await SlackIntegration().probe(given(slack))
    with pytest.raises(Rejected, match="bot_token"):
        await SlackIntegration().probe({"signing_secret": "s"})


async def test_webhooks_are_signed_with_the_secret_of_the_app(connected) -> None:
    integration = SlackIntegration()
    assert await integration.subscribe(connected, "https://hub.example") == [HookSecret("A0NEXUS001:T0A1B2C3D", "s")]
    socket_only = replace(connected, credentials={"bot_token": "xoxb-1", "app_token": "xapp-1"})
    assert await integration.subscribe(socket_only, "https://hub.example") == []
    assert integration.can_listen(socket_only) and not integration.can_listen(connected)


async def test_a_workspace_stays_open_until_its_credentials_change(connected) -> None:
    integration = SlackIntegration()
    first = integration.open(connected)
    assert integration.open(connected) is first
    other = integration.open(replace(connected, credentials={"bot_token": "xoxb-2"}))
    assert other is not first
    assert integration.open(replace(connected, facts={})) is not integration.open(connected)
    await integration.aclose()


def test_the_integration_is_a_chat_that_can_listen() -> None:
    slack = make()
    assert (slack.name, slack.label, slack.role, slack.source.name) == ("slack", "Slack", "chat", "slack")
    assert isinstance(slack, Listener)
