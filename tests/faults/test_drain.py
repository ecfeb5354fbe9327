"""SIGTERM to a gateway with agents and to a worker with calls under way: nothing is lost, and both end in time."""

import asyncio
import json
import secrets
import time
from pathlib import Path
from typing import Any

import httpx
from agents_evidence import gathered
from agents_proxy import running_network
from agents_registered import registered
from cluster import LINKS, Cluster, running_cluster
from recording import Recording

from nexus.bootstrap import open_nexus
from nexus.drill.checker import Verdict
from nexus.drill.report import Report

FLEET = Path(__file__).with_name("agents_fleet.py")
AGENTS, TASKS = 200, 1_000
CONCURRENCY = 2
WORK_SECONDS = (0.5, 4.0)
EXIT_SECONDS = 45.0
NOT_READY_SECONDS = 2.0
SLOW_CALL_SECONDS = 5.0
SETTLE_SECONDS = 300.0
LOOK_SECONDS = 0.1


async def test_what_is_told_to_stop_loses_nothing_and_is_gone_in_time(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    run = secrets.token_hex(3)
    async with (
        running_cluster(2, 2, directory=cluster_directory, seed=seed) as cluster,
        running_network(cluster.gateway_urls, seed) as network,
    ):
        fleet, agents = await _agents(cluster, network.url, cluster_directory, round(AGENTS * scale))
        keys = [f"T{run}-{number:05}" for number in range(round(TASKS * scale))]
        asking = asyncio.create_task(_ask(cluster, keys))
        await _until(
            cluster, "SELECT count(*) >= :count FROM tasks WHERE finished_at IS NOT NULL", count=len(keys) // 4
        )

        gateway = await _stop_gateway(cluster)
        await _until(
            cluster,
            "SELECT count(*) >= :count FROM agent_sessions WHERE closed_at IS NULL "
            "AND last_seen_at > clock_timestamp() - interval '15 seconds'",
            count=agents,
        )
        back_seconds = time.monotonic() - gateway["began"]

        slow = {"vendor": "slack", "match": "chat.*", "fault": "delay", "seconds": SLOW_CALL_SECONDS}
        (await cluster.sandbox.post("/_control/faults", json=slow)).raise_for_status()
        await _until(cluster, "SELECT count(*) > 0 FROM deliveries WHERE state = 'sending'")
        began = time.monotonic()
        await cluster.stop("worker-0")
        worker_seconds = time.monotonic() - began
        (await cluster.sandbox.delete("/_control/faults")).raise_for_status()

        await asking
        await _until(
            cluster,
            "SELECT count(*) >= :count FROM tasks WHERE title LIKE :pattern AND finished_at IS NOT NULL",
            count=len(keys),
            pattern=f"T{run}-%",
        )
        await cluster.settled(SETTLE_SECONDS)
        found = await gathered(cluster, f"T{run}-%", keys, [cluster_directory / f"{fleet}.answers"])
        ((crashes,),) = await cluster.rows(
            "SELECT (SELECT coalesce(sum(crashes), 0) FROM inbox) + (SELECT coalesce(sum(crashes), 0) FROM deliveries)"
        )
        codes = {death.name: death.code for death in cluster.supervisor.deaths}
        moved = sum(count for epoch, count in found.epochs.items() if epoch > 1)
        verdict = Verdict(lost=found.lost, doubled=found.doubled, stale_commits=found.stale)
        await recording.keep(
            cluster,
            Report(
                name="drain",
                seed=seed,
                faults={"SIGTERM to a gateway": 1, "SIGTERM to a worker": 1},
                load={"agents": agents, "tasks": len(keys)},
                counts={"committed": found.commits, "changed hands": moved, "counted as crashes": int(crashes)},
                recovery=[back_seconds],
                verdict=verdict,
                figures={
                    "gateway_not_ready_after_seconds": gateway["not_ready_seconds"],
                    "gateway_exit_seconds": gateway["seconds"],
                    "worker_exit_seconds": worker_seconds,
                },
            ),
        )
    assert verdict.ok, verdict
    assert gateway["not_ready_seconds"] < NOT_READY_SECONDS
    assert max(gateway["seconds"], worker_seconds) < EXIT_SECONDS
    assert codes["gateway-1"] == codes["worker-0"] == 0, "an end in order, and not by SIGKILL"
    assert crashes == 0, "what was released in order was counted as a crash"


async def _stop_gateway(cluster: Cluster) -> dict[str, float]:
    """SIGTERM; how soon it says that it is not ready, and how soon it is gone."""
    began = time.monotonic()
    stopping = asyncio.create_task(cluster.stop("gateway-1"))
    not_ready = float("inf")
    async with httpx.AsyncClient(base_url=cluster.gateway_urls[1], trust_env=False, timeout=10) as client:
        while not stopping.done():
            try:
                status = (await client.get("/readyz")).status_code
            except httpx.TransportError:
                break  # the listener is closed
            if status == 503:
                not_ready = time.monotonic() - began
                break
            await asyncio.sleep(LOOK_SECONDS / 10)  # polling another process
    await stopping
    return {"began": began, "not_ready_seconds": not_ready, "seconds": time.monotonic() - began}


async def _agents(cluster: Cluster, uri: str, directory: Path, count: int) -> tuple[str, int]:
    async with open_nexus(cluster.settings) as nexus:
        made = await registered(nexus, cluster.tenant_id, count)
    credentials = [{"client_id": one.client_id, "client_secret": one.client_secret, "stubborn": False} for one in made]
    given = {
        "uri": uri, "agents": credentials, "concurrency": CONCURRENCY, "work_seconds": WORK_SECONDS,
        "answers": str(directory / "fleet.answers"),
    }  # fmt: skip
    path = directory / "fleet.json"
    await asyncio.to_thread(path.write_text, json.dumps(given))
    await cluster.supervisor.run("fleet", [str(FLEET), str(path)], {})
    return "fleet", count


async def _ask(cluster: Cluster, keys: list[str]) -> None:
    slots = asyncio.Semaphore(4)
    async with cluster.clickup() as people:

        async def ask(number: int, key: str) -> None:
            async with slots:
                list_id, _ = LINKS[number % 2]
                body = {"name": f"{key} breaks", "markdown_description": "@AI_Squad fix_bug"}
                (await people.post(f"/list/{list_id}/task", json=body)).raise_for_status()

        await asyncio.gather(*(ask(number, key) for number, key in enumerate(keys)))


async def _until(cluster: Cluster, sql: str, **parameters: Any) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not (await cluster.rows(sql, **parameters))[0][0]:
        assert time.monotonic() < deadline, f"never: {sql}\n{cluster.supervisor.tails()}"
        await asyncio.sleep(LOOK_SECONDS)  # polling other processes
