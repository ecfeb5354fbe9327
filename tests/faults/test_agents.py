"""200 agents that are killed, stopped and cut off while 5,000 tasks wait: each is committed by exactly one epoch."""

import asyncio
import json
import random
import secrets
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agents_evidence import gathered
from agents_proxy import Network, running_network
from agents_registered import registered
from cluster import LINKS, Cluster, running_cluster
from recording import Recording

from nexus.bootstrap import open_nexus
from nexus.drill.checker import Verdict
from nexus.drill.report import Report

FLEET = Path(__file__).with_name("agents_fleet.py")
AGENTS, TASKS = 200, 5_000
AGENTS_IN_A_PROCESS = 5, 25
"""In a small run, in a full one."""
CONCURRENCY = 2
WORK_SECONDS = (1.0, 10.0)
STUBBORN_SHARE = 0.5
MIN_FAULT_SECONDS = 40.0, 100.0
"""In a run of less than a tenth, in any other; the short one ends before anybody has slept longer than a lease."""
LONG_PAUSE_SECONDS = 75.0
"""Longer than a lease: who wakes up after it finds its tasks in other hands."""
LONG_PAUSES_AT_SECONDS = (15.0, 60.0)
SETTLE_SECONDS = 420.0
LOOK_SECONDS = 0.5


@dataclass
class Storm:
    """The faults of a run, thrown by one set of dice."""

    cluster: Cluster
    network: Network
    fleets: list[str]
    dice: random.Random
    counts: Counter[str] = field(default_factory=Counter[str])
    _going_on: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])
    _stopped: set[str] = field(default_factory=set[str])

    async def rage(self, seconds: float, until: asyncio.Event) -> None:
        """Throws faults for at least so long, and until the event is set; then lets everybody go on."""
        began = time.monotonic()
        long_pauses = [at for at in LONG_PAUSES_AT_SECONDS if at + LONG_PAUSE_SECONDS < seconds * 1.5]
        try:
            while time.monotonic() - began < seconds or not until.is_set():
                await asyncio.sleep(self.dice.uniform(0.5, 2.5))  # between one fault and the next
                if long_pauses and time.monotonic() - began > long_pauses[0]:
                    del long_pauses[0]
                    self._begin(self._pause(self.dice.choice(self.fleets), LONG_PAUSE_SECONDS))
                    continue
                match self.dice.choices(("kill", "pause", "cut", "stall"), (2, 3, 5, 2))[0]:
                    case "kill":
                        await self._kill(self.dice.choice(self.fleets))
                    case "pause":
                        self._begin(self._pause(self.dice.choice(self.fleets), self.dice.uniform(1, 25)))
                    case "cut":
                        self.counts["cut connections"] += self.network.cut(self.dice.randint(1, 6))
                    case _:
                        self.counts["stalled connections"] += 1
                        self._begin(self.network.stall(1, self.dice.uniform(5, 30)))
        finally:
            await asyncio.gather(*self._going_on)

    async def _kill(self, fleet: str) -> None:
        if fleet not in self._stopped:
            await self.cluster.kill(fleet)
            self.counts["SIGKILL"] += 1

    async def _pause(self, fleet: str, seconds: float) -> None:
        if fleet in self._stopped:
            return
        self._stopped.add(fleet)
        await self.cluster.pause(fleet)
        self.counts["SIGSTOP"] += 1
        await asyncio.sleep(seconds)  # the fault's length
        with suppress(ProcessLookupError):
            await self.cluster.resume(fleet)
        self._stopped.discard(fleet)

    def _begin(self, fault: Any) -> None:
        task = asyncio.create_task(fault)
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)


