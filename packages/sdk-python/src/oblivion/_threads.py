"""Handlers that are plain functions, and what their threads are doing."""

import concurrent.futures
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """How many threads compute, rather than wait for the event loop. A clock that jumps must know."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy = 0

    @property
    def busy(self) -> bool:
        """True while something happens that the event loop does not see."""
        return self._busy > 0

    def begin(self) -> None:
        """A thread starts to compute."""
        with self._lock:
            self._busy += 1

    def end(self) -> None:
        """A thread is done, or waits for the loop."""
        with self._lock:
            self._busy -= 1

    @contextmanager
    def waiting(self, answer: concurrent.futures.Future[T]) -> Generator[concurrent.futures.Future[T]]:
        """Within, this thread waits for the answer."""
        self.end()
        # Called by the loop that has the answer: at no instant do both sides seem idle.
        answer.add_done_callback(lambda _: self.begin())
        yield answer
