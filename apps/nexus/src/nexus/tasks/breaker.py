"""How much an agent may say: the rule, pure. Exact, as PostgreSQL keeps the times and a locked row counts them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)


def is_too_much(said_at: Sequence[datetime], now: datetime, limit: int) -> bool:
    """Whether one message more, said now, is the one too many of the last minute.

    `said_at` are the times of those before it. A time in the future, after a clock was set back, counts: a breaker
    that errs does so on the quiet side.
    """
    return sum(at > now - WINDOW for at in said_at) >= limit


def remembered(said_at: Sequence[datetime], now: datetime, limit: int) -> list[datetime]:
    """The times to keep once something was said now: no more than can ever matter."""
    return [*[at for at in said_at if at > now - WINDOW], now][-limit:]


def why(limit: int) -> str:
    """Why an agent was muted, for people."""
    return f"it said more than {limit} things within a minute"
