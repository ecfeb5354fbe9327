"""The way out: each effect once, looked up when in doubt, and never silently given up (I3, I4)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pipeline.fakes import CHANNEL, ITEM, NOON, Place, Worker, only

from nexus.kit.clock import SystemClock
from nexus.pipeline.claims import Claims, LostClaim
from nexus.pipeline.delivery import MAX_ATTEMPTS
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Superseded, Unsure
from nexus.pipeline.facts import AddComment, EditReply, Item, Person, PostCard, PostReply
from nexus.pipeline.outbox import enqueue, refresh_card
from nexus.pipeline.ports import Receipt
from nexus.tasks.desk import TaskDesk

Workers = Callable[[], Awaitable[Claims]]
CARD, REPLY = PostCard(CHANNEL), PostReply(CHANNEL, "hello")
COMMENT = AddComment(ITEM, CHANNEL, "2.0", Person("U1", "Dana"), "hello")


AN_ITEM = Item(
    id=ITEM, list_id=ITEM, list_name="Inbox", title="Export loses a row", description="", url="", status="open",
    closed=False, priority=None, creator=Person("U1", "Dana"), assignees=(), tags=(), updated_ms=0,
)  # fmt: skip


async def wait_of(place: Place) -> float:
    """Seconds until the one delivery is due."""
    ((seconds,),) = await place.rows("SELECT extract(epoch FROM available_at - clock_timestamp()) FROM deliveries")
    return float(seconds)


# --- one delivery ---


async def test_card_that_was_sent_is_done_and_its_conversation_knows_the_root(place: Place, worker: Worker) -> None:
    conversation = await place.conversation()
    await place.owe(conversation, CARD, "card")
    place.sink.sends = [Receipt("1700.1")]
    assert await worker.round() == ["done"]
    row = await only(place)
    assert (row.state, row.external_id, row.attempts, row.claimed_by) == ("done", "1700.1", 1, None)
    assert await place.rows("SELECT root_ts FROM task_mappings") == [("1700.1",)]
    assert place.sink.calls == ["send"], "nothing to look up on a first try"
    (sent,) = place.sink.sent
    assert sent.id == row.id
    assert sent.card is not None
    assert sent.card.title == "Export loses a row"
    assert await worker.next_round() == []


async def test_reply_that_was_sent_is_known_as_the_twin_of_its_message(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    message = await place.message(conversation, "m1")
    await place.owe(conversation, REPLY, "reply", message=message)
    place.sink.sends = [Receipt("1700.2")]
    assert await worker.round() == ["done"]
    assert await place.rows("SELECT twin_id FROM messages") == [("1700.2",)]
    assert place.sink.sent[0].root_ts == "1.0"


async def test_comment_carries_the_permalink_of_its_message(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    message = await place.message(conversation, "2.0")
    await place.owe(conversation, COMMENT, "comment", message=message)
    assert await worker.round() == ["done"]
    assert place.sink.sent[0].permalink == f"https://chat.example/{CHANNEL}/2.0"
    assert await place.rows("SELECT permalink FROM messages") == [(f"https://chat.example/{CHANNEL}/2.0",)]


async def test_retryable_goes_back_and_waits_as_long_as_the_vendor_says(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Retryable("the channel is busy", after_seconds=30)]
    assert await worker.round() == ["retry"]
    row = await only(place)
    assert (row.state, row.reason, row.attempts) == ("pending", "the channel is busy", 1)
    assert 25 < await wait_of(place) <= 30
    assert await worker.round() == [], "not before its time"
    assert await worker.next_round() == ["done"]
    assert place.sink.calls == ["send", "send"], "it did not happen: nothing to look up"


async def test_retryable_without_a_time_backs_off_further_with_each_try(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Retryable("busy") for _ in range(MAX_ATTEMPTS - 1)]
    for attempt in range(1, MAX_ATTEMPTS):
        assert await worker.next_round() == ["retry"]
        assert -1 < await wait_of(place) <= min(300, 0.5 * 2 ** (attempt - 1))
    assert await worker.next_round() == ["done"]
    assert (await only(place)).attempts == MAX_ATTEMPTS


async def test_unsure_stays_in_doubt_and_is_not_sent_again_when_it_is_found(place: Place, worker: Worker) -> None:
    conversation = await place.conversation()
    await place.owe(conversation, CARD, "card")
    place.sink.sends = [Unsure("no answer")]
    assert await worker.round() == ["retry"]
    row = await only(place)
    assert (row.state, row.claimed_by, row.reason) == ("sending", None, "no answer")
    place.sink.finds = [Receipt("1700.1")]
    assert await worker.next_round() == ["done"]
    assert place.sink.calls == ["send", "find"]
    assert (await only(place)).external_id == "1700.1"
    assert await place.rows("SELECT root_ts FROM task_mappings") == [("1700.1",)]
    first, second = (outgoing for _, outgoing in place.sink.asked)
    assert first.id == second.id, "by which it is found"
    assert first.attempted_at == second.attempted_at is not None, "the first attempt, however late the lookup"


async def test_unsure_is_sent_again_when_it_is_not_found(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Unsure("no answer"), Receipt("1700.2")]
    await worker.round()
    assert await worker.next_round() == ["done"]
    assert place.sink.calls == ["send", "find", "send"]
    assert (await only(place)).external_id == "1700.2"


@pytest.mark.parametrize(
    "trouble",
    [Retryable("busy", after_seconds=0), Unsure("no answer"), Deferred("pace", after_seconds=0), OSError("cut")],
)
async def test_doubt_remains_when_the_lookup_itself_fails(trouble: Exception, place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Unsure("no answer")]
    await worker.round()
    place.sink.finds = [trouble, Receipt("1700.1")]
    assert await worker.next_round() == ["retry"]
    assert (await only(place)).state == "sending"
    assert await worker.next_round() == ["done"]
    assert place.sink.calls == ["send", "find", "find"]


async def test_refusal_to_send_again_after_a_lookup_ends_the_doubt(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Unsure("no answer"), Retryable("429", after_seconds=0)]
    await worker.round()
    await worker.next_round()
    assert (await only(place)).state == "pending", "not found, and not sent"


async def test_bug_in_a_sink_counts_as_doubt(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [KeyError("ts")]
    assert await worker.round() == ["retry"]
    row = await only(place)
    assert row.state == "sending"
    assert row.reason == "KeyError in faketool"
    place.sink.finds = [Receipt("1700.1")]
    assert await worker.next_round() == ["done"]
    assert place.sink.calls == ["send", "find"]


async def test_deferred_waits_without_using_up_an_attempt(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Deferred("one a second", after_seconds=7) for _ in range(MAX_ATTEMPTS * 2)]
    for _ in range(MAX_ATTEMPTS * 2):
        assert await worker.next_round() == ["retry"]
        assert 5 < await wait_of(place) <= 7
    row = await only(place)
    assert (row.state, row.attempts) == ("pending", 0)
    assert await worker.next_round() == ["done"]


async def test_rejected_is_dead_at_once_with_its_reason(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Rejected("The app is not in the channel. Invite it, then replay.")]
    assert await worker.round() == ["dead"]
    row = await only(place)
    assert (row.state, row.reason) == ("dead", "The app is not in the channel. Invite it, then replay.")
    assert row.settled_at is not None
    assert await worker.next_round() == []


async def test_superseded_is_settled_as_such(place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Superseded("something else covers it")]
    assert await worker.round() == ["superseded"]
    row = await only(place)
    assert (row.state, row.reason) == ("superseded", "something else covers it")


@pytest.mark.parametrize("trouble", [Retryable("busy"), Unsure("no answer")], ids=["retryable", "unsure"])
async def test_after_twelve_tries_it_is_dead_and_says_so(trouble: Exception, place: Place, worker: Worker) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [trouble] * MAX_ATTEMPTS
    outcomes = [outcome for _ in range(MAX_ATTEMPTS) for outcome in await worker.next_round()]
    assert outcomes == ["retry"] * 11 + ["dead"]
    row = await only(place)
    assert row.state == "dead"
    assert row.reason.startswith("gave up after 12 tries: ")
    assert await worker.next_round() == []


async def test_delivery_to_a_connection_that_cannot_be_opened_is_dead_with_what_to_do(
    place: Place, worker: Worker
) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    rows = await worker.claims.deliveries(10)

    async def gone(_connection_id: Any) -> Any:
        raise Rejected("The connection to this workspace was removed. Connect it again, then replay.")

    place.connections.sink = gone  # type: ignore[method-assign]
    assert await worker.deliverer.deliver(rows[0]) == "dead"
    assert "Connect it again" in (await only(place)).reason


# --- crashes ---


async def test_effect_that_was_sent_and_not_settled_is_found_and_not_sent_again(
    place: Place, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    place.sink.sends = [Receipt("1700.1")]

    async def fail(*_: Any, **__: Any) -> None:
        raise OSError("the connection to the database was cut")

    with monkeypatch.context() as during:
        during.setattr(worker.claims, "settle_all", fail)
        assert await worker.round() == ["retry"]
    assert (await only(place)).state == "sending"
    place.sink.finds = [Receipt("1700.1")]
    assert await worker.next_round() == ["done"]
    assert place.sink.calls == ["send", "find"]
    assert await place.rows("SELECT root_ts FROM task_mappings") == [("1700.1",)]


async def test_database_that_is_away_after_the_send_leaves_the_doubt_to_whoever_takes_over(
    place: Place, worker: Worker, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.owe(await place.conversation(), CARD, "card")

    async def fail(*_: Any, **__: Any) -> None:
        raise OSError("the connection to the database was cut")

    monkeypatch.setattr(worker.claims, "settle_all", fail)
    monkeypatch.setattr(worker.claims, "release", fail)
    with pytest.raises(OSError, match="cut"):
        await worker.round()
    await worker.claims.die()
    heir = Worker(place, await workers())
    assert await heir.claims.reap("deliveries") == 1
    place.sink.finds = [Receipt("1700.1")]
    assert await heir.round() == [], "the vendor may still be carrying out what the dead one asked for"
    assert await heir.next_round() == ["done"]
    assert place.sink.calls == ["send", "find"]


async def test_worker_that_dies_while_sending_is_followed_by_a_lookup(
    place: Place, worker: Worker, workers: Workers
) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    sending, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        sending.set()
        await never.wait()

    place.sink.while_sending = hang
    dying = asyncio.create_task(worker.round())
    await sending.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    await worker.claims.die()
    place.sink.while_sending = None

    heir = Worker(place, await workers())
    assert await heir.claims.reap("deliveries") == 1
    place.sink.finds = [Receipt("1700.1")]
    assert await heir.round() == [], "the vendor may still be carrying out what the dead one asked for"
    assert await heir.next_round() == ["done"]
    assert place.sink.calls == ["send", "find"]


async def test_worker_that_lost_its_claim_while_sending_writes_nothing(
    place: Place, worker: Worker, workers: Workers
) -> None:
    await place.owe(await place.conversation(), CARD, "card")
    heir = Worker(place, await workers())

    async def lose() -> None:
        place.sink.while_sending = None
        await place.change("UPDATE deliveries SET claimed_until = clock_timestamp() - interval '1 second'")
        await heir.claims.reap("deliveries")
        place.sink.finds = [Receipt("the one")]
        assert await heir.next_round() == ["done"]

    place.sink.while_sending = lose
    place.sink.sends = [Receipt("too late")]
    with pytest.raises(LostClaim):
        await worker.round()
    assert (await only(place)).external_id == "the one"
    assert await place.rows("SELECT root_ts FROM task_mappings") == [("the one",)]


# --- one thread ---


async def test_reply_waits_for_its_card_even_while_the_card_is_tried_again(place: Place, worker: Worker) -> None:
    conversation = await place.conversation()
    await place.owe(conversation, REPLY, "reply", order=1)
    await place.owe(conversation, CARD, "card", order=0)
    place.sink.sends = [Retryable("busy", after_seconds=60)]
    assert await worker.round() == ["retry"]
    assert await worker.round() == [], "the reply is held back with its card"
    await worker.next_round()
    assert await worker.next_round() == ["done"]
    assert [type(sent.intent) for sent in place.sink.sent] == [PostCard, PostCard, PostReply]
    assert place.sink.sent[-1].root_ts == "sent-2"


async def test_reply_in_a_conversation_whose_card_is_on_its_way_is_deferred(place: Place, worker: Worker) -> None:
    conversation = await place.conversation()
    await place.owe(conversation, CARD, "card", order=0)
    await place.change("UPDATE deliveries SET stream_key = 'elsewhere', available_at = 'infinity'")
    await place.owe(conversation, REPLY, "reply", order=1)
    assert await worker.round() == ["retry"]
    row = await only(place, "reply")
    assert (row.state, row.attempts) == ("pending", 0)
    assert place.sink.asked == []


async def test_replies_to_a_card_that_died_die_with_the_reason_and_can_be_replayed_after_it(
    place: Place, worker: Worker
) -> None:
    conversation = await place.conversation()
    await place.owe(conversation, CARD, "card", order=0)
    await place.owe(conversation, REPLY, "reply", order=1)
    place.sink.sends = [Rejected("The channel is archived.")]
    await worker.round()
    async with place.db.tenant(place.tenant_id) as session:
        await refresh_card(session, conversation)
    await worker.next_round()
    reply = await only(place, "reply")
    assert reply.state == "dead"
    assert "The channel is archived." in reply.reason
    assert "Replay the card first" in reply.reason
    assert (await only(place, "card_update")).state == "superseded"
    assert place.sink.calls == ["send"]

    await place.change("UPDATE deliveries SET state = 'sending', attempts = 0 WHERE kind IN ('card', 'reply')")
    assert await worker.round() == ["done"]
    assert await worker.round() == ["done"]
    assert (await only(place, "reply")).state == "done"


async def test_reply_that_comes_after_later_ones_are_out_is_marked_with_its_own_time(
    place: Place, worker: Worker
) -> None:
    conversation = await place.conversation(root_ts="1.0")
    await place.owe(conversation, REPLY, "later", order=200)
    assert await worker.round() == ["done"]
    message = await place.message(conversation, "m1")
    await place.owe(conversation, REPLY, "late", order=100, message=message)
    await place.owe(conversation, REPLY, "in time", order=300)
    assert await worker.round() == ["done"]
    assert await worker.round() == ["done"]
    marks = [sent.intent.late_at for sent in place.sink.sent if isinstance(sent.intent, PostReply)]
    assert marks == [None, NOON, None]


async def test_edit_waits_for_what_it_edits_and_names_it(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    message = await place.message(conversation, "m1")
    await place.owe(conversation, REPLY, "reply", order=100, message=message)
    await place.owe(conversation, EditReply(CHANNEL, "better"), "edit", order=200, message=message)
    place.sink.sends = [Receipt("1700.5")]
    assert await worker.round() == ["done"]
    assert await worker.round() == ["done"]
    assert place.sink.sent[1].twin_id == "1700.5"


async def test_edit_of_something_that_was_never_posted_is_dead_with_the_reason(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    message = await place.message(conversation, "m1")
    await place.owe(conversation, REPLY, "reply", order=100, message=message)
    await place.owe(conversation, EditReply(CHANNEL, "better"), "edit", order=200, message=message)
    place.sink.sends = [Rejected("msg_too_long")]
    assert await worker.round() == ["dead"]
    assert await worker.round() == ["dead"]
    assert "never posted" in (await only(place, "reply_edit")).reason


async def test_conversations_do_not_wait_for_each_other(place: Place, worker: Worker) -> None:
    stuck, free = await place.conversation(item_id="stuck"), await place.conversation(item_id="free")
    await place.owe(stuck, CARD, "card-stuck")
    place.sink.sends = [Retryable("busy", after_seconds=600)]
    await worker.round()
    await place.owe(free, CARD, "card-free")
    assert await worker.round() == ["done"]


# --- a task that was stopped ---


@pytest.mark.parametrize(
    "trouble",
    [Retryable("busy", after_seconds=0), Deferred("one a second", after_seconds=0), Unsure("no answer")],
    ids=["retryable", "deferred", "unsure and not found"],
)
async def test_what_a_task_wanted_to_say_is_not_said_after_it_was_stopped(
    trouble: Exception, place: Place, worker: Worker
) -> None:
    """Stop comes while a worker holds the delivery; that try fails, and there must be no other."""
    conversation = await place.conversation(root_ts="1.0")
    desk = TaskDesk(SystemClock())
    async with place.db.tenant(place.tenant_id) as session:
        task_id = await desk.request(session, conversation, AN_ITEM, "default", None)
        await enqueue(session, conversation, REPLY, effect_key="said", order_key=1, task_id=task_id)

    async def stop() -> None:
        place.sink.while_sending = None
        async with place.db.tenant(place.tenant_id) as session:
            assert await desk.stop(session, conversation, "stopped by Dana")

    place.sink.while_sending = stop
    place.sink.sends = [trouble]
    await worker.round()
    await worker.next_round()
    said = [sent for sent in place.sink.sent if isinstance(sent.intent, PostReply)]
    assert len(said) == 1, "the try that was under way, and none after it"
    assert (await only(place, "reply")).state == "superseded"
