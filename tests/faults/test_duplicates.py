"""Sources that send everything several times, in any order, to several processes (I1, I3)."""

import random
import time
from pathlib import Path

from cluster import running_cluster
from ledger import stored
from recording import Recording
from traffic import Traffic

from nexus.drill.checker import check
from nexus.drill.load import Sender, Webhook
from nexus.drill.report import Report, percentile

WEBHOOKS = 10_000
REQUESTS_EACH = 5
"""On average: each is sent between once and nine times."""
CONVERSATIONS = 200
SETTLE_SECONDS = 3600.0


def several_times(webhooks: list[Webhook], dice: random.Random) -> list[Webhook]:
    """Each between once and nine times, five on average, shuffled."""
    copies = list(range(1, 2 * REQUESTS_EACH)) * (len(webhooks) // (2 * REQUESTS_EACH - 1) + 1)
    dice.shuffle(copies)
    copies = copies[: len(webhooks)]
    missing = REQUESTS_EACH * len(webhooks) - sum(copies)
    while missing:
        chosen = dice.randrange(len(copies))
        changed = copies[chosen] + (1 if missing > 0 else -1)
        if 1 <= changed < 2 * REQUESTS_EACH:
            missing += copies[chosen] - changed
            copies[chosen] = changed
    sent = [webhook for webhook, number in zip(webhooks, copies, strict=True) for _ in range(number)]
    dice.shuffle(sent)
    return sent


async def test_each_event_has_one_effect_however_often_and_wherever_it_arrives(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    count = max(50, int(WEBHOOKS * scale))
    async with running_cluster(2, 2, directory=cluster_directory, seed=seed) as cluster:
        conversations = await cluster.conversations(max(5, int(CONVERSATIONS * scale)), channels=2)
        await cluster.settled(60)
        webhooks = await Traffic(cluster, conversations).webhooks(count)
        requests = several_times(webhooks, random.Random(f"duplicates {seed}"))
        sender = Sender(cluster.gateway_urls, seed=seed, concurrency=32)
        started = time.monotonic()
        await sender.send(requests)
        sent_seconds = time.monotonic() - started
        await cluster.settled(SETTLE_SECONDS)
        seen = [*await cluster.seen_in_slack(), *await cluster.seen_in_clickup()]
        dead = await cluster.dead()
        with_row, rows = await stored(cluster, webhooks)
        verdict = check(sender.accepted, seen, dead=dead, unacknowledged=sender.unacknowledged)
        report = Report(
            name="duplicates",
            seed=seed,
            faults={"repeated": len(requests) - count},
            load={"requests": len(requests), "webhooks": count, "gateways": 2, "workers": 2},
            counts={
                "accepted": len(sender.accepted),
                "stored": rows,
                "seen": len(seen),
                "dead": len(dead),
                "marked late": len(verdict.late),
                **{f"answers {status}": number for status, number in sender.statuses.items()},
            },
            recovery=[],
            verdict=verdict,
            figures={
                "requests per second": len(requests) / sent_seconds,
                "ingest p50 ms": percentile(sender.durations, 0.5) * 1000,
                "ingest p99 ms": percentile(sender.durations, 0.99) * 1000,
            },
        )
        await recording.keep(cluster, report)
        assert len(requests) == REQUESTS_EACH * count
        assert dict(sender.statuses) == {"200": len(requests)}
        assert (with_row, rows) == (count, count)
        assert verdict.ok, verdict
        assert dead == {}
        assert len(seen) == count
