"""Events that look at items and come at the same moment are decided in one transaction, each for itself."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, cast

import pytest
from pipeline.fakes import CHANNEL, FakeIntegration, FakeSource, Place, ScriptedSink, transactions
from support.waiting import eventually

from nexus.kit.clock import SystemClock
from nexus.kit.ids import new_id
from nexus.pipeline.claims import Claims, LostClaim
from nexus.pipeline.connections import Connections
from nexus.pipeline.facts import Fact, Item, ItemChanged, Person
from nexus.pipeline.items import Items, Look
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.ports import Connected, Integration
from nexus.pipeline.routing import Router
from nexus.pipeline.sync import Sync
from nexus.store.tables import Agent, AgentAlias, ProjectMapping, TaskMapping
from nexus.tasks.desk import TaskDesk

LINKED, ELSEWHERE = "list-1", "list-2"
OPENED = Item(
    id="i0", list_id=LINKED, list_name="Inbox", title="Fix it", description="@AI_Squad please", url="https://x",
    status="open", closed=False, priority=None, creator=Person("u1", "Dana"), assignees=(), tags=(), updated_ms=1000,
)  # fmt: skip


class FakeTracker(ScriptedSink):
    """Shows the items that it has; whoever asks waits until `expected` have asked, so that they go on together."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, Item] = {}
        self.expected = 1
        self._asked = 0
        self._all_here = asyncio.Event()

    async def fetch_item(self, item_id: str) -> Item | None:
        self._asked += 1
        if self._asked >= self.expected:
            self._all_here.set()
        await self._all_here.wait()
        return self.items.get(item_id)


class ItemSource(FakeSource):
    """The body names the item to look at."""

    def facts(self, body: bytes, content_type: str, connection: Connected) -> list[Fact]:
        return [ItemChanged(body.decode())]


class Hall:
    """A tenant with a squad, one list that is linked to a channel, and a worker's router."""

    def __init__(self, place: Place, tracker: FakeTracker) -> None:
        integration = FakeIntegration(tracker)
        integration.source = ItemSource()
        connections = Connections(place.db, place.sealer, {"faketool": cast("Integration", integration)})
        desk, clock = TaskDesk(SystemClock()), SystemClock()
        self.place, self.tracker, self.items, self.claims = place, tracker, Items(desk), Claims(place.db)
        self.router = Router(
            place.db,
            connections,
            self.items,
            Mirror(connections, desk, clock),
            Sync(connections, desk, clock),
            self.claims,
            clock,
        )
        self.connected = Connected(place.connection_id, place.tenant_id, "faketool", "w", {}, {})

    async def prepare(self) -> None:
        whose, agent_id = {"tenant_id": self.place.tenant_id}, new_id()
        connection = self.place.connection_id
        async with self.place.db.tenant(self.place.tenant_id) as session:
            session.add(Agent(id=agent_id, name="fixer", skills=["fix_bug"], **whose))
            await session.flush()
            session.add(AgentAlias(id=new_id(), alias="AI_Squad", agent_id=agent_id, **whose))
            session.add(
                ProjectMapping(
                    id=new_id(), tracker="faketool", tracker_connection_id=connection, list_id=LINKED,
                    list_name="Inbox", chat="faketool", chat_connection_id=connection, channel_id=CHANNEL,
                    channel_name="general", instructions="Be kind.", **whose,
                )
            )  # fmt: skip
        await self.claims.live()

    async def seen(self, *items: Item) -> list[Any]:
        async with self.place.db.tenant(self.place.tenant_id) as session:
            return await self.items.changed(session, [Look(self.connected, item) for item in items])

    async def event(self, item_id: str) -> None:
        await self.place.event(stream=item_id)
        await self.place.change(
            "UPDATE inbox SET body = :body WHERE stream_key = :stream", body=item_id.encode(), stream=item_id
        )

    async def handled(self, rows: list[Any]) -> dict[str, Any]:
        """All at once: the outcome, or the exception, by item."""
        outcomes = await asyncio.gather(*(self.router.handle(row) for row in rows), return_exceptions=True)
        return {row.stream_key: outcome for row, outcome in zip(rows, outcomes, strict=True)}

    async def opened(self) -> set[str]:
        return {item for (item,) in await self.place.rows("SELECT item_id FROM task_mappings")}


