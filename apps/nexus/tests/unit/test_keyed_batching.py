"""Batches by key: whoever shares a key shares a flush, and nobody suffers for a neighbour."""

import asyncio
from collections.abc import Sequence

import pytest

from nexus.kit.batching import KeyedBatcher


class Away(Exception):
    """Nothing can be flushed at the moment."""


class Flush:
    """Records batches; one item is refused, one spoils its batch, one finds nobody there."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.gates: dict[str, asyncio.Event] = {}

    async def __call__(self, key: str, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append((key, list(items)))
        if key in self.gates:
            await self.gates[key].wait()
        if 13 in items:
            raise ValueError("13 spoils it")
        if 404 in items:
            raise Away
        return [ValueError("not 7") if item == 7 else item * 10 for item in items]


@pytest.fixture
def flush() -> Flush:
    return Flush()


@pytest.fixture
def batcher(flush: Flush) -> KeyedBatcher[str, int, int]:
    return KeyedBatcher(flush, is_fatal=lambda error: isinstance(error, Away))


async def submitted(batcher: KeyedBatcher[str, int, int], *items: tuple[str, int]) -> list[int | BaseException]:
    return await asyncio.gather(*(batcher.submit(key, item) for key, item in items), return_exceptions=True)


async def test_items_of_one_key_that_come_together_share_a_flush(
    batcher: KeyedBatcher[str, int, int], flush: Flush
) -> None:
    assert await submitted(batcher, ("a", 1), ("b", 5), ("a", 2), ("a", 3)) == [10, 50, 20, 30]
    assert sorted(flush.batches) == [("a", [1, 2, 3]), ("b", [5])]


async def test_one_key_waits_for_no_other(batcher: KeyedBatcher[str, int, int], flush: Flush) -> None:
    flush.gates["slow"] = asyncio.Event()
    slow = asyncio.create_task(batcher.submit("slow", 1))
    async with asyncio.timeout(1):
        assert await batcher.submit("quick", 2) == 20
    assert not slow.done()
    flush.gates["slow"].set()
    assert await slow == 10


async def test_refused_item_is_its_callers_affair(batcher: KeyedBatcher[str, int, int], flush: Flush) -> None:
    one, refused, other = await submitted(batcher, ("a", 1), ("a", 7), ("a", 2))
    assert (one, other) == (10, 20)
    assert str(refused) == "not 7"
    assert len(flush.batches) == 1


async def test_item_that_spoils_a_batch_fails_alone(batcher: KeyedBatcher[str, int, int], flush: Flush) -> None:
    one, spoiler, other = await submitted(batcher, ("a", 1), ("a", 13), ("a", 2))
    assert (one, other) == (10, 20)
    assert str(spoiler) == "13 spoils it"
    assert [items for _, items in flush.batches] == [[1, 13, 2], [1], [13], [2]]


async def test_nothing_is_tried_again_one_by_one_while_nobody_is_there(
    batcher: KeyedBatcher[str, int, int], flush: Flush
) -> None:
    outcomes = await submitted(batcher, ("a", 1), ("a", 404), ("a", 2))
    assert [type(outcome) for outcome in outcomes] == [Away] * 3
    assert len(flush.batches) == 1


async def test_once_nobody_is_there_the_rest_is_not_tried_either(
    batcher: KeyedBatcher[str, int, int], flush: Flush
) -> None:
    """The batch is spoiled, and while each is flushed on its own, whoever flushes goes away."""
    outcomes = await submitted(batcher, ("a", 13), ("a", 404), ("a", 1), ("a", 2))
    assert [type(outcome) for outcome in outcomes] == [ValueError, Away, Away, Away]
    assert [items for _, items in flush.batches] == [[13, 404, 1, 2], [13], [404]]


async def test_key_that_nobody_uses_is_forgotten(batcher: KeyedBatcher[str, int, int], flush: Flush) -> None:
    flush.gates["held"] = asyncio.Event()
    held = asyncio.create_task(batcher.submit("held", 1))
    await submitted(batcher, *((str(number), number) for number in range(100, 200)))
    assert batcher.keys == {"held"}
    flush.gates["held"].set()
    await held
    assert batcher.keys == set()
