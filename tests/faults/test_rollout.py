"""A rolling upgrade of what the chart renders: every gateway and the worker are replaced, and nobody notices."""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from agents_evidence import gathered
from agents_registered import registered
from cluster import LINKS, Cluster, running_cluster
from recording import Recording
from rollout_ingress import Ingress, running_ingress
from rollout_pods import HELM_PYTHON, Manifest, Pod, rendered
from supervisor import Supervisor
from traffic import Traffic

from nexus.bootstrap import open_nexus
from nexus.drill.checker import Verdict, check
from nexus.drill.load import Sender
from nexus.drill.report import Report, percentile

FLEET = Path(__file__).with_name("agents_fleet.py")
AGENTS, WEBHOOKS_PER_SECOND, TASKS_PER_SECOND = 200, 20.0, 1.0
CONVERSATIONS = 20
CONCURRENCY, WORK_SECONDS = 2, (0.5, 4.0)
PROPAGATION_SECONDS = 0.5
"""How long an ingress controller goes on to send to a pod that has begun to end."""
MIN_READY_SECONDS = 3.0
AFTERWARDS_SECONDS = 3.0
SETTLE_SECONDS = 300.0
LOOK_SECONDS = 0.1
ONLINE = (
    "SELECT count(DISTINCT agent_id) >= :count FROM agent_sessions "
    "WHERE closed_at IS NULL AND last_seen_at > clock_timestamp() - interval '15 seconds'"
)


class Rollout:
    """The Deployments of a release: which pods there are, and how one revision follows another."""

    def __init__(self, ingress: Ingress, pre_stop_seconds: float) -> None:
        self.ingress = ingress
        self.values: dict[str, Any] = {
            "images": {"registry": "localhost/oblivion"},
            "gateway": {"preStopSeconds": pre_stop_seconds},
            # Nobody answers there: history is not searched, and nothing else may suffer for it.
            "nexus": {"publicUrl": ingress.url, "qdrantUrl": "http://127.0.0.1:9"},
        }
        self.gateways: list[Pod] = []
        self.workers: list[Pod] = []
        self.ended: dict[str, float] = {}
        """Pod → seconds from the beginning of its end."""
        self._manifests: dict[str, Manifest] = {}
        self._supervisor: Supervisor | None = None
        self._made = 0

    async def start(self, supervisor: Supervisor, told: Mapping[str, str]) -> str:
        """The first revision: two gateways and a worker."""
        self._supervisor = supervisor
        for role in ("gateway", "worker"):
            self._manifests[role] = await rendered(f"Deployment/oblivion-{role}", self.values, told)
        self.gateways = [await self._pod("gateway") for _ in range(2)]
        self.workers = [await self._pod("worker")]
        for pod in (*self.gateways, *self.workers):
            await pod.ready()
        self.ingress.endpoints = [pod.url for pod in self.gateways]
        return self.ingress.url

    async def replace_all(self) -> None:
        """One after another, a new one before an old one goes: maxSurge 1, maxUnavailable 0."""
        for old in (*self.gateways, *self.workers):
            role = old.name.rpartition("-")[0]
            new = await self._pod(role)
            await new.ready()
            await asyncio.sleep(MIN_READY_SECONDS)  # minReadySeconds
            pods = self.gateways if role == "gateway" else self.workers
            pods.append(new)
            if role == "gateway":
                self.ingress.endpoints.append(new.url)
            ending = asyncio.create_task(old.terminate())
            if role == "gateway":
                await asyncio.sleep(PROPAGATION_SECONDS)  # the endpoint goes a little later than preStop begins
                self.ingress.endpoints.remove(old.url)
            self.ended[old.name] = await ending
            pods.remove(old)

    async def _pod(self, role: str) -> Pod:
        assert self._supervisor is not None
        self._made += 1
        pod = Pod(f"{role}-{self._made}", self._manifests[role], f"127.0.42.{self._made}", self._supervisor)
        await pod.start()
        return pod


