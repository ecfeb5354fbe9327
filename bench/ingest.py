"""Webhooks: accepted, verified and stored before the 200, by Nexus and by NestJS + BullMQ, in turns.

Nexus has committed each in PostgreSQL with `fsync` on; the peer has it in a Redis that writes its log every second,
so a crash of the machine takes up to a second of what the peer has accepted.
"""

import hashlib
import hmac
import itertools
import json
import secrets
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from cluster import Cluster, running_cluster

from bench.__main__ import Effort
from bench.http_load import Heard, request, send
from bench.peer import running_peer
from bench.processes import Meter, memory_mb
from bench.results import Result, Row, milliseconds, paired_ratio, percentile
from nexus.drill.load import ClickUpHook
from nexus.kit.embedded import EmbeddedValkey

CONNECTIONS = 64
TUNED = {"PEER_AUTO_PIPELINING": "1", "PEER_DOCUMENTED": "0"}
DOCUMENTED = {"PEER_AUTO_PIPELINING": "0", "PEER_DOCUMENTED": "1"}
WARM_UP_SECONDS = 4.0
"""V8 and PostgreSQL's caches need some load before their figures are fair."""
PACED_SHARE = 0.5
"""The fixed rate, as a share of the slower side's peak."""


@dataclass
class Side:
    """A server under test, and what was measured of it."""

    name: str
    port: int
    pid: int
    stores: dict[str, int]
    """Process ids of the servers behind it."""
    requests: Iterator[bytes]
    rates: list[float] = field(default_factory=list[float])
    p50s: list[float] = field(default_factory=list[float])
    p99s: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    """Seconds for one request, of the server alone."""
    stores_cpu: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    paced_p50s: list[float] = field(default_factory=list[float])
    paced_p99s: list[float] = field(default_factory=list[float])
    accepted: int = 0

    async def flat_out(self, seconds: float) -> None:
        """One measurement at full speed."""
        meters = {name: Meter.of([pid]) for name, pid in self.stores.items()}
        meter = Meter.of([self.pid])
        heard = await self._send(seconds)
        self.rates.append(heard.rate)
        self.p50s.append(percentile(heard.latencies, 0.50))
        self.p99s.append(percentile(heard.latencies, 0.99))
        self.cpu.append(meter.seconds() / len(heard.latencies))
        self.stores_cpu.append({name: each.seconds() / len(heard.latencies) for name, each in meters.items()})

    async def paced(self, seconds: float, per_second: float) -> None:
        """One measurement at a fixed rate."""
        heard = await self._send(seconds, per_second)
        self.paced_p50s.append(percentile(heard.latencies, 0.50))
        self.paced_p99s.append(percentile(heard.latencies, 0.99))

    async def warm_up(self, seconds: float) -> None:
        """Load that is not measured."""
        await self._send(seconds)

    async def _send(self, seconds: float, per_second: float | None = None) -> Heard:
        heard = await send(
            "127.0.0.1", self.port, self.requests, seconds=seconds, connections=CONNECTIONS, per_second=per_second
        )
        if set(heard.statuses) != {200}:
            raise RuntimeError(f"{self.name} answered {dict(heard.statuses)}")
        self.accepted += heard.statuses[200]
        return heard

    def told(self) -> dict[str, Any]:
        """For the JSON."""
        return {name: value for name, value in vars(self).items() if name not in ("requests",)}


def webhooks(hook: ClickUpHook) -> Iterator[bytes]:
    """Signed requests about 1.5 kB long, each a delivery of its own, about tasks that are not linked."""
    run = secrets.token_hex(4)
    status = {"status": "in progress", "color": "#5f55ee", "orderindex": 1, "type": "custom"}
    item: dict[str, Any] = {
        "id": "@@@@",
        "type": 1,
        "date": "1794000000000",
        "field": "status",
        "parent_id": "901300000001",
        "data": {"status_type": "custom"},
        "source": None,
        "user": {"id": hook.user_id, "username": hook.user_name, "email": "dana@example.com", "initials": "DR"},
        "before": {**status, "status": "to do"},
        "after": status,
        "note": "x" * 800,
    }
    event = {"event": "taskStatusUpdated", "history_items": [item], "task_id": "%%%%", "webhook_id": hook.webhook_id}
    template = json.dumps(event)
    for number in itertools.count():
        unique = f"{run}{number:09d}"
        body = template.replace("@@@@", unique).replace("%%%%", f"86{number % 5000:07x}").encode()
        signature = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-signature": signature}
        yield request("POST", "/webhooks/clickup", "127.0.0.1", headers, body)


