"""Slows down whoever guesses secrets, and never whoever knows one."""

from collections import deque
from datetime import datetime, timedelta
from math import ceil

from nexus.kit.clock import Clock

MAX_FAILURES = 10
WINDOW_SECONDS = 60
MAX_KEYS = 10_000
"""Callers remembered at a time; beyond it the one whose failures began earliest is forgotten."""


class FailureThrottle:
    """Counts failures by caller in this process. Asked after a failure only, so that nobody can lock others out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, deque[datetime]] = {}

    def failed(self, caller: str) -> int | None:
        """Notes a failure; the seconds to wait when the caller has had more than `MAX_FAILURES` in the window."""
        now = self._clock.now()
        failures = self._failures.setdefault(caller, deque(maxlen=MAX_FAILURES + 1))
        failures.append(now)
        while failures[0] <= now - timedelta(seconds=WINDOW_SECONDS):
            failures.popleft()
        if len(self._failures) > MAX_KEYS:
            del self._failures[next(iter(self._failures))]
        if len(failures) <= MAX_FAILURES:
            return None
        return max(1, ceil((failures[0] + timedelta(seconds=WINDOW_SECONDS) - now).total_seconds()))
