"""ClickUp's webhooks become facts, once each, whatever they look like."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from nexus.integrations.clickup.source import ClickUpSource
from nexus.pipeline.facts import CommentPosted, Echo, Ignored, ItemChanged, ItemDeleted, Person
from nexus.pipeline.ports import Drop, Incoming, Unreadable

HOOK = "5b1d7c52-3f0e-4f5c-9d2a-8f7f2f0a1c11"
TASK = "86cx1ab2c"
AT = datetime(2025, 11, 22, 9, 17, 25, 116000, UTC)
DANA = Person("81234567", "Dana Reyes")
COMMENT = CommentPosted(TASK, "90110164070001", DANA, "Use the v2 endpoint please", AT)
EDIT = CommentPosted(TASK, "90110164070001", DANA, "Use the v2 endpoint please, not v1", AT, edited=True, posted_at=AT)
CHANGED = [ItemChanged(TASK)]
TWIN = [Ignored("a comment, which comes with an event of its own")]
FACTS = {
    "webhook_taskAssigneeUpdated_add": CHANGED,
    "webhook_taskAssigneeUpdated_remove": CHANGED,
    "webhook_taskCommentPosted": [COMMENT],
    "webhook_taskCommentUpdated": [EDIT],
    "webhook_taskCreated": CHANGED,
    "webhook_taskDeleted": [ItemDeleted(TASK)],
    "webhook_taskDueDateUpdated": CHANGED,
    "webhook_taskMoved": CHANGED,
    "webhook_taskPriorityUpdated": CHANGED,
    "webhook_taskStatusUpdated": CHANGED,
    "webhook_taskStatusUpdated_on_create": CHANGED,
    "webhook_taskTagUpdated": CHANGED,
    "webhook_taskUpdated_comment": TWIN,
    "webhook_taskUpdated_description": CHANGED,
}
DROPPED = {"webhook_listCreated", "webhook_listUpdated", "webhook_taskTimeTrackedUpdated"}


@pytest.fixture
def source(clock):
    return ClickUpSource(clock)


@pytest.fixture
def dedup_key(source, request_of):
    return lambda body: source.read(request_of(body)).dedup_key


@pytest.mark.parametrize("name", sorted(FACTS))
def test_every_documented_event_gives_its_facts(source, payload, connected, name):
    assert source.facts(payload(name), "application/json", connected()) == FACTS[name]


@pytest.mark.parametrize("name", sorted(FACTS))
def test_every_documented_event_is_stored_under_its_task_and_time(source, payload, request_of, clock, name):
    body = payload(name)
    read = source.read(request_of(body))
    assert isinstance(read, Incoming)
    assert source.key_of(request_of(body)) == HOOK
    assert read.stream_key == f"clickup:task:{TASK}"
    items = json.loads(body).get("history_items")
    expected = clock.now() if items is None else datetime.fromtimestamp(int(items[0]["date"]) / 1000, UTC)
    assert read.occurred_at == expected


@pytest.mark.parametrize("name", sorted(DROPPED))
def test_events_that_can_never_matter_are_dropped_with_a_reason(source, payload, request_of, name):
    read = source.read(request_of(payload(name)))
    assert isinstance(read, Drop)
    assert json.loads(payload(name))["event"] in read.reason


def test_no_payload_is_left_untested():
    there = {path.stem for path in (Path(__file__).parent / "payloads").glob("webhook_*.json")}
    assert there == set(FACTS) | DROPPED


def test_signatures_agree_with_the_documented_vectors(source, payload, request_of, clock):
    vectors = json.loads(payload("signature_vectors"))["vectors"]
    assert len(vectors) == 3
    for vector in vectors:
        request = request_of(vector["raw_body"].encode(), **{"x-signature": vector["x_signature"]})
        assert source.verify(request, vector["secret"], clock.now())
        assert not source.verify(request, vector["secret"] + "x", clock.now())
        longer = request_of(vector["raw_body"].encode() + b" ", **{"x-signature": vector["x_signature"]})
        assert not source.verify(longer, vector["secret"], clock.now())


@pytest.mark.parametrize("signature", [None, "", "é", "\ud800", "0" * 64, "sha256=00"])
def test_a_wrong_or_missing_signature_is_refused_without_raising(source, request_of, clock, signature):
    headers = {} if signature is None else {"x-signature": signature}
    assert not source.verify(request_of(b"{}", **headers), "secret", clock.now())


def test_an_empty_secret_verifies_nothing(source, request_of, clock):
    signed = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    assert not source.verify(request_of(b"{}", **{"x-signature": signed}), "", clock.now())


def test_the_same_delivery_twice_has_one_key_and_no_two_events_share_one(dedup_key, payload):
    names = sorted(FACTS)
    keys = [dedup_key(payload(name)) for name in names]
    assert keys == [dedup_key(payload(name)) for name in names]
    assert len(set(keys)) == len(names)


def test_the_key_does_not_depend_on_the_order_of_history_items(dedup_key, payload):
    document = json.loads(payload("webhook_taskCreated"))
    document["history_items"].reverse()
    assert dedup_key(json.dumps(document).encode()) == dedup_key(payload("webhook_taskCreated"))


def test_the_key_names_the_webhook_the_event_and_its_history(dedup_key, payload):
    key = f"{HOOK}|taskCreated|4100763136700363640,4100763136717140857"
    assert dedup_key(payload("webhook_taskCreated")) == key


def test_two_edits_of_one_comment_have_two_keys(dedup_key, payload):
    first = payload("webhook_taskCommentUpdated")
    second = first.replace(b"not v1", b"not v0")
    assert dedup_key(first) != dedup_key(second)


def test_the_key_of_another_webhook_differs(dedup_key, payload, changed):
    other = changed("webhook_taskCreated", webhook_id="another")
    assert dedup_key(other) != dedup_key(payload("webhook_taskCreated"))


def test_deletions_of_two_tasks_differ_though_they_have_no_history(dedup_key, payload, changed):
    assert dedup_key(changed("webhook_taskDeleted", task_id="86cx9zz9z")) != dedup_key(payload("webhook_taskDeleted"))


def test_a_thousand_history_items_make_a_short_key(dedup_key, changed):
    items = [{"id": str(number), "date": "1763800631523"} for number in range(1000)]
    assert len(dedup_key(changed("webhook_taskCreated", history_items=items))) < 200


def test_the_newest_history_item_tells_the_time(source, request_of, changed):
    items = [
        {"id": "1", "date": 1763800631523},
        {"id": "2", "date": "1763803045116"},
        {"id": "3", "date": "x"},
    ]
    assert source.read(request_of(changed("webhook_taskCreated", history_items=items))).occurred_at == AT


@pytest.mark.parametrize("date", [None, "", "soon", 0, 10**30, float("inf"), float("nan"), "9" * 5000, True, -5, [1]])
def test_an_absurd_date_does_not_lose_the_event(source, request_of, changed, clock, date):
    read = source.read(request_of(changed("webhook_taskStatusUpdated", item={"date": date})))
    assert read.occurred_at == clock.now()


def test_our_own_comment_is_an_echo_and_what_becomes_of_it_is_ignored(source, payload, connected):
    ours = connected(facts=MappingProxyType({"user_id": 81234567}))
    (echo,) = source.facts(payload("webhook_taskCommentPosted"), "", ours)
    assert isinstance(echo, Echo)
    assert (echo.place_id, echo.external_id, echo.delivery_id) == (TASK, COMMENT.comment_id, None)
    assert echo.mark == COMMENT.text.splitlines()[-1]
    assert source.facts(payload("webhook_taskCommentUpdated"), "", ours) == [Ignored("our own comment")]


def test_our_comment_stays_ours_when_somebody_else_updates_it(source, changed, connected):
    body = changed("webhook_taskCommentUpdated", item={"user": {"id": 81234599, "username": "Sam Okafor"}})
    assert source.facts(body, "", connected(facts={"user_id": "81234567"})) == [Ignored("our own comment")]


def test_a_connection_that_does_not_know_its_user_reads_no_comments(source, payload, connected):
    with pytest.raises(Unreadable, match="reconnect"):
        source.facts(payload("webhook_taskCommentPosted"), "", connected(facts={}))


def test_several_comments_in_one_event_are_all_read(source, payload, connected):
    document = json.loads(payload("webhook_taskCommentPosted"))
    second = json.loads(json.dumps(document["history_items"][0]))
    second["comment"] |= {"id": 90110164070002, "text_content": "And tests"}
    document["history_items"].append(second)
    facts = source.facts(json.dumps(document).encode(), "", connected())
    assert facts == [COMMENT, CommentPosted(TASK, "90110164070002", DANA, "And tests", AT)]


def test_a_comment_without_text_content_is_read_from_its_parts(source, changed, connected):
    parts = [
        {"text": "Ask "},
        {"type": "tag", "user": {"id": 81234599, "username": "Sam Okafor"}},
        {"text": " about\0 "},
        {"type": "image"},
        {"text": None},
    ]
    comment = {"id": 7, "comment": parts, "text_content": None}
    facts = source.facts(changed("webhook_taskCommentPosted", item={"comment": comment}), "", connected())
    assert [fact.text for fact in facts] == ["Ask @Sam Okafor about [image]"]


def test_a_comment_has_the_time_of_its_history_item_else_its_own_else_the_present(source, changed, connected, clock):
    def at(date, own):
        comment = {"id": 7, "text_content": "x", "date": own}
        body = changed("webhook_taskCommentPosted", item={"date": date, "comment": comment})
        return source.facts(body, "", connected())[0].at

    assert at("1763803045116", 1) == AT
    assert at(None, "1763803045116") == AT
    assert at("1763803045116", "1763800631523") == AT
    assert at(None, None) == clock.now()


def test_parts_of_a_kind_we_do_not_know_do_not_lose_the_comment(source, changed, connected):
    parts = [{"text": "See "}, {"text": {"a": 1}, "type": "bookmark", "user": "x"}, {"type": 5, "user": None}]
    comment = {"id": 7, "comment": parts}
    facts = source.facts(changed("webhook_taskCommentPosted", item={"comment": comment}), "", connected())
    assert [fact.text for fact in facts] == ["See [bookmark]"]


@pytest.mark.parametrize("item", [{"user": "system"}, {"user": None}, {"comment": 5}, {"field": ["a"]}, {"id": {}}])
def test_a_change_is_a_change_whatever_its_history_looks_like(source, request_of, changed, connected, item):
    body = changed("webhook_taskUpdated_description", item=item)
    assert isinstance(source.read(request_of(body)), Incoming)
    assert source.facts(body, "", connected()) == CHANGED


def test_no_text_carries_a_nul_which_postgresql_cannot_hold(source, changed, connected):
    item = {"user": {"id": 5, "username": "A\0va"}, "comment": {"id": 7, "text_content": "a\0b"}}
    (fact,) = source.facts(changed("webhook_taskCommentPosted", item=item), "", connected())
    assert (fact.author.name, fact.text) == ("Ava", "ab")


def test_a_comment_of_nothing_is_ignored_with_a_reason(source, changed, connected):
    comment = {"id": 7, "comment": [{"text": "\n"}], "text_content": "\n"}
    facts = source.facts(changed("webhook_taskCommentPosted", item={"comment": comment}), "", connected())
    assert facts == [Ignored("a comment without text")]


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"comment": None}, "carries no comment"),
        ({"user": None, "comment": {"id": "1", "text_content": "x"}}, "no author"),
    ],
)
def test_a_comment_event_that_cannot_be_understood_says_why(source, changed, connected, item, said):
    with pytest.raises(Unreadable, match=said):
        source.facts(changed("webhook_taskCommentPosted", item=item), "", connected())


def test_an_update_of_a_comment_and_something_else_is_a_change(source, payload, connected):
    document = json.loads(payload("webhook_taskUpdated_comment"))
    document["history_items"].append({"id": "1", "field": "name", "date": "1763803045116"})
    assert source.facts(json.dumps(document).encode(), "", connected()) == CHANGED


def test_an_event_without_history_is_still_a_change(source, connected):
    body = b'{"webhook_id":"7689a169","event":"taskCreated","task_id":"c0j"}'
    assert source.facts(body, "", connected()) == [ItemChanged("c0j")]


def test_an_automation_is_told_which_webhook_we_want(source, request_of):
    body = b'{"auto_id":"a","trigger_id":"t","date":"2025-11-22","payload":{"id":"86cx1ab2c"}}'
    with pytest.raises(Unreadable, match="Automation"):
        source.key_of(request_of(body))


DEEP = b'{"webhook_id":"w","event":"taskCreated","task_id":"t","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not JSON"),
        (b"webhook_id=1", "not JSON"),
        (b'{"webhook_id":"w\xff"}', "not JSON"),
        (b'{"webhook_id":"\\ud800"}', "not JSON"),
        (DEEP, "nested too deeply"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "no webhook_id"),
        (b'{"webhook_id":null}', "no webhook_id"),
        (b'{"webhook_id":{}}', "webhook_id"),
        (b'{"webhook_id":true}', "webhook_id"),
        (b'{"webhook_id":"a\\u0000b"}', "webhook_id"),
        (b'{"webhook_id":"../user"}', "webhook_id"),
        (b'{"webhook_id":' + b"9" * 3000 + b"}", "webhook_id"),
        (b'{"webhook_id":"' + b"w" * 3000 + b'"}', "webhook_id"),
    ],
)
def test_an_unreadable_body_says_what_is_wrong(source, request_of, body, said):
    with pytest.raises(Unreadable, match=said):
        source.key_of(request_of(body))
    with pytest.raises(Unreadable, match=said):
        source.read(request_of(body))


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"task_id": None}, "no task_id"), ({"task_id": "a/b"}, "task_id"), ({"event": None}, "names no event")],
)
def test_an_event_without_its_task_or_name_is_unreadable(source, request_of, changed, keys, said):
    with pytest.raises(Unreadable, match=said):
        source.read(request_of(changed("webhook_taskCreated", **keys)))


def test_the_reason_quotes_nothing_of_the_body(source, request_of):
    with pytest.raises(Unreadable) as caught:
        source.key_of(request_of(b'{"webhook_id":"pk_81234567_SECRET and more"}'))
    assert "SECRET" not in str(caught.value)
