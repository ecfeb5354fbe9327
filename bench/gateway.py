"""Many agents on one gateway process, Nexus and the Node side in turns: coming, being idle, and acknowledging.

Acknowledgements are measured twice. The bare way: a command that is refused before anything is looked up, there and
back, the same bytes on both sides. And each side's own: Nexus writes into PostgreSQL that an event was taken over
before it answers; the Node side emits an event and counts the acknowledgements that come back, in memory.
"""

import asyncio
import math
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from cluster import Cluster, running_cluster

from bench.__main__ import Effort
from bench.agent_socket import Member
from bench.agents import CONNECT_SECONDS
from bench.crowd import Crowd, connected, known_to_peer, registered
from bench.peer import running_peer
from bench.processes import Meter, memory_mb
from bench.results import Result, Row, milliseconds, paired_ratio, percentile

AGENTS = 2_000
MANY_AGENTS = 9_500
IN_FLIGHT = 64
MAX_P99_SECONDS = 0.05
SETTLE_SECONDS = 1.5
ROUNDS = 2
"""At most: one takes a minute."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long each part of a round takes, in seconds."""

    idle: float
    calls: float
    warm: float
    """Python needs little: caches of SQL."""
    warm_node: float
    """V8 needs some seconds under load until its code is as fast as it gets."""

    @classmethod
    def of(cls, effort: Effort) -> "Length":
        """Of a usual round."""
        second = effort.seconds / 5
        return cls(idle=10 * second, calls=3 * second, warm=second, warm_node=4 * second)

    @classmethod
    def short(cls, effort: Effort) -> "Length":
        """Where connecting alone takes a minute."""
        second = effort.seconds / 5
        return cls(idle=5 * second, calls=2.5 * second, warm=second, warm_node=4 * second)


Acks = Callable[[Crowd, float], Awaitable[dict[str, Any]]]
"""Has a crowd acknowledge events for some seconds; says how many, how fast."""


async def run(effort: Effort) -> Result:
    """Measures both sides in turns: first usual rounds, then with as many agents as a process can hold here."""
    result = Result("gateway")
    count = effort.sized(AGENTS, 10)
    many = MANY_AGENTS if effort.share == 1 else 0
    nexus: list[dict[str, float]] = []
    node: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as directory:
        async with running_cluster(gateways=1, workers=0, directory=Path(directory), seed=1) as cluster:
            members = await registered(cluster, max(count, many))
            length = Length.of(effort)
            for number in range(min(ROUNDS, effort.rounds)):
                nexus.append(await _nexus(cluster, members[:count], length, fresh=number > 0))
                node.append(await _node(cluster, count, length))
            _tell(result, count, nexus, node)
            if many:
                shorter = Length.short(effort)
                held = await _nexus(cluster, members, shorter, fresh=True)
                beside = await _node(cluster, many, shorter)
                _tell_many(result, many, held, beside)
    return result


async def _nexus(cluster: Cluster, members: Sequence[Member], length: Length, *, fresh: bool) -> dict[str, float]:
    if fresh:
        await cluster.stop("gateway-0")
        await cluster.start("gateway-0")
        await cluster.ready()

    async def acks(crowd: Crowd, seconds: float) -> dict[str, Any]:
        return await crowd.order(
            "durable",
            seconds=seconds,
            in_flight=IN_FLIGHT,
            database_url=cluster.database_url,
            redis_url=cluster.redis_url,
            tenant_id=str(cluster.tenant_id),
        )

    pid = await cluster.supervisor.pid("gateway-0")
    port = urlsplit(cluster.gateway_urls[0]).port
    assert port is not None
    stores = Meter.of([cluster.postgres.pid, cluster.valkey.pid])
    figures = await _measured(port, pid, members, length, length.warm, acks, cluster)
    return {**figures, "stores_cpu_seconds": stores.seconds()}


