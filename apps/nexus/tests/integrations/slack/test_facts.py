"""From real payloads to facts, and what must never become one."""

from datetime import UTC, datetime

import pytest

from nexus.integrations.slack.source import SlackSource
from nexus.pipeline.facts import (
    ButtonPressed,
    ConnectionBroken,
    Ignored,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Person,
    ReactionAdded,
)

ROOT, REPLY, CHANNEL = "1763801000.000100", "1763801100.000300", "C0A1B2C3D"
DANA = Person("U0DANA0001")


def at(seconds: int, microseconds: int = 0) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


@pytest.fixture
def facts(payload, event_request, form_request, connected):
    def read(data, **changes):
        data = payload(data) if isinstance(data, str) else data
        form = "actions" in data or "callback_id" in data
        request = (form_request if form else event_request)(data | changes)
        return SlackSource().facts(request.body, request.headers["content-type"], connected)

    return read


def test_a_persons_reply_keeps_slacks_markup(facts) -> None:
    text = "@decision use the v2 endpoint &amp; keep &lt;id&gt; for <@U0SAM00002> see <https://example.com/a?b=1|spec>"
    expected = MessagePosted(CHANNEL, REPLY, ROOT, DANA, text, at(1763801100, 300))
    assert facts("event_message_thread_reply_human") == [expected]


def test_root_broadcast_private_and_file_messages_are_posted(facts) -> None:
    [root] = facts("event_message_channels_root_human")
    assert isinstance(root, MessagePosted) and root.thread_ts is None
    [broadcast] = facts("event_message_thread_broadcast")
    assert isinstance(broadcast, MessagePosted) and broadcast.thread_ts == ROOT
    [private] = facts("event_message_groups_thread_reply")
    assert isinstance(private, MessagePosted) and private.channel_id == "C0PRIV0001"
    [shared] = facts("event_message_file_share")
    assert isinstance(shared, MessagePosted)
    assert shared.files == ("https://example.slack.com/files/U0DANA0001/F0A0000001/sample.csv",)


def test_metadata_of_type_oblivion_sync_asks_for_a_sync(facts, payload) -> None:
    data = payload("event_message_thread_reply_human")
    for event_type, asked in (("oblivion_sync", True), ("oblivion_delivery", False)):
        data["event"]["metadata"] = {"event_type": event_type, "event_payload": {}}
        assert facts(data)[0].sync_requested is asked


@pytest.mark.parametrize("name", ["event_message_own_bot_no_subtype", "event_message_bot_message_customized"])
def test_our_own_messages_are_ignored(facts, name: str) -> None:
    assert facts(name) == [Ignored("It is a message of our own.")]


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "U0NEXUSBOT"},
        {"app_id": "A0NEXUS001"},
        {"bot_id": "B0OTHER"},
        {"user": "USLACKBOT"},
        {"user": None},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
    ],
)
def test_bots_our_own_ids_and_other_subtypes_are_no_persons_message(facts, payload, changes) -> None:
    data = payload("event_message_thread_reply_human")
    data["event"] |= changes
    [fact] = facts(data)
    assert isinstance(fact, Ignored) and fact.reason.endswith(".")


def test_an_edit_counts_from_when_it_was_made(facts) -> None:
    text = "@decision use the v2 endpoint, final"
    edit = MessageEdited(CHANNEL, REPLY, ROOT, DANA, text, at(1763801160), posted_at=at(1763801100, 300))
    assert facts("event_message_changed") == [edit]


def test_a_link_preview_and_a_change_of_ours_are_no_edits(facts, payload) -> None:
    preview = payload("event_message_changed")
    preview["event"]["previous_message"]["text"] = preview["event"]["message"]["text"]
    assert isinstance(facts(preview)[0], Ignored)
    unedited = payload("event_message_changed")
    del unedited["event"]["message"]["edited"]
    assert isinstance(facts(unedited)[0], Ignored)
    ours = payload("event_message_changed")
    ours["event"]["message"]["bot_id"] = "B0NEXUS001"
    assert isinstance(facts(ours)[0], Ignored)


