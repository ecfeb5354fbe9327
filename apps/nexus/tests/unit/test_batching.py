"""Natural batching: everything is flushed exactly once, by whoever, however it arrives."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus.kit.batching import NaturalBatcher

MANY_TURNS = 5_000
"""Turns of the event loop after which somebody who still waits would wait for ever."""


async def turns(count: int) -> None:
    """Lets everything else run that many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def all_of(tasks: Sequence["asyncio.Task[int]"]) -> list[int | BaseException]:
    """The results, once all have one; fails when somebody is never woken."""
    for _ in range(MANY_TURNS):
        if all(task.done() for task in tasks):
            return await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
    waiting = sum(not task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    raise AssertionError(f"{waiting} callers were never woken")


class Flush:
    """Records batches, takes some turns for each, and fails on the items it is told to."""

    def __init__(self, pauses: Sequence[int] = (), poison: frozenset[int] = frozenset()) -> None:
        self.batches: list[list[int]] = []
        self.under_way = 0
        self.most_under_way = 0
        self._pauses = list(pauses)
        self._poison = poison

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.batches.append(list(items))
        await turns(self._pauses.pop() if self._pauses else 0)
        self.under_way -= 1
        if self._poison & set(items):
            raise ValueError("poison")
        return [item * 10 for item in items]


async def scenario(
    delays: list[int], pauses: list[int], max_items: int, poison: frozenset[int], cancelled: dict[int, int]
) -> None:
    flush = Flush(pauses, poison)
    batcher = NaturalBatcher(flush, max_items=max_items)

    async def caller(item: int, delay: int) -> int:
        await turns(delay)
        return await batcher.submit(item)

    async def canceller(task: "asyncio.Task[int]", delay: int) -> int:
        await turns(delay)
        task.cancel()
        return 0

    tasks = [asyncio.create_task(caller(item, delay)) for item, delay in enumerate(delays)]
    cancellers = [
        asyncio.create_task(canceller(tasks[item], delay)) for item, delay in cancelled.items() if item < len(tasks)
    ]
    results = await all_of(tasks)
    await all_of(cancellers)
    await batcher.drain()

    flushed = Counter(item for batch in flush.batches for item in batch)
    assert max(flushed.values(), default=1) == 1, "nothing is flushed twice"
    assert all(len(batch) <= max_items for batch in flush.batches)
    assert flush.most_under_way <= 1, "one flush in flight"
    assert batcher.depth == 0
    spoilt = {item for batch in flush.batches if poison & set(batch) for item in batch}
    for item, result in enumerate(results):
        if isinstance(result, asyncio.CancelledError):
            assert item in cancelled
        elif item in spoilt:
            assert isinstance(result, ValueError)
        else:
            assert result == item * 10, "everybody gets the result of their own item"
            assert flushed[item] == 1
    alone = asyncio.create_task(batcher.submit(1_000))
    assert await all_of([alone]) == [10_000], "it still works afterwards"


DELAYS = st.lists(st.integers(0, 12), min_size=1, max_size=25)
PAUSES = st.lists(st.integers(0, 4), max_size=25)


@settings(max_examples=150, deadline=None)
@given(delays=DELAYS, pauses=PAUSES, max_items=st.integers(1, 8))
def test_every_item_is_flushed_exactly_once_whenever_it_arrives(
    delays: list[int], pauses: list[int], max_items: int
) -> None:
    asyncio.run(scenario(delays, pauses, max_items, frozenset(), {}))


@settings(max_examples=100, deadline=None)
@given(
    delays=DELAYS,
    pauses=PAUSES,
    max_items=st.integers(1, 8),
    poison=st.frozensets(st.integers(0, 24), max_size=3),
    cancelled=st.dictionaries(st.integers(0, 24), st.integers(0, 14), max_size=5),
)
def test_failures_and_cancelled_callers_concern_nobody_else(
    delays: list[int], pauses: list[int], max_items: int, poison: frozenset[int], cancelled: dict[int, int]
) -> None:
    asyncio.run(scenario(delays, pauses, max_items, poison, cancelled))


@pytest.mark.parametrize("turn", range(8))
async def test_item_that_arrives_while_the_flusher_is_ending_is_not_forgotten(turn: int) -> None:
    batcher = NaturalBatcher(Flush())
    first = asyncio.create_task(batcher.submit(1))
    await turns(turn)
    second = asyncio.create_task(batcher.submit(2))
    assert await all_of([first, second]) == [10, 20]


async def test_what_arrives_during_a_flush_forms_one_next_batch() -> None:
    gate = asyncio.Event()
    batches: list[list[int]] = []

    async def flush(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        await gate.wait()
        return list(items)

    batcher = NaturalBatcher(flush)
    tasks = [asyncio.create_task(batcher.submit(0))]
    await turns(3)
    tasks += [asyncio.create_task(batcher.submit(item)) for item in range(1, 101)]
    await turns(3)
    assert batcher.depth == 100
    gate.set()
    assert await all_of(tasks) == list(range(101))
    assert batches == [[0], list(range(1, 101))]


async def test_batch_is_never_larger_than_it_may_be() -> None:
    flush = Flush()
    batcher = NaturalBatcher(flush, max_items=4)
    tasks = [asyncio.create_task(batcher.submit(item)) for item in range(10)]
    await all_of(tasks)
    assert [len(batch) for batch in flush.batches] == [4, 4, 2]
    assert [item for batch in flush.batches for item in batch] == list(range(10)), "in order of arrival"


async def test_failing_flush_fails_its_own_batch_and_the_next_one_works() -> None:
    flush = Flush(poison=frozenset({2}))
    batcher = NaturalBatcher(flush, max_items=2)
    tasks = [asyncio.create_task(batcher.submit(item)) for item in (1, 2, 3, 4)]
    first, second, third, fourth = await all_of(tasks)
    assert isinstance(first, ValueError)
    assert isinstance(second, ValueError)
    assert (third, fourth) == (30, 40)


async def test_flush_that_forgets_a_result_fails_its_callers_and_the_next_one_works() -> None:
    answers = [[], [20]]

    async def flush(_items: Sequence[int]) -> list[int]:
        return answers.pop(0)

    batcher = NaturalBatcher(flush)
    (forgotten,) = await all_of([asyncio.create_task(batcher.submit(1))])
    assert isinstance(forgotten, Exception)
    assert await all_of([asyncio.create_task(batcher.submit(2))]) == [20]


async def test_cancelled_caller_does_not_undo_the_flush_of_its_neighbours() -> None:
    gate = asyncio.Event()

    async def flush(items: Sequence[int]) -> list[int]:
        await gate.wait()
        return [item * 10 for item in items]

    batcher = NaturalBatcher(flush)
    leaver, stayer = (asyncio.create_task(batcher.submit(item)) for item in (1, 2))
    await turns(3)
    leaver.cancel()
    await turns(3)
    gate.set()
    assert await all_of([stayer]) == [20]
    assert leaver.cancelled()


async def test_drain_returns_after_everything_submitted_so_far_is_flushed() -> None:
    flush = Flush(pauses=[3, 3, 3])
    batcher = NaturalBatcher(flush, max_items=2)
    tasks = [asyncio.create_task(batcher.submit(item)) for item in range(5)]
    await turns(1)
    await batcher.drain()
    assert sum(map(len, flush.batches)) == 5
    await all_of(tasks)
    await batcher.drain()