@pytest.fixture
async def hall(place: Place) -> AsyncGenerator[Hall]:
    made = Hall(place, FakeTracker())
    await made.prepare()
    yield made
    await made.claims.die()


async def test_each_look_leads_to_what_is_its_own(hall: Hall) -> None:
    known, old = replace(OPENED, id="known"), replace(OPENED, id="old")
    await hall.seen(known, old)
    await hall.place.change("UPDATE deliveries SET state = 'done', settled_at = clock_timestamp()")
    outcomes = await hall.seen(
        replace(OPENED, id="new"),
        replace(OPENED, id="unlinked", list_id=ELSEWHERE, list_name="Elsewhere"),
        replace(OPENED, id="nobody's", description="nobody is called"),
        replace(OPENED, id="closed", closed=True),
        replace(known, title="Fix it at last", updated_ms=2000),
        replace(old, title="Fix it, said an older event", updated_ms=500),
    )
    new, unlinked, nobodys, closed, changed, older = outcomes
    assert new[0] is not None
    assert new[1] is None
    assert unlinked[0] is not None
    assert "'Elsewhere' is linked to no channel" in unlinked[1]
    assert nobodys == (None, "not addressed: no known alias in the name, the description or the tags")
    assert closed == (None, "addressed, but the task is closed")
    assert changed[1] is None
    assert older[1] == "a newer state of the task is shown already"
    assert await hall.opened() == {"known", "old", "new", "unlinked"}
    owed = await hall.place.rows(
        "SELECT m.item_id, d.kind FROM deliveries d JOIN task_mappings m ON m.id = d.conversation_id "
        "WHERE d.state = 'pending' ORDER BY 1"
    )
    assert owed == [("known", "card_update"), ("new", "card")]
    tasks = await hall.place.rows(
        "SELECT m.item_id, t.state, t.instructions, (SELECT count(*) FROM task_events e WHERE e.task_id = t.id), "
        "(SELECT text FROM messages s WHERE s.external_id = t.id::text) "
        "FROM tasks t JOIN task_mappings m ON m.id = t.conversation_id ORDER BY 1"
    )
    assert tasks == [(item, "submitted", "Be kind.", 1, "@AI_Squad please") for item in ("known", "new", "old")]


async def test_conversation_that_somebody_else_opens_at_the_same_moment_is_opened_once(hall: Hall) -> None:
    """Their transaction is open when ours looks, and is committed while our INSERT waits for it."""
    async with hall.place.db.tenant(hall.place.tenant_id) as session:
        ((theirs, _),) = await hall.items.changed(session, [Look(hall.connected, OPENED)])
        ours = asyncio.create_task(hall.seen(replace(OPENED, id="another"), replace(OPENED, updated_ms=2000)))

        async def waits_or_is_done() -> bool:
            return ours.done() or bool(await hall.place.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))

        await eventually(waits_or_is_done, "our INSERT")
        assert not ours.done()
    another, same = await ours
    assert another[0] is not None
    assert same == (theirs, None)
    assert await hall.place.rows("SELECT count(*) FROM tasks") == [(2,)]
    assert await hall.place.rows("SELECT count(*) FROM deliveries WHERE kind = 'card'") == [(2,)]


