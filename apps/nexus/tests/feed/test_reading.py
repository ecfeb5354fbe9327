"""The feed read from a real database: nothing is missed, in whatever order transactions commit."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pipeline.fakes import CHANNEL, Place, place_on
from sqlalchemy import text

from nexus.auth.audit import record
from nexus.feed.changes import read_tasks
from nexus.feed.reading import LATE, Position, Reading, read_since, read_tail, where_now
from nexus.kit.ids import new_id
from nexus.pipeline.facts import PostReply
from nexus.store.database import Database
from nexus.store.tables import Agent, AgentSession, Task, TaskEvent
from oblivion_protocol.admin import FeedFilters

LABELS = {"faketool": "Fake"}


@pytest.fixture
async def place(database_url: str) -> AsyncGenerator[Place]:
    db = Database(database_url)
    made = place_on(db)
    await made.prepare()
    yield made
    await db.aclose()


async def here(place: Place) -> Position:
    async with place.db.tenant(place.tenant_id) as session:
        return await where_now(session)


async def since(place: Place, position: Position, **more: Any) -> Reading:
    async with place.db.tenant(place.tenant_id) as session:
        return await read_since(session, position, LABELS, **more)


async def tail(place: Place, limit: int, **filters: Any) -> Reading:
    async with place.db.tenant(place.tenant_id) as session:
        return await read_tail(session, LABELS, FeedFilters.model_validate(filters), limit)


def about(reading: Reading) -> list[UUID]:
    return [UUID(line.delivery_id) for line in reading.lines if line.delivery_id]


async def test_what_was_there_before_is_not_new_and_what_comes_is(place: Place) -> None:
    await place.event()
    position = await here(place)
    assert (await since(place, position)).lines == []
    later = await place.event()
    reading = await since(place, position)
    assert about(reading) == [later]
    assert (await since(place, reading.position)).lines == []


async def test_a_row_that_commits_after_younger_ones_were_read_is_not_missed(place: Place) -> None:
    position = await here(place)
    async with place.db.tenant(place.tenant_id) as slow:
        early = await _insert(slow, place)
        await asyncio.sleep(0.05)  # it is older than the next one by something that can be seen
        younger = await place.event("other")
        first = await since(place, position)
        assert about(first) == [younger]
        for _ in range(3):
            again = await since(place, first.position)
            assert set(about(again)) <= {younger}
            first = again
    late = await since(place, first.position)
    assert early in about(late)
    assert (await since(place, late.position)).lines == []


async def test_a_row_of_a_transaction_that_began_to_write_after_the_look_is_not_missed(place: Place) -> None:
    async with place.db.tenant(place.tenant_id) as idle:
        position = await here(place)
        early = await _insert(idle, place)
    assert about(await since(place, position)) == [early]


async def test_a_cursor_survives_its_way_to_a_client_and_back(place: Place) -> None:
    position = await here(place)
    event = await place.event()
    assert about(await since(place, Position.of(position.cursor))) == [event]
    assert Position.of(position.cursor) == position


@pytest.mark.parametrize(
    "cursor", ["", "~", "soon~1", "2026-03-01T12:00:00~1", "2026-03-01T12:00:00Z~x", "2026-03-01T12:00:00Z~99999999999"]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError):
        Position.of(cursor)


async def test_an_instant_is_a_cursor_that_may_bring_too_much(place: Place) -> None:
    event = await place.event()
    async with place.db.engine.connect() as connection:
        now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    assert about(await since(place, Position.of(now.isoformat()))) == [event]


async def test_a_cursor_of_another_cluster_goes_by_time_alone(place: Place) -> None:
    position = await here(place)
    event = await place.event()
    assert position.oldest is not None
    foreign = Position(position.at, (position.oldest + 10_000_000) % 2**32)
    assert about(await since(place, foreign)) == [event]


async def test_only_the_newest_are_read_when_there_are_too_many_and_that_is_said(place: Place) -> None:
    position = await here(place)
    events = [await place.event(str(number)) for number in range(12)]
    reading = await since(place, position, limit=5)
    assert reading.truncated
    assert about(reading) == events[-5:]
    assert not (await since(place, position, limit=12)).truncated


async def test_the_tail_brings_the_newest_lines_in_order(place: Place) -> None:
    events = [await place.event(str(number)) for number in range(8)]
    assert about(await tail(place, 3)) == events[-3:]
    assert (await tail(place, 0)).lines == []
    await place.change("UPDATE inbox SET changed_at = NULL")
    assert (await tail(place, 10)).lines == [], "what is older than the feed is not in it"


async def test_the_tail_of_one_task_knows_nothing_of_others(place: Place) -> None:
    mine = await place.conversation(root_ts="1.0")
    other = await place.conversation(root_ts="2.0", item_id="item-2")
    for number, conversation in enumerate((mine, other)):
        await place.owe(conversation, PostReply(CHANNEL, "hello"), f"effect {number}")
    task = await _task(place, mine.id)
    await place.event()
    by_task, by_conversation = await tail(place, 10, task_id=str(task)), await tail(place, 10, task_id=str(mine.id))
    assert {line.kind for line in by_conversation.lines} == {"delivery.queued", "task.accept"}
    assert {line.data["conversation_id"] for line in by_conversation.lines} == {str(mine.id)}
    assert {line.id for line in by_task.lines} == {line.id for line in by_conversation.lines}
    assert (await tail(place, 10, task_id=str(new_id()))).lines == []
    assert (await tail(place, 10, task_id="'; DROP TABLE")).lines == []


async def test_the_agent_of_a_command_is_who_was_offered_the_task_then(place: Place) -> None:
    conversation = await place.conversation(root_ts="1.0")
    first, second = [await _agent(place, name) for name in ("first", "second")]
    task = await _task(place, conversation.id, agent_id=second, events=[])
    position = await here(place)
    for epoch, agent in ((1, first), (2, second)):
        await _event(place, task, "task.offered", epoch, agent_id=str(agent))
        await _event(place, task, "task.accept", epoch)
    await _event(place, task, "task.requeued", 2, agent_id="None", reason="reassigned")
    told = [(line.kind, line.agent) for line in (await since(place, position)).lines]
    assert told == [
        ("task.offered", "first"), ("task.accept", "first"), ("task.offered", "second"), ("task.accept", "second"),
        ("task.requeued", None),
    ]  # fmt: skip


async def test_acts_and_processes_of_agents_are_lines_as_well(place: Place) -> None:
    position, agent = await here(place), await _agent(place, "fixer")
    now = datetime.now(UTC)
    async with place.db.tenant(place.tenant_id) as session:
        record(session, place.tenant_id, "dana", "agent.create", "fixer")
        session.add(
            AgentSession(
                tenant_id=place.tenant_id, agent_id=agent, instance="one", gateway="g", sid="s", skills=[], capacity=1,
                version="1", connected_at=now, last_seen_at=now,
            )
        )  # fmt: skip
    reading = await since(place, position)
    assert {line.kind for line in reading.lines} == {"audit.agent.create", "agent.online"}
    await place.change("UPDATE agent_sessions SET closed_at = clock_timestamp()")
    closed = await since(place, reading.position)
    assert "agent.offline" in {line.kind for line in closed.lines}
    await place.change(
        "UPDATE agent_sessions SET closed_at = NULL, last_seen_at = :long_ago", long_ago=now - LATE / 1.5
    )
    assert "agent.lost" in {line.kind for line in (await since(place, closed.position)).lines}


async def test_tasks_are_told_of_as_they_are_listed(place: Place) -> None:
    conversation = await place.conversation(root_ts="1.0")
    async with place.db.tenant(place.tenant_id) as session:
        (bare,) = await read_tasks(session, [conversation.id])
        assert (bare.id, bare.state, bare.mirror, bare.agent) == (str(conversation.id), None, "mirrored", None)
        assert await read_tasks(session, []) == []
    task = await _task(place, conversation.id, agent_id=await _agent(place, "fixer"))
    async with place.db.tenant(place.tenant_id) as session:
        (told,) = await read_tasks(session, [conversation.id])
    assert (told.id, told.state, told.agent) == (str(task), "working", "fixer")
    await place.change("UPDATE task_mappings SET project_mapping_id = NULL")
    async with place.db.tenant(place.tenant_id) as session:
        (unmapped,) = await read_tasks(session, [conversation.id])
    assert unmapped.mirror == "addressed, not mapped"


async def test_another_tenant_reads_nothing_of_it(place: Place) -> None:
    position = await here(place)
    conversation = await place.conversation(root_ts="1.0")
    await place.event()
    async with place.db.tenant(new_id()) as stranger:
        assert (await read_since(stranger, position, LABELS)).lines == []
        assert (await read_tail(stranger, LABELS, FeedFilters(), 10)).lines == []
        assert await read_tasks(stranger, [conversation.id]) == []
        by_task = FeedFilters(task_id=str(conversation.id))
        assert (await read_tail(stranger, LABELS, by_task, 10)).lines == []


async def _insert(session: Any, place: Place) -> UUID:
    """An event, in a transaction that is still open."""
    row_id = new_id()
    await session.execute(
        text(
            "INSERT INTO inbox (id, tenant_id, connection_id, source, dedup_key, stream_key, occurred_at, "
            "content_type, body) VALUES (:id, :tenant, :connection, 'faketool', :key, 's', clock_timestamp(), '', '')"
        ),
        {"id": row_id, "tenant": place.tenant_id, "connection": place.connection_id, "key": row_id.bytes},
    )
    return row_id


async def _agent(place: Place, name: str) -> UUID:
    agent = Agent(id=new_id(), tenant_id=place.tenant_id, name=name)
    async with place.db.tenant(place.tenant_id) as session:
        session.add(agent)
    return agent.id


async def _task(
    place: Place, conversation: UUID, *, agent_id: UUID | None = None, events: list[str] | None = None
) -> UUID:
    task = Task(
        id=new_id(), tenant_id=place.tenant_id, conversation_id=conversation, alias="a", type="t", title="Fix it",
        instructions="i", state="working", agent_id=agent_id, epoch=1, expires_at=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    async with place.db.tenant(place.tenant_id) as session:
        session.add(task)
    for kind in events if events is not None else ["task.accept"]:
        await _event(place, task.id, kind, 1)
    return task.id


async def _event(place: Place, task: UUID, kind: str, epoch: int, **data: Any) -> None:
    async with place.db.tenant(place.tenant_id) as session:
        session.add(TaskEvent(tenant_id=place.tenant_id, task_id=task, kind=kind, epoch=epoch, data=data))
