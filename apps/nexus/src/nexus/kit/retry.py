"""How long to wait before another try."""

import random


def full_jitter_seconds(attempt: int, *, base_seconds: float = 1.0, cap_seconds: float = 300.0) -> float:
    """A random wait between nothing and the exponential ceiling, so that many callers spread out.

    `attempt` counts from 1. Source: AWS Architecture Blog, "Exponential Backoff And Jitter" (full jitter).
    """
    ceiling = min(cap_seconds, base_seconds * 2 ** min(max(attempt, 1) - 1, 30))
    return random.uniform(0, ceiling)  # noqa: S311 - spreading load, not a secret
