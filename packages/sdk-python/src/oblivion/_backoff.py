"""How long to wait before trying again."""

import random
from collections.abc import Callable


class FullJitter:
    """Exponential delays, each drawn from the whole interval: a thousand agents do not come back at once.

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(
        self,
        base_seconds: float = 0.5,
        cap_seconds: float = 30.0,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._base_seconds = base_seconds
        self._cap_seconds = cap_seconds
        self._draw = draw
        self._attempts = 0

    def next_seconds(self) -> float:
        """The delay before the next attempt."""
        # The exponent is bounded because an agent may try for weeks, and 2.0**1024 overflows.
        ceiling = min(self._cap_seconds, self._base_seconds * 2.0 ** min(self._attempts, 32))
        self._attempts += 1
        return self._draw(0.0, ceiling)

    def reset(self) -> None:
        """Things work again: start over with short delays."""
        self._attempts = 0
