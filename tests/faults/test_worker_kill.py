"""SIGKILL for a worker every two seconds, now this one, now the other, under load (I1, I3, I4, I7)."""

import asyncio
import time
from pathlib import Path

from cluster import running_cluster
from reclaims import Recovery, alive, recovery_of
from recording import Recording
from traffic import Traffic

from nexus.drill.checker import check
from nexus.drill.load import Sender
from nexus.drill.report import Report, percentile

WEBHOOKS = 10_000
CONVERSATIONS = 200
WORKERS = 2
"""A worker on a busy machine needs half of its two seconds to start: two of them always have one that works."""
KILL_EVERY_SECONDS = 2.0
RECLAIM_P99_SECONDS = 5.0
SETTLE_SECONDS = 1800.0


async def test_nothing_is_lost_or_doubled_when_a_worker_is_killed_every_two_seconds(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    count = max(50, int(WEBHOOKS * scale))
    async with running_cluster(workers=WORKERS, directory=cluster_directory, seed=seed) as cluster:
        conversations = await cluster.conversations(max(5, int(CONVERSATIONS * scale)), channels=2)
        await cluster.settled(60)
        webhooks = await Traffic(cluster, conversations).webhooks(count)
        sender = Sender(cluster.gateway_urls, seed=seed)
        kills: list[float] = []
        measured: list[asyncio.Task[Recovery]] = []

        async def kill_again_and_again() -> None:
            while True:
                await asyncio.sleep(KILL_EVERY_SECONDS)  # the fault itself
                workers = await alive(cluster)
                kills.append(await cluster.kill(f"worker-{len(kills) % WORKERS}"))
                if workers:
                    measured.append(asyncio.create_task(recovery_of(cluster, workers, kills[-1])))

        started = time.monotonic()
        killing = asyncio.create_task(kill_again_and_again())
        try:
            await sender.send(webhooks)
            sent_seconds = time.monotonic() - started
            seconds = await cluster.settled(SETTLE_SECONDS) - started
        finally:
            killing.cancel()
        recoveries = await asyncio.gather(*measured)
        recovery = [seconds for each in recoveries for seconds in each.free]
        tried = [seconds for each in recoveries for seconds in each.tried]
        seen = [*await cluster.seen_in_slack(calls=True), *await cluster.seen_in_clickup()]
        dead = await cluster.dead()
        verdict = check(sender.accepted, seen, dead=dead, unacknowledged=sender.unacknowledged)
        report = Report(
            name="worker-kill",
            seed=seed,
            faults={"SIGKILL worker": len(kills)},
            load={
                "webhooks": count,
                "conversations": len(conversations),
                "workers": WORKERS,
                "sent per second": count / sent_seconds,
            },
            counts={"accepted": len(sender.accepted), "seen": len(seen), "dead": len(dead)},
            recovery=recovery,
            verdict=verdict,
            figures={
                "tried again p50 s": percentile(tried, 0.5),
                "tried again p99 s": percentile(tried, 0.99),
                "effects per second": len(seen) / seconds,
                "seconds until all was out": seconds,
                "doubles taken back": await cluster.healed(),
                "ingest p99 ms": percentile(sender.durations, 0.99) * 1000,
            },
        )
        await recording.keep(cluster, report)
        assert len(sender.accepted) == count
        assert verdict.ok, verdict
        assert dead == {}
        assert len(kills) >= 2
        assert report.recovery_p99_seconds <= RECLAIM_P99_SECONDS
