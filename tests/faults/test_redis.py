"""Redis is killed, emptied, and half-open, under load (I1, I3, I6)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from cluster import Cluster, running_cluster
from recording import Recording
from support.chaos import ChaosProxy, chaos_proxy
from traffic import Traffic

from nexus.drill.checker import Verdict, check
from nexus.drill.load import Attempt, Sender
from nexus.drill.report import Report, percentile

WEBHOOKS = 10_000
CONVERSATIONS = 200
WEBHOOKS_PER_SECOND = 100.0
KILLS = 20
FLUSHES = 100
DEAD_SECONDS = 1.0
"""How long Redis stays away after each SIGKILL."""
SETTLE_SECONDS = 1800.0
RECOVERY_SECONDS = 30.0
LOOK_SECONDS = 0.05

HALF_OPEN_SECONDS = 60.0
HALF_OPEN_PER_SECOND = 50.0
AROUND_SECONDS = 10.0
"""Length of the phases before and after."""
INGEST_P99_SECONDS = 0.050
SLOWER_AT_MOST = 3.0
"""On a machine that is busy with other things: compared with the phase before."""
SATURATED_SECONDS = 0.5
"""A p99 before the fault that is longer measures a queue of requests, in which nothing that Redis does would show."""
CONNECTIONS_PER_SECOND = 4.0
"""How often at most one process may try Redis anew while it says nothing."""


async def redis_is_ok(cluster: Cluster) -> float:
    """Returns once every gateway says that Redis is ok; the monotonic time."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
        for url in cluster.gateway_urls:
            while (await client.get(f"{url}/readyz")).json()["dependencies"]["redis"]["state"] != "ok":
                assert time.monotonic() < deadline, f"the doorbell did not recover\n{cluster.supervisor.tails()}"
                await asyncio.sleep(LOOK_SECONDS)  # polling another process
    return time.monotonic()


async def kill(cluster: Cluster) -> float:
    """SIGKILL, and an empty Redis on the same port; seconds from its return until it is in use again."""
    cluster.valkey.stop(immediate=True)
    await asyncio.sleep(DEAD_SECONDS)  # the fault itself
    cluster.valkey.start()
    back = time.monotonic()
    return await redis_is_ok(cluster) - back


async def flush(cluster: Cluster) -> None:
    """FLUSHALL."""
    reader, writer = await asyncio.open_connection("127.0.0.1", cluster.valkey.port)
    writer.write(b"FLUSHALL\r\n")
    assert await reader.readline() == b"+OK\r\n"
    writer.close()


async def verdict_on(cluster: Cluster, sender: Sender) -> tuple[Verdict, int, dict[str, str]]:
    """What stands in the outside world compared with what was accepted; how much stands; what was given up."""
    seen = [*await cluster.seen_in_slack(calls=True), *await cluster.seen_in_clickup()]
    dead = await cluster.dead()
    return check(sender.accepted, seen, dead=dead, unacknowledged=sender.unacknowledged), len(seen), dead


@pytest.mark.parametrize(
    ("name", "fault", "times"),
    [("redis-kill", kill, KILLS), ("redis-flush", flush, FLUSHES)],
    ids=["killed", "flushed"],
)
async def test_nothing_is_lost_or_doubled_and_every_webhook_is_answered_200_when_redis_is(
    cluster_directory: Path,
    scale: float,
    seed: int,
    recording: Recording,
    name: str,
    fault: Callable[[Cluster], Awaitable[float | None]],
    times: int,
) -> None:
    count, times = max(100, int(WEBHOOKS * scale)), max(2, int(times * scale))
    async with running_cluster(directory=cluster_directory, seed=seed) as cluster:
        conversations = await cluster.conversations(max(5, int(CONVERSATIONS * scale)), channels=2)
        await cluster.settled(60)
        webhooks = await Traffic(cluster, conversations).webhooks(count)
        sender = Sender(cluster.gateway_urls, seed=seed, per_second=WEBHOOKS_PER_SECOND)
        recovery: list[float] = []
        done = 0

        async def hurt() -> None:
            nonlocal done
            began = time.monotonic()
            for number in range(1, times + 1):
                due = began + count / WEBHOOKS_PER_SECOND * number / (times + 1)
                await asyncio.sleep(max(0.0, due - time.monotonic()))  # spread over the load
                seconds = await fault(cluster)
                done += 1
                if seconds is not None:
                    recovery.append(seconds)

        started = time.monotonic()
        await asyncio.gather(sender.send(webhooks), hurt())
        seconds = await cluster.settled(SETTLE_SECONDS) - started
        verdict, seen, dead = await verdict_on(cluster, sender)
        statuses = sender.statuses
        report = Report(
            name=name,
            seed=seed,
            faults={"SIGKILL Redis" if fault is kill else "FLUSHALL": done},
            load={"webhooks": count, "conversations": len(conversations), "sent per second": WEBHOOKS_PER_SECOND},
            counts={
                "accepted": len(sender.accepted),
                "not 200": sum(statuses.values()) - statuses.get("200", 0),
                "seen": seen,
                "dead": len(dead),
            },
            recovery=recovery,
            verdict=verdict,
            figures={
                "seconds until all was out": seconds,
                "ingest p50 ms": percentile(sender.durations, 0.5) * 1000,
                "ingest p99 ms": percentile(sender.durations, 0.99) * 1000,
            },
        )
        await recording.keep(cluster, report)
        assert set(statuses) == {"200"}, statuses
        assert len(sender.accepted) == count
        assert verdict.ok, verdict
        assert dead == {}
        assert done == times


