"""PostgreSQL stops as if the machine had crashed, again and again, under load (I1, I2, I3)."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from cluster import Cluster, running_cluster
from ledger import stored
from recording import Recording
from traffic import Traffic

from nexus.drill.checker import check
from nexus.drill.load import Attempt, Sender
from nexus.drill.report import Report, percentile

WEBHOOKS = 10_000
CONVERSATIONS = 200
OUTAGES = 30
STOP_EVERY_SECONDS = 10.0
LONGEST_AWAY_SECONDS = 2.0
READY_SECONDS = 2.0
"""From the moment that PostgreSQL takes connections again; the issue names it."""
SETTLE_SECONDS = 1800.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Outage:
    """Unix seconds."""

    stopped_at: float
    back_at: float
    """PostgreSQL takes connections."""
    ready_at: float
    """Nexus says that it is ready."""


async def outage(cluster: Cluster, away_seconds: float) -> Outage:
    """Stops the server, starts it again, and waits until the gateway is ready."""
    stopped_at = time.time()
    await asyncio.to_thread(cluster.postgres.stop, immediate=True)
    await asyncio.sleep(away_seconds)  # the fault itself
    await asyncio.to_thread(cluster.postgres.start)
    back_at = time.time()
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        while (await client.get(f"{cluster.gateway_urls[0]}/readyz")).status_code != 200:
            assert time.time() < back_at + 60, "never ready again"
            await asyncio.sleep(LOOK_SECONDS)  # polling another process
    return Outage(stopped_at, back_at, time.time())


def outside(attempts: Sequence[Attempt], outages: Sequence[Outage]) -> list[Attempt]:
    """Requests that were not answered 200, although no outage touched them."""
    return [
        each
        for each in attempts
        if each.status != 200
        and not any(each.at <= gone.ready_at and each.at + each.seconds >= gone.stopped_at for gone in outages)
    ]


async def test_nothing_acknowledged_is_lost_when_postgresql_crashes_every_ten_seconds(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    count, rounds = max(100, int(WEBHOOKS * scale)), max(3, int(OUTAGES * scale))
    dice = random.Random(f"postgres {seed}")
    async with running_cluster(directory=cluster_directory, seed=seed) as cluster:
        conversations = await cluster.conversations(max(5, int(CONVERSATIONS * scale)), channels=2)
        await cluster.settled(60)
        webhooks = await Traffic(cluster, conversations).webhooks(count)
        # Spread over all outages, so that each of them hits the load.
        sender = Sender(
            cluster.gateway_urls, seed=seed, concurrency=64, per_second=count / (rounds * STOP_EVERY_SECONDS)
        )
        outages: list[Outage] = []

        async def crash_again_and_again() -> None:
            for number in range(rounds):
                await asyncio.sleep(max(0.0, started + (number + 0.5) * STOP_EVERY_SECONDS - time.time()))
                outages.append(await outage(cluster, dice.uniform(0, LONGEST_AWAY_SECONDS)))

        started = time.time()
        await asyncio.gather(sender.send(webhooks), crash_again_and_again())
        await cluster.settled(SETTLE_SECONDS)
        seconds = time.time() - started
        seen = [*await cluster.seen_in_slack(), *await cluster.seen_in_clickup()]
        dead = await cluster.dead()
        verdict = check(sender.accepted, seen, dead=dead, unacknowledged=sender.unacknowledged)
        refused = [each for each in sender.attempts if each.status == 503]
        stray = outside(sender.attempts, outages)
        with_row, rows = await stored(cluster, webhooks)
        report = Report(
            name="postgres-crash",
            seed=seed,
            faults={"PostgreSQL immediate stop": len(outages)},
            load={"webhooks": count, "conversations": len(conversations), "per second": sender.per_second or 0.0},
            counts={
                "accepted": len(sender.accepted),
                "stored": with_row,
                "seen": len(seen),
                "dead": len(dead),
                **{f"answers {status}": number for status, number in sender.statuses.items()},
                "not 200 outside of outages": len(stray),
            },
            recovery=[each.ready_at - each.back_at for each in outages],
            verdict=verdict,
            figures={
                "503 p99 ms": percentile([each.seconds for each in refused], 0.99) * 1000,
                "ingest p99 ms": percentile(sender.durations, 0.99) * 1000,
                "away s": sum(each.back_at - each.stopped_at for each in outages),
                "seconds until all was out": seconds,
            },
        )
        await recording.keep(cluster, report)
        assert len(outages) == rounds
        assert len(sender.accepted) == count
        assert (with_row, rows) == (count, count), "a 200 without its row, or with two"
        assert verdict.ok, verdict
        assert dead == {}
        assert refused, "no outage hit the load"
        assert set(sender.statuses) <= {"200", "503"}, sender.statuses
        assert all(each.retry_after for each in refused), "a 503 without Retry-After"
        assert stray == []
        assert max(report.recovery) <= READY_SECONDS
