"""How fast we may speak: so many a second for each key, with a small burst."""

import time
from collections.abc import Callable

_MAX_KEYS = 1000


class Pace:
    """A token bucket for each key, kept as one number (GCRA): the time at which the bucket is full again."""

    def __init__(self, *, per_second: float, burst: int, seconds_now: Callable[[], float] = time.monotonic) -> None:
        self._interval_seconds = 1 / per_second
        self._slack_seconds = (burst - 1) * self._interval_seconds
        self._now = seconds_now
        self._full_at: dict[str, float] = {}

    def take(self, key: str) -> float:
        """Takes a token and returns 0; or takes none and returns the seconds until there is one."""
        now = self._now()
        full_at = max(self._full_at.get(key, now), now)
        wait_seconds = full_at - self._slack_seconds - now
        if wait_seconds > 0:
            return wait_seconds
        if len(self._full_at) >= _MAX_KEYS:
            self._full_at = {each: at for each, at in self._full_at.items() if at > now}
        self._full_at[key] = full_at + self._interval_seconds
        return 0
