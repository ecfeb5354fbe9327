"""The overview: what a person waits for, what is under way, and what the last hour was like."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from nexus.feed.figures import GRACE, MAX_ITEMS
from nexus.http.overview_rows import buckets
from nexus.http.parts import HttpParts
from nexus.store.tables import Agent, AgentSession, Connection, Delivery, InboxEvent, TaskMapping
from oblivion_protocol.overview import Overview


async def overview(api, member, **params: Any) -> Overview:
    answer = await api.get("/v1/overview", headers=member.headers, params=params)
    assert answer.status_code == 200, answer.text
    return Overview.model_validate(answer.json())


def ago(**period: float) -> datetime:
    return datetime.now(UTC) - timedelta(**period)


def event(member, goods, **changes: Any) -> InboxEvent:
    key = uuid4().hex
    return InboxEvent(
        **{
            "tenant_id": member.id, "connection_id": goods.tracker, "source": "clickup", "stream_key": key,
            "dedup_key": hashlib.sha256(key.encode()).digest(), "occurred_at": datetime.now(UTC),
            "content_type": "application/json", "body": b"{}",
        } | changes
    )  # fmt: skip


def delivery(member, goods, **changes: Any) -> Delivery:
    key = uuid4().hex
    return Delivery(
        **{
            "tenant_id": member.id, "sink": "slack", "connection_id": goods.chat, "task_id": goods.task,
            "conversation_id": goods.conversation, "kind": "reply", "effect_key": key, "stream_key": key,
            "order_key": 1, "payload": {},
        } | changes
    )  # fmt: skip


async def add(parts: HttpParts, member, *rows: Any) -> None:
    async with parts.db.tenant(member.id) as session:
        session.add_all(rows)


@pytest.fixture
async def bare(acme, stock, parts: HttpParts):
    """What `stock` brings, without what has failed and what waits."""
    goods = await stock(acme)
    async with parts.db.tenant(acme.id) as session:
        for row_id in (goods.dead_tried, goods.dead_untried, goods.done):
            await session.delete(await session.get(Delivery, row_id))
        await session.delete(await session.get(InboxEvent, goods.dead_webhook))
        await session.delete(await session.get(TaskMapping, goods.unmapped))
    return goods


async def test_an_empty_tenant_has_an_overview_with_empty_buckets_and_nothing_done(api, acme):
    seen = await overview(api, acme)
    assert (seen.unanswered.count, seen.unanswered.items, seen.unanswered.oldest_seconds) == (0, [], None)
    assert (seen.waiting.tasks, seen.waiting.events, seen.waiting.deliveries) == (0, 0, 0)
    assert (seen.dead.count, seen.error_rate, seen.p95_ms) == (0, 0, None)
    assert len(seen.series) == 61
    assert {(one.received, one.delivered, one.failed, one.p95_ms) for one in seen.series} == {(0, 0, 0, None)}
    assert not any(seen.first_run.model_dump().values())
    assert (seen.postgres.state, seen.redis.state) == ("ok", "ok")


async def test_what_is_on_its_way_is_waiting_and_not_yet_unanswered(api, parts, acme, bare):
    await add(parts, acme, event(acme, bare), delivery(acme, bare), delivery(acme, bare, state="sending"))
    seen = await overview(api, acme)
    assert (seen.waiting.events, seen.waiting.deliveries) == (1, 2)
    assert seen.unanswered.count == 0


async def test_what_took_too_long_or_failed_is_unanswered_with_its_reason_oldest_first(api, parts, acme, bare):
    late = GRACE.total_seconds() + 20
    await add(
        parts, acme,
        event(acme, bare, created_at=ago(seconds=late), reason="the vendor is away"),
        event(acme, bare, created_at=ago(seconds=late + 30), state="dead", reason="cannot be read"),
        delivery(acme, bare, created_at=ago(seconds=late + 60), reason="rate limited"),
        delivery(acme, bare, created_at=ago(seconds=late + 90), state="dead", reason="not in the channel"),
        delivery(acme, bare, created_at=ago(seconds=late + 120), state="dead", kind="card_update", reason="no"),
    )  # fmt: skip
    seen = await overview(api, acme)
    assert seen.unanswered.count == 4, "a card that was not redrawn leaves nobody without an answer"
    assert seen.dead.count == 3
    assert [(one.kind, one.why) for one in seen.unanswered.items] == [
        ("delivery", "The reply to slack was given up: not in the channel"),
        ("delivery", "The reply to slack is not out yet: rate limited"),
        ("event", "The event from clickup was given up: cannot be read"),
        ("event", "The event from clickup is not handled yet: the vendor is away"),
    ]
    assert {one.task_id for one in seen.unanswered.items if one.kind == "delivery"} == {str(bare.task)}
    assert seen.unanswered.oldest_seconds == pytest.approx(late + 90, abs=5)


async def test_a_conversation_without_a_channel_is_unanswered_and_waits(api, acme, stock):
    goods = await stock(acme)
    seen = await overview(api, acme)
    (unmapped,) = [one for one in seen.unanswered.items if one.kind == "task"]
    assert (unmapped.id, unmapped.task_id) == (str(goods.unmapped), str(goods.unmapped))
    assert "is linked to no channel" in unmapped.why
    assert seen.waiting.tasks == 1


async def test_at_most_ten_items_are_named_however_many_there_are(api, parts, acme, bare):
    await add(parts, acme, *(event(acme, bare, state="dead", reason="no") for _ in range(MAX_ITEMS + 3)))
    seen = await overview(api, acme)
    assert (seen.unanswered.count, len(seen.unanswered.items)) == (MAX_ITEMS + 3, MAX_ITEMS)


async def test_the_series_tells_what_came_in_what_went_out_and_what_failed(api, parts, acme, bare):
    out = {"state": "done", "external_id": "1"}
    await add(
        parts, acme,
        *(event(acme, bare, created_at=ago(minutes=3), state="done", settled_at=ago(minutes=3)) for _ in range(4)),
        event(acme, bare, created_at=ago(minutes=90), state="dead", settled_at=ago(minutes=10), reason="no"),
        *(delivery(acme, bare, **out, created_at=ago(minutes=3, seconds=s), settled_at=ago(minutes=3)) for s in (1, 2)),
        delivery(acme, bare, **out, kind="card_update", created_at=ago(minutes=9), settled_at=ago(minutes=3)),
        delivery(acme, bare, state="dead", reason="no", created_at=ago(minutes=4), settled_at=ago(minutes=4)),
    )  # fmt: skip
    seen = await overview(api, acme)
    assert (seen.throughput.received, seen.throughput.delivered, seen.throughput.failed) == (4, 3, 2)
    assert seen.error_rate == pytest.approx(2 / 8)
    assert seen.p95_ms == pytest.approx(1950, abs=5), "what waits on purpose is left out"
    assert sum(one.received for one in seen.series) == 4
    steps = {later.at - earlier.at for earlier, later in zip(seen.series, seen.series[1:], strict=False)}
    assert steps == {timedelta(minutes=1)}
    assert seen.series[-1].at <= seen.generated_at < seen.series[-1].at + timedelta(minutes=1)
    old = await overview(api, acme, minutes=5)
    assert (old.throughput.received, old.throughput.failed) == (4, 1)


@pytest.mark.parametrize("minutes", [5, 7, 60, 61, 1440, 10080])
def test_buckets_are_about_sixty_round_and_cover_the_window(minutes: int) -> None:
    now = datetime(2026, 3, 1, 12, 34, 56, 789, tzinfo=UTC)
    step, first, count = buckets(now, minutes)
    assert 20 <= count <= 62
    assert first <= now - timedelta(minutes=minutes)
    assert first + step * (count - 1) <= now < first + step * count
    assert first.timestamp() % step.total_seconds() == 0


@pytest.mark.parametrize("minutes", ["4", "10081", "soon"])
async def test_a_window_out_of_bounds_is_refused(api, acme, minutes):
    answer = await api.get("/v1/overview", headers=acme.headers, params={"minutes": minutes})
    assert answer.status_code == 400


async def test_agents_are_counted_as_they_are_now(api, parts, acme, bare):
    def connected(agent_id: UUID, **changes: Any) -> AgentSession:
        given = {
            "tenant_id": acme.id, "agent_id": agent_id, "instance": uuid4().hex, "gateway": "g", "sid": "s",
            "skills": [], "capacity": 4, "version": "1", "connected_at": ago(hours=1), "last_seen_at": ago(seconds=1),
        }  # fmt: skip
        return AgentSession(**(given | changes))

    gone, muted = (
        await parts.directory.create(acme.id, "gone", [], []),
        await parts.directory.create(acme.id, "m", [], []),
    )
    revoked = await parts.directory.create(acme.id, "revoked", [], [])
    await parts.directory.revoke(acme.id, "revoked")
    await add(
        parts, acme,
        connected(bare.agent_id), connected(bare.agent_id, capacity=2),
        connected(gone.agent_id, last_seen_at=ago(minutes=5)), connected(revoked.agent_id),
        connected(muted.agent_id, closed_at=ago(minutes=1)),
    )  # fmt: skip
    async with parts.db.tenant(acme.id) as session:
        (await session.get(Agent, muted.agent_id)).muted_at = ago(minutes=2)
    agents = (await overview(api, acme)).agents
    assert agents.model_dump() == {"online": 1, "total": 3, "muted": 1, "busy": 1, "capacity": 6}


async def test_a_broken_connection_is_down_and_says_why(api, parts, acme, bare):
    async with parts.db.tenant(acme.id) as session:
        (await session.get(Connection, bare.chat)).broken_reason = "The token was revoked."
    tracker, chat = (await overview(api, acme)).vendors
    assert (tracker.vendor, tracker.state) == ("clickup", "ok")
    assert (chat.vendor, chat.state) == ("slack", "down")
    assert [check.detail for check in chat.checks if check.state == "failed"] == ["The token was revoked."]


async def test_redis_that_is_away_is_said_and_fails_nothing(
    serve, make_parts: Callable[..., HttpParts], database, acme
):
    async def away() -> None:
        raise ConnectionError("redis://:secret@somewhere")

    seen = await overview(serve(make_parts(database, redis_ping=away)), acme)
    assert seen.redis.state == "down"
    assert "secret" not in seen.redis.detail


async def test_first_run_names_the_task_that_people_can_see(api, acme, stock):
    goods = await stock(acme)
    first = (await overview(api, acme)).first_run
    assert (first.clickup, first.slack, first.mapping, first.agent) == (True, True, True, True)
    assert (first.mirrored, first.mirrored_task_id, first.agent_online) == (True, str(goods.task), False)


async def test_another_tenant_sees_nothing_of_it(api, acme, rival, stock):
    await stock(acme)
    seen = await overview(api, rival)
    assert (seen.unanswered.count, seen.dead.count, seen.agents.total, seen.vendors) == (0, 0, 0, [])
    assert seen.throughput.received == seen.throughput.delivered == 0
    assert not any(seen.first_run.model_dump().values())


@pytest.mark.parametrize("scopes", [("agent",), ()])
async def test_it_needs_a_token_that_may_read(api, join, scopes):
    headers = (await join(*scopes)).headers if scopes else {}
    answer = await api.get("/v1/overview", headers=headers)
    assert answer.status_code == (403 if scopes else 401)