def test_deletion_of_a_persons_message_is_a_fact_and_of_a_bots_is_not(facts, payload) -> None:
    assert facts("event_message_deleted") == [MessageDeleted(CHANNEL, REPLY, ROOT, at(1763801200, 700))]
    data = payload("event_message_deleted")
    data["event"]["previous_message"]["bot_id"] = "B0OTHER"
    assert isinstance(facts(data)[0], Ignored)


def test_a_root_with_replies_that_became_a_tombstone_is_deleted(facts, payload) -> None:
    data = payload("event_message_changed")
    data["event"]["message"] = {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": REPLY}
    assert facts(data) == [MessageDeleted(CHANNEL, REPLY, ROOT, at(1763801160, 600))]


def test_a_reaction_loses_its_skin_tone_and_ours_is_ignored(facts, payload) -> None:
    data = payload("event_reaction_added")
    data["event"]["reaction"] = "clipboard::skin-tone-3"
    assert facts(data) == [ReactionAdded(CHANNEL, REPLY, "clipboard", DANA, at(1763801700, 1100))]
    data["event"]["user"] = "U0NEXUSBOT"
    assert isinstance(facts(data)[0], Ignored)
    data["event"] |= {"user": "U0DANA0001", "item": {"type": "file", "file": "F1"}}
    assert isinstance(facts(data)[0], Ignored)


def test_every_pressed_button_is_a_fact_in_its_thread(facts, payload) -> None:
    data = payload("interactivity_block_actions")
    who = Person("U0DANA0001", "dana")
    pressed = ButtonPressed(CHANNEL, ROOT, "nexus_claim", "86cx1ab2c", who, at(1763801900, 123456))
    assert facts(data) == [pressed]
    menu = {"action_id": "pick", "action_ts": "1763801901.000001", "selected_option": {"value": "yes"}}
    data["actions"].append(menu)
    data["message"]["thread_ts"] = "1763800000.000001"
    picked = ButtonPressed(CHANNEL, "1763800000.000001", "pick", "yes", who, at(1763801901, 1))
    assert facts(data)[1] == picked


def test_the_sync_shortcut_is_a_button_whose_value_is_the_message(facts) -> None:
    who = Person("U0DANA0001", "dana")
    pressed = ButtonPressed(CHANNEL, ROOT, "oblivion_sync", REPLY, who, at(1763801950, 654321))
    assert facts("interactivity_message_action", callback_id="oblivion_sync") == [pressed]
    assert isinstance(facts("interactivity_message_action")[0], Ignored)


def test_what_happened_in_another_workspace_is_not_ours(facts) -> None:
    [fact] = facts("interactivity_message_action", callback_id="oblivion_sync", team={"id": "T0OTHER"})
    assert fact == Ignored("It happened in another Slack workspace than the one of this connection.")
    assert facts("event_tokens_revoked", authorizations=None, team_id="T0OTHER") == [fact]


@pytest.mark.parametrize("name", ["event_app_uninstalled", "event_tokens_revoked"])
def test_lost_access_tells_the_operator_what_to_do(facts, name: str) -> None:
    [fact] = facts(name)
    assert isinstance(fact, ConnectionBroken) and "nstall" in fact.reason and "token" in fact.reason


@pytest.mark.parametrize(
    "name",
    [
        "event_channel_archive",
        "event_member_joined_channel",
        "event_app_mention",
        "event_app_rate_limited",
        "event_assistant_thread_started",
        "event_message_channel_join",
    ],
)
def test_everything_else_is_ignored_with_a_reason(facts, name: str) -> None:
    [fact] = facts(name)
    assert isinstance(fact, Ignored) and fact.reason.endswith(".")


def test_nul_and_lone_surrogates_in_a_text_cost_no_message(facts, payload) -> None:
    data = payload("event_message_thread_reply_human")
    data["event"]["text"] = "a\x00b\ud800c"
    assert facts(data)[0].text == "ab\ufffdc"
