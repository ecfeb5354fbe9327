"""The way out (I3, I4, I7): killed at every await, and mixed at random with whatever a vendor may do."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from machines.crashing import at_every_await
from machines.plant import DEEP, LONG_SECONDS, Plant, Worker
from machines.vendor import Fault, Vendor
from pipeline.fakes import CHANNEL
from sqlalchemy import TextClause, text

from nexus.kit.clock import SystemClock
from nexus.pipeline.claim_sql import Table, settle_sql
from nexus.pipeline.errors import Retryable, Unsure
from nexus.pipeline.facts import AddComment, EditReply, Item, Person, PostCard, PostReply
from nexus.pipeline.outbox import enqueue, refresh_card
from nexus.store.tables import Message, TaskMapping
from nexus.tasks.desk import TaskDesk

pytestmark = pytest.mark.timeout(300)

DANA = Person("u1", "Dana")
WORKERS = st.integers(0, 1)
WHICH = st.integers(0, 9)
FREE_AWAITS = st.integers(1, 16)
"""About as many awaits of one delivery have no transaction open."""
AWAITS = st.integers(1, 70)
ORDERS = st.integers(1, 50)
FAULTS = st.sampled_from(
    ["no", "busy", "later", "refused", "cut before", "cut after", "cut after", "slow", "slow", "late", "bug after"]
)


@dataclass
class Thread:
    """A conversation, as far as a machine remembers it."""

    mapping: TaskMapping
    messages: list[Message] = field(default_factory=list[Message])


class OutboxMachine(RuleBasedStateMachine):
    """Deliveries are owed in any order, to a vendor that does anything, by workers that die anywhere."""

    def __init__(self, plant: Plant, runner: asyncio.Runner) -> None:
        super().__init__()
        self.plant = plant
        self.runner = runner
        self.threads: list[Thread] = []
        self.owed = 0
        self.stopped: dict[UUID, int] = {}

    def run(self, steps: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(steps)

    @initialize(limited=st.booleans())
    def begin(self, limited: bool) -> None:
        self.run(self.plant.reset())
        self.plant.vendor.limited = limited
        self.converse(with_card=False)

    # --- what is owed ---

    @precondition(lambda self: len(self.threads) < 3)
    @rule(with_card=st.booleans())
    def converse(self, with_card: bool) -> None:
        async def steps() -> None:
            number = len(self.threads)
            root_ts = None if with_card else f"1.{number}"
            thread = Thread(await self.plant.place.conversation(item_id=f"item-{number}", root_ts=root_ts))
            self.threads.append(thread)
            if with_card:
                await self.plant.place.owe(thread.mapping, PostCard(CHANNEL), f"card-{number}", order=0)

        self.run(steps())

    @rule(which=WHICH, orders=st.lists(ORDERS, min_size=1, max_size=3), twice=st.booleans())
    def owe_replies(self, which: int, orders: list[int], twice: bool) -> None:
        async def steps() -> None:
            for order in orders:
                thread, key = self._next(which)
                said = await self.plant.place.message(thread.mapping, key)
                thread.messages.append(said)
                for again in (False, True)[: 1 + twice]:
                    made = await self.plant.place.owe(
                        thread.mapping, PostReply(CHANNEL, key), key, order=order, message=said
                    )
                    assert made is not again, "an effect is owed once"

        self.run(steps())

    @rule(which=WHICH, order=ORDERS, message=WHICH)
    def owe_comment_or_edit(self, which: int, order: int, message: int) -> None:
        async def steps() -> None:
            thread, key = self._next(which)
            if message % 2 and thread.messages:
                said = thread.messages[message % len(thread.messages)]
                edit = EditReply(CHANNEL, f"edited by {key}")
                await self.plant.place.owe(thread.mapping, edit, key, order=100 + self.owed, message=said)
            elif message % 3 == 0:
                await refresh(self.plant, thread.mapping)
            else:
                said = await self.plant.place.message(thread.mapping, key)
                intent = AddComment(thread.mapping.item_id, CHANNEL, f"7.{self.owed}", DANA, key)
                await self.plant.place.owe(thread.mapping, intent, key, order=order, message=said)

        self.run(steps())

    @rule(which=WHICH, order=ORDERS)
    def agent_speaks(self, which: int, order: int) -> None:
        self.run(self._speak(which, order))

    @rule(which=WHICH, order=ORDERS, in_doubt=st.booleans())
    def stop(self, which: int, order: int, in_doubt: bool) -> None:
        """From here on nothing that the task wanted to say begins to leave, but for what a worker is about to send.

        `in_doubt`: something of it may be out already, and nobody knows.
        """

        async def steps() -> None:
            doubt: Fault = "cut before"
            if in_doubt:
                await self._speak(which, order)
                self.plant.vendor.faults.extend([doubt] * 3)
                await self._work(self.plant.workers[0])
                self.plant.vendor.faults.clear()
            thread, _ = self._next(which)
            async with self.plant.db.tenant(self.plant.place.tenant_id) as session:
                await TaskDesk(SystemClock()).stop(session, thread.mapping, "stopped")
            rows = await self.plant.observer.fetch(
                "SELECT d.id FROM deliveries d JOIN tasks t ON t.id = d.task_id "
                "WHERE t.state = 'canceled' AND d.claimed_by IS NULL AND d.conversation_id = $1",
                thread.mapping.id,
            )
            sends = [outgoing.id for verb, outgoing in self.plant.vendor.asked if verb == "send"]
            self.stopped |= {row["id"]: sends.count(row["id"]) for row in rows if row["id"] not in self.stopped}

        self.run(steps())

    # --- who works, and how it ends ---

    @rule(worker=WORKERS, faults=st.lists(FAULTS, max_size=4))
    def deliver(self, worker: int, faults: list[Fault]) -> None:
        self.plant.vendor.faults.extend(faults)
        self.run(self._work(self.plant.workers[worker]))
        self.plant.vendor.faults.clear()

    @rule()
    def deliver_together(self) -> None:
        """Two workers reach for the same rows at the same moment."""
        free = [worker for worker in self.plant.workers if worker.process.frozen is None]
        self.run(self.plant.survive_together(free, "deliveries"))

    @rule(worker=WORKERS, fault=FAULTS, at=AWAITS, from_send=st.booleans())
    def die_delivering(self, worker: int, fault: Fault, at: int, from_send: bool) -> None:
        async def steps() -> None:
            dying = self.plant.workers[worker]
            if dying.process.frozen is None:
                self.plant.doomed(dying.process, at, from_send=from_send)
                await self.plant.survive(dying, dying.work("deliveries"))

        self.plant.vendor.faults.append(fault)
        self.run(steps())
        self.plant.vendor.faults.clear()

    @rule(worker=WORKERS, fault=FAULTS, freeze_at=FREE_AWAITS)
    def freeze_delivering(self, worker: int, fault: Fault, freeze_at: int) -> None:
        self.plant.vendor.faults.append(fault)
        self.run(self._work(self.plant.workers[worker], freeze_at=freeze_at))
        self.plant.vendor.faults.clear()

    @rule(worker=WORKERS, faults=st.lists(FAULTS, max_size=2), dies=st.booleans(), at=FREE_AWAITS, long=st.booleans())
    def overtake(self, worker: int, faults: list[Fault], dies: bool, at: int, long: bool) -> None:
        self.plant.vendor.faults.extend(faults)
        self.run(self.plant.overtaken(worker, "deliveries", dies=dies, at=at, long=long))
        self.plant.vendor.faults.clear()

    @rule(worker=WORKERS, cut_at=AWAITS)
    def lose_connections_delivering(self, worker: int, cut_at: int) -> None:
        self.run(self._work(self.plant.workers[worker], cut_at=cut_at))

    @rule(worker=WORKERS, killed=st.booleans())
    def go_on(self, worker: int, killed: bool) -> None:
        async def steps() -> None:
            frozen = self.plant.workers[worker]
            if frozen.process.frozen is not None:
                await self.plant.survive(frozen, frozen.process.kill_and_say() if killed else frozen.process.thaw())

        self.run(steps())

    @rule(worker=WORKERS, die_at=st.none() | st.integers(1, 40))
    def sweep(self, worker: int, die_at: int | None) -> None:
        async def steps() -> None:
            sweeping = self.plant.workers[worker]
            sweeping.process.arm(die_at=die_at)
            await self.plant.survive(sweeping, sweeping.sweep())

        self.run(steps())

    @rule(worker=WORKERS)
    def take_over(self, worker: int) -> None:
        """Time passes, and somebody looks at what was left."""

        async def steps() -> None:
            heir = self.plant.workers[worker]
            await self.plant.survive(heir, heir.sweep())
            await self.plant.time_passes()
            await self.plant.survive(heir, heir.work("deliveries"))

        self.run(steps())

    # --- what the world does besides ---

    @rule(worker=WORKERS, what=st.sampled_from(["a moment", "long", "lock lost", "late effects", "replay"]))
    def world_goes_on(self, worker: int, what: str) -> None:
        match what:
            case "a moment":
                self.run(self.plant.time_passes())
            case "long":
                self.run(self.plant.time_passes(LONG_SECONDS))
            case "lock lost":
                self.run(self.plant.lose_lock(self.plant.workers[worker]))
            case "late effects":
                self.plant.vendor.land(late=True)
            case _:
                self.run(self.plant.replay_dead())

    @rule(fault=st.sampled_from([Retryable("busy", after_seconds=3600), Unsure("no answer"), OSError("cut")]))
    def find_fails(self, fault: Exception) -> None:
        self.plant.vendor.find_faults.append(fault)

    @rule(index=st.integers(0, 9), again=st.booleans(), worker=WORKERS, die_at=st.none() | AWAITS)
    def echo(self, index: int, again: bool, worker: int, die_at: int | None) -> None:
        async def steps() -> None:
            await self.plant.echo(index, again=again)
            hears = self.plant.workers[worker]
            hears.process.arm(die_at=die_at)
            await self.plant.survive(hears, hears.work("inbox"))

        self.run(steps())

    @invariant()
    def nothing_is_doubled_and_no_state_is_wrong(self) -> None:
        if self.threads:
            self.run(self.plant.check_always())

    @invariant()
    def nothing_leaves_after_a_stop(self) -> None:
        sends = [outgoing.id for verb, outgoing in self.plant.vendor.asked if verb == "send"]
        for delivery_id, number in self.stopped.items():
            assert sends.count(delivery_id) == number, "it was said after its task was stopped"

    def teardown(self) -> None:
        if self.threads:
            self.run(self._end())

    async def _end(self) -> None:
        try:
            await self.plant.settle_down()
            await self.plant.check_quiet()
            await self.plant.replay_dead()
            await self.plant.settle_down()
            await self.plant.check_quiet()
            self.nothing_leaves_after_a_stop()
        finally:
            await self.plant.end()

    async def _work(self, worker: Worker, **stops: int) -> None:
        if worker.process.frozen is None:
            worker.process.arm(**stops)
            await self.plant.survive(worker, worker.work("deliveries"))

    async def _speak(self, which: int, order: int) -> None:
        thread, key = self._next(which)
        async with self.plant.db.tenant(self.plant.place.tenant_id) as session:
            task_id = await TaskDesk(SystemClock()).request(session, thread.mapping, ITEM, "default", None)
            await enqueue(
                session, thread.mapping, PostReply(CHANNEL, key), effect_key=key, order_key=order, task_id=task_id
            )

    def _next(self, which: int) -> tuple[Thread, str]:
        self.owed += 1
        return self.threads[which % len(self.threads)], f"effect-{self.owed}"


ITEM = Item(
    "item", "list-1", "Inbox", "Item", "@AI_Squad fix_bug", "https://tracker.example/i", "open", False, None, DANA,
    (), (), 0,
)  # fmt: skip


async def refresh(plant: Plant, conversation: TaskMapping) -> None:
    """Has a card redrawn."""
    async with plant.db.tenant(plant.place.tenant_id) as session:
        await refresh_card(session, conversation)


def test_outbox_machine(plant: Plant, runner: asyncio.Runner, profile: settings) -> None:
    run_machine(lambda: OutboxMachine(plant, runner), settings=profile)


async def nothing(*_: Any) -> None:
    """Instead of a guard."""


def test_outbox_machine_finds_a_worker_that_sends_again_without_a_look(
    plant: Plant, runner: asyncio.Runner, finding: settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Vendor, "find", nothing)
    with pytest.raises(AssertionError, match="doubled"):
        run_machine(lambda: OutboxMachine(plant, runner), settings=finding)


# --- each await ---


async def a_card(plant: Plant, number: int) -> None:
    conversation = await plant.place.conversation(item_id=f"item-{number}")
    await plant.place.owe(conversation, PostCard(CHANNEL), f"card-{number}", order=0)


async def a_reply(plant: Plant, number: int) -> None:
    conversation = await plant.place.conversation(item_id=f"item-{number}", root_ts=f"1.{number}")
    message = await plant.place.message(conversation, f"m{number}")
    await plant.place.owe(conversation, PostReply(CHANNEL, "hello"), f"reply-{number}", message=message)


async def a_comment(plant: Plant, number: int) -> None:
    conversation = await plant.place.conversation(item_id=f"item-{number}", root_ts=f"1.{number}")
    message = await plant.place.message(conversation, f"m{number}")
    intent = AddComment(conversation.item_id, CHANNEL, f"7.{number}", DANA, "hello")
    await plant.place.owe(conversation, intent, f"comment-{number}", message=message)


async def swept(plant: Plant, owe: Callable[[Plant, int], Awaitable[None]]) -> int:
    """Kills a worker at each await of its round; another one must bring it to its end."""
    await plant.reset(workers=1)

    async def path(number: int) -> bool:
        await owe(plant, number)
        victim = await plant.another_worker()
        victim.process.arm(die_at=number)
        killed = await plant.survive(victim, victim.work("deliveries"))
        await plant.check_always()
        await plant.settle_down(echoes=False)
        await plant.check_quiet()
        dead = await plant.observer.fetchval("SELECT count(*) FROM deliveries WHERE state <> 'done'")
        assert dead == 0, f"killed at await {number}"
        return killed

    return await at_every_await(path)


@pytest.mark.parametrize("owe", [a_card, a_reply, a_comment] if DEEP else [a_comment])
def test_worker_killed_at_any_await_of_a_delivery_leaves_exactly_one_effect(
    owe: Callable[[Plant, int], Awaitable[None]], plant: Plant, runner: asyncio.Runner
) -> None:
    awaits = runner.run(swept(plant, owe))
    plant.notes.append(f"killed at each of {awaits} awaits")
    assert awaits > 10


async def overtaken_everywhere(plant: Plant, *, long: bool) -> int:
    """Freezes a worker wherever it has no transaction open, until another one has taken its delivery over."""
    await plant.reset()

    async def path(number: int) -> bool:
        await a_reply(plant, number)
        froze = await plant.overtaken(0, "deliveries", dies=False, at=number, long=long)
        await plant.check_always()
        await plant.settle_down()
        await plant.check_quiet()
        return froze

    return await at_every_await(path)


@pytest.mark.parametrize("long", [True, False], ids=["lease over", "lock lost"])
def test_worker_frozen_at_any_await_and_overtaken_writes_and_sends_nothing_any_more(
    long: bool, plant: Plant, runner: asyncio.Runner
) -> None:
    awaits = runner.run(overtaken_everywhere(plant, long=long))
    plant.notes.append(f"frozen at each of {awaits} awaits")
    assert awaits > 5


def test_sweep_finds_a_worker_that_settles_what_it_has_lost(
    plant: Plant, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unfenced(table: Table) -> TextClause:
        fence = f"AND {table}.claimed_by = told.worker AND {table}.attempts = told.attempts"
        assert fence in str(settle_sql(table))
        return text(str(settle_sql(table)).replace(fence, ""))

    monkeypatch.setattr("nexus.pipeline.claims.settle_sql", unfenced)
    with pytest.raises(AssertionError, match="settled without a claim"):
        runner.run(overtaken_everywhere(plant, long=False))


def test_sweep_finds_a_worker_that_sends_what_it_has_lost(
    plant: Plant, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus.pipeline.clearance.claim_or_order", lambda _said: None)
    with pytest.raises(AssertionError, match="doubled"):
        runner.run(overtaken_everywhere(plant, long=False))
