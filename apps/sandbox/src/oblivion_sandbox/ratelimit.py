"""The two ways the vendors count: a fixed window a minute, and a bucket that refills."""

import math
import time
from dataclasses import dataclass

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class WindowState:
    """Where a token stands in its window."""

    limit: int
    remaining: int
    reset_at: int
    """Unix seconds."""
    allowed: bool


class WindowLimiter:
    """`limit` calls per key in each fixed window of 60 s, counted from the key's first call."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, key: str, limit: int) -> WindowState:
        """Count one call; a refused call does not count."""
        now = time.time()
        started, used = self._windows.get(key, (now, 0))
        if now >= started + WINDOW_SECONDS:
            started, used = now, 0
        allowed = used < limit
        used += allowed
        self._windows[key] = (started, used)
        return WindowState(limit, limit - used, math.ceil(started + WINDOW_SECONDS), allowed)


class BucketLimiter:
    """A bucket of `burst` per key that refills at `per_second`."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait_seconds(self, key: str, burst: int, per_second: float) -> float:
        """Take one from the bucket and return 0, or return how long until one is there."""
        now = time.monotonic()
        level, seen = self._buckets.get(key, (float(burst), now))
        level = min(float(burst), level + (now - seen) * per_second)
        if level >= 1:
            self._buckets[key] = (level - 1, now)
            return 0.0
        self._buckets[key] = (level, now)
        return (1 - level) / per_second
