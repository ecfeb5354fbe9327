"""Turns under a vendor's published limits, echoes, and one look for a burst of events."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from pipeline.fakes import CHANNEL, ITEM, NOON, Place, Worker, only
from sqlalchemy import text

from nexus.pipeline.claims import Claims
from nexus.pipeline.echoes import Echoes
from nexus.pipeline.errors import Deferred, Retryable, Unsure
from nexus.pipeline.facts import AddComment, Echo, Person, PostCard, PostReply
from nexus.pipeline.ports import RateLimit, Receipt

CARD = PostCard(CHANNEL)


async def replies(place: Place, count: int) -> None:
    for number in range(count):
        conversation = await place.conversation(root_ts=f"{number}.5", item_id=f"item-{number}")
        await place.owe(conversation, PostReply(CHANNEL, "hello"), f"effect-{number}")


async def waits(place: Place) -> list[float]:
    """In how many seconds each open delivery is due."""
    rows = await place.rows(
        "SELECT extract(epoch FROM available_at - clock_timestamp())::float8 AS wait FROM deliveries "
        "WHERE state <> 'done' ORDER BY 1"
    )
    return [row.wait for row in rows]


async def test_burst_goes_at_once_and_the_rest_one_after_another(place: Place, worker: Worker) -> None:
    place.sink.rate_limit = RateLimit("post:C1", per_second=0.1, burst=3)
    await replies(place, 6)
    assert sorted(await worker.round()) == ["done"] * 3 + ["retry"] * 3
    assert len(place.sink.sent) == 3
    first, second, third = await waits(place)
    assert 5 < first <= 10 < second <= 20 < third <= 30, "each has a turn of its own"
    attempts = await place.rows("SELECT attempts FROM deliveries WHERE state <> 'done'")
    assert {row.attempts for row in attempts} == {0}, "waiting is no attempt"


async def test_turn_that_was_taken_is_used_once_and_then_a_new_one_is_needed(place: Place, worker: Worker) -> None:
    place.sink.rate_limit = RateLimit("post:C1", per_second=0.1, burst=1)
    await replies(place, 2)
    assert sorted(await worker.round()) == ["done", "retry"]
    place.sink.sends = [Retryable("the vendor is busy", after_seconds=0)]
    assert await worker.next_round() == ["retry"], "its turn came, and the vendor did not take it"
    assert (await place.rows("SELECT slot_at FROM deliveries WHERE state <> 'done'")) == [(None,)]
    assert await worker.next_round() == ["retry"]
    assert len(place.sink.sent) == 2, "it waits for another turn"
    assert await worker.next_round() == ["done"]


async def test_workers_share_the_limit(place: Place, worker: Worker) -> None:
    other = Worker(place, Claims(place.db))
    await other.claims.live()
    place.sink.rate_limit = RateLimit("post:C1", per_second=0.1, burst=2)
    await replies(place, 6)
    rows = [*await worker.claims.deliveries(3), *await other.claims.deliveries(3)]
    outcomes = await asyncio.gather(
        *(worker.deliverer.deliver(row) if row.claimed_by == worker.claims.worker else other.deliverer.deliver(row)
          for row in rows)
    )  # fmt: skip
    assert sorted(outcomes) == ["done"] * 2 + ["retry"] * 4
    await other.claims.die()


async def test_other_keys_are_other_limits(place: Place, worker: Worker) -> None:
    place.sink.rate_limit = RateLimit("post:C1", per_second=0.1, burst=1)
    await replies(place, 1)
    assert await worker.round() == ["done"]
    place.sink.rate_limit = RateLimit("post:C2", per_second=0.1, burst=1)
    await place.owe(await place.conversation(root_ts="9.9", item_id="another"), PostReply(CHANNEL, "hi"), "another")
    assert await worker.round() == ["done"]


async def test_connection_whose_budget_is_spent_is_left_alone_until_it_is_not(place: Place, worker: Worker) -> None:
    await replies(place, 2)
    place.sink.sends = [Deferred("spent", after_seconds=0.2, whole_connection=True)] * 2
    assert await worker.round() == ["retry", "retry"]
    assert worker.deliverer.blocked() == [place.connection_id]
    await asyncio.sleep(0.25)
    assert worker.deliverer.blocked() == []


# --- echoes ---


async def heard(place: Place, echo: Echo) -> tuple[Any, str | None]:
    """What the router does with an echo."""
    echoes = Echoes(place.db, place.connections)
    connected = await place.connections.get(place.connection_id)
    removed = await echoes.take_back_if_doubled(connected, echo)
    async with place.db.tenant(place.tenant_id) as session:
        return await echoes.note(session, connected, echo, removed=removed)


async def test_echo_settles_an_unsure_delivery_without_a_look_up(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Unsure("no answer")]
    assert await worker.round() == ["retry"]
    delivery = await only(place)
    assert delivery.state == "sending"
    await heard(place, Echo(CHANNEL, "1700.1", delivery.id))
    assert await worker.round() == ["done"], "due at once, whatever the backoff was"
    assert place.sink.calls == ["send"], "neither looked up nor sent again"
    assert (await only(place)).external_id == "1700.1"
    assert await place.rows("SELECT root_ts FROM task_mappings") == [("1700.1",)]


async def test_echo_that_comes_before_the_answer_changes_nothing(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Receipt("1700.1")]

    async def echo() -> None:
        await heard(place, Echo(CHANNEL, "1700.1", (await only(place)).id))

    place.sink.while_sending = echo
    assert await worker.round() == ["done"]
    delivery = await only(place)
    assert (delivery.external_id, delivery.healed) == ("1700.1", 0)
    conversation, reason = await heard(place, Echo(CHANNEL, "1700.1", delivery.id))
    assert (conversation, reason) == (delivery.conversation_id, "our own message, as expected")
    assert place.sink.removed == []


async def test_second_echo_of_one_delivery_is_taken_back_and_counted(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Receipt("1700.1")]
    assert await worker.round() == ["done"]
    delivery = await only(place)
    await heard(place, Echo(CHANNEL, "1700.1", delivery.id))
    await heard(place, Echo(CHANNEL, "1700.2", delivery.id))
    assert place.sink.removed == [(CHANNEL, "1700.2")]
    delivery = await only(place)
    assert (delivery.external_id, delivery.healed) == ("1700.1", 1)


async def test_answer_of_a_second_try_gives_way_to_the_echo_of_the_first(place: Place, worker: Worker) -> None:
    """The first try's effect shows only while the second is under way: two exist, and one must go."""
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Unsure("no answer"), Receipt("second")]
    assert await worker.round() == ["retry"]
    delivery = await only(place)

    async def late() -> None:
        place.sink.while_sending = None
        await heard(place, Echo(CHANNEL, "first", delivery.id))

    place.sink.while_sending = late
    assert await worker.next_round() == ["done"]
    assert place.sink.calls == ["send", "find", "send"]
    assert await place.rows("SELECT root_ts FROM task_mappings") == [("first",)]
    await heard(place, Echo(CHANNEL, "second", delivery.id))
    assert place.sink.removed == [(CHANNEL, "second")]