async def test_many_looks_wait_for_nobody_who_waits_for_them(hall: Hall) -> None:
    """Somebody else holds the older of two conversations, and then wants the younger one, too."""
    items = [replace(OPENED, id=f"i{number}") for number in range(9, 0, -1)]
    ids = [found for item in items for found, _ in await hall.seen(item)]
    for number in (4, 1, 7, 0, 3):  # the places of rows in the table and in its indexes say nothing of their age now
        await hall.place.change(
            "UPDATE task_mappings SET root_ts = :root WHERE id = :id", root=f"{number}.1", id=ids[number]
        )
    async with hall.place.db.tenant(hall.place.tenant_id) as session:
        await session.get_one(TaskMapping, ids[0], with_for_update={"key_share": True})
        ours = asyncio.create_task(hall.seen(*items))

        async def waits() -> bool:
            return bool(await hall.place.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))

        await eventually(waits, "our looks")
        for one in ids[1:]:
            await session.get_one(TaskMapping, one, with_for_update={"key_share": True})
    assert [found for found, _ in await ours] == ids


async def claimed(hall: Hall, *items: Item) -> list[Any]:
    for item in items:
        hall.tracker.items[item.id] = item
        await hall.event(item.id)
    hall.tracker.expected = len(items)
    return await hall.claims.inbox(100)


async def test_events_that_look_at_the_same_moment_share_a_transaction(hall: Hall) -> None:
    rows = await claimed(hall, *(replace(OPENED, id=f"i{number}") for number in range(8)))
    with transactions(hall.place.db) as begun:
        outcomes = await hall.handled(rows)
    assert set(outcomes.values()) == {"done"}
    assert len(await hall.opened()) == 8
    assert len(begun) <= 3, "one to read the connection; the first may go alone"


async def test_event_that_was_taken_over_opens_nothing_and_its_neighbours_are_decided(hall: Hall) -> None:
    rows = await claimed(hall, *(replace(OPENED, id=f"i{number}") for number in range(6)))
    await hall.place.change("UPDATE inbox SET claimed_by = 4711 WHERE stream_key = 'i2'")
    outcomes = await hall.handled(rows)
    assert isinstance(outcomes.pop("i2"), LostClaim)
    assert outcomes == {f"i{number}": "done" for number in (0, 1, 3, 4, 5)}
    assert await hall.opened() == {"i0", "i1", "i3", "i4", "i5"}
    assert await hall.place.rows("SELECT claimed_by FROM inbox WHERE state = 'pending'") == [(4711,)]


async def test_event_that_cannot_be_written_keeps_nobody_from_being_decided(hall: Hall) -> None:
    spoilt = replace(OPENED, id="spoilt", title="no title that PostgreSQL can keep: \x00")
    rows = await claimed(hall, OPENED, spoilt, replace(OPENED, id="i9", description="nobody is called"))
    outcomes = await hall.handled(rows)
    assert isinstance(outcomes.pop("spoilt"), Exception)
    assert outcomes == {"i0": "done", "i9": "ignored"}
    assert await hall.opened() == {"i0"}
    left = await hall.place.rows("SELECT state, conversation_id IS NOT NULL FROM inbox ORDER BY stream_key")
    assert left == [("done", True), ("ignored", False), ("pending", False)]


async def test_traces_of_events_that_are_decided_together_stay_apart(hall: Hall) -> None:
    rows = await claimed(hall, *(replace(OPENED, id=f"i{number}") for number in range(3)))
    traces = {row.stream_key: f"00-{number:032x}-{number:016x}-01" for number, row in enumerate(rows, 1)}
    for row in rows:
        await hall.place.change(
            "UPDATE inbox SET traceparent = :trace WHERE id = :id", trace=traces[row.stream_key], id=row.id
        )
        hall.claims.forget("inbox", row)
    await hall.place.change("UPDATE inbox SET claimed_by = NULL")
    await hall.handled(await hall.claims.inbox(100))
    owed = await hall.place.rows(
        "SELECT m.item_id, d.traceparent, t.traceparent FROM deliveries d "
        "JOIN task_mappings m ON m.id = d.conversation_id JOIN tasks t ON t.conversation_id = m.id"
    )
    assert {item: (card, task) for item, card, task in owed} == {key: (one, one) for key, one in traces.items()}
