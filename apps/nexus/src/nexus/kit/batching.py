"""Natural batching: one flush in flight, whatever arrives meanwhile forms the next one.

There is no timer: an idle caller waits for one flush, a busy one shares it with hundreds.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class NaturalBatcher(Generic[ItemT, ResultT]):
    """Hands items to `flush` in batches and gives each caller its own result.

    `flush` receives up to `max_items` items and returns one result per item, in order. When it raises, every
    caller of that batch gets the exception.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT]]],
        *,
        max_items: int = 500,
        patience_seconds: float | None = None,
    ) -> None:
        """`patience_seconds` is how long a caller waits before it gets a TimeoutError; None for as long as it takes."""
        self._flush = flush
        self._max_items = max_items
        self._patience_seconds = patience_seconds
        self._patient: deque[tuple[float, asyncio.Future[ResultT]]] = deque()
        """Who waits until when; one timer for all of them costs less than one for each."""
        self._alarm: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._flusher: asyncio.Task[None] | None = None

    @property
    def depth(self) -> int:
        """Items that are waiting for a flush."""
        return len(self._waiting)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and no flush is under way."""
        return self._flusher is None and not self._waiting

    async def submit(self, item: ItemT) -> ResultT:
        """Returns what `flush` made of the item; cancelling the caller does not undo a flush under way."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ResultT] = loop.create_future()
        self._waiting.append((item, future))
        if self._patience_seconds is not None:
            until = loop.time() + self._patience_seconds
            self._patient.append((until, future))
            if self._alarm is None:
                self._alarm = loop.call_at(until, self._end_patience)
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._run())
        return await future

    def _end_patience(self) -> None:
        """Ends the waiting of those whose time is over; the alarm stands again for the first of the others."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._patient and (self._patient[0][1].done() or self._patient[0][0] <= now):
            _, future = self._patient.popleft()
            if not future.done():
                future.set_exception(TimeoutError())
        self._alarm = loop.call_at(self._patient[0][0], self._end_patience) if self._patient else None

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


class KeyedBatcher(Generic[KeyT, ItemT, ResultT]):
    """A natural batcher for each key: items of one key share a flush, and wait for no other key's.

    `flush` gives for each item its result, or the exception that its caller gets. An exception of the whole flush is
    everybody's if `is_fatal` says so; otherwise each item is flushed once more on its own, so that none suffers for
    another one. A flush that fails must have done nothing.
    """

    def __init__(
        self,
        flush: Callable[[KeyT, Sequence[ItemT]], Awaitable[Sequence[ResultT | Exception]]],
        *,
        is_fatal: Callable[[Exception], bool],
        max_items: int = 32,
    ) -> None:
        """`max_items` bounds how long a flush takes, and with it how long it holds what others wait for."""
        self._flush = flush
        self._is_fatal = is_fatal
        self._max_items = max_items
        self._batchers: dict[KeyT, NaturalBatcher[ItemT, ResultT | Exception]] = {}

    @property
    def keys(self) -> set[KeyT]:
        """For which something waits or is flushed."""
        return set(self._batchers)

    async def submit(self, key: KeyT, item: ItemT) -> ResultT:
        """Returns what `flush` made of the item, or raises what it says."""
        batcher = self._batchers.get(key)
        if batcher is None:
            batcher = self._batchers[key] = NaturalBatcher(
                lambda items: flush_or_each(lambda some: self._flush(key, some), items, self._is_fatal),
                max_items=self._max_items,
            )
        try:
            outcome = await batcher.submit(item)
        finally:
            if batcher.idle and self._batchers.get(key) is batcher:
                del self._batchers[key]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def flush_or_each(
    flush: Callable[[Sequence[ItemT]], Awaitable[Sequence[ResultT | Exception]]],
    items: Sequence[ItemT],
    is_fatal: Callable[[Exception], bool],
) -> Sequence[ResultT | Exception]:
    """Flushes items together; when one of them spoils it, each on its own. Raises what is fatal, or of one alone."""
    try:
        return await flush(items)
    except Exception as error:
        if len(items) == 1 or is_fatal(error):
            raise
    outcomes: list[ResultT | Exception] = []
    for item in items:
        try:
            outcomes += await flush([item])
        except Exception as error:
            if is_fatal(error):
                return [*outcomes, *[error] * (len(items) - len(outcomes))]
            outcomes.append(error)
    return outcomes