async def _node(cluster: Cluster, count: int, length: Length) -> dict[str, float]:
    async with running_peer("gateway", cluster.redis_url) as peer:

        async def acks(_crowd: Crowd, seconds: float) -> dict[str, Any]:
            asked = {"seconds": seconds, "in_flight": IN_FLIGHT}
            async with httpx.AsyncClient(timeout=seconds + 60, trust_env=False) as client:
                answer = (await client.post(f"{peer.url}/control/acks", json=asked)).raise_for_status().json()
            latencies = cast(list[float], answer["latencies"])
            return {
                "count": len(latencies),
                "rate": len(latencies) / answer["seconds"],
                "p50": percentile(latencies, 0.5),
                "p99": percentile(latencies, 0.99),
            }

        return await _measured(peer.port, peer.pid, known_to_peer(count), length, length.warm_node, acks, cluster)


async def _measured(
    port: int, pid: int, members: Sequence[Member], length: Length, warm: float, acks: Acks, cluster: Cluster
) -> dict[str, float]:
    """One side, from the first connection to the last acknowledgement. CPU is that of the gateway process alone."""
    before_mb = memory_mb(pid)
    meter = Meter.of([pid])
    async with connected(port, members, cluster.directory) as crowd:
        count = crowd.connected["connected"]
        figures = {
            "connected": count,
            "connects_per_second": count / crowd.connected["seconds"],
            "connect_cpu": meter.seconds() / count,
            "attempts_refused": crowd.connected["refused"],
        }
        await asyncio.sleep(SETTLE_SECONDS)  # what coming has set off
        figures["kb"] = (memory_mb(pid) - before_mb) * 1024 / count
        meter = Meter.of([pid])
        await asyncio.sleep(length.idle)  # being idle is what is measured
        figures["idle"] = meter.seconds() / length.idle
        await crowd.order("calls", seconds=warm, in_flight=IN_FLIGHT)
        load = Meter.of([crowd.process.pid])
        meter = Meter.of([pid])
        calls = await crowd.order("calls", seconds=length.calls, in_flight=IN_FLIGHT)
        figures["call_cpu"] = meter.seconds() / calls["count"]
        figures["call_load_cpu"] = load.seconds() / calls["count"]
        await acks(crowd, warm)
        meter = Meter.of([pid])
        acked = await acks(crowd, length.calls)
        figures["ack_cpu"] = meter.seconds() / acked["count"]
        figures["dropped"] = (await crowd.order("dropped"))["dropped"]
    figures |= {f"call_{name}": value for name, value in calls.items()}
    figures |= {f"ack_{name}": value for name, value in acked.items()}
    return figures


