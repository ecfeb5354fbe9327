"""Who works on what: one worker a stream, in order, and nothing held by the dead (I4, I7)."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import pytest
from pipeline.fakes import CHANNEL, NOON, HeldDatabase, Place
from sqlalchemy import text
from support.waiting import eventually

from nexus.pipeline.claims import LEASE_SECONDS, LOCK_CLASS, MAX_CRASHES, Claims, LostClaim
from nexus.pipeline.facts import PostReply
from nexus.store.database import Database

Workers = Callable[[], Awaitable[Claims]]
TABLES: tuple[Literal["inbox", "deliveries"], ...] = ("inbox", "deliveries")


def at(seconds: float) -> Any:
    return NOON + timedelta(seconds=seconds)


async def one_row(place: Place, table: str) -> UUID:
    """A due row of the table, alone in its stream."""
    if table == "inbox":
        return await place.event("alone")
    conversation = await place.conversation(root_ts="1.0")
    await place.owe(conversation, PostReply(CHANNEL, "hello"), "effect")
    ((row_id,),) = await place.rows("SELECT id FROM deliveries")
    return row_id


async def claim(claims: Claims, table: str, limit: int = 10) -> list[Any]:
    return await (claims.inbox(limit) if table == "inbox" else claims.deliveries(limit))


async def settle(place: Place, claims: Claims, table: Literal["inbox", "deliveries"], row: Any) -> None:
    async with place.db.tenant(place.tenant_id) as session:
        await claims.settle(session, table, row, state="done")


async def make_due(place: Place, table: str) -> None:
    await place.make_due("inbox" if table == "inbox" else "deliveries")


async def state_of(place: Place, table: str) -> Any:
    (row,) = await place.rows(f"SELECT * FROM {table}")
    return row


async def kill_lock(place: Place, claims: Claims) -> None:
    """Ends the connection that holds a worker's lock, as its death would."""
    await place.change(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND classid = CAST(:class AS oid) AND objid = CAST(:worker AS oid)",
        **{"class": LOCK_CLASS, "worker": claims.worker},
    )


async def reaped(claims: Claims, table: Literal["inbox", "deliveries"]) -> int:
    return await eventually(lambda: claims.reap(table), f"a row of {table} is freed", seconds=5)


# --- what is claimed ---


async def test_only_the_first_of_each_stream_is_claimed(place: Place, workers: Workers) -> None:
    worker = await workers()
    heads = {await place.event(stream, at=at(0)) for stream in "abc"}
    for stream in "abc":
        await place.event(stream, at=at(1))
    assert {row.id for row in await worker.inbox(10)} == heads
    assert await worker.inbox(10) == [], "their streams are being worked on"


async def test_stream_goes_on_when_its_head_is_settled_and_waits_when_it_is_only_released(
    place: Place, workers: Workers
) -> None:
    worker = await workers()
    first, second = await place.event(at=at(0)), await place.event(at=at(1))
    (row,) = await worker.inbox(10)
    assert row.id == first
    await worker.release("inbox", row, state="pending", after_seconds=60, reason="later")
    assert await worker.inbox(10) == [], "the second may not overtake the first"
    await place.make_due("inbox")
    (row,) = await worker.inbox(10)
    assert row.id == first
    await settle(place, worker, "inbox", row)
    assert [row.id for row in await worker.inbox(10)] == [second]


async def test_rows_of_a_stream_come_in_order_of_occurrence_then_of_id(place: Place, workers: Workers) -> None:
    worker = await workers()
    made = [(seconds, await place.event(at=at(seconds))) for seconds in (2, 0, 1, 0, 2, 1)]
    seen: list[UUID] = []
    while rows := await worker.inbox(10):
        (row,) = rows
        seen.append(row.id)
        await settle(place, worker, "inbox", row)
    assert seen == [row_id for _, row_id in sorted(made)]


async def test_deliveries_of_a_stream_come_in_their_order_then_of_id(place: Place, workers: Workers) -> None:
    worker = await workers()
    conversation = await place.conversation(root_ts="1.0")
    for order in (2, 0, 1, 0, 2, 1):
        await place.owe(conversation, PostReply(CHANNEL, str(order)), f"effect-{order}-{random.random()}", order=order)
    wanted = await place.rows("SELECT id FROM deliveries ORDER BY order_key, id")
    seen: list[UUID] = []
    while rows := await worker.deliveries(10):
        (row,) = rows
        assert (row.prior, row.attempts) == ("pending", 1)
        seen.append(row.id)
        await settle(place, worker, "deliveries", row)
    assert seen == [row.id for row in wanted]


async def test_no_more_than_the_limit_is_claimed_and_what_is_not_due_yet_is_left(
    place: Place, workers: Workers
) -> None:
    worker = await workers()
    for stream in "abcde":
        await place.event(stream)
    await place.change("UPDATE inbox SET available_at = clock_timestamp() + interval '1 hour' WHERE stream_key = 'e'")
    assert len(await worker.inbox(3)) == 3
    assert len(await worker.inbox(3)) == 1
    assert await worker.inbox(3) == []


