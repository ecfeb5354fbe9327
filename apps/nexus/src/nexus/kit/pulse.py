"""Loops that must keep turning, and which of them have not."""

import asyncio
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

STALLED_SECONDS = 30.0


class Pulses:
    """When each loop of this process has turned last; `now` counts monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._turned_at: dict[str, float] = {}

    @contextmanager
    def loop(self, name: str) -> Generator[Callable[[], None]]:
        """Around a loop, which calls what it is given at every turn: `with pulses.loop("claims") as turn:`.

        A loop that returns or is cancelled has ended on purpose and is forgotten; one that raises is not.
        """

        def turn() -> None:
            self._turned_at[name] = self._now()

        turn()
        try:
            yield turn
        except (asyncio.CancelledError, GeneratorExit):
            self._turned_at.pop(name, None)
            raise
        self._turned_at.pop(name, None)

    def stalled(self, seconds: float = STALLED_SECONDS) -> dict[str, float]:
        """Loops that have not turned for longer than this → since how many seconds."""
        now = self._now()
        return {name: now - at for name, at in self._turned_at.items() if now - at > seconds}
