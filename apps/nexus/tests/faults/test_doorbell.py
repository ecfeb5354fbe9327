"""Redis is killed, emptied, paused, half-open: the doorbell is heard again by itself, and nothing grows meanwhile."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from support.bells import Post, doorbell
from support.waiting import eventually

from nexus.doorbell import canary, hearing, kept, ringer
from nexus.kit.embedded import EmbeddedValkey

AWAY_SECONDS = 3.0


def descriptors() -> int:
    """File descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


async def killed(post: Post) -> None:
    post.valkey.stop(immediate=True)
    await asyncio.sleep(AWAY_SECONDS)  # the fault itself
    post.valkey.start()  # the port is the same, and it is empty


async def flushed(post: Post) -> None:
    async with post.redis() as redis:
        for _ in range(20):
            await redis.flushall()


async def paused(post: Post) -> None:
    async with post.redis() as redis:
        await redis.execute_command("CLIENT", "PAUSE", int(AWAY_SECONDS * 1000), "ALL")


async def asleep(post: Post) -> None:
    async with post.redis() as redis:
        await redis.execute_command("DEBUG", "SLEEP", AWAY_SECONDS)


async def stopped(post: Post) -> None:
    os.kill(post.valkey.pid, signal.SIGSTOP)
    await asyncio.sleep(AWAY_SECONDS)  # the fault itself
    os.kill(post.valkey.pid, signal.SIGCONT)


async def half_open(post: Post) -> None:
    post.proxy.half_open()
    await asyncio.sleep(AWAY_SECONDS)  # the fault itself
    await post.proxy.forward()


async def old_connections_silent(post: Post) -> None:
    post.proxy.silence_connections()


async def cut(post: Post) -> None:
    post.proxy.cut()


async def refused(post: Post) -> None:
    await post.proxy.refuse()
    await asyncio.sleep(AWAY_SECONDS)  # the fault itself
    await post.proxy.forward()


async def pubsub_killed(post: Post) -> None:
    async with post.redis() as redis:
        assert await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub")


async def clients_killed(post: Post) -> None:
    async with post.redis() as redis:
        await redis.execute_command("CLIENT", "KILL", "TYPE", "normal")


