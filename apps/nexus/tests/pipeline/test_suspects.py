"""Whom a crash is held against, whose turn it is, and what a worker may do that lost its lock (I5, I7)."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import pytest
from pipeline.fakes import CHANNEL, Place
from sqlalchemy import text
from support.waiting import eventually

from nexus.pipeline import claims as claims_module
from nexus.pipeline.claims import LOCK_CLASS, MAX_CRASHES, Claims, LostClaim
from nexus.pipeline.facts import PostReply

Workers = Callable[[], Awaitable[Claims]]
Table = Literal["inbox", "deliveries"]
TABLES: tuple[Table, ...] = ("inbox", "deliveries")


async def some_rows(place: Place, table: Table, count: int, prefix: str = "s") -> None:
    """Due rows, each in a stream of its own."""
    for number in range(count):
        if table == "inbox":
            await place.event(f"{prefix}{number}")
        else:
            conversation = await place.conversation(
                root_ts=f"{number}.0{place.tenant_id.int % 10**5}", item_id=f"{prefix}{number}"
            )
            await place.owe(conversation, PostReply(CHANNEL, "hello"), f"{prefix}{number}")


async def claim(claims: Claims, table: Table, limit: int = 50) -> list[Any]:
    return await (claims.inbox(limit) if table == "inbox" else claims.deliveries(limit))


async def crash(place: Place, victim: Claims, reaper: Claims, table: Table) -> None:
    await victim.die()
    await eventually(lambda: reaper.reap(table), "the dead worker's rows are freed", seconds=5)
    await place.make_due(table)


async def states(place: Place, table: Table) -> Counter[str]:
    return Counter(row.state for row in await place.rows(f"SELECT state FROM {table}"))


@pytest.mark.parametrize("table", TABLES)
async def test_rows_that_died_in_company_are_tried_in_smaller_and_smaller_company(
    table: Table, place: Place, workers: Workers
) -> None:
    reaper = await workers()
    await some_rows(place, table, 12)
    for company, shared in ((12, 1), (12, 2), (8, 3), (3, 4)):
        victim = await workers()
        assert len(rows := await claim(victim, table)) == company
        assert not any(row.claimed_alone for row in rows)
        assert await claim(victim, table) == [], "one company at a time"
        await crash(place, victim, reaper, table)
        # The others are out of the way, so that the next victim takes those that this one has held.
        await place.change(
            f"UPDATE {table} SET available_at = clock_timestamp() + interval '1 hour' WHERE shared_crashes < :shared",
            shared=shared,
        )
        found = await place.rows(f"SELECT shared_crashes, crashes FROM {table} WHERE shared_crashes = {shared}")
        assert [tuple(row) for row in found] == [(shared, 0)] * company, "nobody knows which of them it was"
    (row,) = await claim(reaper, table)
    assert await claim(reaper, table) == [], "if it crashes again, it is clear with which row"
    assert row.claimed_alone
    await reaper.release(table, row, state="pending", after_seconds=60, reason="later")
    assert len(await claim(reaper, table)) == 1


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("count", [2, 6, 12])
async def test_bystanders_survive_any_number_of_crashes_and_poison_does_not(
    table: Table, count: int, place: Place, workers: Workers
) -> None:
    """Whoever claims the poison dies at once; everybody else's work is done between the crashes."""
    await some_rows(place, table, count)
    ((poison,),) = await place.rows(f"SELECT id FROM {table} ORDER BY id LIMIT 1")
    deaths = 0
    for _ in range(60):
        worker = await workers()
        rows = await claim(worker, table)
        if any(row.id == poison for row in rows):
            deaths += 1
            await crash(place, worker, await workers(), table)
            continue
        for row in rows:
            async with place.db.tenant(place.tenant_id) as session:
                await worker.settle(session, table, row, state="done")
        if not rows:
            break
    assert await states(place, table) == {"done": count - 1, "dead": 1}
    assert deaths <= 4 + MAX_CRASHES, "in smaller and smaller company, then alone"


async def test_suspects_of_both_tables_wait_for_one_another(place: Place, workers: Workers) -> None:
    worker = await workers()
    for table in TABLES:
        await some_rows(place, table, 2)
        await place.change(f"UPDATE {table} SET shared_crashes = 2")
    assert len(await worker.inbox(10)) == 2
    assert await worker.deliveries(10) == []
    others = await workers()
    assert len(await others.deliveries(10)) == 2, "one company for each worker"


async def test_rows_that_are_no_suspects_need_not_wait_for_one(place: Place, workers: Workers) -> None:
    worker = await workers()
    await some_rows(place, "inbox", 4)
    await place.change("UPDATE inbox SET shared_crashes = 2 WHERE stream_key IN ('s0', 's1')")
    assert Counter(row.suspect for row in await worker.inbox(10)) == {False: 2, True: 2}


# --- fairness ---


