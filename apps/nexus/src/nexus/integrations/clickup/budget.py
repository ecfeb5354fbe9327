"""ClickUp's budget of requests: so many per token and minute (https://developer.clickup.com/docs/rate-limits)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

_SHORTEST_SECONDS = 1.0
_LONGEST_SECONDS = 60.0
_MILLISECONDS_FROM = 100_000_000_000
"""Above this, a Unix time is in milliseconds; the page does not say which it is."""


class Budget:
    """What is left of the minute, from the headers of the last answers."""

    def __init__(self) -> None:
        self._blocked_until: datetime | None = None

    def wait_seconds(self, now: datetime) -> float:
        """How long to wait before the next call; 0 when it may go."""
        if self._blocked_until is None or self._blocked_until <= now:
            return 0.0
        return (self._blocked_until - now).total_seconds()

    def note(self, status: int, headers: Mapping[str, str], now: datetime) -> None:
        """Learns from an answer."""
        spent = _number(headers.get("x-ratelimit-remaining")) == 0
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


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
