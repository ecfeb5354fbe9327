"""Socket Mode against the sandbox: nothing is acknowledged before it is durable."""

import asyncio
import json
from dataclasses import dataclass, field
from uuid import UUID

import httpx
import pytest

from nexus.integrations.slack.integration import SlackIntegration
from nexus.integrations.slack.listener import raw_request
from nexus.integrations.slack.source import SlackSource
from nexus.pipeline.errors import Rejected
from nexus.pipeline.facts import ButtonPressed, MessagePosted, PostCard
from nexus.pipeline.ports import Connected, RawRequest
from oblivion_sandbox import running_sandbox, seed

FACTS = {"bot_user_id": seed.SLACK_BOT_USER, "bot_id": seed.SLACK_BOT_ID, "app_id": seed.SLACK_APP_ID}


@dataclass
class Inbox:
    failures: int = 0
    requests: asyncio.Queue[RawRequest] = field(default_factory=asyncio.Queue)
    tries: int = 0

    async def accept(self, request: RawRequest) -> None:
        self.tries += 1
        if self.tries <= self.failures:
            raise RuntimeError("the database is away")
        await self.requests.put(request)

    async def next(self) -> RawRequest:
        async with asyncio.timeout(20):
            return await self.requests.get()


@pytest.fixture
async def slack():
    async with running_sandbox() as running:
        app = running.sandbox.slack.state.app
        running.sandbox.slack.state.app = app.model_copy(update={"socket_mode": True})
        yield running


def connection(slack, app_token: str = seed.SLACK_APP_TOKEN) -> Connected:
    given = {"bot_token": seed.SLACK_BOT_TOKEN, "app_token": app_token, "api_url": slack.slack_api_url}
    return Connected(UUID(int=1), UUID(int=2), "slack", seed.SLACK_TEAM_ID, given, FACTS)


@pytest.fixture
async def listening(slack):
    integration = SlackIntegration()
    tasks: list[asyncio.Task[None]] = []

    async def start(inbox: Inbox) -> None:
        tasks.append(asyncio.create_task(integration.listen(connection(slack), inbox.accept)))
        await connected(slack)

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await integration.aclose()


async def connected(slack) -> None:
    async with asyncio.timeout(20):
        while slack.sandbox.slack.sockets.count == 0:  # noqa: ASYNC110 - the sandbox has no event for it
            await asyncio.sleep(0.01)


async def dana_says(slack, text: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            slack.slack_api_url + "chat.postMessage",
            json={"channel": seed.SLACK_CHANNEL_AI_SQUAD, "text": text},
            headers={"Authorization": f"Bearer {seed.SLACK_TOKEN_DANA}"},
        )
        assert answer.json()["ok"], answer.text


async def test_a_message_arrives_as_the_webhook_it_would_have_been(slack, listening) -> None:
    inbox = Inbox()
    await listening(inbox)
    await dana_says(slack, "grüße")
    request = await inbox.next()
    source = SlackSource()
    assert source.key_of(request) == f"{seed.SLACK_APP_ID}:{seed.SLACK_TEAM_ID}"
    [fact] = source.facts(request.body, request.headers["content-type"], connection(slack))
    assert isinstance(fact, MessagePosted) and fact.text == "grüße" and request.path == ""


async def test_what_was_not_stored_is_sent_again(slack, listening) -> None:
    slack.sandbox.core.settings = slack.sandbox.core.settings.model_copy(
        update={"slack_timeout_seconds": 0.3, "slack_retry_seconds": (0.0, 0.0, 0.0)}
    )
    inbox = Inbox(failures=1)
    await listening(inbox)
    await dana_says(slack, "keep me")
    assert b"keep me" in (await inbox.next()).body
    assert inbox.tries == 2


async def test_a_pressed_button_arrives_in_the_form_of_interactivity(
    slack, listening, make_outgoing, make_view
) -> None:
    integration = SlackIntegration()
    card = make_outgoing(PostCard(seed.SLACK_CHANNEL_AI_SQUAD), card=make_view(stoppable=True))
    root = (await integration.open(connection(slack)).send(card)).external_id
    await integration.aclose()
    inbox = Inbox()
    await listening(inbox)
    press = slack.sandbox.slack.interactivity.press
    answer = await press(seed.SLACK_CHANNEL_AI_SQUAD, root, "oblivion_stop", seed.SLACK_USER_DANA, None)
    assert answer.outcome == "ok"
    while (request := await inbox.next()).path != "interactive":
        pass
    [fact] = SlackSource().facts(request.body, request.headers["content-type"], connection(slack))
    assert isinstance(fact, ButtonPressed)
    assert (fact.action, fact.value, fact.root_ts) == ("oblivion_stop", "conv-1", root)


async def test_after_a_disconnect_it_listens_again(slack, listening) -> None:
    inbox = Inbox()
    await listening(inbox)
    assert await slack.sandbox.slack.sockets.disconnect("refresh_requested") == 1
    await connected(slack)
    await dana_says(slack, "still there?")
    assert b"still there?" in (await inbox.next()).body


async def test_a_refused_app_token_ends_it_with_what_to_do(slack) -> None:
    integration = SlackIntegration()
    with pytest.raises(Rejected, match="does not accept the token"):
        await integration.listen(connection(slack, "xapp-wrong"), Inbox().accept)


def test_the_two_forms_read_the_same(payload) -> None:
    envelope = payload("socket_mode_events_api")
    request = raw_request(envelope["type"], envelope["payload"])
    assert request is not None and json.loads(request.body) == envelope["payload"]
    pressed = raw_request("interactive", payload("interactivity_block_actions"))
    assert pressed is not None
    assert SlackSource().key_of(pressed) == "A0NEXUS001:T0A1B2C3D"
    assert raw_request("slash_commands", {}) is None
