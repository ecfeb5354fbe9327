"""The sink against the sandbox's Slack: what is posted, found again, refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from nexus.integrations.slack.integration import SlackIntegration
from nexus.integrations.slack.payloads import Message
from nexus.integrations.slack.sink import SlackChat
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure
from nexus.pipeline.facts import (
    AddComment,
    EditReply,
    MessagePosted,
    Person,
    PostCard,
    PostReply,
    Speaker,
    UpdateCard,
)
from nexus.pipeline.ports import Chat, Connected, Outgoing, RateLimit
from oblivion_sandbox import FaultRule, running_sandbox, seed

CHANNEL = seed.SLACK_CHANNEL_AI_SQUAD


@pytest.fixture
async def slack():
    async with running_sandbox() as running:
        yield running


@pytest.fixture
async def chat(slack):
    integration = SlackIntegration()
    given = {"bot_token": seed.SLACK_BOT_TOKEN, "signing_secret": "s", "api_url": slack.slack_api_url}
    probe = await integration.probe(given)
    connection = Connected(UUID(int=1), UUID(int=2), "slack", probe.workspace_id, given, probe.facts)
    chat = integration.open(connection)
    assert isinstance(chat, SlackChat)
    yield chat
    await integration.aclose()


def messages(slack, channel: str = CHANNEL) -> list[dict]:
    return [each for each in slack.sandbox.slack.state.messages.get(channel, {}).values() if "bot_id" in each]


def human_says(slack, text: str, **more) -> str:
    ts = slack.sandbox.core.ids.slack_ts()
    slack.sandbox.slack.messages.put(
        CHANNEL, {"type": "message", "ts": ts, "text": text, "user": seed.SLACK_USER_DANA, "blocks": [], **more}
    )
    return ts


def attempted(outgoing: Outgoing) -> Outgoing:
    return replace(outgoing, attempted_at=datetime.now(UTC))


async def test_card_reply_and_edits_are_one_thread(slack, chat, make_outgoing, make_view) -> None:
    root = (await chat.send(make_outgoing(PostCard(CHANNEL)))).external_id
    speaker = Speaker("fixer", ":robot_face:")
    said = make_outgoing(PostReply(CHANNEL, "done & <b>", speaker), id=UUID(int=78), root_ts=root)
    reply = (await chat.send(said)).external_id
    done = make_view(state="completed")
    updated = await chat.send(make_outgoing(UpdateCard(CHANNEL), id=UUID(int=79), root_ts=root, card=done))
    edit = EditReply(CHANNEL, "done, really", speaker)
    edited = await chat.send(make_outgoing(edit, id=UUID(int=80), root_ts=root, twin_id=reply))
    assert (updated.external_id, edited.external_id) == (root, reply)
    [card, answer] = messages(slack)
    assert card["metadata"] == {
        "event_type": "oblivion_delivery",
        "event_payload": {
            "delivery_id": str(UUID(int=77)),
            "item_id": "86cx1ab2c",
            "conversation_id": "conv-1",
        },
    }
    assert "Done by fixer" in card["text"]
    assert answer["thread_ts"] == root
    assert (answer["username"], answer["icons"]["emoji"]) == ("fixer", ":robot_face:")
    assert answer["blocks"][0]["text"]["text"] == "done, really"


async def test_nothing_in_a_text_is_expanded_or_unfurled(scripted, connected, make_outgoing) -> None:
    scripted.answers("chat.postMessage", {"ok": True, "ts": "1.000001"})
    integration = SlackIntegration()
    chat = integration.open(replace(connected, credentials={"bot_token": "xoxb-1", "api_url": scripted.url}))
    await chat.send(make_outgoing(PostReply(CHANNEL, "<!here> hi"), root_ts="1.000000"))
    [sent] = scripted.called("chat.postMessage")
    assert (sent["parse"], sent["link_names"], sent["unfurl_links"], sent["unfurl_media"]) == (
        "none",
        False,
        False,
        False,
    )
    assert sent["text"] == "&lt;!here&gt; hi"
    assert "username" not in sent and sent["thread_ts"] == "1.000000"
    await integration.aclose()


async def test_what_waits_for_another_message_is_deferred(chat, make_outgoing) -> None:
    edit = EditReply(CHANNEL, "text")
    for intent in (PostReply(CHANNEL, "hi"), UpdateCard(CHANNEL), edit):
        with pytest.raises(Deferred) as deferred:
            await chat.send(make_outgoing(intent))
        assert deferred.value.after_seconds == 1


@pytest.mark.parametrize("fault", ["accept_then_cut", "5xx", "reject_error"])
async def test_an_unsure_card_is_found_if_and_only_if_it_is_there(slack, chat, make_outgoing, fault: str) -> None:
    await chat.send(make_outgoing(PostCard(CHANNEL), id=UUID(int=5)))
    slack.sandbox.core.faults.add(FaultRule(vendor="slack", match="chat.postMessage", fault=fault, count=1))
    outgoing = attempted(make_outgoing(PostCard(CHANNEL)))
    with pytest.raises(Unsure):
        await chat.send(outgoing)
    found = await chat.find(outgoing)
    if fault == "accept_then_cut":
        assert found is not None and found.external_id == messages(slack)[-1]["ts"]
        assert len(messages(slack)) == 2
    else:
        assert found is None and len(messages(slack)) == 1


async def test_an_unsure_reply_is_found_by_its_block_when_slack_kept_no_metadata(slack, chat, make_outgoing) -> None:
    root = (await chat.send(make_outgoing(PostCard(CHANNEL)))).external_id
    slack.sandbox.core.faults.add(FaultRule(vendor="slack", match="chat.postMessage", fault="accept_then_cut", count=1))
    outgoing = attempted(make_outgoing(PostReply(CHANNEL, "hi"), id=UUID(int=9), root_ts=root))
    with pytest.raises(Unsure):
        await chat.send(outgoing)
    stored = messages(slack)[-1]
    assert (await chat.find(outgoing)).external_id == stored["ts"]
    del stored["metadata"]
    assert (await chat.find(outgoing)).external_id == stored["ts"]
    stored["blocks"][0]["block_id"] = "other"
    assert await chat.find(outgoing) is None


async def test_a_message_of_somebody_else_with_our_marks_is_not_taken_for_ours(slack, chat, make_outgoing) -> None:
    outgoing = attempted(make_outgoing(PostCard(CHANNEL)))
    marks = {"event_type": "oblivion_delivery", "event_payload": {"delivery_id": str(outgoing.id)}}
    human_says(slack, "hi", metadata=marks, blocks=[{"type": "section", "block_id": f"obl:{outgoing.id}"}])
    assert await chat.find(outgoing) is None


async def test_find_turns_pages_and_gives_up_rather_than_say_no(scripted, connected, make_outgoing) -> None:
    integration = SlackIntegration()
    chat = integration.open(replace(connected, credentials={"bot_token": "xoxb-1", "api_url": scripted.url}))
    strange = {"ts": 5, "type": "message"}
    ours = {
        "ts": "1763801000.000100",
        "bot_id": "B0NEXUS001",
        "metadata": {"event_type": "oblivion_delivery", "event_payload": {"delivery_id": str(UUID(int=77))}},
    }
    more = {"ok": True, "messages": [strange], "response_metadata": {"next_cursor": "next"}}
    scripted.answers("conversations.history", more, {"ok": True, "messages": [strange, ours]})
    tried = datetime(2026, 11, 22, 12, 0, 0, 500_000, tzinfo=UTC)
    outgoing = make_outgoing(PostCard(CHANNEL), attempted_at=tried)
    found = await chat.find(outgoing)
    assert found is not None and found.external_id == ours["ts"]
    [first, second] = scripted.called("conversations.history")
    assert first["oldest"] == f"{int((tried - timedelta(seconds=60)).timestamp())}.500000"
    assert "cursor" not in first and second["cursor"] == "next" and second["include_all_metadata"] == "1"
    scripted.answers("conversations.history", more)
    with pytest.raises(Retryable, match="cannot tell"):
        await chat.find(outgoing)
    assert len(scripted.called("conversations.history")) == 2 + 5
    await integration.aclose()


async def test_edits_are_done_again_not_looked_up(chat, make_outgoing) -> None:
    edit = EditReply(CHANNEL, "text")
    for intent in (UpdateCard(CHANNEL), edit, PostReply(CHANNEL, "no root yet")):
        assert await chat.find(attempted(make_outgoing(intent))) is None


async def test_a_public_channel_is_joined_to_post(slack, chat, make_outgoing) -> None:
    members = slack.sandbox.slack.state.channels[seed.SLACK_CHANNEL_WEBSITE].members
    if seed.SLACK_BOT_USER in members:
        members.remove(seed.SLACK_BOT_USER)
    await chat.send(make_outgoing(PostCard(seed.SLACK_CHANNEL_WEBSITE)))
    assert seed.SLACK_BOT_USER in members
    assert len(messages(slack, seed.SLACK_CHANNEL_WEBSITE)) == 1


async def test_channels_that_nobody_can_post_in_are_rejected_with_what_to_do(slack, chat, make_outgoing) -> None:
    with pytest.raises(Rejected, match="archived"):
        await chat.send(make_outgoing(PostCard(seed.SLACK_CHANNEL_ARCHIVED)))
    private = slack.sandbox.slack.state.channels[seed.SLACK_CHANNEL_PRIVATE].members
    if seed.SLACK_BOT_USER in private:
        private.remove(seed.SLACK_BOT_USER)
    with pytest.raises(Rejected, match="/invite"):
        await chat.send(make_outgoing(PostCard(seed.SLACK_CHANNEL_PRIVATE)))
    with pytest.raises(Rejected, match="message is gone"):
        await chat.send(make_outgoing(UpdateCard(CHANNEL), root_ts="1763801000.000100"))
    comment = AddComment("86cx1ab2c", CHANNEL, "1.1", Person("U1"), "text")
    with pytest.raises(Rejected, match="tracker"):
        await chat.send(make_outgoing(comment))


def test_posts_share_a_limit_by_channel_and_changes_one_by_workspace(chat) -> None:
    card, reply = chat.limit(PostCard(CHANNEL)), chat.limit(PostReply(CHANNEL, "hello"))
    assert card == reply == RateLimit(f"post:{CHANNEL}", 1.0, burst=3)
    assert chat.limit(PostCard(seed.SLACK_CHANNEL_WEBSITE)).key != card.key
    update = chat.limit(UpdateCard(CHANNEL))
    assert update == chat.limit(EditReply(seed.SLACK_CHANNEL_WEBSITE, "hello"))
    assert update.per_second <= 50 / 60, "tier 3"


async def test_a_message_of_ours_is_taken_back_once_and_a_gone_one_is_no_error(slack, chat, make_outgoing) -> None:
    posted = (await chat.send(make_outgoing(PostCard(CHANNEL)))).external_id
    for _ in range(2):
        await chat.remove(CHANNEL, posted)
    assert messages(slack) == []


async def test_a_message_of_somebody_else_is_not_taken_back(slack, chat) -> None:
    theirs = human_says(slack, "mine")
    with pytest.raises(Rejected):
        await chat.remove(CHANNEL, theirs)


async def test_slacks_own_limit_is_honoured(slack, chat, make_outgoing) -> None:
    slack.sandbox.core.faults.add(FaultRule(vendor="slack", match="chat.postMessage", fault="429", seconds=7, count=1))
    with pytest.raises(Deferred) as deferred:
        await chat.send(make_outgoing(PostCard(CHANNEL)))
    assert deferred.value.after_seconds == 7


async def test_a_persons_message_is_fetched_and_a_bots_or_a_gone_one_is_not(slack, chat, make_outgoing) -> None:
    root = (await chat.send(make_outgoing(PostCard(CHANNEL)))).external_id
    ts = human_says(slack, "please &amp; thanks", thread_ts=root)
    fact = await chat.fetch_message(CHANNEL, ts)
    assert isinstance(fact, MessagePosted)
    assert (fact.ts, fact.thread_ts, fact.author, fact.text) == (
        ts,
        root,
        Person(seed.SLACK_USER_DANA),
        "please &amp; thanks",
    )
    assert await chat.fetch_message(CHANNEL, root) is None
    assert await chat.fetch_message(CHANNEL, "1763801000.000100") is None


async def test_names_are_asked_once_and_text_is_readable(slack, chat) -> None:
    text = f"<@{seed.SLACK_USER_DANA}> &amp; <@{seed.SLACK_USER_DANA}> in <#{CHANNEL}> and <@UNOBODY>"
    name = await chat.person_name(seed.SLACK_USER_DANA)
    channel = await chat.channel_name(CHANNEL)
    assert name and name != seed.SLACK_USER_DANA and channel
    assert await chat.readable_text(text) == f"@{name} & @{name} in #{channel} and @UNOBODY"
    asked = slack.sandbox.core.recorder.find_calls("slack", "users.info", 0)
    assert len([call for call in asked if seed.SLACK_USER_DANA in str(call)]) == 1
    assert await chat.channel_name("C0NOWHERE1") is None


async def test_people_are_called_as_they_chose_and_bots_as_they_are(scripted, connected, payload) -> None:
    integration = SlackIntegration()
    chat = integration.open(replace(connected, credentials={"bot_token": "xoxb-1", "api_url": scripted.url}))
    scripted.answers("users.info", payload("users.info_ok"), payload("users.info_bot_ok"))
    assert [await chat.person_name("U0DANA0001"), await chat.person_name("U0NEXUSBOT")] == ["dana", "Nexus"]
    await integration.aclose()


async def test_permalink_leads_to_the_message_and_a_gone_one_has_none(slack, chat) -> None:
    ts = human_says(slack, "hi")
    link = await chat.permalink(CHANNEL, ts)
    assert link.startswith("http") and ts.replace(".", "") in link
    with pytest.raises(Rejected):
        await chat.permalink(CHANNEL, "1763801000.000100")


async def test_channels_are_read_past_short_and_empty_pages(slack, chat, monkeypatch) -> None:
    monkeypatch.setattr("nexus.integrations.slack.sink._PAGE_SIZE", 1)
    slack.sandbox.slack.state.channels[seed.SLACK_CHANNEL_PRIVATE].members.append(seed.SLACK_BOT_USER)
    found = {each.id: each for each in await chat.channels()}
    assert (found[CHANNEL].is_member, found[CHANNEL].is_private) == (True, False)
    assert (found[seed.SLACK_CHANNEL_PRIVATE].is_private, found[seed.SLACK_CHANNEL_WEBSITE].is_member) == (True, False)
    assert seed.SLACK_CHANNEL_WEBSITE in found and seed.SLACK_CHANNEL_ARCHIVED not in found


def test_the_chat_keeps_the_contract(connected) -> None:
    chat: Chat = SlackIntegration().open(connected)
    assert chat


def test_a_persons_bot_is_no_person() -> None:
    from nexus.integrations.slack.happenings import posted
    from nexus.integrations.slack.payloads import Identity

    message = Message(ts="1763801000.000100", user="U1", bot_id="B1", text="hi")
    assert posted(CHANNEL, message, Identity()) is None