@pytest.mark.skipif(not HELM_PYTHON.exists(), reason="needs helm: make infra-setup")
async def test_a_rolling_upgrade_fails_no_request_and_loses_no_task(
    cluster_directory: Path, scale: float, seed: int, recording: Recording
) -> None:
    agents, per_second = max(4, round(AGENTS * scale)), max(4.0, WEBHOOKS_PER_SECOND * scale)
    async with running_ingress() as ingress:
        rollout = Rollout(ingress, pre_stop_seconds=10 if scale >= 1 else 2)
        async with running_cluster(directory=cluster_directory, seed=seed, nexus=rollout.start) as cluster:
            conversations = await cluster.conversations(max(2, round(CONVERSATIONS * scale)))
            await _agents(cluster, ingress.url, cluster_directory, agents)
            await _until(cluster, ONLINE, count=agents)
            # The conversations are tasks, too; they are done with, and what agents were answered so far is forgotten.
            await _until(cluster, "SELECT count(*) = 0 FROM tasks WHERE finished_at IS NULL")
            await asyncio.to_thread((cluster_directory / "fleet.answers").write_text, "")
            first = {pod.url for pod in rollout.gateways}
            sender = Sender([ingress.url], seed=seed, per_second=per_second, max_tries=1)
            over, run, keys = asyncio.Event(), secrets.token_hex(3), list[str]()
            load = [
                asyncio.create_task(_webhooks(Traffic(cluster, conversations), sender, per_second, over)),
                asyncio.create_task(_tasks(cluster, run, max(0.5, TASKS_PER_SECOND * scale), keys, over)),
                asyncio.create_task(_requests(cluster, over)),
            ]
            began = time.monotonic()
            await rollout.replace_all()
            await asyncio.sleep(AFTERWARDS_SECONDS)  # the new ones carry it all
            rollout_seconds = time.monotonic() - began
            over.set()
            refused = [one for part in await asyncio.gather(*load) for one in part]
            await _until(
                cluster,
                "SELECT count(*) >= :count FROM tasks WHERE title LIKE :pattern AND finished_at IS NOT NULL",
                count=len(keys),
                pattern=f"T{run}-%",
            )
            await cluster.settled(SETTLE_SECONDS)
            found = await gathered(cluster, f"T{run}-%", keys, [cluster_directory / "fleet.answers"])
            seen = [*await cluster.seen_in_slack(calls=True), *await cluster.seen_in_clickup()]
            messages = check(sender.accepted, seen, dead=await cluster.dead(), unacknowledged=sender.unacknowledged)
            second = {pod.url for pod in rollout.gateways}
            verdict = Verdict(
                lost=(*messages.lost, *found.lost, *messages.dead),
                doubled=(*messages.doubled, *found.doubled),
                inversions=messages.inversions,
                stale_commits=found.stale,
                unexpected=messages.unexpected,
            )
            await recording.keep(
                cluster,
                Report(
                    name="rolling upgrade",
                    seed=seed,
                    faults={"gateways replaced": 2, "workers replaced": 1},
                    load={"agents": agents, "webhooks": len(sender.attempts), "tasks": len(keys)},
                    counts={
                        "not 200": len(sender.attempts) - len(sender.accepted),
                        "other requests that failed": len(refused),
                        "without an answer": len(ingress.failures),
                        "sockets opened": sum(ingress.sockets.values()),
                        "tasks that changed hands": sum(n for epoch, n in found.epochs.items() if epoch > 1),
                    },
                    recovery=[],
                    verdict=verdict,
                    figures={
                        "rollout_seconds": rollout_seconds,
                        "ingest_p99_seconds": percentile(sender.durations, 0.99),
                        **{f"{name}_end_seconds": seconds for name, seconds in rollout.ended.items()},
                    },
                ),
            )
    assert ingress.failures == refused == []
    assert set(sender.statuses) == {"200"}, sender.statuses
    assert verdict.ok, verdict
    assert len(first | second) == 4, "every gateway was replaced"
    assert all(ingress.sockets.get(url) for url in first | second), "agents were served by every gateway"
    assert len(rollout.ended) == 3


async def _webhooks(traffic: Traffic, sender: Sender, per_second: float, over: asyncio.Event) -> list[str]:
    while not over.is_set():
        await sender.send(await traffic.webhooks(round(2 * per_second)))
    return []


async def _tasks(cluster: Cluster, run: str, per_second: float, keys: list[str], over: asyncio.Event) -> list[str]:
    async with cluster.clickup() as people:
        while not over.is_set():
            key = f"T{run}-{len(keys):05}"
            list_id, _ = LINKS[len(keys) % 2]
            body = {"name": f"{key} breaks", "markdown_description": "@AI_Squad fix_bug"}
            (await people.post(f"/list/{list_id}/task", json=body)).raise_for_status()
            keys.append(key)
            await asyncio.sleep(1 / per_second)  # the load's rate
    return []


async def _requests(cluster: Cluster, over: asyncio.Event) -> list[str]:
    """What dashboards and agents ask by HTTP, all the time; what was not answered as it should be."""
    failed: list[str] = []
    async with await cluster.admin() as admin:
        while not over.is_set():
            for path in ("/v1/agents", "/v1/tasks?limit=5", "/.well-known/jwks.json"):
                answer = await admin.get(path)
                if answer.status_code != 200:
                    failed.append(f"{path}: {answer.status_code} {answer.text[:200]}")
            await asyncio.sleep(LOOK_SECONDS)  # the load's rate
    return failed


async def _agents(cluster: Cluster, uri: str, directory: Path, count: int) -> None:
    async with open_nexus(cluster.settings) as nexus:
        made = await registered(nexus, cluster.tenant_id, count)
    given = {
        "uri": uri,
        "agents": [{"client_id": one.client_id, "client_secret": one.client_secret, "stubborn": False} for one in made],
        "concurrency": CONCURRENCY,
        "work_seconds": WORK_SECONDS,
        "answers": str(directory / "fleet.answers"),
    }
    path = directory / "fleet.json"
    await asyncio.to_thread(path.write_text, json.dumps(given))
    await cluster.supervisor.run("fleet", [str(FLEET), str(path)], {})


async def _until(cluster: Cluster, sql: str, **parameters: Any) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not (await cluster.rows(sql, **parameters))[0][0]:
        assert time.monotonic() < deadline, f"never: {sql}\n{cluster.supervisor.tails()}"
        await asyncio.sleep(LOOK_SECONDS)  # polling other processes