async def test_each_task_is_committed_by_exactly_one_epoch_while_agents_fall(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    dice, run = random.Random(seed), secrets.token_hex(3)
    async with (
        running_cluster(2, 2, directory=cluster_directory, seed=seed) as cluster,
        running_network(cluster.gateway_urls, seed) as network,
    ):
        fleets = await _muster(cluster, network.url, cluster_directory, round(AGENTS * scale), scale >= 1)
        keys = [f"T{run}-{number:05}" for number in range(round(TASKS * scale))]
        began = time.monotonic()
        asked = asyncio.Event()
        storm = Storm(cluster, network, fleets, dice)
        fault_seconds = MIN_FAULT_SECONDS[scale >= 0.1]
        raging = asyncio.create_task(storm.rage(fault_seconds, asked))
        await _ask(cluster, keys, seconds=fault_seconds * 0.7)
        asked.set()
        await raging
        ceased = time.monotonic()
        await _completed(cluster, f"T{run}-%", len(keys))
        completed = time.monotonic()
        await cluster.settled(SETTLE_SECONDS)
        answers = [cluster_directory / f"{fleet}.answers" for fleet in fleets]
        found = await gathered(cluster, f"T{run}-%", keys, answers)
        verdict = Verdict(lost=found.lost, doubled=found.doubled, stale_commits=found.stale)
        await recording.keep(
            cluster,
            Report(
                name="agents fall",
                seed=seed,
                faults=dict(storm.counts),
                load={"agents": round(AGENTS * scale), "tasks": len(keys), "agent processes": len(fleets)},
                counts={
                    "committed": found.commits,
                    "stale results refused": found.refused,
                    **{f"committed by epoch {epoch}": count for epoch, count in found.epochs.items()},
                },
                recovery=[completed - ceased],
                verdict=verdict,
                figures={"tasks_per_second": len(keys) / (completed - began), "seconds": completed - began},
            ),
        )
    assert verdict.ok, verdict
    assert found.commits == len(keys)
    assert len(found.epochs) > 1, "no task ever changed hands: the faults hurt nobody"


async def _muster(cluster: Cluster, uri: str, directory: Path, count: int, full: bool) -> list[str]:
    """Registers agents and starts the processes in which they live; returns the names of these."""
    async with open_nexus(cluster.settings) as nexus:
        made = await registered(nexus, cluster.tenant_id, count)
    size = AGENTS_IN_A_PROCESS[full]
    fleets: list[str] = []
    for begin in range(0, count, size):
        name = f"fleet-{begin // size}"
        given = {
            "uri": uri,
            "agents": [
                {
                    "client_id": one.client_id,
                    "client_secret": one.client_secret,
                    "stubborn": number % round(1 / STUBBORN_SHARE) == 0,
                }
                for number, one in enumerate(made[begin : begin + size])
            ],
            "concurrency": CONCURRENCY,
            "work_seconds": WORK_SECONDS,
            "answers": str(directory / f"{name}.answers"),
        }
        (directory / f"{name}.json").write_text(json.dumps(given))
        await cluster.supervisor.run(name, [str(FLEET), str(directory / f"{name}.json")], {})
        fleets.append(name)
    return fleets


async def _ask(cluster: Cluster, keys: list[str], seconds: float) -> None:
    """People ask for work in ClickUp, spread over some time."""
    slots = asyncio.Semaphore(8)
    began = time.monotonic()

    async with cluster.clickup() as people:

        async def ask(number: int, key: str) -> None:
            async with slots:
                await asyncio.sleep(began + seconds * number / len(keys) - time.monotonic())  # the rate of the load
                list_id, _ = LINKS[number % 2]
                body = {"name": f"{key} breaks", "markdown_description": "@AI_Squad fix_bug"}
                (await people.post(f"/list/{list_id}/task", json=body)).raise_for_status()

        await asyncio.gather(*(ask(number, key) for number, key in enumerate(keys)))


async def _completed(cluster: Cluster, pattern: str, count: int) -> None:
    """Returns when that many tasks are over, or nothing has moved for too long; the evidence says which."""
    over, moved = -1, time.monotonic()
    while time.monotonic() - moved < SETTLE_SECONDS / 2:
        ((now,),) = await cluster.rows(
            "SELECT count(*) FROM tasks WHERE title LIKE :pattern AND finished_at IS NOT NULL", pattern=pattern
        )
        if now != over:
            over, moved = now, time.monotonic()
        if over >= count:
            return
        await asyncio.sleep(LOOK_SECONDS)  # polling other processes
