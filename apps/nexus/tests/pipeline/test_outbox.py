"""Owing an effect: once, within the transaction that causes it; card redraws are one until drawn."""

import asyncio
from datetime import timedelta

import pytest
from pipeline.fakes import CHANNEL, Place, Worker
from sqlalchemy import text

from nexus.pipeline.facts import PostCard, PostReply
from nexus.pipeline.outbox import CARD_UPDATE_INTERVAL_SECONDS, refresh_card
from nexus.store.database import Database
from nexus.store.tables import TaskMapping

CARD, REPLY = PostCard(CHANNEL), PostReply(CHANNEL, "hello")


async def test_effect_is_owed_once_however_often_it_is_asked_for(place: Place, worker: Worker) -> None:
    conversation = await place.conversation()
    owed = await asyncio.gather(*(place.owe(conversation, CARD, "card") for _ in range(8)))
    assert sorted(owed) == [False] * 7 + [True]
    assert await worker.round() == ["done"]
    assert await place.owe(conversation, CARD, "card") is False, "not when it is done either"
    assert len(place.sink.sent) == 1


async def test_same_effect_of_another_tenant_is_another_effect(place: Place, another_place: Place) -> None:
    assert await place.owe(await place.conversation(), CARD, "card")
    assert await another_place.owe(await another_place.conversation(), CARD, "card")


async def test_effect_of_a_transaction_that_failed_is_not_owed(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    with pytest.raises(RuntimeError):
        async with place.db.tenant(place.tenant_id) as session:
            await refresh_card(session, conversation)
            raise RuntimeError
    assert await worker.round() == []


async def refreshed(place: Place, conversation: TaskMapping) -> None:
    async with place.db.tenant(place.tenant_id) as session:
        await refresh_card(session, conversation)


async def test_requests_to_redraw_a_card_are_one_until_it_is_redrawn(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    for _ in range(5):
        await refreshed(place, conversation)
    assert await worker.round() == ["done"]
    assert await worker.next_round() == []
    assert len(place.sink.sent) == 1
    assert place.sink.sent[0].card is not None


async def test_card_is_redrawn_at_most_once_a_second(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    await refreshed(place, conversation)
    await worker.round()
    await refreshed(place, conversation)
    ((gap,),) = await place.rows(
        "SELECT max(available_at) FILTER (WHERE state = 'pending') - max(settled_at) FILTER (WHERE state = 'done') "
        "FROM deliveries"
    )
    assert gap == timedelta(seconds=CARD_UPDATE_INTERVAL_SECONDS)
    assert await worker.round() == []
    assert await worker.next_round() == ["done"]


async def test_change_that_comes_while_the_card_is_being_redrawn_is_drawn_afterwards(
    place: Place, worker: Worker
) -> None:
    conversation = await place.conversation(root_ts="1.0")
    await refreshed(place, conversation)

    async def change() -> None:
        place.sink.while_sending = None
        await place.change("UPDATE task_mappings SET title = 'A newer title'")
        await refreshed(place, conversation)
        await refreshed(place, conversation)

    place.sink.while_sending = change
    assert await worker.round() == ["done"]
    assert await worker.next_round() == ["done"]
    titles = [sent.card.title for sent in place.sink.sent if sent.card]
    assert titles == ["Export loses a row", "A newer title"]


async def test_card_that_nobody_has_begun_with_need_not_be_redrawn(place: Place, worker: Worker) -> None:
    conversation = await place.conversation()
    await place.owe(conversation, CARD, "card", order=0)
    await place.change("UPDATE task_mappings SET title = 'A newer title'")
    await refreshed(place, conversation)
    assert await worker.round() == ["done"]
    assert await worker.next_round() == []
    assert [sent.card.title for sent in place.sink.sent if sent.card] == ["A newer title"]


async def test_change_that_comes_while_the_card_is_being_posted_is_drawn_afterwards(
    place: Place, worker: Worker
) -> None:
    conversation = await place.conversation()
    await place.owe(conversation, CARD, "card", order=0)

    async def change() -> None:
        place.sink.while_sending = None
        await place.change("UPDATE task_mappings SET title = 'A newer title'")
        await refreshed(place, conversation)

    place.sink.while_sending = change
    assert await worker.round() == ["done"]
    assert await worker.next_round() == ["done"]
    assert [sent.card.title for sent in place.sink.sent if sent.card] == ["Export loses a row", "A newer title"]


@pytest.mark.parametrize("kind", ["card", "card_update"])
async def test_what_shows_a_change_does_not_leave_before_the_change_is_committed(
    place: Place, worker: Worker, kind: str
) -> None:
    """The change relies on what is pending: a worker that took that now would draw what was so before."""
    conversation = await place.conversation(root_ts=None if kind == "card" else "1.0")
    if kind == "card":
        await place.owe(conversation, CARD, "card", order=0)
    else:
        await refreshed(place, conversation)
    async with place.db.tenant(place.tenant_id) as session:
        await session.execute(text("UPDATE task_mappings SET title = 'A newer title'"))
        await refresh_card(session, conversation)
        assert await worker.round() == []
    assert await worker.round() == ["done"]
    assert await worker.next_round() == []
    assert [sent.card.title for sent in place.sink.sent if sent.card] == ["A newer title"]


async def test_conversation_that_is_linked_to_no_channel_has_no_card_to_redraw(place: Place, db: Database) -> None:
    conversation = await place.conversation()
    conversation.channel_id = None
    await refreshed(place, conversation)
    async with db.engine.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT 1 FROM deliveries")).all() == []
