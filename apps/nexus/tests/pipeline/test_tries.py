"""Each row tells what became of its tries, and when it changed: the live feed and the timeline read nothing else."""

from datetime import datetime
from typing import Any

import pytest
from pipeline.fakes import CHANNEL, Place, Worker, only
from pipeline.test_claims import TABLES, Workers, claim, kill_lock, one_row, reaped, settle, state_of
from sqlalchemy import update

from nexus.pipeline.claims import MAX_CRASHES
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure
from nexus.pipeline.facts import PostReply
from nexus.pipeline.tries import KEPT_TRIES, longer_history
from nexus.store.tables import Delivery


def told(row: Any) -> list[tuple[str, str | None]]:
    return [(entry["outcome"], entry["reason"]) for entry in row.history]


async def owe_reply(place: Place) -> None:
    conversation = await place.conversation(root_ts="1.0")
    await place.owe(conversation, PostReply(CHANNEL, "hello"), "effect")


@pytest.mark.parametrize("table", TABLES)
async def test_a_row_that_nobody_has_tried_has_changed_when_it_came_and_tells_nothing(place: Place, table: Any) -> None:
    await one_row(place, table)
    row = await state_of(place, table)
    assert row.history == []
    assert abs((row.changed_at - row.created_at).total_seconds()) < 1


@pytest.mark.parametrize("table", TABLES)
async def test_a_claim_is_no_change_and_the_end_of_a_try_is(place: Place, workers: Workers, table: Any) -> None:
    worker = await workers()
    await one_row(place, table)
    came = (await state_of(place, table)).changed_at
    (claimed,) = await claim(worker, table)
    assert (await state_of(place, table)).changed_at == came
    await settle(place, worker, table, claimed)
    row = await state_of(place, table)
    assert told(row) == [("done", None)]
    assert came < row.changed_at
    assert abs((row.changed_at - datetime.fromisoformat(row.history[0]["at"])).total_seconds()) < 1


async def test_each_try_of_a_delivery_is_told_with_its_reason_and_its_wait(place: Place, worker: Worker) -> None:
    await owe_reply(place)
    place.sink.sends = [Retryable("busy", after_seconds=2.5), Unsure("no answer"), Rejected("not in the channel")]
    for _ in range(4):
        await worker.next_round()
    row = await only(place)
    assert told(row) == [("retry", "busy"), ("unsure", "no answer"), ("dead", "not in the channel")]
    assert row.history[0]["after_seconds"] == 2.5
    instants = [entry["at"] for entry in row.history]
    assert instants == sorted(instants)


async def test_what_waits_on_for_the_same_thing_says_so_once_and_does_not_change_again(
    place: Place, worker: Worker
) -> None:
    await owe_reply(place)
    place.sink.sends = [
        Deferred(reason, after_seconds=1) for reason in ("its turn", "its turn", "its turn", "the card")
    ]
    await worker.next_round()
    waits_since = (await only(place)).changed_at
    for _ in range(2):
        await worker.next_round()
    row = await only(place)
    assert told(row) == [("deferred", "its turn")]
    assert row.changed_at == waits_since
    for _ in range(2):
        await worker.next_round()
    assert told(await only(place)) == [("deferred", "its turn"), ("deferred", "the card"), ("done", None)]


@pytest.mark.parametrize("table", TABLES)
async def test_a_lost_worker_is_told_and_so_is_the_quarantine(place: Place, workers: Workers, table: Any) -> None:
    await one_row(place, table)
    for _ in range(MAX_CRASHES):
        worker = await workers()
        await claim(worker, table)
        await kill_lock(place, worker)
        await reaped(await workers(), table)
        await place.make_due(table)
    row = await state_of(place, table)
    lost = ("crash", "its worker was lost while holding it")
    assert told(row)[:-1] == [lost] * (MAX_CRASHES - 1)
    assert told(row)[-1] == ("dead", row.reason)
    assert "quarantined" in row.reason


async def test_only_the_last_tries_are_kept(place: Place, worker: Worker) -> None:
    await owe_reply(place)
    place.sink.sends = [Deferred(f"reason {number}", after_seconds=1) for number in range(KEPT_TRIES + 3)]
    for _ in range(KEPT_TRIES + 3):
        await worker.next_round()
    expected = [("deferred", f"reason {number}") for number in range(3, KEPT_TRIES + 3)]
    assert told(await only(place)) == expected


async def test_a_change_by_other_statements_is_noted_as_well(place: Place) -> None:
    await owe_reply(place)
    before = await only(place)
    async with place.db.tenant(place.tenant_id) as session:
        await session.execute(update(Delivery).values(state="dead", history=longer_history("dead", "stopped")))
    after = await only(place)
    assert told(after) == [("dead", "stopped")]
    assert before.changed_at < after.changed_at
