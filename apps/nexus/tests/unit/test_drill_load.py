"""The sender sends what the sources would send, and keeps what came of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

from nexus.drill.load import ClickUpHook, Sender, SlackHook, Webhook, in_comments, in_thread, key_in, ts_of
from nexus.integrations.clickup.source import ClickUpSource
from nexus.integrations.slack.source import SlackSource
from nexus.kit.clock import SystemClock
from nexus.pipeline.facts import CommentPosted, MessagePosted
from nexus.pipeline.ports import Connected, Incoming, RawRequest

HOOK = ClickUpHook("hook-1", "shared secret")
SLACK = SlackHook("A0NEXUS001", "T0A1B2C3D", "signing secret")
AT = 1_750_000_000.123


def as_request(webhook: Webhook, now: float) -> RawRequest:
    headers = {name.lower(): value for name, value in webhook.headers(now).items()}
    return RawRequest(webhook.body, headers, "")


def connected(facts: dict[str, str], vendor: str) -> Connected:
    return Connected(uuid4(), uuid4(), vendor, "T0A1B2C3D", {}, facts)


def test_a_comment_is_signed_and_read_as_a_comment_with_the_key() -> None:
    source = ClickUpSource(SystemClock())
    request = as_request(HOOK.comment("Krun-000001", "task1", AT), AT)
    assert source.verify(request, "shared secret", datetime.now(UTC))
    assert not source.verify(request, "another secret", datetime.now(UTC))
    assert source.key_of(request) == "hook-1"
    read = source.read(request)
    assert isinstance(read, Incoming)
    assert read.occurred_at.timestamp() == AT
    (fact,) = source.facts(request.body, "application/json", connected({"user_id": "1"}, "clickup"))
    assert isinstance(fact, CommentPosted)
    assert (fact.item_id, key_in(fact.text), fact.at.timestamp()) == ("task1", "Krun-000001", AT)


def test_each_comment_is_an_event_of_its_own_and_the_same_at_every_try() -> None:
    source = ClickUpSource(SystemClock())
    keys = {
        read.dedup_key
        for key in ("Krun-000001", "Krun-000001", "Krun-000002")
        if isinstance(read := source.read(as_request(HOOK.comment(key, "task1", AT), AT)), Incoming)
    }
    assert len(keys) == 2


def test_a_reply_is_signed_and_read_as_a_reply_that_asks_for_a_comment() -> None:
    source = SlackSource()
    now = datetime.now(UTC)
    webhook = SLACK.reply("Krun-000002", "task1", "C1", "1749999999.000100", AT)
    request = as_request(webhook, now.timestamp())
    assert source.verify(request, "signing secret", now)
    assert source.key_of(request) == "A0NEXUS001:T0A1B2C3D"
    (fact,) = source.facts(request.body, "application/json", connected({"bot_user_id": "U0NEXUSBOT"}, "slack"))
    assert isinstance(fact, MessagePosted)
    assert (fact.text, fact.ts, fact.thread_ts) == ("!sync Krun-000002", ts_of(AT), "1749999999.000100")
    assert webhook.conversation == in_comments("task1")


@asynccontextmanager
async def server(answer: Callable[[int], tuple[int, str] | None]) -> AsyncGenerator[tuple[str, list[bytes]]]:
    """Answers its n-th request (from 0) with a status and a header line; None closes the connection instead."""
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                (length,) = (line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                bodies.append(await reader.readexactly(int(length.split(b":")[1])))
                given = answer(len(bodies) - 1)
                if given is None:
                    break
                status, header = given
                writer.write(f"HTTP/1.1 {status} X\r\n{header}content-length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sender is done
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", bodies


async def test_a_webhook_is_sent_again_until_it_is_taken() -> None:
    answers: list[tuple[int, str] | None] = [(503, "retry-after: 0\r\n"), None, (200, "")]
    async with server(lambda number: answers[number]) as (url, bodies):
        sender = Sender([url])
        await sender.send([HOOK.comment("Krun-000001", "task1", AT)])
    assert bodies[0] == bodies[1] == bodies[2]
    assert [(each.status, each.number) for each in sender.attempts] == [(503, 1), (None, 2), (200, 3)]
    assert sender.statuses == {"503": 1, "none (ServerDisconnectedError)": 1, "200": 1}
    assert sender.attempts[0].retry_after == "0"
    assert [(each.key, each.conversation) for each in sender.accepted] == [("Krun-000001", in_thread("task1"))]
    assert sender.accepted[0].at_source == AT
    assert sender.unacknowledged == set()


async def test_what_is_never_taken_is_given_up_and_said_so() -> None:
    async with server(lambda _: (503, "retry-after: 0\r\n")) as (url, bodies):
        sender = Sender([url], max_tries=3)
        await sender.send([HOOK.comment("Krun-000001", "task1", AT)])
    assert len(bodies) == 3
    assert (sender.accepted, sender.unacknowledged) == ([], {"Krun-000001"})


async def test_a_webhook_that_is_sent_twice_is_accepted_once() -> None:
    webhook = HOOK.comment("Krun-000001", "task1", AT)
    async with server(lambda _: (200, "")) as (url, bodies):
        sender = Sender([url], concurrency=1)
        await sender.send([webhook, webhook])
    assert (len(bodies), len(sender.attempts), len(sender.accepted)) == (2, 2, 1)


async def test_no_more_than_so_many_are_under_way_at_once() -> None:
    under_way: list[int] = []
    waiting = 0
    release = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        await reader.readuntil(b"\r\n\r\n")
        waiting += 1
        under_way.append(waiting)
        if waiting == 3:
            release.set()
        await release.wait()
        waiting -= 1
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        sender = Sender([f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"], concurrency=3)
        await sender.send(HOOK.comment(f"Krun-{number:06}", "task1", AT + number) for number in range(12))
    assert len(sender.accepted) == 12
    assert max(under_way) == 3


async def test_at_a_fixed_rate_requests_are_begun_no_faster_and_a_stall_is_charged_to_all_it_holds_up() -> None:
    async with server(lambda _: (200, "")) as (url, _bodies):
        sender = Sender([url], per_second=100)
        await sender.send(HOOK.comment(f"Krun-{number:06}", "task1", AT + number) for number in range(11))
    begun = sorted(each.at for each in sender.attempts)
    assert begun[-1] - begun[0] >= 0.0999
    assert len(sender.durations) == 11
