"""Prometheus metrics: what happens in this process, counted as it happens. What is, is in `gauges.py`.

No label holds what a tenant, a person or a vendor wrote: each has a few values, all known beforehand.
"""

import time
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from nexus.kit.clock import Clock
from nexus.kit.credentials import KINDS
from nexus.kit.trace import current_ids
from nexus.pipeline.meter import DeliveryOutcome
from nexus.pipeline.outbox import QUIET_KINDS
from oblivion_protocol import TERMINAL_STATES, TaskState

WebhookOutcome = Literal[
    "stored", "duplicate", "replied", "dropped", "bad_signature", "unknown_source", "unreadable", "too_large",
    "timeout", "disconnected", "unavailable", "failed",
]  # fmt: skip
_STATUSES = frozenset({str(one.value) for one in HTTPStatus} | {"refused", "none"})


class IngestMetrics:
    """`oblivion_webhooks_total` and `oblivion_ingest_seconds`; `sources` are the names of the integrations."""

    def __init__(self, registry: CollectorRegistry, sources: Iterable[str]) -> None:
        self._sources = frozenset(sources)
        self._counted: dict[tuple[str, str], Counter] = {}
        self._webhooks = Counter(
            "oblivion_webhooks", "Webhooks received, by what became of them", ["source", "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "oblivion_ingest_seconds",
            "From the first byte of a webhook to its answer",
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        )
        # Here and below: a counter that appears with its first event looks to Prometheus as if nothing had happened.
        for source in self._sources:
            for outcome in get_args(WebhookOutcome):
                self._counted[source, outcome] = self._webhooks.labels(source, outcome)

    def received(self, source: str, outcome: WebhookOutcome, started: float) -> None:
        """Counts one webhook; `started` is from `time.perf_counter`, and `source` is whatever somebody wrote."""
        counter = self._counted.get((source, outcome)) or self._webhooks.labels(self.known(source), outcome)
        counter.inc()
        self._seconds.observe(time.perf_counter() - started, _exemplar())

    def known(self, source: str) -> str:
        """The name of an integration; whatever else somebody wrote is `unknown`."""
        return source if source in self._sources else "unknown"


class WorkMetrics:
    """What becomes of deliveries, tasks and agents. Implements `pipeline.meter.Meter`."""

    def __init__(self, registry: CollectorRegistry, clock: Clock, sinks: Iterable[str]) -> None:
        self._clock = clock
        self._deliveries = Counter(
            "oblivion_deliveries",
            "Tries of deliveries, by what became of them: done, retry, superseded or dead",
            ["sink", "outcome"],
            registry=registry,
        )
        self._seconds = Histogram(
            "oblivion_delivery_seconds",
            "From a delivery becoming owed to its being done; without updates of cards, which wait on purpose",
            ["sink"],
            registry=registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
        )
        self._waits = Histogram(
            "oblivion_task_wait_seconds",
            "From a task being asked for to the first agent taking it",
            registry=registry,
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 14400, 86400),
        )
        self._finished = Counter(
            "oblivion_tasks_finished", "Tasks that came to an end, by how", ["state"], registry=registry
        )
        self._muted = Counter("oblivion_agent_muted", "Times that an agent was silenced", registry=registry)
        self._secrets = Counter(
            "oblivion_secrets_removed",
            "Credentials taken out of what agents said, by kind",
            ["kind"],
            registry=registry,
        )
        for kind in KINDS:
            self._secrets.labels(kind)
        for sink in sinks:
            self._seconds.labels(sink)
            for outcome in get_args(DeliveryOutcome):
                self._deliveries.labels(sink, outcome)
        for state in TERMINAL_STATES:
            self._finished.labels(state)

    def delivered(self, sink: str, kind: str, outcome: DeliveryOutcome, created_at: datetime) -> None:
        """Counts one try; `sink` is the name of an integration."""
        self._deliveries.labels(sink, outcome).inc()
        if outcome == "done" and kind not in QUIET_KINDS:
            seconds = max(0.0, (self._clock.now() - created_at).total_seconds())
            self._seconds.labels(sink).observe(seconds, _exemplar())

    def accepted(self, waited_seconds: float) -> None:
        """Notes how long somebody waited for an agent."""
        self._waits.observe(max(0.0, waited_seconds), _exemplar())

    def finished(self, state: TaskState) -> None:
        """Counts a task that is over."""
        self._finished.labels(state).inc()

    def muted(self) -> None:
        """Counts an agent that was silenced."""
        self._muted.inc()

    def secret_removed(self, kind: str) -> None:
        """Counts a credential that did not leave."""
        self._secrets.labels(kind).inc()


class LimitMetrics:
    """`oblivion_rate_limited_total`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter(
            "oblivion_rate_limited",
            "Requests that had to wait, by what they were counted by",
            ["scope"],
            registry=registry,
        )
        for scope in ("client", "token", "failures", "address"):
            self._refused.labels(scope)

    def refused(self, scope: str) -> None:
        """Counts one; `scope` is the name of a limit."""
        self._refused.labels(scope).inc()


class VendorMetrics:
    """`oblivion_vendor_requests_total` and `oblivion_vendor_circuits_open`; `vendors` are names of integrations."""

    def __init__(self, registry: CollectorRegistry, vendors: Iterable[str] = ()) -> None:
        self._requests = Counter(
            "oblivion_vendor_requests",
            "Requests to vendors: the HTTP status, `refused` for a no within a success, `none` for no usable answer",
            ["vendor", "status"],
            registry=registry,
        )

        self._away = Gauge(
            "oblivion_vendor_circuits_open",
            "Connections to a vendor that is away: what they owe waits, and is not counted as tried",
            ["vendor"],
            registry=registry,
        )
        for vendor in vendors:
            self._away.labels(vendor)

    def circuit(self, vendor: str, is_open: bool) -> None:
        """Notes that a circuit to a vendor has opened, or closed."""
        self._away.labels(vendor).inc(1 if is_open else -1)

    def answered(self, vendor: str, status: str) -> None:
        """Counts one request; `vendor` is the name of an integration."""
        self._requests.labels(vendor, status if status in _STATUSES else "other").inc()


def _exemplar() -> dict[str, str] | None:
    """One trace of which a measurement is a part, for OpenMetrics; only a trace that is kept leads anywhere."""
    return current_ids(sampled=True) or None
