"""Natural batching: one flush in flight, whatever arrives meanwhile forms the next one.

There is no timer: an idle caller waits for one flush, a busy one shares it with hundreds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class NaturalBatcher(Generic[ItemT, ResultT]):
    """Hands items to `flush` in batches and gives each caller its own result.

    `flush` receives up to `max_items` items and returns one result per item, in order. When it raises, every
    caller of that batch gets the exception.
    """

    def __init__(
        self, flush: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]], *, max_items: int = 500
    ) -> None:
        self._flush = flush
        self._max_items = max_items
        self._waiting: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._flusher: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """Items that are waiting for a flush."""
        return len(self._waiting)

    async def submit(self, item: ItemT) -> ResultT:
        """Returns what `flush` made of the item; cancelling the caller does not undo a flush under way."""
        future: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        # "Queue empty" and "flusher idle" change together, with no await between them: otherwise an item
        # that arrives in between would wait for ever.
        while self._waiting:
            batch, self._waiting = self._waiting[: self._max_items], self._waiting[self._max_items :]
            try:
                results = await self._flush([item for item, _ in batch])
                if len(results) != len(batch):
                    raise RuntimeError(f"flush made {len(results)} results of {len(batch)} items")
            except BaseException as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                if not isinstance(error, Exception):
                    self._flusher = None
                    raise
                continue
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)
        self._flusher = None

    async def drain(self) -> None:
        """Returns once everything submitted so far has been flushed."""
        flusher = self._flusher
        if flusher is not None:
            await asyncio.wait([flusher])
