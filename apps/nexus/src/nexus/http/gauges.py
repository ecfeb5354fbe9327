"""Prometheus metrics: what is at the moment of the scrape, in this process and in PostgreSQL."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Info
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from nexus.feed.state import State, read_state
from nexus.kit.logging import get_logger
from nexus.store.database import Database

log = get_logger(__name__)

LOOK_SECONDS = 2.0
"""How long a look at PostgreSQL may take."""
GRACE_SECONDS = 0.5
"""How long a look that is broken off may take to end; then the scrape goes on without it."""
FRESH_SECONDS = 5.0
"""One look serves every scrape of this time, also when it was in vain."""

SocketKind = Literal["agents", "admin"]


class DoorbellMetrics:
    """`oblivion_redis_up` and `oblivion_rings_lost_total`, read when they are asked for."""

    def __init__(self, registry: CollectorRegistry, up: Callable[[], bool], rings_lost: Callable[[], int]) -> None:
        self._up = up
        self._rings_lost = rings_lost
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """The present values."""
        yield GaugeMetricFamily("oblivion_redis_up", "Whether Redis answered when asked last", float(self._up()))
        yield CounterMetricFamily("oblivion_rings_lost", "Rings that did not get out to Redis", self._rings_lost())


class ProcessMetrics:
    """Which release this is, what it uses of its database pool, and who is connected to it."""

    def __init__(self, registry: CollectorRegistry, db: Database, version: str) -> None:
        self._db = db
        self._sockets: dict[SocketKind, Callable[[], int]] = {}
        Info("oblivion_build", "The release of this process", registry=registry).info({"version": version})
        registry.register(self)

    def count_sockets(self, kind: SocketKind, count: Callable[[], int]) -> None:
        """Shows how many sockets of a kind this process has."""
        self._sockets[kind] = count

    def collect(self) -> Iterable[Metric]:
        """The present values."""
        in_use, most = self._db.in_use, self._db.most_connections
        yield GaugeMetricFamily("oblivion_database_pool_in_use", "Connections to PostgreSQL in use", in_use)
        yield GaugeMetricFamily("oblivion_database_pool_size", "How many may be in use at once", most)
        sockets = GaugeMetricFamily("oblivion_gateway_sockets", "Sockets connected to this process", labels=["kind"])
        for kind, count in self._sockets.items():
            sockets.add_metric([kind], count())
        yield sockets


class StateMetrics:
    """What PostgreSQL holds, all tenants together; every process says the same, so dashboards take the largest.

    While PostgreSQL does not answer there is no value at all: an old one would look like a fact.
    """

    def __init__(self, registry: CollectorRegistry, db: Database, steady: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._steady = steady
        self._state: State | None = None
        self._looked_at = -math.inf
        self._looking: asyncio.Task[None] | None = None
        self._failures = Counter(
            "oblivion_state_read_failures", "Looks at PostgreSQL for these gauges that were in vain", registry=registry
        )
        registry.register(self)

    async def refresh(self) -> None:
        """Looks anew unless a look is recent. Returns in time, whatever PostgreSQL does; never raises."""
        if self._looking is None:
            if self._steady() - self._looked_at < FRESH_SECONDS:
                return
            self._looking = asyncio.create_task(self._look())
        _, unfinished = await asyncio.wait({self._looking}, timeout=LOOK_SECONDS + GRACE_SECONDS)
        if unfinished:
            self._state = None

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._db.system() as session:
                state = await read_state(session, LOOK_SECONDS)
            self._state = state
        except Exception as error:
            self._state = None
            self._failures.inc()
            log.warning("state.not_read", error=error)
        finally:
            self._looked_at = self._steady()
            self._looking = None

    def collect(self) -> Iterable[Metric]:
        """What the last look has shown."""
        state = self._state
        if state is None:
            return
        gauge = GaugeMetricFamily
        yield gauge("oblivion_inbox_pending", "Events that are not handled yet", state.inbox_pending)
        yield gauge("oblivion_inbox_oldest_seconds", "Age of the oldest of them", state.inbox_oldest_seconds)
        yield gauge("oblivion_deliveries_pending", "Deliveries that are not out yet", state.deliveries_pending)
        yield gauge("oblivion_deliveries_oldest_seconds", "Age of the oldest of them", state.deliveries_oldest_seconds)
        yield gauge("oblivion_dead_letters", "Events and deliveries that were given up", state.dead_letters)
        yield gauge(
            "oblivion_unanswered_messages",
            "What a person waits for without seeing anything of it: late, given up, or linked to no channel",
            state.unanswered,
        )
        yield gauge("oblivion_agents_online", "Agents that are connected", state.agents_online)
        yield gauge("oblivion_agents_muted", "Agents that are silenced", state.agents_muted)
        yield gauge("oblivion_workers", "Workers that hold the lock which says that they live", state.workers)
        tasks = gauge("oblivion_tasks", "Tasks that are not over, by state", labels=["state"])
        for name, count in state.tasks.items():
            tasks.add_metric([name], count)
        yield tasks
