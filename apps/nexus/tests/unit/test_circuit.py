"""While a vendor is away nothing is tried in vain; one thing that always fails closes the door for nobody."""

import asyncio
from uuid import uuid4

import pytest

from nexus.pipeline.circuit import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, PROBES, Circuit, Circuits, asking
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def opened(watch: Watch) -> Circuit:
    circuit = Circuit(watch)
    for who in ("a", "b", "c", "a", "b"):
        assert circuit.may_try(who)
        circuit.failed(who)
    assert circuit.is_open
    return circuit


def test_five_failures_of_three_different_open_it_and_a_pause_follows() -> None:
    watch = Watch()
    circuit = opened(watch)
    assert not circuit.may_try("d")
    assert circuit.rest_seconds == FIRST_PAUSE_SECONDS
    watch.seconds += FIRST_PAUSE_SECONDS
    assert circuit.may_try("d")


def test_one_thing_that_always_fails_opens_nothing() -> None:
    circuit = Circuit(Watch())
    for _ in range(1000):
        assert circuit.may_try("poison")
        circuit.failed("poison")
    assert not circuit.is_open


def test_a_success_in_between_begins_the_count_anew() -> None:
    circuit = Circuit(Watch())
    for who in "abcd":
        circuit.failed(who)
    circuit.succeeded()
    for who in "abcd":
        circuit.failed(who)
    assert not circuit.is_open


def test_after_the_pause_three_may_try_and_one_that_succeeds_closes_it_for_all() -> None:
    watch = Watch()
    circuit = opened(watch)
    watch.seconds += FIRST_PAUSE_SECONDS
    assert [circuit.may_try(who) for who in ("poison", "b", "c", "d")] == [True] * PROBES + [False]
    circuit.failed("poison")
    assert circuit.may_try("d"), "its place is free"
    circuit.succeeded()
    assert circuit.may_try("e") and not circuit.is_open


def test_pauses_grow_up_to_a_bound_while_the_vendor_stays_away() -> None:
    watch = Watch()
    circuit = opened(watch)
    pauses: list[float] = []
    for number in range(8):
        watch.seconds += circuit.rest_seconds
        assert circuit.may_try(f"probe {number}")
        circuit.failed(f"probe {number}")
        pauses.append(circuit.rest_seconds)
    assert pauses == [10, 20, 40, 80, LONGEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS] + [LONGEST_PAUSE_SECONDS] * 2


class Vendor:
    """Fails as it is told."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
        self.asked = 0

    async def send(self) -> str:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return "done"

    def limit(self) -> str:
        return "no coroutine"


async def ask(guarded: object, who: str) -> BaseException | str:
    asking.set(who)
    try:
        return await guarded.send()  # type: ignore[attr-defined]
    except BaseException as error:
        return error


async def test_what_fails_while_the_vendor_is_away_is_put_off_and_counts_for_nothing() -> None:
    told: list[tuple[str, bool]] = []
    circuits, connection = Circuits(lambda vendor, is_open: told.append((vendor, is_open))), uuid4()
    vendor = Vendor(Retryable("no answer"))
    guarded = circuits.guard(connection, "slack", vendor)
    came = [await ask(guarded, who) for who in "abcde"]
    assert [type(one) for one in came] == [Retryable] * 4 + [Deferred], "the one that opens it is put off already"
    assert told == [("slack", True)]
    assert list(circuits.resting()) == [connection]
    later = await ask(guarded, "f")
    assert isinstance(later, Deferred) and later.whole_connection and vendor.asked == 5, "nobody was asked"
    assert guarded.limit() == "no coroutine"


@pytest.mark.parametrize(
    "error", [Rejected("no such channel"), Deferred("too fast", after_seconds=1), ValueError("bug")]
)
async def test_an_answer_that_says_nothing_of_the_vendors_health_opens_nothing(error: BaseException) -> None:
    circuits = Circuits()
    guarded = circuits.guard(uuid4(), "slack", Vendor(error))
    assert [await ask(guarded, str(number)) for number in range(20)] == [error] * 20


async def test_an_unsure_write_stays_unsure_and_is_not_counted_while_the_vendor_is_away() -> None:
    circuits = Circuits()
    guarded = circuits.guard(uuid4(), "slack", Vendor(Unsure("cut off")))
    came = [await ask(guarded, who) for who in "abcde"]
    assert all(isinstance(one, Unsure) for one in came), "whether it happened has to be looked up"
    assert [one.counts for one in came] == [True] * 4 + [False]  # type: ignore[union-attr]


async def test_connections_do_not_suffer_for_one_another() -> None:
    circuits = Circuits()
    broken = circuits.guard(uuid4(), "slack", Vendor(Retryable("no answer")))
    whole = circuits.guard(uuid4(), "slack", Vendor(None))
    await asyncio.gather(*(ask(broken, who) for who in "abcdefgh"))
    assert await ask(whole, "a") == "done"
