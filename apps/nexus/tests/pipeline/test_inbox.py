"""The way in: what was answered is stored, once, and nobody's fault is another's (I1, I2)."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from pipeline.fakes import HOOK, NOON, HeldDatabase, Place, place_on, webhook
from sqlalchemy import event, text
from support.waiting import eventually

from nexus.kit.clock import SystemClock
from nexus.kit.embedded import EmbeddedPostgres
from nexus.pipeline import inbox as inbox_module
from nexus.pipeline.inbox import BadSignature, Inbox, Stored, StoreUnavailable, UnknownSource
from nexus.pipeline.ports import Drop, RawRequest, Reply, Unreadable
from nexus.store.database import Database
from nexus.store.migrate import upgrade


async def count(place: Place) -> int:
    ((found,),) = await place.rows("SELECT count(*) FROM inbox")
    return found


async def test_event_is_visible_to_everybody_when_receive_returns(place: Place) -> None:
    stored = await place.inbox.receive(
        "faketool", webhook("e1", b'{"n": 1}', traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    )
    assert isinstance(stored, Stored)
    (row,) = await place.rows("SELECT * FROM inbox")
    assert (row.id, row.tenant_id, row.connection_id) == (stored.inbox_id, place.tenant_id, place.connection_id)
    assert (row.source, row.state, bytes(row.body)) == ("faketool", "pending", b'{"n": 1}')
    assert (row.occurred_at, row.traceparent, row.attempts) == (
        NOON,
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        0,
    )
    assert place.bell.rung == [stored.inbox_id]


async def test_receive_waits_for_the_commit_and_rings_nobody_before_it(place: Place) -> None:
    held = HeldDatabase(place.db)
    inbox = Inbox(held.as_database(), place.connections, place.bell, SystemClock())
    receiving = asyncio.create_task(inbox.receive("faketool", webhook("e1")))
    await held.at_commit.wait()
    assert await count(place) == 0, "inserted, and not committed"
    assert not receiving.done()
    assert place.bell.rung == []
    held.let_go.set()
    assert isinstance(await receiving, Stored)
    assert await count(place) == 1


async def test_same_event_delivered_again_is_one_row_and_said_to_be_a_duplicate(place: Place) -> None:
    first = await place.inbox.receive("faketool", webhook("e1", b"first"))
    again = await place.inbox.receive("faketool", webhook("e1", b"second"))
    assert isinstance(first, Stored)
    assert isinstance(again, Stored)
    assert (first.duplicate, again.duplicate) == (False, True)
    (row,) = await place.rows("SELECT id, body FROM inbox")
    assert (row.id, bytes(row.body)) == (first.inbox_id, b"first")
    assert place.bell.rung == [first.inbox_id], "a duplicate rings nobody"


async def test_same_event_delivered_at_once_many_times_is_one_row(place: Place) -> None:
    answers = await asyncio.gather(*(place.inbox.receive("faketool", webhook("e1")) for _ in range(40)))
    assert [answer.duplicate for answer in answers if isinstance(answer, Stored)].count(False) == 1
    assert await count(place) == 1


async def test_receivers_in_two_processes_store_a_shared_event_once(place: Place) -> None:
    other = Inbox(place.db, place.connections, place.bell, SystemClock())
    both = [inbox.receive("faketool", webhook(f"e{number}")) for number in range(30) for inbox in (place.inbox, other)]
    answers = await asyncio.gather(*both)
    assert sum(not answer.duplicate for answer in answers if isinstance(answer, Stored)) == 30
    assert await count(place) == 30


async def test_same_key_of_another_connection_is_another_event(place: Place, another_place: Place) -> None:
    await another_place.add_webhook("hook-2")
    await place.inbox.receive("faketool", webhook("e1"))
    stored = await place.inbox.receive("faketool", webhook("e1", key="hook-2"))
    assert isinstance(stored, Stored)
    assert not stored.duplicate
    rows = await place.rows("SELECT tenant_id FROM inbox")
    assert {row.tenant_id for row in rows} == {place.tenant_id, another_place.tenant_id}


async def test_two_hundred_at_once_are_two_hundred_rows_in_a_few_transactions(place: Place) -> None:
    answers = await asyncio.gather(
        *(place.inbox.receive("faketool", webhook(f"e{number}", str(number).encode())) for number in range(200))
    )
    rows = await place.rows("SELECT id, convert_from(body, 'UTF8') AS body, CAST(xmin AS text) AS made_by FROM inbox")
    assert {row.id: row.body for row in rows} == {
        answer.inbox_id: str(number) for number, answer in enumerate(answers) if isinstance(answer, Stored)
    }
    assert len(rows) == 200
    assert len({row.made_by for row in rows}) <= 10


async def test_a_burst_on_a_cold_process_looks_for_the_secret_once(place: Place) -> None:
    looks: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "FROM webhook_keys" in statement:
            looks.append(statement)

    event.listen(place.db.engine.sync_engine, "before_cursor_execute", note)
    await asyncio.gather(*(place.inbox.receive("faketool", webhook(f"e{number}")) for number in range(50)))
    assert len(looks) == 1


@pytest.mark.parametrize(
    "body",
    [b"\x00", b"a\x00b", b"\xff\xfe\x80", b"", b"'; DROP TABLE inbox; --", bytes(range(256)) * 4000],
    ids=["nul", "nul inside", "no utf-8", "empty", "sql", "a megabyte"],
)
async def test_body_is_stored_byte_for_byte(place: Place, body: bytes) -> None:
    await place.inbox.receive("faketool", webhook("e1", body))
    (row,) = await place.rows("SELECT body FROM inbox")
    assert hashlib.sha256(bytes(row.body)).digest() == hashlib.sha256(body).digest()


@pytest.mark.parametrize(
    "poison",
    [
        webhook("poison", stream="a\x00b"),
        webhook("poison\ud800"),
        webhook("poison", stream="lone \ud800 surrogate"),
        webhook("poison", **{"content-type": "text/\x00"}),
        webhook("poison", traceparent="\x00"),
    ],
    ids=["nul in stream", "surrogate in key", "surrogate in stream", "nul in content type", "nul in traceparent"],
)
async def test_poisonous_event_does_not_spoil_those_that_are_stored_with_it(place: Place, poison: RawRequest) -> None:
    neighbours = [webhook(f"e{number}") for number in range(6)]
    *answers, spoilt = await asyncio.gather(
        *(place.inbox.receive("faketool", request) for request in (*neighbours, poison)),
        return_exceptions=True,
    )
    assert [answer for answer in answers if not isinstance(answer, Stored)] == []
    assert await count(place) == 6 + isinstance(spoilt, Stored)


async def test_event_of_a_connection_that_was_just_removed_does_not_spoil_those_of_others(
    place: Place, another_place: Place
) -> None:
    await another_place.add_webhook("hook-2")
    await place.inbox.receive("faketool", webhook("before"))
    await place.inbox.receive("faketool", webhook("before", key="hook-2"))
    await place.change("DELETE FROM connections WHERE id = :id", id=another_place.connection_id)
    answers = await asyncio.gather(
        place.inbox.receive("faketool", webhook("e1")),
        place.inbox.receive("faketool", webhook("e2")),
        place.inbox.receive("faketool", webhook("gone", key="hook-2")),
        place.inbox.receive("faketool", webhook("e3")),
        return_exceptions=True,
    )
    assert [isinstance(answer, Stored) for answer in answers] == [True, True, False, True]


async def test_event_from_the_future_counts_as_now(place: Place) -> None:
    later = NOON.replace(year=9000)
    await place.inbox.receive("faketool", webhook("e1", at=later))
    assert len(await place.rows("SELECT 1 FROM inbox WHERE occurred_at <= clock_timestamp()")) == 1


@pytest.mark.parametrize(
    ("request_", "refusal"),
    [
        (webhook("e1", secret="another secret"), BadSignature),
        (webhook("e1", key="unknown"), BadSignature),
        (RawRequest(b"{}", {"x-key": HOOK}, ""), BadSignature),
        (RawRequest(b"{}", {}, ""), Unreadable),
    ],
    ids=["wrong secret", "unknown hook", "no signature", "unreadable"],
)
async def test_request_that_nobody_signed_is_refused_and_not_stored(
    place: Place, request_: RawRequest, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await place.inbox.receive("faketool", request_)
    assert await count(place) == 0


async def test_source_that_does_not_exist_is_refused(place: Place) -> None:
    with pytest.raises(UnknownSource):
        await place.inbox.receive("nothing", webhook("e1"))


async def test_changed_body_is_refused(place: Place) -> None:
    genuine = webhook("e1", b"genuine")
    with pytest.raises(BadSignature):
        await place.inbox.receive("faketool", RawRequest(b"forged", genuine.headers, ""))


async def test_challenge_is_answered_and_noise_is_dropped_without_a_row(place: Place) -> None:
    assert await place.inbox.receive("faketool", webhook("e1", path="challenge")) == Reply(b"pong", "text/plain")
    assert isinstance(await place.inbox.receive("faketool", webhook("e1", path="noise")), Drop)
    assert await count(place) == 0


async def test_event_over_a_connection_of_ours_needs_no_signature(place: Place) -> None:
    request = RawRequest(b"{}", {"x-dedup": "e1", "x-stream": "s", "x-at": NOON.isoformat()}, "")
    stored = await place.inbox.accept(place.connection_id, request)
    assert isinstance(stored, Stored)
    assert await count(place) == 1


async def test_store_that_hangs_is_unavailable_in_time_and_works_afterwards(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.inbox.receive("faketool", webhook("before"))
    monkeypatch.setattr(inbox_module, "STORE_TIMEOUT_SECONDS", 0.2)
    async with place.db.engine.begin() as connection:
        await connection.execute(text("LOCK TABLE inbox IN EXCLUSIVE MODE"))
        with pytest.raises(StoreUnavailable):
            async with asyncio.timeout(5):
                await place.inbox.receive("faketool", webhook("during"))
    monkeypatch.undo()
    assert isinstance(await place.inbox.receive("faketool", webhook("after")), Stored)
    assert isinstance(await place.inbox.receive("faketool", webhook("during")), Stored), "the sender tries again"
    assert await count(place) == 3


@pytest.fixture
async def own_postgres(postgres_directory: Path) -> AsyncGenerator[EmbeddedPostgres]:
    """A server that a test may stop."""
    server = EmbeddedPostgres(postgres_directory)
    server.start()
    await upgrade(server.url)
    yield server
    server.stop(immediate=True)


async def test_database_that_is_down_is_unavailable_and_nothing_answered_is_lost(
    own_postgres: EmbeddedPostgres,
) -> None:
    place = place_on(Database(own_postgres.url))
    await place.prepare()
    before = await asyncio.gather(*(place.inbox.receive("faketool", webhook(f"before{n}")) for n in range(10)))

    own_postgres.stop(immediate=True)
    during = [webhook(f"during{n}") for n in range(10)] + [webhook("during", key="never-seen-before")]
    refused = await asyncio.gather(
        *(place.inbox.receive("faketool", request) for request in during), return_exceptions=True
    )
    assert [type(answer) for answer in refused] == [StoreUnavailable] * 11

    own_postgres.start()

    async def works_again() -> bool:
        try:
            return isinstance(await place.inbox.receive("faketool", webhook("after")), Stored)
        except StoreUnavailable:
            return False

    await eventually(works_again)
    kept = {row.id for row in await place.rows("SELECT id FROM inbox")}
    assert {answer.inbox_id for answer in before if isinstance(answer, Stored)} <= kept
    assert len(kept) == 11
    await place.db.aclose()