async def test_flood_of_one_tenant_leaves_room_for_another(
    place: Place, another_place: Place, workers: Workers
) -> None:
    worker = Claims(place.db, tenant_share=6)
    await worker.live()
    await some_rows(place, "inbox", 20, "flood")
    await some_rows(another_place, "inbox", 2, "quiet")
    tenants = [row.tenant_id for row in await worker.inbox(8)]
    assert Counter(tenants) == {place.tenant_id: 6, another_place.tenant_id: 2}, "although the flood came first"
    assert await worker.inbox(8) == [], "the flood has its share, however much is left of it"
    await some_rows(another_place, "inbox", 1, "more")
    assert [row.tenant_id for row in await worker.inbox(1)] == [another_place.tenant_id]
    await worker.die()


async def test_tenants_take_turns(place: Place, another_place: Place, workers: Workers) -> None:
    worker = await workers()
    await some_rows(place, "inbox", 6, "flood")
    await some_rows(another_place, "inbox", 6, "other")
    assert Counter(row.tenant_id for row in await worker.inbox(4)) == {place.tenant_id: 2, another_place.tenant_id: 2}


async def test_deliveries_of_a_blocked_connection_are_left_and_others_are_not(
    place: Place, another_place: Place, workers: Workers
) -> None:
    worker = await workers()
    await some_rows(place, "deliveries", 2)
    await some_rows(another_place, "deliveries", 1, "other")
    rows = await worker.deliveries(10, [place.connection_id])
    assert [row.tenant_id for row in rows] == [another_place.tenant_id]


# --- identity ---


async def end_lock(place: Place, worker: int) -> None:
    await place.change(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND classid = CAST(:class AS oid) AND objid = CAST(:worker AS oid)",
        **{"class": LOCK_CLASS, "worker": worker},
    )


@pytest.mark.parametrize("table", TABLES)
async def test_worker_that_lost_its_lock_gives_back_what_it_held_and_nobody_crashed(
    table: Table, place: Place, workers: Workers
) -> None:
    worker = await workers()
    await some_rows(place, table, 3)
    before = worker.worker
    rows = await claim(worker, table)
    await end_lock(place, before)

    async def noticed() -> bool:
        await worker.live()
        return worker.worker != before

    await eventually(noticed)
    assert worker.lost == {before}
    for row in rows:
        with pytest.raises(LostClaim):
            worker.check(table, row)
    assert await worker.free(before) == 3
    assert worker.lost == set()
    found = await place.rows(f"SELECT attempts, crashes, shared_crashes, claimed_by FROM {table}")
    assert {tuple(row) for row in found} == {(0, 0, 0, None)}
    await place.make_due(table)
    again = await claim(worker, table)
    assert len(again) == 3
    for row in again:
        worker.check(table, row)
    with pytest.raises(LostClaim):
        async with place.db.tenant(place.tenant_id) as session:
            await worker.settle(session, table, rows[0], state="done")


async def test_attempt_that_outlived_its_claim_may_not_settle_the_next_one_of_the_same_worker(
    place: Place, workers: Workers
) -> None:
    worker = await workers()
    await place.event()
    (slow,) = await worker.inbox(10)
    await place.change("UPDATE inbox SET claimed_until = clock_timestamp() - interval '1 second'")
    await worker.reap("inbox")
    (quick,) = await worker.inbox(10)
    assert (slow.id, slow.claimed_by) == (quick.id, quick.claimed_by)
    with pytest.raises(LostClaim):
        async with place.db.tenant(place.tenant_id) as session:
            await session.execute(text("UPDATE connections SET name = 'written by the slow one'"))
            await worker.settle(session, "inbox", slow, state="done")
    with pytest.raises(LostClaim):
        worker.check("inbox", slow)
    await worker.release("inbox", slow, state="pending", after_seconds=0, reason="by the slow one")
    ((state, claimed_by),) = await place.rows("SELECT state, claimed_by FROM inbox")
    assert (state, claimed_by) == ("pending", worker.worker)
    worker.check("inbox", quick)


async def test_worker_that_slept_through_its_lease_sends_nothing(
    place: Place, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = await workers()
    await place.event()
    (row,) = await worker.inbox(10)
    worker.check("inbox", row)
    moment = claims_module.time.monotonic()
    monkeypatch.setattr(claims_module.time, "monotonic", lambda: moment + claims_module.LEASE_SECONDS)
    with pytest.raises(LostClaim):
        worker.check("inbox", row)


async def test_suspects_of_one_table_are_taken_although_the_others_claims_never_rest(
    place: Place, workers: Workers
) -> None:
    """Under load a claim of the inbox waits for its turn at almost every moment."""
    worker = await workers()
    await some_rows(place, "deliveries", 3)
    await place.change("UPDATE deliveries SET shared_crashes = 2")
    for taken in (0, 3):
        async with place.db.engine.begin() as queue:
            await queue.execute(text("SELECT pg_advisory_xact_lock(:class, 1)"), {"class": LOCK_CLASS + 1})
            inbox = asyncio.create_task(worker.inbox(10))
            await eventually(lambda: _waits_in_the_queue(place), "the inbox's claim waits")
            assert len(await worker.deliveries(10)) == taken
        assert await inbox == []


async def _waits_in_the_queue(place: Place) -> bool:
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = CAST(:class AS oid)"
    async with place.db.engine.connect() as connection:
        return (await connection.execute(text(waiting), {"class": LOCK_CLASS + 1})).first() is not None