async def test_claim_has_a_lease_and_counts_an_attempt(place: Place, workers: Workers) -> None:
    worker = await workers()
    await place.event()
    (row,) = await worker.inbox(10)
    assert row.attempts == 1
    ((seconds, claimed_by),) = await place.rows(
        "SELECT extract(epoch FROM claimed_until - clock_timestamp()), claimed_by FROM inbox"
    )
    assert LEASE_SECONDS - 5 < seconds <= LEASE_SECONDS
    assert claimed_by == worker.worker


async def test_second_claimer_waits_for_the_first_and_takes_nothing_from_its_stream(
    place: Place, workers: Workers
) -> None:
    """The first has claimed and not committed; an earlier row comes in; the second must not take that one."""
    second = await workers()
    held = HeldDatabase(place.db)
    first = Claims(held.as_database())
    await place.event(at=at(1))
    claiming = asyncio.create_task(first.inbox(10))
    await held.at_commit.wait()
    await place.event(at=at(0))
    competing = asyncio.create_task(second.inbox(10))

    async def waits_or_is_done() -> bool:
        waiting = await place.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return competing.done() or bool(waiting)

    await eventually(waits_or_is_done)
    held.let_go.set()
    rows = [*await claiming, *await competing]
    assert len(rows) == 1, "one stream, one row at a time"


@pytest.mark.parametrize("seed", range(3))
async def test_claimers_that_compete_never_hold_two_rows_of_a_stream_and_keep_its_order(
    place: Place, workers: Workers, seed: int
) -> None:
    chance = random.Random(seed)
    claimers = [await workers() for _ in range(4)]
    events = [(stream, number) for stream in "abcd" for number in range(6)]
    for stream, number in events:
        await place.event(stream, at=at(number))
    working: dict[str, int] = {}
    handled: dict[str, list[Any]] = {stream: [] for stream in "abcd"}
    left = len(events)

    async def work(claims: Claims) -> None:
        nonlocal left
        while left:
            for row in await claims.inbox(chance.randint(1, 4)):
                working[row.stream_key] = working.get(row.stream_key, 0) + 1
                assert working[row.stream_key] == 1, "two of one stream at once"
                handled[row.stream_key].append(row.occurred_at)
                await asyncio.sleep(0)
                working[row.stream_key] -= 1
                await settle(place, claims, "inbox", row)
                left -= 1

    async with asyncio.timeout(20):
        await asyncio.gather(*(work(claims) for claims in claimers))
    assert handled == {stream: [at(number) for number in range(6)] for stream in "abcd"}


# --- what becomes of claims whose worker is gone ---


@pytest.mark.parametrize("table", TABLES)
async def test_claim_of_a_worker_that_lives_is_left_alone(
    table: Literal["inbox", "deliveries"], place: Place, workers: Workers
) -> None:
    holder, other = await workers(), await workers()
    await one_row(place, table)
    await claim(holder, table)
    assert await other.reap(table) == 0
    assert await claim(other, table) == []


@pytest.mark.parametrize("table", TABLES)
async def test_claim_is_free_at_once_when_the_connection_of_its_worker_is_gone(
    table: Literal["inbox", "deliveries"], place: Place, workers: Workers
) -> None:
    holder, other = await workers(), await workers()
    row_id = await one_row(place, table)
    await claim(holder, table)
    await kill_lock(place, holder)
    assert await reaped(other, table) == 1
    if table == "deliveries":
        assert await claim(other, table) == [], "the vendor may still be busy with what the dead one asked for"
    await make_due(place, table)
    (row,) = await claim(other, table)
    assert row.id == row_id
    if table == "deliveries":
        assert row.prior == "sending", "it may have happened: it must be looked up"
    found = await state_of(place, table)
    assert (found.crashes, found.claimed_by) == (1, other.worker)


@pytest.mark.parametrize("table", TABLES)
async def test_claim_is_free_when_its_lease_has_ended_although_its_worker_lives(
    table: Literal["inbox", "deliveries"], place: Place, workers: Workers
) -> None:
    holder, other = await workers(), await workers()
    await one_row(place, table)
    await claim(holder, table)
    await place.change(f"UPDATE {table} SET claimed_until = clock_timestamp() - interval '1 second'")
    assert await other.reap(table) == 1
    await make_due(place, table)
    assert len(await claim(other, table)) == 1


@pytest.mark.parametrize("table", TABLES)
async def test_row_that_took_three_workers_down_is_quarantined_and_says_why(
    table: Literal["inbox", "deliveries"], place: Place, workers: Workers
) -> None:
    reaper = await workers()
    await one_row(place, table)
    for crash in range(1, MAX_CRASHES + 1):
        victim = await workers()
        await make_due(place, table)
        assert len(await claim(victim, table)) == 1, f"it is tried after {crash - 1} crashes"
        await victim.die()
        assert await reaped(reaper, table) == 1
    found = await state_of(place, table)
    assert (found.state, found.crashes, found.claimed_by) == ("dead", 3, None)
    assert found.reason.startswith("quarantined: 3 workers died")
    assert found.settled_at is not None
    assert await claim(reaper, table) == []


