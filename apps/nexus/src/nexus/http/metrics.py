"""Prometheus metrics of the way in, and of the doorbell."""

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


class IngestMetrics:
    """`oblivion_webhooks_total` and `oblivion_ingest_seconds`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._webhooks = Counter(
            "oblivion_webhooks", "Webhooks received, by what became of them", ["source", "outcome"], registry=registry
        )
        self._seconds = Histogram(
            "oblivion_ingest_seconds",
            "From the first byte of a webhook to its answer",
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        )

    def received(self, source: str, outcome: str, started: float) -> None:
        """Counts one webhook; `started` is from `time.perf_counter`."""
        self._webhooks.labels(source, outcome).inc()
        self._seconds.observe(time.perf_counter() - started)


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
