"""Deliveries that leave at the same moment share their transactions; what befalls one of them befalls no other."""

import asyncio
from typing import Any

from pipeline.fakes import CHANNEL, Place, Worker, transactions
from support.waiting import eventually

from nexus.kit.clock import SystemClock
from nexus.pipeline.claims import LostClaim
from nexus.pipeline.errors import Rejected
from nexus.pipeline.facts import Item, Person, PostCard, PostReply
from nexus.pipeline.outbox import enqueue
from nexus.pipeline.ports import RateLimit, Receipt
from nexus.store.tables import TaskMapping
from nexus.tasks.desk import TaskDesk

CARD, REPLY = PostCard(CHANNEL), PostReply(CHANNEL, "hello")
MANY = 8


async def cards(place: Place, count: int = MANY) -> list[TaskMapping]:
    """Conversations whose cards are owed."""
    conversations = [await place.conversation(item_id=f"item-{number}") for number in range(count)]
    for conversation in conversations:
        await place.owe(conversation, CARD, f"card:{conversation.id}", order=0)
    return conversations


async def left(worker: Worker, rows: list[Any] | None = None) -> dict[Any, Any]:
    """Delivers all that is due at once: the outcome, or the exception, by conversation."""
    rows = await worker.claims.deliveries(100) if rows is None else rows
    outcomes = await asyncio.gather(*(worker.deliverer.deliver(row) for row in rows), return_exceptions=True)
    return {row.conversation_id: outcome for row, outcome in zip(rows, outcomes, strict=True)}


async def roots(place: Place) -> dict[Any, str | None]:
    return dict(await place.rows("SELECT id, root_ts FROM task_mappings"))


async def steal(place: Place, conversation: TaskMapping) -> None:
    """Another worker takes a delivery over."""
    await place.change("UPDATE deliveries SET claimed_by = 4711 WHERE conversation_id = :id", id=conversation.id)


async def test_each_card_becomes_the_root_of_its_own_thread(place: Place, worker: Worker) -> None:
    conversations = await cards(place)
    rows = await worker.claims.deliveries(100)
    with transactions(place.db) as begun:
        outcomes = await left(worker, rows)
    assert outcomes == {one.id: "done" for one in conversations}
    assert len(begun) <= 5, "one to read the connection; the first may go alone, each time"
    posted = {sent.item_id: f"sent-{number}" for number, sent in enumerate(place.sink.sent, 1)}
    assert await roots(place) == {one.id: posted[one.item_id] for one in conversations}


async def test_one_that_was_taken_over_before_it_left_is_not_sent(place: Place, worker: Worker) -> None:
    conversations = await cards(place)
    rows = await worker.claims.deliveries(100)
    await steal(place, conversations[3])
    outcomes = await left(worker, rows)
    assert isinstance(outcomes.pop(conversations[3].id), LostClaim)
    assert set(outcomes.values()) == {"done"}
    assert conversations[3].item_id not in {sent.item_id for sent in place.sink.sent}
    assert (await roots(place))[conversations[3].id] is None


async def test_one_that_was_taken_over_while_it_was_sent_settles_nothing(place: Place, worker: Worker) -> None:
    """Whoever has it now looks it up; that it is out is not ours to say any more."""
    conversations = await cards(place)

    async def taken_over() -> None:
        place.sink.while_sending = None
        await steal(place, conversations[3])

    place.sink.while_sending = taken_over
    outcomes = await left(worker)
    assert isinstance(outcomes.pop(conversations[3].id), LostClaim)
    assert set(outcomes.values()) == {"done"}
    noted = await roots(place)
    assert noted.pop(conversations[3].id) is None
    assert all(noted.values())
    ((state, claimed_by),) = await place.rows(
        "SELECT state, claimed_by FROM deliveries WHERE conversation_id = :id", id=conversations[3].id
    )
    assert (state, claimed_by) == ("sending", 4711)


async def test_one_that_cannot_be_written_keeps_nobody_from_being_settled(place: Place, worker: Worker) -> None:
    conversations = await cards(place, 4)
    place.sink.sends = [Receipt("1.1"), Receipt("no id that PostgreSQL can keep: \x00"), Receipt("1.3"), Receipt("1.4")]
    outcomes = await left(worker)
    assert sorted(outcomes.values()) == ["done", "done", "done", "retry"]
    (spoiler,) = [one for one, outcome in outcomes.items() if outcome == "retry"]
    noted = await roots(place)
    assert noted.pop(spoiler) is None
    assert sorted(filter(None, noted.values())) == ["1.1", "1.3", "1.4"]
    assert len(conversations) == 4
    ((state,),) = await place.rows("SELECT state FROM deliveries WHERE conversation_id = :id", id=spoiler)
    assert state == "sending", "it is out, and is looked up next time"


