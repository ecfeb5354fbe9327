"""From a webhook to Slack and to an agent: how many a worker carries out, and how long one takes when nothing else is.

The vendors are `instant.py`, so that what is measured is Oblivion. Each webhook tells of a task of its own in a linked
list, addressed to `@AI_Squad`: the worker reads the event, asks ClickUp for the task, writes task, conversation and
card, posts the card, and gives the task to an agent.
"""

import asyncio
import hashlib
import hmac
import json
import re
import secrets
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from agents_registered import registered
from cluster import Cluster, running_cluster

from bench.__main__ import Effort
from bench.http_load import request, send_each
from bench.instant import Instant, running_instant
from bench.processes import Meter, memory_mb
from bench.results import Result, Row, milliseconds, percentile
from nexus.bootstrap import open_nexus
from nexus.store.tables import Connection
from oblivion import Agent, Context, TaskAssigned
from oblivion_sandbox import seed

TASKS = 3_000
BACKLOG = 50_000
IDLE = 50
IDLE_PAUSE_SECONDS = 0.15
WARM_UP = 5
_ITEM = re.compile(r"\bb[0-9a-f]{6}\d{6}\b")
PARTS = 5
"""Of a backlog, whose rates are compared."""
LOOK_SECONDS = 0.25
BACKLOG_LOOK_SECONDS = 1.0
"""To count a backlog is dear, and shares a machine with those who work on it."""
MAX_SECONDS = 240.0


@asynccontextmanager
async def before_instant_vendors(*, workers: bool) -> AsyncGenerator[tuple[Cluster, Instant]]:
    """A cluster that was connected to the sandbox, and is then led to vendors that answer at once."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        cluster = await stack.enter_async_context(
            running_cluster(gateways=1, workers=0, directory=directory, seed=1, posts_per_second=1_000_000)
        )
        async with cluster.clickup() as people:
            made = await people.post(
                f"/list/{seed.CLICKUP_LIST_INBOX}/task",
                json={"name": "Fix the login page", "markdown_description": "@AI_Squad fix_bug please"},
            )
            task = await people.get(
                f"/task/{made.raise_for_status().json()['id']}", params={"include_markdown_description": "true"}
            )
            ours = {"Authorization": cluster.world["clickup"]["token"]}
            hooks = await people.get(f"/team/{seed.CLICKUP_TEAM_ID}/webhook", headers=ours)
        instant = await stack.enter_async_context(running_instant(task.raise_for_status().json(), hooks.json()))
        async with open_nexus(cluster.settings) as nexus, nexus.db.tenant(cluster.tenant_id) as session:
            for row in await nexus.connections.of_role(cluster.tenant_id, "tracker"):
                await _lead(nexus, session, row, api_url=instant.clickup_url)
            for row in await nexus.connections.of_role(cluster.tenant_id, "chat"):
                await _lead(nexus, session, row, api_url=instant.slack_url)
        if workers:
            await start_worker(cluster)
        yield cluster, instant


async def start_worker(cluster: Cluster) -> int:
    """Its process id."""
    environment = {
        "OBLIVION_DATABASE_URL": cluster.database_url,
        "OBLIVION_REDIS_URL": cluster.redis_url,
        "OBLIVION_PUBLIC_URL": cluster.settings.public_url,
        "OBLIVION_ENVIRONMENT": "development",
    }
    await cluster.supervisor.run("worker-0", ["-m", "nexus", "serve", "worker"], environment)
    return await cluster.supervisor.pid("worker-0")


async def _lead(nexus: Any, session: Any, row: Connection, *, api_url: str) -> None:
    row = await session.get_one(Connection, row.id)
    row.sealed = nexus.sealer.seal({**nexus.sealer.open(row.sealed), "api_url": api_url})


def tasks_created(cluster: Cluster, count: int, kind: str = "taskCreated") -> list[tuple[str, bytes]]:
    """Ids of tasks, and signed requests that tell of them."""
    made: list[tuple[str, bytes]] = []
    port = int(cluster.gateway_urls[0].rpartition(":")[2])
    run = secrets.token_hex(3)
    for number in range(count):
        item_id = f"b{run}{number:06d}"
        item = {"id": f"h{item_id}", "type": 1, "date": str(int(time.time() * 1000)), "field": "task_creation"}
        user = {"id": cluster.hook.user_id, "username": cluster.hook.user_name}
        body = json.dumps(
            {
                "event": kind,
                "history_items": [{**item, "user": user, "before": None, "after": None}],
                "task_id": item_id,
                "webhook_id": cluster.hook.webhook_id,
            }
        ).encode()
        signature = hmac.new(cluster.hook.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-signature": signature}
        made.append((item_id, request("POST", "/webhooks/clickup", f"127.0.0.1:{port}", headers, body)))
    return made


async def accepted(cluster: Cluster, requests: list[bytes]) -> None:
    """Sends webhooks, and returns when all of them were taken."""
    port = int(cluster.gateway_urls[0].rpartition(":")[2])
    heard = await send_each("127.0.0.1", port, requests)
    if set(heard.statuses) != {200}:
        raise RuntimeError(f"webhooks were answered {dict(heard.statuses)}")


async def drained(
    cluster: Cluster, sql: str, goal: int, each: Callable[[], None] = lambda: None, look_seconds: float = LOOK_SECONDS
) -> list[tuple[float, int]]:
    """Looks how many are done until all are: (seconds since now, how many). `each` is called at each look."""
    began, seen = time.perf_counter(), list[tuple[float, int]]()
    while not seen or seen[-1][1] < goal:
        ((count,),) = await cluster.rows(sql)
        seen.append((time.perf_counter() - began, count))
        each()
        if seen[-1][0] > MAX_SECONDS:
            raise RuntimeError(f"{count} of {goal} were done after {MAX_SECONDS:.0f} s")
        await asyncio.sleep(look_seconds)  # polling another process
    return seen


class Stopwatch:
    """When a webhook was sent, when its card left for Slack, and when its agent began."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.posted: dict[str, float] = {}
        self.begun: dict[str, float] = {}
        self._changed = asyncio.Event()

    def note(self, where: dict[str, float], item_id: str, at: float) -> None:
        """The first time counts."""
        where.setdefault(item_id, at)
        self._changed.set()

    async def both(self, item_id: str) -> None:
        """Returns when a task has left for Slack and has begun. Raises TimeoutError after ten seconds."""
        async with asyncio.timeout(10):
            while item_id not in self.posted or item_id not in self.begun:
                self._changed.clear()
                await self._changed.wait()

    def until(self, where: dict[str, float]) -> list[float]:
        """Seconds from a webhook to something."""
        return [at - self.sent[item_id] for item_id, at in where.items() if item_id in self.sent]