def between(attempts: list[Attempt], begin: float, end: float) -> list[float]:
    """Durations of the requests that were due in this time."""
    return [attempt.seconds for attempt in attempts if begin <= attempt.at < end]


async def test_webhooks_are_answered_as_quickly_as_ever_while_redis_is_half_open(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    half_open_seconds = max(8.0, HALF_OPEN_SECONDS * scale)
    around_seconds = max(5.0, AROUND_SECONDS * min(scale, 1.0))
    count = int((half_open_seconds + 2 * around_seconds) * HALF_OPEN_PER_SECOND)
    proxies: list[ChaosProxy] = []
    async with AsyncExitStack() as stack:

        async def through(url: str) -> str:
            proxies.append(await stack.enter_async_context(chaos_proxy(url)))
            return proxies[0].url(url)

        cluster = await stack.enter_async_context(
            running_cluster(directory=cluster_directory, seed=seed, redis_url=through)
        )
        (proxy,) = proxies
        conversations = await cluster.conversations(max(5, int(CONVERSATIONS * scale)), channels=2)
        await cluster.settled(60)
        webhooks = await Traffic(cluster, conversations).webhooks(count)
        sender = Sender(cluster.gateway_urls, seed=seed, per_second=HALF_OPEN_PER_SECOND)
        sending = asyncio.create_task(sender.send(webhooks))
        started = time.time()
        await asyncio.sleep(around_seconds)  # the phase before
        opened = proxy.opened
        proxy.half_open()
        silent = time.time()
        await asyncio.sleep(half_open_seconds)  # the fault itself
        held, opened = proxy.open, proxy.opened - opened
        await proxy.forward()
        healed, back = time.time(), time.monotonic()
        recovery = await redis_is_ok(cluster) - back
        await sending
        await cluster.settled(SETTLE_SECONDS)
        verdict, seen, dead = await verdict_on(cluster, sender)
        phases = {
            "before": between(sender.attempts, started, silent),
            "during": between(sender.attempts, silent, healed),
            "after": between(sender.attempts, healed, time.time()),
        }
        p99 = {phase: percentile(durations, 0.99) for phase, durations in phases.items()}
        report = Report(
            name="redis-half-open",
            seed=seed,
            faults={"half-open seconds": int(half_open_seconds)},
            load={"webhooks": count, "conversations": len(conversations), "sent per second": HALF_OPEN_PER_SECOND},
            counts={"accepted": len(sender.accepted), "seen": seen, "dead": len(dead)},
            recovery=[recovery],
            verdict=verdict,
            figures={
                **{f"ingest p50 ms {phase}": percentile(each, 0.5) * 1000 for phase, each in phases.items()},
                **{f"ingest p99 ms {phase}": p99[phase] * 1000 for phase in phases},
                "connections tried while half-open": opened,
                "connections held while half-open": held,
            },
        )
        await recording.keep(cluster, report)
        assert set(sender.statuses) == {"200"}, sender.statuses
        assert verdict.ok, verdict
        assert dead == {}
        assert len(phases["during"]) >= half_open_seconds * HALF_OPEN_PER_SECOND * 0.9
        assert opened <= half_open_seconds * CONNECTIONS_PER_SECOND * 2  # one gateway, one worker
        if p99["before"] > SATURATED_SECONDS:
            pytest.skip(f"ingest is not measurable here: its p99 was {p99['before']:.1f} s before the fault")
        assert p99["during"] <= max(INGEST_P99_SECONDS, SLOWER_AT_MOST * p99["before"])
