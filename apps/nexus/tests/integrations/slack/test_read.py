"""The shallow read: keys, dedup, order, challenge, and bodies that are not Slack's."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.integrations.slack.source import SlackSource
from nexus.pipeline.ports import Drop, Incoming, RawRequest, Reply, Unreadable

SOURCE = SlackSource()
ROOT = "slack:T0A1B2C3D:C0A1B2C3D:1763801000.000100"


def at(seconds: int, microseconds: int = 0) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("event_message_thread_reply_human", Incoming("Ev0A00000002", ROOT, at(1763801100, 300))),
        ("event_message_thread_broadcast", Incoming("Ev0A00000007", ROOT, at(1763801400, 800))),
        ("event_message_changed", Incoming("Ev0A00000005", ROOT, at(1763801160, 600))),
        ("event_message_deleted", Incoming("Ev0A00000006", ROOT, at(1763801200, 700))),
        (
            "event_message_channels_root_human",
            Incoming("Ev0A00000001", "slack:T0A1B2C3D:C0A1B2C3D:1763800900.000200", at(1763800900, 200)),
        ),
        (
            "event_reaction_added",
            Incoming("Ev0A00000011", "slack:T0A1B2C3D:C0A1B2C3D:1763801100.000300", at(1763801700, 1100)),
        ),
        ("event_app_uninstalled", Incoming("Ev0A00000015", "slack:T0A1B2C3D", at(1763802001))),
        ("event_channel_archive", Incoming("Ev0A00000016", "slack:T0A1B2C3D", at(1763802100, 1400))),
        (
            "event_app_rate_limited",
            Incoming("rate_limited:A0NEXUS001:T0A1B2C3D:1763802060", "slack:T0A1B2C3D", at(1763802060)),
        ),
        ("event_message_own_bot_no_subtype", Drop("a bot's message")),
        ("event_message_bot_message_customized", Drop("a bot's message")),
    ],
)
def test_events_are_stored_under_their_id_in_the_order_of_their_thread(
    payload, event_request, name: str, expected: object
) -> None:
    request = event_request(payload(name))
    assert SOURCE.key_of(request) == "A0NEXUS001:T0A1B2C3D"
    if isinstance(expected, Incoming):
        expected = Incoming(
            payload(name).get("event_id", expected.dedup_key), expected.stream_key, expected.occurred_at
        )
    assert SOURCE.read(request) == expected


def test_a_message_without_event_ts_counts_from_its_own(payload, event_request) -> None:
    data = payload("event_message_thread_reply_human")
    del data["event"]["event_ts"]
    assert SOURCE.read(event_request(data)) == Incoming("Ev0A00000002", ROOT, at(1763801100, 300))


def test_a_deletion_that_does_not_show_the_message_goes_by_what_was_deleted(payload, event_request) -> None:
    data = payload("event_message_deleted")
    del data["event"]["previous_message"]
    incoming = SOURCE.read(event_request(data))
    assert isinstance(incoming, Incoming)
    assert incoming.stream_key == "slack:T0A1B2C3D:C0A1B2C3D:1763801100.000300"


def test_a_change_of_our_own_message_is_dropped(payload, event_request) -> None:
    data = payload("event_message_changed")
    data["event"]["message"]["bot_id"] = "B0NEXUS001"
    assert SOURCE.read(event_request(data)) == Drop("a bot's message")
    del data["event"]["message"]["bot_id"]
    data["event"]["message"]["app_id"] = "A0NEXUS001"
    assert SOURCE.read(event_request(data)) == Drop("a message of our own app")


def test_in_a_shared_channel_the_key_is_the_workspace_of_the_installation(payload, event_request) -> None:
    data = payload("event_message_thread_reply_human") | {"team_id": "T0ELSEWHERE"}
    assert SOURCE.key_of(event_request(data)) == "A0NEXUS001:T0A1B2C3D"
    data["authorizations"] = []
    assert SOURCE.key_of(event_request(data)) == "A0NEXUS001:T0ELSEWHERE"


def test_url_challenge_is_answered_under_any_key(payload, event_request) -> None:
    data = payload("event_url_verification")
    assert SOURCE.key_of(event_request(data)) == "*"
    reply = SOURCE.read(event_request(data))
    assert isinstance(reply, Reply)
    assert json.loads(reply.body) == {"challenge": data["challenge"]}
    assert reply.content_type == "application/json"


def test_a_pressed_button_is_one_event_in_the_stream_of_its_thread(payload, form_request) -> None:
    data = payload("interactivity_block_actions")
    assert SOURCE.key_of(form_request(data)) == "A0NEXUS001:T0A1B2C3D"
    expected = Incoming("action:U0DANA0001:nexus_claim:1763801900.123456", ROOT, at(1763801900, 123456))
    assert SOURCE.read(form_request(data)) == expected
    data["message"] |= {"thread_ts": "1763801000.000001"}
    stream = "slack:T0A1B2C3D:C0A1B2C3D:1763801000.000001"
    assert SOURCE.read(form_request(data)) == Incoming(expected.dedup_key, stream, expected.occurred_at)


def test_a_shortcut_names_no_app_and_no_other_shortcut_shares_its_key(payload, form_request) -> None:
    data = payload("interactivity_message_action")
    assert SOURCE.key_of(form_request(data)) == "*"
    expected = "action:U0DANA0001:nexus_sync_to_clickup:1763801950.654321"
    assert SOURCE.read(form_request(data)) == Incoming(expected, ROOT, at(1763801950, 654321))


def test_an_app_of_a_whole_organisation_names_the_workspace_by_the_user(payload, form_request) -> None:
    data = payload("interactivity_block_actions") | {"team": None}
    assert SOURCE.key_of(form_request(data)) == "A0NEXUS001:T0A1B2C3D"


def test_unused_interactions_are_dropped_with_their_type(form_request) -> None:
    data = {"type": "view_submission", "user": {"id": "U1", "team_id": "T1"}, "api_app_id": "A1"}
    assert SOURCE.read(form_request(data)) == Drop("interactions of type view_submission are not used")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[]", "application/json"),
        (b"[" * 200_000, "application/json"),
        (b'{"type":' + b'{"a":' * 100_000, "application/json"),
        (b'{"type":"event_callback"}', "application/json"),
        (b'{"type":"event_callback","api_app_id":"A\\u00001","team_id":"T1"}', "application/json"),
        (b'{"type":"event_callback","api_app_id":"A\\ud8001","team_id":"T1"}', "application/json"),
        (b'{"type":"event_callback","api_app_id":7,"team_id":"T1"}', "application/json"),
        (b'{"type":"event_callback","api_app_id":"A1","team_id":"T1"}', "application/json"),
        (b'{"type":"event_callback","api_app_id":"A1","team_id":"T1","event_time":1e400}', "application/json"),
        (b'{"type":"x","event_time":' + b"9" * 5000 + b"}", "application/json"),
        (b'{"type":"url_verification"}', "application/json"),
        (b'{"type":"app_rate_limited","api_app_id":"A1","team_id":"T1"}', "application/json"),
        (b"ssl_check=1", "application/x-www-form-urlencoded"),
        (b"payload=%7B%7D", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 100), "application/x-www-form-urlencoded"),
    ],
)
def test_other_bodies_are_unreadable_in_words(body: bytes, content_type: str) -> None:
    with pytest.raises(Unreadable) as refused:
        SOURCE.read(RawRequest(body, {"content-type": content_type}, ""))
    assert str(refused.value).endswith(".")


def test_an_event_without_id_or_with_a_nul_in_it_is_unreadable(payload, event_request) -> None:
    data = payload("event_message_thread_reply_human")
    for broken in (data | {"event_id": None}, data | {"event_id": "Ev\x00"}):
        with pytest.raises(Unreadable):
            SOURCE.read(event_request(broken))
    data["event"]["channel"] = "C0\x00"
    with pytest.raises(Unreadable, match="channel"):
        SOURCE.read(event_request(data))


KEYS = st.sampled_from(
    [
        "type",
        "event",
        "team_id",
        "api_app_id",
        "event_id",
        "event_time",
        "ts",
        "user",
        "channel",
        "message",
        "actions",
        "container",
        "team",
        "item",
        "authorizations",
        "subtype",
        "previous_message",
        "event_ts",
    ]
)
WORDS = st.sampled_from(
    [
        "event_callback",
        "message",
        "reaction_added",
        "message_changed",
        "message_deleted",
        "block_actions",
        "message_action",
        "app_rate_limited",
        "url_verification",
        "1763801100.000300",
        "9" * 10 + ".1",
        "T1",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=8),
    max_leaves=25,
)


@settings(max_examples=100)
@given(data=JSON | st.dictionaries(KEYS, JSON), form=st.booleans())
def test_whatever_json_comes_nothing_else_than_unreadable_is_raised(connected_once, data: object, form: bool) -> None:
    from urllib.parse import urlencode

    text = json.dumps(data)
    body = urlencode({"payload": text}).encode() if form else text.encode()
    content_type = "application/x-www-form-urlencoded" if form else "application/json"
    request = RawRequest(body, {"content-type": content_type}, "")
    for call in (
        SOURCE.key_of,
        SOURCE.read,
        lambda request: SOURCE.facts(request.body, content_type, connected_once),
    ):
        try:
            call(request)
        except Unreadable:
            continue


@settings(max_examples=120)
@given(place=st.data())
def test_a_real_event_with_one_value_replaced_never_crashes(connected_once, place: st.DataObject) -> None:
    from pathlib import Path

    names = ["event_message_changed", "event_message_file_share", "event_reaction_added", "event_message_deleted"]
    path = Path(__file__).parent / "payloads" / f"{place.draw(st.sampled_from(names))}.json"
    data = json.loads(path.read_text())
    target = data
    while True:
        key = place.draw(st.sampled_from(sorted(target)))
        if not isinstance(target[key], dict) or not target[key] or place.draw(st.booleans()):
            break
        target = target[key]
    target[key] = place.draw(JSON)
    request = RawRequest(json.dumps(data).encode(), {"content-type": "application/json"}, "")
    try:
        SOURCE.key_of(request)
        if isinstance(SOURCE.read(request), Incoming):
            SOURCE.facts(request.body, "application/json", connected_once)
    except Unreadable:
        pass


@pytest.fixture(scope="module")
def connected_once():
    from uuid import UUID

    from nexus.pipeline.ports import Connected

    return Connected(UUID(int=1), UUID(int=2), "slack", "T1", {}, {"bot_user_id": "U1"})
