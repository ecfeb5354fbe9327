"""What was accepted before an effect leaves goes first, also if nobody handled it yet; what is late says so (I4)."""

from pipeline.fakes import CHANNEL, ITEM, NOON, Place, Worker, later

from nexus.pipeline.facts import AddComment, EditComment, Person, PostReply
from nexus.pipeline.outbox import micros


async def from_stream(place: Place, stream: str, *, order: int) -> None:
    """A reply that came by a stream of the inbox."""
    conversation = await place.conversation(root_ts="1.0")
    await place.owe(conversation, PostReply(CHANNEL, "hello"), "effect", order=order)
    await place.change("UPDATE deliveries SET source_stream = :stream", stream=stream)


async def test_effect_waits_for_an_older_event_of_its_stream_that_is_not_handled_yet(
    place: Place, worker: Worker
) -> None:
    await from_stream(place, "s", order=micros(later(10)))
    await place.event("s", at=later(9))
    assert await worker.round() == []
    await place.change("UPDATE inbox SET state = 'done'")
    assert await worker.round() == ["done"]


async def test_effect_waits_for_an_older_event_however_long_the_queue_is_but_not_for_one_that_has_to_wait(
    place: Place, worker: Worker
) -> None:
    await from_stream(place, "s", order=micros(later(10)))
    await place.event("s", at=later(1))
    await place.change("UPDATE inbox SET created_at = clock_timestamp() - interval '10 minutes'")
    assert await worker.round() == []
    await place.change("UPDATE inbox SET reason = 'the vendor is away'")
    assert await worker.round() == ["done"]


async def test_effect_waits_neither_for_younger_events_nor_for_other_streams(place: Place, worker: Worker) -> None:
    await from_stream(place, "s", order=micros(later(10)))
    await place.event("s", at=later(11))
    await place.event("another", at=later(1))
    assert await worker.round() == ["done"]


async def test_late_comment_says_so_and_when_it_was_written(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    for number, order in ((1, 20), (2, 10)):
        message = await place.message(conversation, f"{number}.0")
        comment = AddComment(ITEM, CHANNEL, f"{number}.0", Person("u", "Dana"), "hi")
        await place.owe(conversation, comment, f"comment-{number}", order=order, message=message)
        assert await worker.round() == ["done"]
    on_time, late = (outgoing.intent for outgoing in place.sink.sent)
    assert isinstance(on_time, AddComment)
    assert isinstance(late, AddComment)
    assert (on_time.late_at, late.late_at) == (None, NOON)


async def test_edit_of_a_late_comment_keeps_the_mark(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    dana = Person("u", "Dana")
    for number, order in ((1, 20), (2, 10)):
        message = await place.message(conversation, f"{number}.0")
        comment = AddComment(ITEM, CHANNEL, f"{number}.0", dana, "hi")
        await place.owe(conversation, comment, f"comment-{number}", order=order, message=message)
        assert await worker.round() == ["done"]
        edit = EditComment(ITEM, CHANNEL, f"{number}.0", dana, "hello")
        await place.owe(conversation, edit, f"edit-{number}", order=order + 1, message=message)
        assert await worker.round() == ["done"]
    changes = [one.intent for one in place.sink.sent if isinstance(one.intent, EditComment)]
    assert [one.late_at for one in changes] == [None, NOON]


async def test_older_one_that_comes_between_the_claim_and_the_request_goes_first(place: Place, worker: Worker) -> None:
    conversation = await place.conversation(root_ts="1.0")
    await place.owe(conversation, PostReply(CHANNEL, "younger"), "younger", order=micros(later(10)))
    (claimed,) = await worker.claims.deliveries(10)
    await place.owe(conversation, PostReply(CHANNEL, "older"), "older", order=micros(later(5)))
    assert await worker.deliverer.deliver(claimed) == "retry"
    assert await worker.next_round() == ["done"]
    assert await worker.next_round() == ["done"]
    assert [outgoing.intent.text for outgoing in place.sink.sent] == ["older", "younger"]  # pyright: ignore[reportAttributeAccessIssue]
    assert {row.attempts for row in await place.rows("SELECT attempts FROM deliveries")} == {1}


async def test_older_event_that_comes_between_the_claim_and_the_request_is_waited_for(
    place: Place, worker: Worker
) -> None:
    await from_stream(place, "s", order=micros(later(10)))
    (claimed,) = await worker.claims.deliveries(10)
    await place.event("s", at=later(9))
    assert await worker.deliverer.deliver(claimed) == "retry"
    assert place.sink.calls == []
