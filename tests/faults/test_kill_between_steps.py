"""SIGKILL between any two steps of an outbound call: whatever had happened by then happens once (I3)."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import stepping_worker
from cluster import Cluster, running_cluster
from recording import Recording
from traffic import Traffic

from nexus.drill.checker import check
from nexus.drill.load import Sender
from nexus.drill.report import Report

KILLS = 1000
CONVERSATIONS = 100
WORKERS = 2
BATCH = 40
"""Webhooks that are sent whenever fewer than that many deliveries wait."""
LOOK_SECONDS = 0.2
CALM_SECONDS = 60.0
WORKER = str(Path(__file__).with_name("stepping_worker.py"))
KILLING_SECONDS_PER_KILL = 10.0
"""Bound for a machine that is busy with other things."""


async def test_no_effect_is_doubled_when_a_worker_dies_between_any_two_steps_of_an_outbound_call(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    wanted = max(50, int(KILLS * scale))
    steps = cluster_directory / "steps"
    steps.mkdir()
    environment = {"STEPS_DIRECTORY": str(steps), "STEPS_SEED": str(seed)}
    async with running_cluster(
        workers=WORKERS, directory=cluster_directory, seed=seed, worker_argv=[WORKER], extra_env=environment
    ) as cluster:
        conversations = await cluster.conversations(max(10, int(CONVERSATIONS * scale)), channels=2)
        await cluster.settled(60)
        traffic = Traffic(cluster, conversations)
        sender = Sender(cluster.gateway_urls, seed=seed)
        (steps / "armed").touch()
        started = time.monotonic()
        while (kills := ends(steps)).total() < wanted:
            assert time.monotonic() < started + KILLING_SECONDS_PER_KILL * wanted, f"only these kills: {kills}"
            if await waiting(cluster) < BATCH:
                await sender.send(await traffic.webhooks(BATCH, sync_share=0.2))
            await asyncio.sleep(LOOK_SECONDS)  # the workers' own affair
        (steps / "armed").unlink()
        calm_at = time.monotonic()
        settled_after = await cluster.settled(CALM_SECONDS) - calm_at
        quarantined = await cluster.dead()
        await cluster.replay_dead()
        await cluster.settled(CALM_SECONDS)
        seen = [*await cluster.seen_in_slack(calls=True), *await cluster.seen_in_clickup()]
        dead = await cluster.dead()
        verdict = check(sender.accepted, seen, dead=dead, unacknowledged=sender.unacknowledged)
        kills = ends(steps)
        report = Report(
            name="kill-between-steps",
            seed=seed,
            faults={f"SIGKILL when {step}": kills[step] for step in stepping_worker.STEPS},
            load={"webhooks": len(sender.accepted), "conversations": len(conversations), "workers": WORKERS},
            counts={
                "kills": kills.total(),
                "accepted": len(sender.accepted),
                "quarantined, then replayed": len(quarantined),
                "seen": len(seen),
                "dead": len(dead),
            },
            recovery=[settled_after],
            verdict=verdict,
            figures={
                "kills per second": kills.total() / (calm_at - started),
                "doubles taken back": await cluster.healed(),
            },
        )
        await recording.keep(cluster, report)
        # Whoever takes three workers down all by itself is put aside, and here that may happen to anybody.
        assert all(reason.startswith("quarantined") for reason in quarantined.values()), quarantined
        assert verdict.ok, verdict
        assert dead == {}
        assert set(kills) >= set(stepping_worker.STEPS) - set(stepping_worker.RARE_STEPS)


def ends(steps: Path) -> Counter[str]:
    """Where workers have died so far."""
    path = steps / "kills"
    return Counter(path.read_text().splitlines()) if path.exists() else Counter()


async def waiting(cluster: Cluster) -> int:
    """How much there is to do."""
    ((count,),) = await cluster.rows(
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending') + "
        "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending'))"
    )
    return count
