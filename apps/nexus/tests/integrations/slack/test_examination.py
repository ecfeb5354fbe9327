"""What a test of the connection finds at Slack, and how Slack is described to people."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nexus.integrations import slack as folder
from nexus.integrations.slack import integration as make_integration
from nexus.integrations.slack.integration import SlackIntegration
from nexus.integrations.slack.payloads import Credentials
from nexus.pipeline.errors import Retryable
from nexus.pipeline.ports import Connected

URL = "https://hub.example/"
WHO = {"ok": True, "team": "Example", "team_id": "T0A1B2C3D", "user_id": "U0NEXUSBOT", "bot_id": "B0NEXUS001"}


@pytest.fixture
async def examined(scripted, connected: Connected):
    """The checks of a connection with changed credentials, as (name, state), and all that is said."""
    scripted.answers("auth.test", WHO)
    scripted.answers("conversations.list", {"ok": True, "channels": []})
    scripted.answers("apps.connections.open", {"ok": True, "url": "wss://x.example/"})
    integration = SlackIntegration()

    async def examine(url: str = URL, **changes: str) -> tuple[dict[str, str], str]:
        given = {**connected.credentials, "api_url": scripted.url, **changes}
        checks = await integration.examine(replace(connected, credentials=given), url)
        return {one.name: one.state for one in checks}, str(checks)

    yield examine
    await integration.aclose()


async def test_a_sound_connection_passes_every_check_and_nothing_is_written(examined, scripted) -> None:
    checks, said = await examined()
    assert checks == {"Bot token": "ok", "Channels": "ok", "Events": "ok"}
    assert "https://hub.example/webhooks/slack" in said
    assert {method for method, _ in scripted.calls} == {"auth.test", "conversations.list"}


async def test_a_token_that_is_refused_is_the_one_thing_that_is_said(examined, scripted) -> None:
    scripted.answers("auth.test", {"ok": False, "error": "token_revoked"})
    checks, said = await examined()
    assert checks == {"Bot token": "failed"} and "token_revoked" in said


async def test_an_app_that_lacks_a_permission_is_to_be_installed_again(examined, scripted) -> None:
    scripted.answers("conversations.list", {"ok": False, "error": "missing_scope", "needed": "channels:read"})
    checks, said = await examined()
    assert checks["Channels"] == "failed" and "channels:read" in said and "manifest" in said


@pytest.mark.parametrize(
    ("url", "credentials", "state", "word"),
    [
        (URL, {"signing_secret": ""}, "failed", "verified"),
        ("http://hub.example", {}, "warning", "https"),
        ("", {}, "warning", "not set"),
        ("", {"app_token": "xapp-1", "signing_secret": ""}, "ok", "Socket Mode"),
    ],
)
async def test_whether_events_can_come_is_said(
    examined, url: str, credentials: dict[str, str], state: str, word: str
) -> None:
    checks, said = await examined(url, **credentials)
    assert checks["Events"] == state and word in said


async def test_socket_mode_that_does_not_work_is_said(examined, scripted) -> None:
    scripted.answers("apps.connections.open", {"ok": False, "error": "not_allowed_token_type"})
    checks, said = await examined(app_token="xapp-1")
    assert checks["Events"] == "failed" and "app-level token" in said


async def test_a_slack_that_does_not_answer_is_not_judged(examined, scripted) -> None:
    async def away(_request: Any) -> Any:
        from aiohttp import web

        return web.Response(status=503)

    scripted.answers("auth.test", away)
    with pytest.raises(Retryable):
        await examined()


async def test_leaving_asks_slack_nothing(scripted, connected: Connected) -> None:
    await SlackIntegration().unsubscribe(connected, URL)
    assert scripted.calls == []


def test_every_credential_that_is_asked_for_is_one_that_is_read() -> None:
    described = make_integration().describe(URL)
    names = {field.name for field in described.fields}
    # How fast Slack takes messages is for an administrator who has asked Slack for more.
    assert names == set(Credentials.model_fields) - {"posts_per_second"}
    assert {field.name for field in described.fields if field.required} == {
        name for name, field in Credentials.model_fields.items() if field.is_required()
    }
    assert {field.name for field in described.fields if field.secret} == {"bot_token", "signing_secret", "app_token"}


def test_the_manifest_sends_everything_to_our_address() -> None:
    manifest = make_integration().describe(URL).manifest or ""
    assert "request_url: https://hub.example/webhooks/slack\n" in manifest
    assert "request_url: https://hub.example/webhooks/slack/interactive\n" in manifest
    assert "YOUR-HOST" not in manifest
    assert "YOUR-HOST" in (make_integration().describe("").manifest or ""), "where nobody knows our address"


def test_the_readme_has_no_second_manifest() -> None:
    readme = (Path(folder.__file__).parent / "README.md").read_text()
    assert "(manifest.yaml)" in readme and "bot_events" not in readme
