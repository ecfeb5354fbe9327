"""Leases end by PostgreSQL's clock, and only if somebody could have renewed them."""

import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self

import pytest
from gateway.agent_sockets import AgentSocket, connected, register
from gateway.work import set_lease, task_row, wish
from support.world import World

import nexus.store.clock
from nexus.store.clock import DatabaseClock
from nexus.store.database import Database
from nexus.tasks.dispatch import Dispatcher
from nexus.tasks.rules import LEASE_SECONDS

HOUR = timedelta(hours=1)


class _Wrong(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return (datetime.now(UTC) + HOUR).astimezone(tz)  # type: ignore[return-value]


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


async def test_wrong_clock_of_a_process_has_no_effect_once_postgresql_was_asked(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nexus.store.clock, "datetime", _Wrong)
    clock = DatabaseClock(db)
    assert clock.now() - datetime.now(UTC) > timedelta(minutes=59)
    await clock.look()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)


async def test_between_two_looks_time_goes_on_by_the_steady_clock_and_never_back(db: Database) -> None:
    steady = time.monotonic()
    clock = DatabaseClock(db, lambda: steady)
    await clock.look()
    before = clock.now()
    steady += 10
    assert clock.now() - before == timedelta(seconds=10)


class _Hands:
    """A time of day and a steady clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.today, self.passed = now, 0.0

    def now(self) -> datetime:
        return self.today

    def steady(self) -> float:
        return self.passed

    def pass_by(self, seconds: float, step: timedelta = timedelta()) -> None:
        self.passed += seconds
        self.today += timedelta(seconds=seconds) + step


@pytest.fixture
async def held(world: World) -> AsyncGenerator[tuple[World, dict[str, object], _Hands, Dispatcher]]:
    """A task that an agent is at, and the one dispatcher there is, with hands of the test's own."""
    account = await register(world)
    async with connected(world.url, account) as agent:
        await wish(world, account)
        task = await _accepted(agent)
        await world.settled()
        await world.stop_worker()
        await set_lease(world, task, LEASE_SECONDS)
        hands = _Hands(world.nexus.clock.now())
        dispatcher = Dispatcher(world.nexus.db, hands, hands.steady)
        await dispatcher.run_once()
        yield world, task, hands, dispatcher


async def _accepted(agent: AgentSocket) -> dict[str, object]:
    task = await agent.offered()
    assert (await agent.command("task.accept", task))["ok"]
    return task


@pytest.mark.parametrize(
    ("seconds", "step"), [(1, HOUR), (300, timedelta()), (1, HOUR + HOUR)], ids=["step", "outage", "two hours"]
)
async def test_lease_outlives_time_in_which_nobody_could_renew_it(
    held: tuple[World, dict[str, object], _Hands, Dispatcher], seconds: float, step: timedelta
) -> None:
    world, task, hands, dispatcher = held
    hands.pass_by(seconds, step)
    await dispatcher.run_once()
    row = await task_row(world, task)
    assert (row.state, row.epoch) == ("working", 1)
    assert row.lease_until == hands.now() + timedelta(seconds=LEASE_SECONDS)


async def test_lease_is_lost_when_it_ends_in_the_ordinary_way(
    held: tuple[World, dict[str, object], _Hands, Dispatcher],
) -> None:
    world, task, hands, dispatcher = held
    hands.pass_by(1, HOUR)
    await dispatcher.run_once()
    for _ in range(LEASE_SECONDS // 10 + 1):
        hands.pass_by(10)
        await dispatcher.run_once()
    assert (await task_row(world, task)).state != "working"


async def test_clock_that_is_set_back_makes_no_lease_longer(
    held: tuple[World, dict[str, object], _Hands, Dispatcher],
) -> None:
    world, task, hands, dispatcher = held
    hands.pass_by(1, -HOUR)
    await dispatcher.run_once()
    assert (await task_row(world, task)).lease_until == hands.now() + timedelta(seconds=LEASE_SECONDS)