@asynccontextmanager
async def sides() -> AsyncGenerator[tuple[Cluster, Side, Side, Side]]:
    """Nexus, the peer tuned, and the peer as the documentation shows it, ready."""
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        cluster = await stack.enter_async_context(
            running_cluster(gateways=1, workers=0, directory=directory / "nexus", seed=1)
        )
        valkey = EmbeddedValkey(directory / "peer", persistent=True)
        valkey.start()
        stack.callback(valkey.stop)
        nexus = Side(
            "Nexus",
            int(cluster.gateway_urls[0].rpartition(":")[2]),
            await cluster.supervisor.pid("gateway-0"),
            {"postgres": cluster.postgres.pid, "redis": cluster.valkey.pid},
            webhooks(cluster.hook),
        )
        peers: list[Side] = []
        for name, style in (("NestJS + BullMQ", TUNED), ("NestJS + BullMQ as documented", DOCUMENTED)):
            told = {"WEBHOOK_SECRET": cluster.hook.secret, **style}
            peer = await stack.enter_async_context(running_peer("ingest", valkey.url, env=told))
            peers.append(Side(name, peer.port, peer.pid, {"redis": valkey.pid}, webhooks(cluster.hook)))
        yield cluster, nexus, peers[0], peers[1]


async def run(effort: Effort) -> Result:
    """Peak rate with 64 connections, then latency at a fixed rate."""
    result = Result("ingest")
    async with sides() as (cluster, nexus, nest, documented):
        for side in (nexus, nest, documented):
            await side.warm_up(WARM_UP_SECONDS * min(1.0, effort.seconds / 5))
        for _ in range(effort.rounds):
            for side in (nexus, nest, documented):
                await side.flat_out(effort.seconds)
        pace = PACED_SHARE * min(median(nexus.rates), median(nest.rates))
        for _ in range(effort.rounds):
            for side in (nexus, nest):
                await side.paced(effort.seconds, pace)
        ((stored,),) = await cluster.rows("SELECT count(*) FROM inbox")
        if stored < nexus.accepted:
            raise RuntimeError(f"Nexus accepted {nexus.accepted} webhooks and holds {stored}")
        memory = {side.name: memory_mb(side.pid) for side in (nexus, nest)}
    rate = paired_ratio(nexus.rates, nest.rates)
    p99 = paired_ratio(nexus.p99s, nest.p99s)
    cpu = paired_ratio(nexus.cpu, nest.cpu)
    paced = paired_ratio(nexus.paced_p99s, nest.paced_p99s)
    other_rate = paired_ratio(nexus.rates, documented.rates)
    other_cpu = paired_ratio(nexus.cpu, documented.cpu)
    other_p99 = paired_ratio(nexus.p99s, documented.p99s)
    micros = {side.name: f"{median(side.cpu) * 1e6:.0f}" for side in (nexus, nest, documented)}
    behind = {
        side.name: " + ".join(
            f"{name} {median(one[name] for one in side.stores_cpu) * 1e6:.0f} µs" for name in side.stores
        )
        for side in (nexus, nest)
    }
    result.rows = [
        Row(
            "webhook accepted and committed (fsync on), 1 process, 64 connections: rate against NestJS + BullMQ",
            "≥ 1.4×",
            "2×",
            f"{rate:.2f}× ({median(nexus.rates):,.0f}/s against {median(nest.rates):,.0f}/s)",
            rate >= 1.4,
        ),
        Row(
            "the same, p99",
            "≤ 0.75×",
            "0.33×",
            f"{p99:.2f}× ({milliseconds(median(nexus.p99s))} against {milliseconds(median(nest.p99s))})",
            p99 <= 0.75,
        ),
        Row(
            "the same, CPU per request of the server process",
            "≤ 0.6×",
            "0.4×",
            f"{cpu:.2f}× ({micros[nexus.name]} µs against {micros[nest.name]} µs; behind them "
            f"{behind[nexus.name]} against {behind[nest.name]})",
            cpu <= 0.6,
        ),
        Row(
            "all three against the same peer as its documentation shows it (the body a tree, no auto-pipelining)",
            "",
            "",
            f"rate {other_rate:.2f}× (of {median(documented.rates):,.0f}/s), p99 {other_p99:.2f}×, "
            f"CPU {other_cpu:.2f}× (of {micros[documented.name]} µs)",
            None,
        ),
        Row(
            f"p99 at a fixed {pace:,.0f} webhooks a second",
            "",
            "",
            f"{paced:.2f}× ({milliseconds(median(nexus.paced_p99s))} against {milliseconds(median(nest.paced_p99s))}; "
            f"p50 {milliseconds(median(nexus.paced_p50s))} against {milliseconds(median(nest.paced_p50s))})",
            None,
        ),
        Row(
            "memory of the server process after it",
            "",
            "",
            f"{memory[nexus.name]:.0f} MB against {memory[nest.name]:.0f} MB",
            None,
        ),
    ]
    result.notes = [
        "Each webhook is a delivery of its own, signed, 1.5 kB; every answer was 200 and every accepted one was found "
        "in the inbox.",
        "The peer of the targets is tuned: it stores the body as the text that was signed, and ioredis sends the "
        "commands of one tick together. The targets were set against one that does neither.",
        "The peer keeps its jobs in a Redis with `appendonly yes`, `appendfsync everysec`: after a crash of the "
        "machine it has lost up to a second. Nexus has not.",
        "Load, both servers and their stores share the same cores.",
    ]
    result.raw = {side.name: side.told() for side in (nexus, nest, documented)}
    return result
