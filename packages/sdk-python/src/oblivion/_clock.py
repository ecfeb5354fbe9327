"""A handler's time limit, which stands still while people are asked."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress


class WorkClock:
    """Limits the time that a handler works; hours in which a question waits for its answer do not count."""

    def __init__(self, limit_seconds: float | None) -> None:
        self.limit_seconds = limit_seconds
        self._timeout: asyncio.Timeout | None = None
        self._waiting = 0
        self._left_seconds = 0.0

    @property
    def expired(self) -> bool:
        """True when the limit, and not something within, ended the work."""
        return self._timeout is not None and self._timeout.expired()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Raises `TimeoutError` when the time within is up."""
        async with asyncio.timeout(self.limit_seconds) as self._timeout:
            yield

    @contextmanager
    def paused(self) -> Generator[None]:
        """Time within does not count."""
        timeout = self._timeout
        if timeout is None or self.limit_seconds is None:
            yield
            return
        now = asyncio.get_running_loop().time
        if self._waiting == 0:
            self._left_seconds = (timeout.when() or now()) - now()
            timeout.reschedule(None)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if self._waiting == 0:
                # A task that the handler left behind may come here after the end.
                with suppress(RuntimeError):
                    timeout.reschedule(now() + self._left_seconds)