def _tell(result: Result, count: int, nexus: list[dict[str, float]], node: list[dict[str, float]]) -> None:
    def of(side: list[dict[str, float]], name: str) -> float:
        return median(figures[name] for figures in side)

    def ratio(name: str) -> float:
        ours, theirs = ([figures[name] for figures in side] for side in (nexus, node))
        return paired_ratio(ours, theirs) if all(theirs) else math.nan  # less than a tick of the clock of CPU time

    def micros(side: list[dict[str, float]], name: str) -> str:
        return f"{of(side, name) * 1e6:,.0f} µs"

    calls, idle, memory, connects = ratio("call_rate"), ratio("idle"), ratio("kb"), ratio("connects_per_second")
    at = f"{count:,} agents"
    result.rows += [
        Row(
            f"{at}, {IN_FLIGHT} in flight: answered a second",
            "≥ 1× Node",
            "1.5×",
            f"{calls:.2f}× ({of(nexus, 'call_rate'):,.0f}/s, {micros(nexus, 'call_cpu')} CPU each, "
            f"p99 {milliseconds(of(nexus, 'call_p99'))}; Node {of(node, 'call_rate'):,.0f}/s, "
            f"{micros(node, 'call_cpu')}, {milliseconds(of(node, 'call_p99'))})",
            calls >= 1,
        ),
        Row(
            f"{at}, {IN_FLIGHT} in flight: events acknowledged a second",
            "",
            "",
            f"{of(nexus, 'ack_rate'):,.0f}/s committed in PostgreSQL, {micros(nexus, 'ack_cpu')} CPU each, "
            f"from being written to being acknowledged p50 {milliseconds(of(nexus, 'ack_p50'))}, "
            f"p99 {milliseconds(of(nexus, 'ack_p99'))}; Node {of(node, 'ack_rate'):,.0f}/s in memory, "
            f"{micros(node, 'ack_cpu')}, p50 {milliseconds(of(node, 'ack_p50'))}, "
            f"p99 {milliseconds(of(node, 'ack_p99'))}",
            None,
        ),
        Row(
            f"{at}, idle, ping every 10 s: CPU",
            "≤ 0.5× Node",
            "0.2×",
            f"{idle:.2f}× ({of(nexus, 'idle'):.1%}; Node {of(node, 'idle'):.1%})",
            None if math.isnan(idle) else idle <= 0.5,
        ),
        Row(
            f"{at}: memory of a connection",
            "≤ 1.5× Node",
            "1×",
            f"{memory:.2f}× ({of(nexus, 'kb'):.1f} kB; Node {of(node, 'kb'):.1f} kB)",
            memory <= 1.5,
        ),
        Row(
            f"{at}: let in a second",
            "",
            "",
            f"{connects:.2f}× ({of(nexus, 'connects_per_second'):,.0f}/s, {micros(nexus, 'connect_cpu')} CPU each; "
            f"Node {of(node, 'connects_per_second'):,.0f}/s, {micros(node, 'connect_cpu')})",
            None,
        ),
        Row(
            f"{at}: held",
            "0 lost",
            "",
            _held(count, nexus),
            all(one["dropped"] == 0 and one["connected"] == count for one in nexus),
        ),
    ]
    result.notes += [
        "The row with a target compares like with like: a command that both sides refuse before anything is looked "
        "up, the same bytes there and back. It says nothing about what a command costs that has an effect.",
        "An event counts as acknowledged on Nexus when PostgreSQL has committed that: 64 rows are due at any time, "
        "written and rung for by the load itself. On Node an event is in memory only, and lost with the process; its "
        "acknowledgement ends in Socket.IO and never reaches NestJS, which every command does.",
        "An agent is let in by Nexus when its token is verified and PostgreSQL has its session; by Node when its "
        "token (HS256) is verified. CPU is that of the gateway process alone; memory is what it grew by.",
        "When idle, Nexus writes every 5 s into PostgreSQL and Redis who is here; Node does so when that changes.",
        "Agents are sockets of one process on the same machine, for both sides the same one.",
    ]
    result.raw |= {"agents": count, "nexus": nexus, "node": node}


def _tell_many(result: Result, count: int, nexus: dict[str, float], node: dict[str, float]) -> None:
    most = milliseconds(MAX_P99_SECONDS)
    held = (
        nexus["connected"] == count
        and nexus["dropped"] == 0
        and max(nexus["call_p99"], nexus["ack_p99"]) <= MAX_P99_SECONDS
    )
    result.rows.append(
        Row(
            f"{count:,} agents on one process",
            f"0 lost, acks p99 ≤ {most}",
            "",
            f"{_held(count, [nexus])}, p99 {milliseconds(nexus['call_p99'])} answered, "
            f"{milliseconds(nexus['ack_p99'])} committed ({nexus['connects_per_second']:,.0f}/s let in, "
            f"{nexus['call_rate']:,.0f}/s answered, {nexus['ack_rate']:,.0f}/s committed, "
            f"{nexus['idle']:.1%} CPU idle, {nexus['kb']:.1f} kB each; Node "
            f"{_held(count, [node])}, p99 {milliseconds(node['call_p99'])}, {node['connects_per_second']:,.0f}/s, "
            f"{node['call_rate']:,.0f}/s, {node['idle']:.1%}, {node['kb']:.1f} kB)",
            held,
        )
    )
    result.notes.append(f"At {count:,} agents both ways count, being answered and being committed: the slower p99.")
    result.raw["many"] = {"agents": count, "nexus": nexus, "node": node}


def _held(count: int, side: list[dict[str, float]]) -> str:
    """How many came, where not all did, and how many were lost."""
    lost = f"{sum(figures['dropped'] for figures in side):.0f} lost"
    fewest = min(figures["connected"] for figures in side)
    return lost if fewest == count else f"{fewest:,.0f} let in within {CONNECT_SECONDS:.0f} s, {lost}"