async def test_echo_of_a_comment_is_known_by_the_permalink_in_it(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    message = await place.message(conversation, "5.0")
    await place.owe(
        conversation, AddComment(ITEM, CHANNEL, "5.0", Person("u", "Dana"), "hi"), "comment", message=message
    )
    place.sink.sends = [Unsure("no answer")]
    assert await worker.round() == ["retry"]
    mark = f"https://chat.example/{CHANNEL}/5.0"
    await heard(place, Echo(ITEM, "c-1", None, mark=mark))
    assert await worker.round() == ["done"]
    assert (await only(place)).external_id == "c-1"
    assert place.sink.calls == ["send"]


@pytest.mark.parametrize(
    "echo",
    [Echo(CHANNEL, "1.2", uuid4()), Echo(ITEM, "c-9", None, mark="https://chat.example/C1/6.0"), Echo(ITEM, "c", None)],
)
async def test_echo_of_nothing_that_we_know_does_nothing(echo: Echo, place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    assert await heard(place, echo) == (None, "a message of our own, of no delivery that we know")
    assert (await only(place)).external_id is None


async def test_echo_of_another_tenant_proves_nothing(place: Place, another_place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    delivery = await only(place)
    assert (await heard(another_place, Echo(CHANNEL, "1.2", delivery.id)))[0] is None
    assert (await only(place)).external_id is None


async def test_dead_delivery_whose_echo_came_later_is_not_sent_again_by_a_replay(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    delivery = await only(place)
    await place.change("UPDATE deliveries SET state = 'dead', attempted_at = :at", at=NOON)
    await heard(place, Echo(CHANNEL, "1700.1", delivery.id))
    await place.change(str(text("UPDATE deliveries SET state = 'sending', available_at = clock_timestamp()")))
    assert await worker.round() == ["done"]
    assert place.sink.calls == []