FAULTS = [
    killed, flushed, paused, asleep, stopped, half_open, old_connections_silent, cut, refused,
    pubsub_killed, clients_killed,
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
async def test_rings_are_heard_again_after_the_fault_and_nothing_has_grown(
    post: Post, fault: Callable[[Post], Awaitable[None]]
) -> None:
    tasks, files = len(asyncio.all_tasks()), descriptors()
    with capture_logs() as logs:
        await fault(post)
        await post.hears()
        await eventually(lambda: post.bells.redis_up and not post.bells._outage.parts)
        await asyncio.sleep(2)  # a task too many would have ended by then, and the next look has been
    assert not any(task.done() for task in post.tasks)
    assert len(asyncio.all_tasks()) <= tasks + 4
    assert descriptors() <= files + 8
    said = [line["event"] for line in logs if line["log_level"] in ("warning", "error")]
    assert said.count("redis.lost") <= 1 and len(said) <= 3, logs
    assert [line["event"] for line in logs].count("redis.back") == said.count("redis.lost"), logs


async def test_silent_redis_holds_few_connections_and_few_tasks_however_often_it_is_rung(post: Post) -> None:
    tasks = len(asyncio.all_tasks())
    post.proxy.half_open()
    opened, most_tasks = post.proxy.opened, 0
    for _ in range(300):
        for _ in range(50):
            post.bells.ring_inbox([uuid4(), uuid4()])
            post.bells.ring("deliveries")
        most_tasks = max(most_tasks, len(asyncio.all_tasks()))
        await asyncio.sleep(0.01)  # the rate of the load
    assert most_tasks <= tasks + 20
    assert post.proxy.opened - opened <= 20
    assert post.bells.rings_lost > 10_000
    await post.proxy.forward()
    await post.hears()


async def test_outage_that_was_noticed_leaves_nobody_on_a_dead_connection(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both parts are begun anew as soon as Redis is back, before they could be found deaf."""
    monkeypatch.setattr(canary, "CANARY_SECONDS", 1.0)
    with capture_logs() as logs:
        post.proxy.half_open()
        await eventually(lambda: not post.bells.redis_up)
        await post.proxy.forward()
        await post.hears()
    assert "doorbell.deaf" not in [line["event"] for line in logs]


async def test_listener_that_the_library_takes_for_well_is_begun_anew(post: Post) -> None:
    """Its connection is silent: no error, no end, and redis-py's own check only sends a PING."""
    with capture_logs() as logs:
        post.proxy.silence_connections()
        await eventually(lambda: [line for line in logs if line["event"] in ("doorbell.deaf", "redis.lost")])
        await post.hears()


def _once(broken: Callable[..., Awaitable[Any]], real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    calls = 0

    def call(self: Any, *given: Any) -> Awaitable[Any]:
        nonlocal calls
        calls += 1
        return broken(self, *given) if calls == 1 else real(self, *given)

    return call


async def _returns(_self: Any) -> None:
    return None


async def _raises(_self: Any) -> None:
    raise RuntimeError("a bug")


async def _does_nothing(_self: Any) -> None:
    await asyncio.Event().wait()


OVER = threading.Event()
"""Whether the test is: an event loop does not end before its last task has."""


async def _cannot_be_cancelled(_self: Any) -> None:
    while not OVER.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.1)  # nobody tells it when


@pytest.mark.parametrize("broken", [_returns, _raises, _does_nothing, _cannot_be_cancelled], ids=lambda it: it.__name__)
@pytest.mark.parametrize("part", [(hearing._Watched, "run"), (hearing.Listener, "listen")], ids=lambda it: it[1])
async def test_part_that_ends_or_does_nothing_is_begun_anew(
    own_valkey: EmbeddedValkey, quick: None, monkeypatch: pytest.MonkeyPatch, broken: Any, part: tuple[Any, str]
) -> None:
    monkeypatch.setattr(canary, "NOT_ASKING_SECONDS", 2.0 + hearing.IDLE_WAIT_SECONDS)
    monkeypatch.setattr(*part, _once(broken, getattr(*part)))
    OVER.clear()
    try:
        with capture_logs() as logs:
            async with doorbell(own_valkey) as post:
                await post.hears()
    finally:
        OVER.set()
    assert [line for line in logs if line["log_level"] in ("warning", "error")]


async def test_consumer_that_asks_and_takes_nothing_although_jobs_wait_is_begun_anew(
    own_valkey: EmbeddedValkey, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = hearing._Watched.moveToActive
    deaf: list[Any] = []

    async def take_nothing(self: Any, token: str) -> Any:
        if not deaf:
            deaf.append(self)
        if self is not deaf[0]:
            return await taken(self, token)
        await asyncio.sleep(0.1)
        return None

    monkeypatch.setattr(hearing._Watched, "moveToActive", take_nothing)
    with capture_logs() as logs:
        async with doorbell(own_valkey) as post:
            await post.hears()
    assert [line["part"] for line in logs if line["event"] == "doorbell.deaf"] == ["consumer"]


async def test_consumer_that_does_not_ask_is_begun_anew_although_others_leave_no_job_waiting(
    own_valkey: EmbeddedValkey, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "NOT_ASKING_SECONDS", 1.0 + hearing.IDLE_WAIT_SECONDS)
    monkeypatch.setattr(hearing._Watched, "run", _once(_does_nothing, hearing._Watched.run))
    with capture_logs() as logs:
        async with doorbell(own_valkey, consume=False) as post:
            consuming = asyncio.create_task(post.bells.consume())
            await asyncio.sleep(0)  # it comes first
            others = asyncio.create_task(post.elsewhere.consume())
            await eventually(lambda: [line for line in logs if line["event"] == "doorbell.hears_again"])
            consuming.cancel()
            others.cancel()
            await asyncio.gather(consuming, others, return_exceptions=True)
    assert {line["part"] for line in logs if line["event"] == "doorbell.deaf"} == {"consumer"}


@pytest.mark.parametrize("part", [(hearing._Watched, "run"), (hearing.Listener, "listen")], ids=lambda it: it[1])
async def test_what_cannot_be_cured_is_complained_of_while_redis_answers_and_only_then(
    own_valkey: EmbeddedValkey, quick: None, monkeypatch: pytest.MonkeyPatch, part: tuple[Any, str]
) -> None:
    monkeypatch.setattr(canary, "NOT_ASKING_SECONDS", 1.0)
    monkeypatch.setattr(*part, _does_nothing)
    async with doorbell(own_valkey, consume=False) as post:
        consuming = asyncio.create_task(post.bells.consume())
        with capture_logs() as logs:
            complaint = await eventually(post.bells.complaint)
        assert "restart this process" in complaint
        assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["doorbell.deaf"]
        await post.proxy.refuse()
        await eventually(lambda: not post.bells.complaint() and not post.bells.redis_up)
        consuming.cancel()
        await asyncio.gather(consuming, return_exceptions=True)


async def test_bug_in_a_part_is_not_taken_for_an_outage(
    own_valkey: EmbeddedValkey, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing.Listener, "listen", _raises)
    with capture_logs() as logs:
        async with doorbell(own_valkey, consume=False) as post:
            await eventually(post.bells.complaint)
    said = [line["event"] for line in logs if line["log_level"] in ("warning", "error")]
    assert sorted(said) == ["doorbell.deaf", "doorbell.failed"]


async def test_connections_refused_to_one_part_alone_are_an_outage_and_no_reason_to_restart(
    own_valkey: EmbeddedValkey, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_let_in(_self: Any) -> None:
        raise ConnectionError("max number of clients reached")

    monkeypatch.setattr(hearing.Listener, "listen", not_let_in)
    async with doorbell(own_valkey, consume=False) as post:
        await eventually(lambda: post.bells.redis_up)
        await asyncio.sleep(canary.INCURABLE_SECONDS * 2)  # it would complain by then
        assert post.bells.complaint() == ""
        with pytest.raises(Exception, match="listener"):
            await post.bells.ping()


async def test_canary_jobs_leave_nothing_in_the_queue(post: Post) -> None:
    await asyncio.sleep(canary.CANARY_SECONDS * 5)  # several canaries
    async with post.redis() as redis:

        async def clean() -> bool:
            return not [key async for key in redis.scan_iter("bull:*canary*")]

        await eventually(clean)
        assert not [name for name in await redis.zrange("bull:webhook-processing:completed", 0, -1) if "canary" in name]
        assert not await redis.zcard("bull:webhook-processing:failed")


async def test_queue_that_an_operator_has_paused_makes_nobody_deaf(post: Post) -> None:
    await post.elsewhere._queue.pause()
    with capture_logs() as logs:
        for _ in range(30):
            post.elsewhere.ring_inbox([uuid4()])
            await asyncio.sleep(0.1)  # longer than a deaf consumer may take
    assert [line["event"] for line in logs] == [] and post.bells.complaint() == ""
    await post.elsewhere._queue.resume()
    await post.hears()


async def test_jobs_that_no_worker_takes_do_not_fill_redis(
    own_valkey: EmbeddedValkey, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ringer, "MAX_WAITING_JOBS", 20)
    async with doorbell(own_valkey, consume=False) as post, post.redis() as redis:
        for _ in range(300):
            post.bells.ring_inbox([uuid4()])
            await asyncio.sleep(0.01)  # the rate of the load
        assert 20 < await redis.llen("bull:webhook-processing:wait") < 200
        assert post.bells.rings_lost > 0


async def test_process_leaves_a_primary_that_became_a_standby(post: Post, tmp_path: Path) -> None:
    other = EmbeddedValkey(tmp_path / "other", persistent=False)
    other.start()
    try:
        async with post.redis() as redis:
            await redis.execute_command("REPLICAOF", "127.0.0.1", str(other.port))
        post.proxy.target = ("127.0.0.1", other.port)  # as a name that leads elsewhere from now on
        async with doorbell(other, consume=False) as beyond:
            post.elsewhere = beyond.elsewhere
            await post.hears()
            before = beyond.heard["deliveries"]

            def rung() -> bool:
                post.bells.ring("deliveries")
                return beyond.heard["deliveries"] > before

            await eventually(rung)
    finally:
        other.stop(immediate=True)


async def test_of_several_who_listen_one_does_and_another_takes_over(post: Post) -> None:
    second = asyncio.create_task(post.bells.listen())
    async with post.redis() as redis:
        await asyncio.sleep(1)  # it would have subscribed by then
        assert await redis.pubsub_numsub(ringer.CHANNEL) == [(ringer.CHANNEL, 1)]
        post.tasks[0].cancel()
        await asyncio.gather(post.tasks[0], return_exceptions=True)
        await post.hears()
        assert await redis.pubsub_numsub(ringer.CHANNEL) == [(ringer.CHANNEL, 1)]
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


def test_constants_leave_a_few_looks_before_hope_is_given_up() -> None:
    assert canary.INCURABLE_SECONDS >= 3 * (canary.CANARY_SECONDS + kept.END_SECONDS)