async def test_each_waits_for_what_is_its_own(place: Place, worker: Worker) -> None:
    """A reply whose card is not out, one to a card that died, one that may go."""
    waits = await place.conversation(item_id="waits")
    died = await place.conversation(item_id="died")
    goes = await place.conversation(item_id="goes", root_ts="1.0")
    await place.owe(died, CARD, "card of the dead", order=0)
    place.sink.sends = [Rejected("The channel is archived.")]
    await worker.round()
    await place.owe(waits, CARD, "card that waits", order=0)
    await place.change("UPDATE deliveries SET available_at = 'infinity', stream_key = 'elsewhere' WHERE kind = 'card'")
    for number, conversation in enumerate((waits, died, goes)):
        await place.owe(conversation, REPLY, f"reply {number}", order=1)
    assert await left(worker) == {waits.id: "retry", died.id: "dead", goes.id: "done"}


async def test_turns_of_a_channel_are_taken_together_and_each_that_waits_has_its_own(
    place: Place, worker: Worker
) -> None:
    await cards(place, 6)
    place.sink.rate_limit = RateLimit("post", per_second=1.0, burst=3)
    outcomes = await left(worker)
    assert sorted(outcomes.values()) == ["done"] * 3 + ["retry"] * 3
    waiting = await place.rows(
        "SELECT extract(epoch FROM slot_at - min(slot_at) OVER ())::float8, "
        "extract(epoch FROM available_at - clock_timestamp())::float8 FROM deliveries "
        "WHERE state = 'pending' ORDER BY slot_at"
    )
    assert [round(apart) for apart, _ in waiting] == [0, 1, 2], "one second apart"
    assert all(due < 4 for _, due in waiting)
    ((ahead,),) = await place.rows("SELECT extract(epoch FROM next_at - clock_timestamp())::float8 FROM paces")
    assert 5 < ahead <= 6, "six turns, from now on"
    place.sink.rate_limit = RateLimit("post", per_second=1.0, burst=1)
    await place.make_due()
    assert sorted((await left(worker)).values()) == ["done"] * 3, "who has a turn needs no other one"


async def test_after_a_stop_the_stopped_one_alone_is_not_sent(place: Place, worker: Worker) -> None:
    conversations = [await place.conversation(root_ts=f"{number}.0", item_id=f"i{number}") for number in range(3)]
    desk = TaskDesk(SystemClock())
    item = Item(
        id="i", list_id="l", list_name="Inbox", title="t", description="", url="https://x", status="open", closed=False,
        priority=None, creator=Person("u1", "Dana"), assignees=(), tags=(), updated_ms=1,
    )  # fmt: skip
    for conversation in conversations:
        async with place.db.tenant(place.tenant_id) as session:
            task_id = await desk.request(session, conversation, item, "default", None)
            await enqueue(session, conversation, REPLY, effect_key=str(task_id), order_key=1, task_id=task_id)
    rows = await worker.claims.deliveries(100)
    async with place.db.tenant(place.tenant_id) as session:
        assert await desk.stop(session, conversations[1], "stopped by Dana")
    outcomes = await left(worker, [row for row in rows if row.kind == "reply"])
    assert outcomes == {conversations[0].id: "done", conversations[1].id: "superseded", conversations[2].id: "done"}


async def test_older_one_is_late_and_its_neighbours_are_not(place: Place, worker: Worker) -> None:
    late, punctual = await place.conversation(root_ts="1.0", item_id="a"), await place.conversation(root_ts="2.0")
    await place.owe(late, REPLY, "younger", order=2)
    assert await worker.round() == ["done"]
    await place.owe(late, REPLY, "older", order=1)
    await place.owe(punctual, REPLY, "another thread's", order=1)
    assert set((await left(worker)).values()) == {"done"}
    marks = {sent.root_ts: sent.intent.late_at for sent in place.sink.sent[1:] if isinstance(sent.intent, PostReply)}
    assert marks["1.0"] is not None
    assert marks["2.0"] is None


async def test_settling_many_waits_for_nobody_who_waits_for_it(place: Place, worker: Worker) -> None:
    """Somebody else holds a conversation while eight cards are settled, and then wants a later one, too."""
    conversations = sorted(await cards(place), key=lambda one: one.id)
    holding, settling = asyncio.Event(), asyncio.Event()

    async def others() -> None:
        async with place.db.tenant(place.tenant_id) as session:
            await session.get_one(TaskMapping, conversations[2].id, with_for_update={"key_share": True})
            holding.set()
            await settling.wait()
            await eventually(somebody_waits, "the worker")
            await session.get_one(TaskMapping, conversations[5].id, with_for_update={"key_share": True})

    async def somebody_waits() -> bool:
        return bool(await place.rows("SELECT 1 FROM pg_locks WHERE NOT granted"))

    async def sent() -> None:
        settling.set()

    other = asyncio.create_task(others())
    await holding.wait()
    place.sink.while_sending = sent
    outcomes = await left(worker)
    await other
    assert set(outcomes.values()) == {"done"}


async def test_tenants_do_not_meet(place: Place, another_place: Place, worker: Worker) -> None:
    ours, theirs = await cards(place, 3), await cards(another_place, 3)
    outcomes = await left(worker)
    assert outcomes == {one.id: "done" for one in (*ours, *theirs)}
    assert len(set((await roots(place)).values())) == 6
