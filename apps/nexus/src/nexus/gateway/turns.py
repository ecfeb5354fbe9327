"""Each socket's messages take effect one at a time, in the order in which they were sent; a flood is refused."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

MAX_WAITING = 256
"""Messages of one socket that wait for their turn; an agent in order waits for its answers."""


class Flooded(Exception):
    """So many messages of this socket wait already that this one is not taken."""


@dataclass(slots=True)
class _Queue:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class Turns:
    """The turns of all sockets of this process."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    @asynccontextmanager
    async def of(self, sid: str) -> AsyncGenerator[None]:
        """Waits for the turn of one message, and ends it. Raises Flooded."""
        queue = self._queues.setdefault(sid, _Queue())
        if queue.waiting >= MAX_WAITING:
            raise Flooded
        queue.waiting += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.waiting -= 1

    def forget(self, sid: str) -> None:
        """The socket is gone."""
        self._queues.pop(sid, None)
