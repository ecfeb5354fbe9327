"""ClickUp's budget of requests: so many per token and minute (https://developer.clickup.com/docs/rate-limits)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from nexus.pipeline.ports import RequestBudget

_SHORTEST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0
_MILLISECONDS_FROM = 100_000_000_000
"""Above this, a Unix time is in milliseconds; the page does not say which it is."""

RESERVED_SHARE = 0.3
"""Of each minute's requests: kept for the work of the day when something old is read back."""


class Budget:
    """What is left of the minute, from the headers of the last answers."""

    def __init__(self) -> None:
        self._blocked_until: datetime | None = None
        self._scarce_until: datetime | None = None
        self._told: tuple[int, int] | None = None

    def wait_seconds(self, now: datetime) -> float:
        """How long to wait before the next call; 0 when it may go."""
        return _until(self._blocked_until, now)

    def rest_seconds(self, now: datetime) -> float:
        """How long work that can wait should leave the rest of the minute to what cannot; 0 when it may go."""
        return _until(self._scarce_until, now)

    def left(self, now: datetime) -> RequestBudget | None:
        """What the last answer told of it; None when it told nothing."""
        if self._told is None:
            return None
        return RequestBudget(*self._told, scarce=self.rest_seconds(now) > 0)

    def note(self, status: int, headers: Mapping[str, str], now: datetime) -> None:
        """Learns from an answer."""
        remaining, limit = _number(headers.get("x-ratelimit-remaining")), _number(headers.get("x-ratelimit-limit"))
        self._told = None if remaining is None or limit is None else (int(remaining), int(limit))
        spent = remaining == 0
        scarce = remaining is not None and limit is not None and remaining <= limit * RESERVED_SHARE
        if status == 429 or (scarce and "x-ratelimit-reset" in headers):
            self._scarce_until = now + timedelta(seconds=seconds_until_reset(headers, now))
        if status == 429 or (spent and "x-ratelimit-reset" in headers):
            self._blocked_until = now + timedelta(seconds=seconds_until_reset(headers, now))


def seconds_until_reset(headers: Mapping[str, str], now: datetime) -> float:
    """When the minute is over, between 1 and 60 s from now whatever the headers say."""
    reset = _number(headers.get("x-ratelimit-reset"))
    if reset is not None:
        seconds = (reset / 1000 if reset > _MILLISECONDS_FROM else reset) - now.timestamp()
    else:
        # Not ClickUp's, but what a proxy in between would send.
        seconds = _number(headers.get("retry-after"))
    return min(max(_LONGEST_SECONDS if seconds is None else seconds, _SHORTEST_SECONDS), _LONGEST_SECONDS)


def _until(end: datetime | None, now: datetime) -> float:
    return 0.0 if end is None else max((end - now).total_seconds(), 0.0)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
