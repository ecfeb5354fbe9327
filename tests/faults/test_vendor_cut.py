"""Vendors that do what they are asked and never say so (I3)."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster, running_cluster
from ledger import WRITES, calls_since, healed, last_entry
from recording import Recording
from traffic import Traffic

from nexus.drill.checker import check
from nexus.drill.load import Sender
from nexus.drill.report import Report

CONVERSATIONS = 400
"""Many, for a conversation waits for an unsure call of its own."""
SYNC_SHARE = 0.3
SETTLE_SECONDS = 3600.0

CUT: tuple[Mapping[str, Any], ...] = ({"fault": "accept_then_cut", "probability": 0.2},)
NASTY: tuple[Mapping[str, Any], ...] = (
    {"fault": "accept_then_cut", "probability": 0.05},
    {"fault": "accept_then_hang", "probability": 0.03, "seconds": 40},
    {"fault": "5xx", "probability": 0.05},
    {"fault": "accept_late", "probability": 0.05, "seconds": 0.2, "spread_seconds": 3.0},
)


async def spoil(cluster: Cluster, rules: Sequence[Mapping[str, Any]]) -> None:
    """Has every write of ours meet these faults, each with dice of its own."""
    for vendor, match in WRITES.items():
        for number, rule in enumerate(rules):
            body = {"vendor": vendor, "match": match, "token": "bot", "seed": cluster.seed + number, **rule}
            (await cluster.sandbox.post("/_control/faults", json=body)).raise_for_status()


@pytest.mark.parametrize(
    ("name", "rules", "webhooks"), [("vendor-cut", CUT, 10_000), ("vendor-nasty", NASTY, 3_000)], ids=["cut", "nasty"]
)
async def test_nothing_is_lost_or_doubled_when_vendors_do_it_and_do_not_say_so(
    name: str,
    rules: Sequence[Mapping[str, Any]],
    webhooks: int,
    cluster_directory: Path,
    scale: float,
    seed: int,
    recording: Recording,
) -> None:
    count = max(50, int(webhooks * scale))
    async with running_cluster(directory=cluster_directory, seed=seed) as cluster:
        conversations = await cluster.conversations(max(10, int(CONVERSATIONS * scale)), channels=2)
        await cluster.settled(60)
        since = await last_entry(cluster)
        await spoil(cluster, rules)
        sender = Sender(cluster.gateway_urls, seed=seed)
        started = time.monotonic()
        await sender.send(await Traffic(cluster, conversations).webhooks(count, sync_share=SYNC_SHARE))
        seconds = await cluster.settled(SETTLE_SECONDS) - started
        seen = [*await cluster.seen_in_slack(calls=True), *await cluster.seen_in_clickup()]
        dead = await cluster.dead()
        calls = await calls_since(cluster, since)
        doubled_for_a_moment = await healed(cluster, since)
        verdict = check(sender.accepted, seen, dead=dead, unacknowledged=sender.unacknowledged)
        report = Report(
            name=name,
            seed=seed,
            faults=calls.faults,
            load={"webhooks": count, "conversations": len(conversations)},
            counts={
                "accepted": len(sender.accepted),
                "seen": len(seen),
                "dead": len(dead),
                "writing calls": len(calls.writes),
                "looking calls": calls.reads,
                "calls": len(calls.entries),
                "doubled for a moment and healed": doubled_for_a_moment,
            },
            recovery=[],
            verdict=verdict,
            figures={"seconds until all was out": seconds, "effects per second": len(seen) / seconds},
        )
        await recording.keep(cluster, report)
        assert len(sender.accepted) == count
        assert verdict.ok, verdict
        assert dead == {}
        assert set(calls.faults) == {rule["fault"] for rule in rules}
        if rules is CUT:
            assert calls.faults["accept_then_cut"] >= len(calls.writes) * 0.1
            assert all(each["effect"] and each["status"] is None for each in calls.entries if each["fault"])
            # What has happened can be seen at once, so nobody has a reason to do it twice.
            assert doubled_for_a_moment == 0
            assert len(calls.writes) == count
