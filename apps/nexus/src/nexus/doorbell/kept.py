"""A task that is kept running: begun again when it ends, replaced when somebody says that it is deaf."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from nexus.kit.logging import get_logger

log = get_logger(__name__)

AGAIN_SECONDS = 1.0
END_SECONDS = 2.0
"""How long a task may take to end once cancelled; libraries are known to wait for a peer that says nothing."""


class EndedByItself(Exception):
    """It should have run for ever, and returned."""


class Kept:
    """Runs `work` until cancelled; `failed` is told why it ended whenever it did so by itself.

    Any number of tasks may call `run`: the first one works, another takes over when that one is cancelled.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[None]], failed: Callable[[str, Exception], None]):
        self.name = name
        self._work = work
        self._failed = failed
        self._turn = asyncio.Lock()
        self._renewal = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether somebody in this process runs it."""
        return self._turn.locked()

    def renew(self) -> None:
        """Ends the task, whatever it is doing, and begins another at once."""
        self._renewal.set()

    async def run(self) -> None:
        """Runs until cancelled."""
        async with self._turn:
            while True:
                self._renewal.clear()
                await self._once()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._renewal.wait(), AGAIN_SECONDS)

    async def _once(self) -> None:
        working = asyncio.ensure_future(self._work())
        renewal = asyncio.ensure_future(self._renewal.wait())
        try:
            await asyncio.wait({working, renewal}, return_when=asyncio.FIRST_COMPLETED)
            ended = working.done()
        finally:
            renewal.cancel()
            working.cancel()
            await asyncio.wait({working}, timeout=END_SECONDS)
        if not working.done():
            log.error("doorbell.left_behind", part=self.name, reason="it does not end although cancelled")
        elif not working.cancelled():
            error = working.exception()
            if ended:
                self._failed(self.name, error if isinstance(error, Exception) else EndedByItself(self.name))
