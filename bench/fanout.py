"""Two gateway processes: how long an event takes to an agent that is connected to the other one."""

import asyncio
import json
import re
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
from cluster import Cluster, running_cluster
from redis.asyncio import Redis

from bench.__main__ import Effort
from bench.agent_socket import AgentSocket, Member, opened, seq_of
from bench.agents import INSERT, assignment
from bench.crowd import known_to_peer, registered
from bench.peer import Peer, running_peer
from bench.results import Result, Row, milliseconds, paired_ratio, percentile
from nexus.doorbell.ringer import CHANNEL

PER_SECOND = 100.0
MAX_P50_SECONDS = 0.005
MOONSHOT_SECONDS = 0.001
WARM_SECONDS = 1.0
ANSWER_SECONDS = 20.0
_SENT_AT = re.compile(rb'"sent_at":([0-9.]+)')

Send = Callable[[int], Awaitable[None]]
"""Has so many events sent, at `PER_SECOND`."""


class Ear:
    """The agent, and how long each event was on its way."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self._committed_at: dict[int, float] = {}
        self._early: set[int] = set()
        self._all = asyncio.Event()
        self._awaited = 0

    async def hear(self, count: int, send: Send) -> list[float]:
        """How long each of so many events took."""
        self.latencies, self._awaited = [], count
        self._all.clear()
        await send(count)
        async with asyncio.timeout(ANSWER_SECONDS):
            await self._all.wait()
        return self.latencies

    def from_nexus(self, socket: AgentSocket, packet: bytes, now: float) -> None:
        """An event that is owed until it is acknowledged; one that comes again does not count."""
        seq = seq_of(packet)
        socket.call(b"ack", b'{"seq":%d}' % seq)
        if seq in self._committed_at:
            self._heard(now - self._committed_at.pop(seq))
        else:
            self._early.add(seq)

    def committed(self, seq: int) -> None:
        """An event is committed, as far as we know, and about to be rung for."""
        if seq in self._early:  # a gateway has looked by itself, and was quicker than PostgreSQL's answer to us
            self._heard(0.0)
        else:
            self._committed_at[seq] = time.monotonic()

    def from_node(self, _socket: AgentSocket, packet: bytes, now: float) -> None:
        """An event that says when it was emitted; both clocks are the system's monotonic one."""
        found = _SENT_AT.search(packet)
        assert found is not None, packet
        self._heard(now - float(found[1]))

    def _heard(self, seconds: float) -> None:
        self.latencies.append(seconds)
        if len(self.latencies) == self._awaited:
            self._all.set()


async def run(effort: Effort) -> Result:
    """Both sides in turns, over the same processes."""
    result = Result("fanout")
    with tempfile.TemporaryDirectory() as directory:
        async with running_cluster(gateways=2, workers=1, directory=Path(directory), seed=1) as cluster:
            redis_url = cluster.redis_url
            async with running_peer("gateway", redis_url) as here, running_peer("gateway", redis_url) as there:
                nexus, node = await _in_turns(effort, cluster, here, there)
    ours, theirs = ([percentile(round_, 0.5) for round_ in side] for side in (nexus, node))
    p50, p99 = median(ours), median(percentile(round_, 0.99) for round_ in nexus)
    peer_p99 = median(percentile(round_, 0.99) for round_ in node)
    result.rows.append(
        Row(
            "two gateways, task to an agent on the other one: p50",
            f"≤ {milliseconds(MAX_P50_SECONDS)}",
            milliseconds(MOONSHOT_SECONDS),
            f"{milliseconds(p50)}, p99 {milliseconds(p99)}; Node {milliseconds(median(theirs))}, "
            f"p99 {milliseconds(peer_p99)} ({paired_ratio(ours, theirs):.1f}×)",
            p50 <= MAX_P50_SECONDS,
        )
    )
    result.notes += [
        f"{PER_SECOND:.0f} events a second, one way, from when an event was committed and rung for to when the agent "
        "had read it. Who commits and rings, as workers do, is the benchmark itself: a process beside both gateways.",
        "Nexus rings through Redis, and the gateway that has the agent reads the event from PostgreSQL and sends it "
        "until it is acknowledged; every event is. Node's adapter carries the event itself through Redis, once.",
    ]
    result.raw |= {
        name: [
            {"count": len(round_), "p50": percentile(round_, 0.5), "p99": percentile(round_, 0.99), "max": max(round_)}
            for round_ in side
        ]
        for name, side in (("nexus", nexus), ("node", node))
    }
    return result


async def _in_turns(
    effort: Effort, cluster: Cluster, here: Peer, there: Peer
) -> tuple[list[list[float]], list[list[float]]]:
    (member,) = await registered(cluster, 1)
    (known,) = known_to_peer(1)
    port = urlsplit(cluster.gateway_urls[1]).port
    assert port is not None
    ear, node_ear = Ear(), Ear()
    socket = await _agent(port, member, ear.from_nexus)
    node_socket = await _agent(there.port, known, node_ear.from_node)
    connection: Any = await asyncpg.connect(cluster.database_url)
    redis = cast(Any, Redis).from_url(cluster.redis_url)
    numbers = iter(range(1, 1_000_000))

    async def commit_and_ring(count: int) -> None:
        began = time.monotonic()
        for number in range(count):
            if (wait := began + number / PER_SECOND - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            seq, row_id = next(numbers), uuid4()
            payload = json.dumps(assignment(str(row_id), seq))
            columns = [[row_id], [member.agent_id], [seq], [member.instance], [payload]]
            await connection.execute(INSERT, cluster.tenant_id, *columns)
            ear.committed(seq)
            await redis.publish(CHANNEL, "agents")

    async def emit(count: int) -> None:
        asked = {"agent": "agent-0", "count": count, "per_second": PER_SECOND}
        async with httpx.AsyncClient(timeout=count / PER_SECOND + 60, trust_env=False) as client:
            (await client.post(f"{here.url}/control/emits", json=asked)).raise_for_status()

    nexus: list[list[float]] = []
    node: list[list[float]] = []
    sides: Sequence[tuple[Ear, Send, list[list[float]]]] = ((ear, commit_and_ring, nexus), (node_ear, emit, node))
    try:
        for listening, send, _ in sides:
            await listening.hear(round(WARM_SECONDS * PER_SECOND), send)
        for _ in range(effort.rounds):
            for listening, send, rounds in sides:
                rounds.append(await listening.hear(round(effort.seconds * PER_SECOND), send))
    finally:
        await connection.close()
        await redis.aclose()
        socket.leave()
        node_socket.leave()
    return nexus, node


async def _agent(port: int, member: Member, on_event: Callable[[AgentSocket, bytes, float], None]) -> AgentSocket:
    ready = asyncio.Event()
    socket = await opened(port, AgentSocket(member, lambda _socket: ready.set()))
    socket.on_event = on_event
    async with asyncio.timeout(ANSWER_SECONDS):
        await ready.wait()
    return socket