async def idle_latency(count: int) -> Stopwatch:
    """One webhook at a time, with one agent that has nothing to do."""
    watch = Stopwatch()
    async with before_instant_vendors(workers=True) as (cluster, instant):
        async with open_nexus(cluster.settings) as nexus:
            (made,) = await registered(nexus, cluster.tenant_id, 1)
        agent = Agent("bench", uri=cluster.gateway_urls[0], client_id=made.client_id, client_secret=made.client_secret)

        @agent.on_task()
        async def begin(task: TaskAssigned, _ctx: Context) -> str:
            for item_id in _ITEM.findall(task.title):
                watch.note(watch.begun, item_id, time.perf_counter())
            return "done"

        def posted(body: str, at: float) -> None:
            for item_id in _ITEM.findall(body)[:1]:
                watch.note(watch.posted, item_id, at)

        instant.posted = posted
        running = asyncio.create_task(agent.serve())
        try:
            await asyncio.sleep(3)  # until everything rests; what is measured is how long nothing takes
            for item_id, sent in tasks_created(cluster, count + WARM_UP):
                watch.sent[item_id] = time.perf_counter()
                await accepted(cluster, [sent])
                await watch.both(item_id)
                await asyncio.sleep(IDLE_PAUSE_SECONDS)  # idle again
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    for measured in (watch.posted, watch.begun):
        for item_id in list(measured)[:WARM_UP]:
            del measured[item_id]
    return watch


async def whole_path(count: int) -> dict[str, Any]:
    """A worker that finds `count` tasks in its inbox: until their cards stand and they wait for an agent."""
    async with before_instant_vendors(workers=False) as (cluster, instant):
        await accepted(cluster, [sent for _, sent in tasks_created(cluster, count)])
        pid = await start_worker(cluster)
        done = "SELECT count(*) FROM deliveries WHERE kind = 'card' AND state = 'done'"
        while not (await cluster.rows(done))[0][0]:  # noqa: ASYNC110 - as the next line says
            await asyncio.sleep(0.05)  # polling another process: its start is not measured
        meters = {"worker": Meter.of([pid]), "postgres": Meter.of([cluster.postgres.pid])}
        seen = await drained(cluster, done, count)
        (_, first), (seconds, last) = seen[0], seen[-1]
        ((tasks,),) = await cluster.rows("SELECT count(*) FROM tasks")
        if tasks < count or instant.strange:
            raise RuntimeError(f"{tasks} of {count} tasks; calls that nobody answers: {dict(instant.strange)}")
        rate = (last - first) / (seconds - seen[0][0])
        cpu = {name: meter.seconds() / (last - first) for name, meter in meters.items()}
        return {"per_second": rate, "cpu_seconds_per_task": cpu, "calls": dict(instant.calls)}


