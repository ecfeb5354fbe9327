"""Whatever arrives, the source answers or says that it is unreadable; it never fails otherwise."""

import json
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.integrations.clickup.source import CHANGE_EVENTS, COMMENT_EVENTS, ClickUpSource
from nexus.kit.clock import SystemClock
from nexus.pipeline.ports import Connected, Incoming, RawRequest, Unreadable

SOURCE = ClickUpSource(SystemClock())
CONNECTION = Connected(UUID(int=1), UUID(int=2), "clickup", "1", {}, {"user_id": 1})

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ids = st.sampled_from(["86cx1ab2c", 86, "", "\0", "a/b", 10**40]) | scalars
users = st.fixed_dictionaries({"id": ids, "username": scalars})
parts = st.fixed_dictionaries({}, optional={"text": scalars, "type": scalars, "user": users | scalars})
comments = st.fixed_dictionaries(
    {},
    optional={"id": ids, "date": scalars, "comment": st.lists(parts, max_size=2) | scalars, "user": users},
)
items = st.fixed_dictionaries(
    {},
    optional={
        "id": ids,
        "date": scalars | st.just("1763800631523"),
        "field": st.just("comment") | scalars,
        "user": users | scalars,
        "comment": comments | scalars,
    },
)
events = st.sampled_from(sorted(CHANGE_EVENTS | COMMENT_EVENTS | {"taskDeleted", "listCreated"})) | scalars
bodies = st.fixed_dictionaries(
    {},
    optional={
        "webhook_id": st.just("w") | ids,
        "event": events,
        "task_id": st.just("t") | ids,
        "history_items": st.lists(items, max_size=3) | scalars,
        "auto_id": scalars,
    },
)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner), max_leaves=8
)


def everything(body: bytes) -> None:
    request = RawRequest(body, {}, "")
    try:
        SOURCE.key_of(request)
        read = SOURCE.read(request)
    except Unreadable as error:
        assert str(error).endswith(".")
    else:
        if isinstance(read, Incoming):
            assert "\0" not in read.dedup_key + read.stream_key
            assert len(read.dedup_key) + len(read.stream_key) < 1000
            assert read.occurred_at.tzinfo is not None
    try:
        facts = SOURCE.facts(body, "application/json", CONNECTION)
    except Unreadable:
        return
    assert facts
    assert "\\x00" not in repr(facts)


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_arbitrary_bytes(body: bytes) -> None:
    everything(body)


@settings(deadline=None)
@given(documents)
def test_arbitrary_json(document: object) -> None:
    everything(json.dumps(document).encode())


@settings(max_examples=300, deadline=None)
@given(bodies)
def test_bodies_that_are_nearly_right(document: object) -> None:
    everything(json.dumps(document).encode())


@settings(deadline=None)
@given(st.binary(max_size=32), st.text(max_size=70), st.text(max_size=8))
def test_verify_never_raises(body: bytes, signature: str, secret: str) -> None:
    request = RawRequest(body, {"x-signature": signature}, "")
    assert SOURCE.verify(request, secret, datetime.now(UTC)) is False
