"""A clock that jumps: while a test waits and nothing happens, the event loop goes straight to what comes next.

Time passes as usual while something happens that the loop cannot see the end of: a thread that computes, a network
connection or a process that the handler has opened.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

LOOK_AGAIN_SECONDS = 0.02


class JumpingTime:
    """Takes the place of the running loop's clock, from `join` to `leave`."""

    def __init__(self, loop: Any) -> None:
        # The loop of the test is given, so its clock is replaced from within; asyncio has no public door for that.
        self._loop = loop
        self._busy: list[Callable[[], bool]] = []
        self._jobs = 0
        self._forced = 0
        self._skipped_seconds: float = loop.time() - time.monotonic()
        self._selector = loop._selector
        self._files = len(self._selector.get_map())
        self._run_in_executor = loop.run_in_executor
        loop.time = self.now
        loop.run_in_executor = self._counted
        loop._selector = _Selector(self)

    @classmethod
    def join(cls, busy: Callable[[], bool]) -> "JumpingTime":
        """From here on the running loop does not wait, except while `busy` says so."""
        loop: Any = asyncio.get_running_loop()
        if not hasattr(loop, "_selector"):
            raise RuntimeError(f"FakeNexus needs a loop of asyncio itself, not {type(loop).__name__}.")
        # Two agents in one test share one time.
        jumping = loop._selector.jumping if isinstance(loop._selector, _Selector) else cls(loop)
        jumping._busy.append(busy)
        return jumping

    def leave(self, busy: Callable[[], bool]) -> None:
        """The loop waits again, when all have left. Its clock stays ahead, as a clock never goes back."""
        self._busy.remove(busy)
        if not self._busy:
            self._loop._selector = self._selector
            del self._loop.run_in_executor

    def now(self) -> float:
        """Seconds of the loop's clock."""
        return time.monotonic() + self._skipped_seconds

    @contextmanager
    def forced(self) -> Generator[None]:
        """Within, an open connection or a process is no reason to let time pass as usual."""
        self._forced += 1
        try:
            yield
        finally:
            self._forced -= 1

    def select(self, timeout: float | None) -> Any:
        """Waits for the loop's files, or does as if it had."""
        if timeout is None or timeout <= 0:
            return self._selector.select(timeout)
        events = self._selector.select(0)
        if events:
            return events
        if self._something_happens():
            return self._selector.select(min(timeout, LOOK_AGAIN_SECONDS))
        self._skipped_seconds += timeout
        return []

    @property
    def selector(self) -> Any:
        """The loop's own selector."""
        return self._selector

    def _something_happens(self) -> bool:
        if self._jobs > 0 or any(busy() for busy in self._busy):
            return True
        if self._forced:
            return False
        return len(self._selector.get_map()) > self._files or any(
            thread.name.startswith("asyncio-waitpid") or thread.name.startswith("waitpid")
            for thread in threading.enumerate()
        )

    def _counted(self, *arguments: Any) -> Any:
        future = self._run_in_executor(*arguments)
        self._jobs += 1
        future.add_done_callback(self._done)
        return future

    def _done(self, _future: object) -> None:
        self._jobs -= 1


class _Selector:
    def __init__(self, jumping: JumpingTime) -> None:
        self.jumping = jumping

    def select(self, timeout: float | None = None) -> Any:
        return self.jumping.select(timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.jumping.selector, name)