async def backlog(count: int) -> dict[str, Any]:
    """A worker that was away: `count` changes of tasks that nobody is addressed in wait for it."""
    async with before_instant_vendors(workers=False) as (cluster, instant):
        instant.task.update(markdown_description="", description="", text_content="")
        for part in range(0, count, 5000):
            changes = tasks_created(cluster, min(5000, count - part), "taskUpdated")
            await accepted(cluster, [sent for _, sent in changes])
        pid = await start_worker(cluster)
        meters = {"worker": Meter.of([pid]), "postgres": Meter.of([cluster.postgres.pid])}
        memory: list[float] = []
        settled = "SELECT count(*) FROM inbox WHERE state IN ('ignored', 'done')"
        seen = await drained(
            cluster, settled, count, each=lambda: memory.append(memory_mb(pid)), look_seconds=BACKLOG_LOOK_SECONDS
        )
        marks = [_when(seen, count * part / PARTS) for part in range(1, PARTS + 1)]
        begun = next((at for at, done in seen if done > 0), 0.0)
        spans = [until - since for since, until in zip([begun, *marks], marks, strict=False)]
        rates = [count / PARTS / span for span in spans if span > 0]
        settled_memory = memory[len(memory) // PARTS :] or memory
        return {
            "count": count,
            "rates": rates,
            "memory_mb": [min(settled_memory), max(settled_memory)],
            "per_second": count / (marks[-1] - begun),
            "cpu_seconds_per_event": {name: meter.seconds() / count for name, meter in meters.items()},
        }


def _when(seen: list[tuple[float, int]], goal: float) -> float:
    """When so many were done, between two looks: as if they were done at an even rate there."""
    (before, fewer), (after, more) = next(
        (one, other) for one, other in pairwise([(0.0, 0), *seen]) if other[1] >= goal
    )
    return before + (after - before) * (goal - fewer) / (more - fewer)


async def run(effort: Effort) -> Result:
    """Idle latency, the rate of a worker, and a backlog."""
    result = Result("pipeline")
    watch = await idle_latency(effort.sized(IDLE, 5))
    slack, agent = watch.until(watch.posted), watch.until(watch.begun)
    path = await whole_path(effort.sized(TASKS, 40))
    drain = await backlog(effort.sized(BACKLOG, 200))
    p50, p99 = percentile(slack, 0.5), percentile(slack, 0.99)
    begun = percentile(agent, 0.5)
    even = min(drain["rates"]) / max(drain["rates"])
    least, most = drain["memory_mb"]
    cpu, event_cpu = path["cpu_seconds_per_task"], drain["cpu_seconds_per_event"]
    result.rows = [
        Row(
            "webhook to Slack call leaving, idle system",
            "p50 ≤ 40 ms, p99 ≤ 120 ms",
            "15 / 50 ms",
            f"p50 {milliseconds(p50)}, p99 {milliseconds(p99)}",
            p50 <= 0.040 and p99 <= 0.120,
        ),
        Row(
            "webhook to the agent's handler starting, idle",
            "p50 ≤ 60 ms",
            "25 ms",
            f"p50 {milliseconds(begun)}, p99 {milliseconds(percentile(agent, 0.99))}",
            begun <= 0.060,
        ),
        Row(
            "worker, whole path with vendors that answer at once, 1 process",
            "≥ 300 tasks/s",
            "1,000",
            f"{path['per_second']:.0f} tasks/s ({cpu['worker'] * 1000:.1f} ms CPU of the worker and "
            f"{cpu['postgres'] * 1000:.1f} ms of PostgreSQL for each)",
            path["per_second"] >= 300,
        ),
        Row(
            f"backlog of {drain['count']:,} webhooks",
            "drains at a constant rate, memory flat",
            "",
            f"{drain['per_second']:.0f}/s, slowest fifth {even:.2f}× of the fastest; "
            f"worker {least:.0f} to {most:.0f} MB ({event_cpu['worker'] * 1000:.1f} ms CPU of the worker and "
            f"{event_cpu['postgres'] * 1000:.1f} ms of PostgreSQL for each)",
            even >= 0.75 and most - least <= 32,
        ),
    ]
    result.notes = [
        f"Idle: {len(slack)} webhooks, one at a time, with one agent connected through the SDK; the median of both "
        f"is {milliseconds(median(slack))} and {milliseconds(median(agent))}. On its way to Slack a webhook waits for "
        "the disk of this machine three times (event, decision, claim of the delivery).",
        "The whole path is two calls to vendors for each task, and a third where its card was begun with before it "
        "was known that no agent is there; statements are shared by what is under way at the same moment. The backlog "
        "is of changes that lead to one call and no effect. The gateway runs beside, and indexes what was said.",
    ]
    result.raw = {"slack_seconds": slack, "agent_seconds": agent, "whole_path": path, "backlog": drain}
    return result