async def test_quarantined_row_lets_its_stream_go_on(place: Place, workers: Workers) -> None:
    reaper = await workers()
    poison, innocent = await place.event(at=at(0)), await place.event(at=at(1))
    for _ in range(MAX_CRASHES):
        victim = await workers()
        assert [row.id for row in await victim.inbox(10)] == [poison]
        await victim.die()
        await reaped(reaper, "inbox")
    assert [row.id for row in await reaper.inbox(10)] == [innocent]


async def test_worker_whose_connection_was_lost_takes_its_lock_again(place: Place, workers: Workers) -> None:
    worker, other = await workers(), await workers()
    await kill_lock(place, worker)

    async def lives_again() -> bool:
        try:
            await worker.live()
        except ConnectionError:
            return False
        return True

    await eventually(lives_again)
    await place.event()
    assert len(await worker.inbox(10)) == 1
    assert await other.reap("inbox") == 0


async def test_lock_of_a_worker_on_another_database_of_the_server_counts_for_nothing(
    place: Place, workers: Workers, database_url: str
) -> None:
    other_db = Database(database_url, pool_size=1)
    try:
        holder, reaper = Claims(place.db), await workers()
        twin = Claims(other_db)
        twin.worker = holder.worker
        await twin.live()
        await place.event()
        await holder.inbox(10)
        assert await reaper.reap("inbox") == 1
        await twin.die()
    finally:
        await other_db.aclose()


# --- settling and releasing ---


@pytest.mark.parametrize("table", TABLES)
async def test_worker_that_lost_its_claim_can_write_nothing_of_that_attempt(
    table: Literal["inbox", "deliveries"], place: Place, workers: Workers
) -> None:
    slow, quick = await workers(), await workers()
    await one_row(place, table)
    (of_slow,) = await claim(slow, table)
    await place.change(f"UPDATE {table} SET claimed_until = clock_timestamp() - interval '1 second'")
    await quick.reap(table)
    await make_due(place, table)
    (of_quick,) = await claim(quick, table)
    with pytest.raises(LostClaim):
        async with place.db.tenant(place.tenant_id) as session:
            await session.execute(text("UPDATE connections SET name = 'written by the slow one'"))
            await slow.settle(session, table, of_slow, state="done")
    assert await place.rows("SELECT name FROM connections") == [("Workspace",)]
    await slow.release(table, of_slow, state="pending", after_seconds=0, reason="by the slow one")
    assert (await state_of(place, table)).claimed_by == quick.worker
    await settle(place, quick, table, of_quick)
    assert (await state_of(place, table)).state == "done"
    with pytest.raises(LostClaim):
        await settle(place, quick, table, of_quick)


async def test_tenant_cannot_settle_a_row_of_another_one(place: Place, another_place: Place, workers: Workers) -> None:
    worker = await workers()
    await place.event()
    (row,) = await worker.inbox(10)
    with pytest.raises(LostClaim):
        await settle(another_place, worker, "inbox", row)
    assert (await state_of(place, "inbox")).state == "pending"


async def test_settled_row_says_when_and_why(place: Place, workers: Workers) -> None:
    worker = await workers()
    await place.event()
    (row,) = await worker.inbox(10)
    async with place.db.tenant(place.tenant_id) as session:
        await worker.settle(session, "inbox", row, state="ignored", reason="not addressed")
    row = await state_of(place, "inbox")
    assert (row.state, row.reason, row.claimed_by, row.claimed_until) == ("ignored", "not addressed", None, None)
    assert row.settled_at is not None


@pytest.mark.parametrize(("counted", "attempts"), [(True, 1), (False, 0)])
async def test_released_row_counts_an_attempt_only_if_it_was_one(
    counted: bool, attempts: int, place: Place, workers: Workers
) -> None:
    worker = await workers()
    told: list[tuple[str, float]] = []
    worker.on_release = lambda table, seconds: told.append((table, seconds))
    await place.event()
    (row,) = await worker.inbox(10)
    await worker.release("inbox", row, state="pending", after_seconds=30, reason="later", counted=counted)
    ((found, wait, reason, claimed_by),) = await place.rows(
        "SELECT attempts, extract(epoch FROM available_at - clock_timestamp()), reason, claimed_by FROM inbox"
    )
    assert (found, reason, claimed_by) == (attempts, "later", None)
    assert 25 < wait <= 30
    assert told == [("inbox", 30)]
    assert await worker.inbox(10) == []


async def test_row_released_without_counting_can_be_so_for_ever(place: Place, workers: Workers) -> None:
    worker = await workers()
    await place.event()
    for _ in range(20):
        (row,) = await worker.inbox(10)
        assert row.attempts == 1
        await worker.release("inbox", row, state="pending", after_seconds=0, reason="wait", counted=False)
