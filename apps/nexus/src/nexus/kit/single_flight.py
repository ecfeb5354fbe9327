"""Single flight: whoever asks for the same at the same moment waits for the same answer."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ResultT = TypeVar("ResultT")


class SingleFlight(Generic[KeyT, ResultT]):
    """One call under way for each key: a burst on a cold copy must not take every connection of a pool."""

    def __init__(self, call: Callable[[KeyT], Awaitable[ResultT]]) -> None:
        self._call = call
        self._under_way: dict[KeyT, asyncio.Task[ResultT]] = {}

    async def of(self, key: KeyT) -> ResultT:
        """The answer for a key, or what the call raised. Whoever gives up waiting does not end it for the others."""
        asking = self._under_way.get(key)
        if asking is None:
            asking = self._under_way[key] = asyncio.create_task(self._ask(key))
            asking.add_done_callback(lambda done: self._has_ended(key, done))
        return await asyncio.shield(asking)

    async def _ask(self, key: KeyT) -> ResultT:
        return await self._call(key)

    def _has_ended(self, key: KeyT, asking: "asyncio.Task[ResultT]") -> None:
        del self._under_way[key]
        if not asking.cancelled():
            asking.exception()  # seen, even if everybody who asked has gone
