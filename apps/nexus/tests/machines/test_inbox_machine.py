"""The way in (I1, I2, I4, I7): gateways and workers stop at any await, and a source sends until it hears yes."""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from machines.crashing import Killed, at_every_await
from machines.plant import DEEP, LONG_SECONDS, Gateway, Plant, Worker
from pipeline.fakes import CHANNEL, RawRequest, later, webhook

from nexus.pipeline.inbox import Inbox, Stored, StoreUnavailable
from nexus.store.tables import ProjectMapping

pytestmark = pytest.mark.timeout(300)

WORKERS = st.integers(0, 1)
AWAITS = st.integers(1, 90)
FREE_AWAITS = st.integers(1, 20)
"""About as many awaits of one event have no transaction open."""
IN_THE_DOOR = st.integers(1, 25)


@dataclass
class Sent:
    """One event of the source, which it repeats until it is answered 200."""

    key: str
    body: bytes
    stream: str
    at: datetime
    acknowledged: bool = False

    def request(self) -> RawRequest:
        """The webhook."""
        return webhook(self.key, self.body, stream=self.stream, at=self.at)


@dataclass
class Source:
    """What the source knows: its events, in the order in which they happened."""

    events: list[Sent] = field(default_factory=list[Sent])
    comments: dict[str, str] = field(default_factory=dict[str, str])
    """Text of each comment as it was posted last, by its id."""
    edits: int = 0

    def tells(self, item: str, told: dict[str, Any]) -> Sent:
        """A new event about an item."""
        number = len(self.events)
        at = later(number)
        made = Sent(f"event-{number}", json.dumps(told | {"at": at.isoformat()}).encode(), item, at)
        self.events.append(made)
        return made

    def change(self, plant: Plant, item: str) -> Sent:
        """Somebody makes or changes an item."""
        plant.vendor.change(item, f"status {len(self.events)}")
        return self.tells(item, {"is": "changed", "item": item})

    def comment(self, item: str) -> Sent:
        """Somebody comments."""
        comment = f"comment-{len(self.events)}"
        self.comments[comment] = f"said in {comment}"
        return self.tells(item, _commented(item, comment, self.comments[comment], edited=False))

    def edit(self, item: str, comment: str) -> Sent:
        """Somebody edits a comment."""
        self.edits += 1
        self.comments[comment] = f"edit {self.edits} of {comment}"
        return self.tells(item, _commented(item, comment, self.comments[comment], edited=True))


def _commented(item: str, comment: str, text: str, *, edited: bool) -> dict[str, Any]:
    return {"is": "commented", "item": item, "id": comment, "text": text, "edited": edited}


async def link(plant: Plant) -> None:
    """Links the vendor's list to a channel."""
    about = {"tenant_id": plant.place.tenant_id, "tracker": "faketool", "chat": "faketool"}
    ours = plant.place.connection_id
    async with plant.db.tenant(plant.place.tenant_id) as session:
        session.add(
            ProjectMapping(
                list_id="list-1", list_name="Inbox", channel_id=CHANNEL, channel_name="general",
                tracker_connection_id=ours, chat_connection_id=ours, **about,
            )
        )  # fmt: skip


async def send(plant: Plant, gateway: Gateway, events: list[Sent]) -> None:
    """Sends events at once. Whatever is answered 200 must be durable by then, byte for byte. Raises Killed."""

    async def one(event: Sent) -> None:
        try:
            answer = await gateway.inbox.receive("faketool", event.request())
        except StoreUnavailable:
            return
        assert isinstance(answer, Stored)
        answered.append(event)

    answered: list[Sent] = []
    try:
        await gateway.process.run(_together([one(event) for event in events]))
    finally:
        for event in answered:
            event.acknowledged = True
            body = await plant.observer.fetchval(
                "SELECT body FROM inbox WHERE dedup_key = sha256($1) AND connection_id = $2",
                event.key.encode(),
                plant.place.connection_id,
            )
            assert body == event.body, f"{event.key} was answered 200 and is not stored"


async def _together(calls: list[Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(*(asyncio.create_task(call) for call in calls))


async def check_effects(plant: Plant, source: Source) -> None:
    """Once nothing is under way: every event was handled, and each caused exactly what it should."""
    unsettled = await plant.observer.fetch("SELECT state, reason FROM inbox WHERE state NOT IN ('done', 'ignored')")
    assert not unsettled, [tuple(each) for each in unsettled]
    stored = await plant.observer.fetchval("SELECT count(*) FROM inbox WHERE stream_key NOT LIKE '%echo%'")
    assert stored == len({event.key for event in source.events}), "one row for each event"
    mapped = await plant.observer.fetch("SELECT item_id, snapshot ->> 'status' AS status, root_ts FROM task_mappings")
    assert {row["item_id"]: row["status"] for row in mapped} == {
        item.id: item.status for item in plant.vendor.items.values()
    }, "what we know of the items is not what they are"
    for row in mapped:
        assert plant.vendor.cards[row["root_ts"]].status == row["status"], "the card shows an older state"
    tasks = await plant.observer.fetchval("SELECT count(*) FROM tasks")
    assert tasks == len(mapped), "one task for each item"
    messages = await plant.observer.fetch(
        "SELECT external_id, text, twin_id FROM messages WHERE source = 'faketool' ORDER BY external_id"
    )
    assert {row["external_id"]: row["text"] for row in messages} == source.comments
    for row in messages:
        assert plant.vendor.texts[row["twin_id"]] == row["text"], "the thread shows an older text"
    kinds = await plant.observer.fetch("SELECT kind, count(*) FROM deliveries WHERE kind <> 'card_update' GROUP BY 1")
    expected = {"card": len(mapped), "reply": len(source.comments), "reply_edit": source.edits}
    assert dict(kinds) == {kind: number for kind, number in expected.items() if number}


class InboxMachine(RuleBasedStateMachine):
    """A source, gateways and workers, each of which may stop anywhere."""

    def __init__(self, plant: Plant, runner: asyncio.Runner) -> None:
        super().__init__()
        self.plant = plant
        self.runner = runner
        self.source = Source()
        self.gateway: Gateway | None = None

    def run(self, steps: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(steps)

    @initialize()
    def begin(self) -> None:
        async def steps() -> None:
            await self.plant.reset()
            await link(self.plant)
            self.gateway = self.plant.another_gateway()
            await self._tell([self.source.change(self.plant, "item-0")])

        self.run(steps())

    @rule(
        item=st.integers(0, 1),
        kinds=st.lists(st.sampled_from(["change", "change", "comment", "edit"]), min_size=1, max_size=4),
        repeated=st.integers(1, 3),
        die_at=st.none() | IN_THE_DOOR,
        cut_at=st.none() | IN_THE_DOOR,
    )
    def something_happens(
        self, item: int, kinds: list[str], repeated: int, die_at: int | None, cut_at: int | None
    ) -> None:
        """A burst: each event is sent up to three times at once."""

        async def steps() -> None:
            name = f"item-{item}"
            burst: list[Sent] = []
            for kind in kinds:
                known = [key for key in self.source.comments if self._item_of(key) == name]
                if kind == "change" or name not in self.plant.vendor.items:
                    burst.append(self.source.change(self.plant, name))
                elif not all(event.acknowledged for event in self.source.events if event.stream == name):
                    continue  # a source does not tell of a comment before it has told of its item
                elif kind == "comment" or not known:
                    burst.append(self.source.comment(name))
                else:
                    burst.append(self.source.edit(name, known[-1]))
            self._gateway().process.arm(die_at=die_at, cut_at=cut_at)
            await self._tell(burst * repeated)

        self.run(steps())

    @rule(number=st.integers(0, 99))
    def sent_again(self, number: int) -> None:
        """The source repeats something, answered or not."""
        self.run(self._tell([self.source.events[number % len(self.source.events)]]))

    @rule(worker=WORKERS, fails=st.booleans())
    def handle(self, worker: int, fails: bool) -> None:
        self.plant.vendor.fetch_faults = int(fails)
        self.run(self._work(self.plant.workers[worker]))

    @rule(worker=WORKERS, die_at=AWAITS)
    def die_handling(self, worker: int, die_at: int) -> None:
        self.run(self._work(self.plant.workers[worker], die_at=die_at))

    @rule(worker=WORKERS, freeze_at=FREE_AWAITS)
    def freeze_handling(self, worker: int, freeze_at: int) -> None:
        self.run(self._work(self.plant.workers[worker], freeze_at=freeze_at))

    @rule(worker=WORKERS, dies=st.booleans(), at=FREE_AWAITS, long=st.booleans())
    def overtake(self, worker: int, dies: bool, at: int, long: bool) -> None:
        self.run(self.plant.overtaken(worker, "inbox", dies=dies, at=at, long=long))

    @rule(worker=WORKERS, cut_at=AWAITS)
    def lose_connections_handling(self, worker: int, cut_at: int) -> None:
        self.run(self._work(self.plant.workers[worker], cut_at=cut_at))

    @rule(worker=WORKERS)
    def go_on(self, worker: int) -> None:
        async def steps() -> None:
            frozen = self.plant.workers[worker]
            if frozen.process.frozen is not None:
                await self.plant.survive(frozen, frozen.process.thaw())

        self.run(steps())

    @rule(worker=WORKERS)
    def lose_lock(self, worker: int) -> None:
        self.run(self.plant.lose_lock(self.plant.workers[worker]))

    @rule(worker=WORKERS)
    def take_over(self, worker: int) -> None:
        async def steps() -> None:
            heir = self.plant.workers[worker]
            await self.plant.survive(heir, heir.sweep())
            await self.plant.time_passes()
            await self._work(heir)

        self.run(steps())

    @rule(worker=WORKERS)
    def deliver(self, worker: int) -> None:
        async def steps() -> None:
            delivering = self.plant.workers[worker]
            if delivering.process.frozen is None:
                await self.plant.survive(delivering, delivering.work("deliveries"))

        self.run(steps())

    @rule(long=st.booleans())
    def time_passes(self, long: bool) -> None:
        self.run(self.plant.time_passes(LONG_SECONDS) if long else self.plant.time_passes())

    @invariant()
    def no_state_is_wrong(self) -> None:
        if self.gateway is not None:
            self.run(self.plant.check_always())

    def teardown(self) -> None:
        if self.gateway is not None:
            self.run(self._end())

    async def _end(self) -> None:
        try:
            self._gateway().process.arm()
            await self._tell([event for event in self.source.events if not event.acknowledged])
            assert all(event.acknowledged for event in self.source.events)
            await self.plant.settle_down()
            await self.plant.replay_dead()
            await self.plant.settle_down()
            await self.plant.check_quiet()
            await check_effects(self.plant, self.source)
        finally:
            await self.plant.end()

    def _gateway(self) -> Gateway:
        assert self.gateway is not None
        if self.gateway.process.dead:
            self.gateway = self.plant.another_gateway()
        return self.gateway

    async def _tell(self, events: list[Sent]) -> None:
        gateway = self._gateway()
        try:
            await send(self.plant, gateway, events)
        except Killed:
            await self.plant.buried(gateway.process)
        finally:
            gateway.process.arm()

    async def _work(self, worker: Worker, **stops: int) -> None:
        if worker.process.frozen is None:
            worker.process.arm(**stops)
            await self.plant.survive(worker, worker.work("inbox"))

    def _item_of(self, comment: str) -> str:
        return next(event.stream for event in self.source.events if event.key.split("-")[1] == comment.split("-")[1])


def test_inbox_machine(
    plant: Plant, runner: asyncio.Runner, profile: settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An event in quarantine would have the rest of its stream overtake it; that is for another test.
    monkeypatch.setattr("nexus.pipeline.claims.MAX_CRASHES", 1_000_000)
    run_machine(lambda: InboxMachine(plant, runner), settings=profile)


def test_inbox_machine_finds_a_gateway_that_says_yes_before_the_commit(
    plant: Plant, runner: asyncio.Runner, finding: settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = Inbox._insert

    async def hasty(inbox: Inbox, rows: Sequence[Any]) -> list[bool]:
        inserting.append(asyncio.create_task(insert(inbox, rows)))
        return [True for _ in rows]

    inserting: list[asyncio.Task[Any]] = []
    monkeypatch.setattr(Inbox, "_insert", hasty)
    with pytest.raises(AssertionError):
        run_machine(lambda: InboxMachine(plant, runner), settings=finding)


# --- each await ---


async def handling_swept(plant: Plant, kind: str) -> int:
    """Kills a worker at each await of handling an event; another one must bring it to its end."""
    await plant.reset(workers=1)
    await link(plant)
    source, gateway = Source(), plant.another_gateway()

    async def path(number: int) -> bool:
        item = f"item-{number}"
        await send(plant, gateway, [source.change(plant, item)])
        if kind != "change":
            await plant.workers[0].work("inbox")
            await send(plant, gateway, [source.comment(item)])
        victim = await plant.another_worker()
        victim.process.arm(die_at=number)
        killed = await plant.survive(victim, victim.work("inbox"))
        await plant.settle_down(echoes=False)
        await plant.check_quiet()
        await check_effects(plant, source)
        return killed

    return await at_every_await(path)


@pytest.mark.parametrize("kind", ["change", "comment"] if DEEP else ["change"])
def test_worker_killed_at_any_await_of_an_event_leaves_exactly_its_effects(
    kind: str, plant: Plant, runner: asyncio.Runner
) -> None:
    awaits = runner.run(handling_swept(plant, kind))
    plant.notes.append(f"killed at each of {awaits} awaits")
    assert awaits > 10


async def overtaken_everywhere(plant: Plant, *, long: bool) -> int:
    """Freezes a worker wherever it has no transaction open, until another one has taken its event over."""
    await plant.reset()
    await link(plant)
    source, gateway = Source(), plant.another_gateway()

    async def path(number: int) -> bool:
        await send(plant, gateway, [source.change(plant, f"item-{number}")])
        froze = await plant.overtaken(0, "inbox", dies=False, at=number, long=long)
        await plant.settle_down(echoes=False)
        await plant.check_quiet()
        await check_effects(plant, source)
        return froze

    return await at_every_await(path)


@pytest.mark.parametrize("long", [True, False], ids=["lease over", "lock lost"])
def test_worker_frozen_at_any_await_of_an_event_and_overtaken_changes_nothing_any_more(
    long: bool, plant: Plant, runner: asyncio.Runner
) -> None:
    awaits = runner.run(overtaken_everywhere(plant, long=long))
    plant.notes.append(f"frozen at each of {awaits} awaits")
    assert awaits >= 5  # claim, and the one transaction with its statements


async def receiving_swept(plant: Plant, how: str) -> int:
    """Stops a gateway at each await of taking two events in, one of them twice; the source repeats what it must."""
    await plant.reset(workers=1)
    await link(plant)
    source = Source()

    async def path(number: int) -> bool:
        item = f"item-{number}"
        events = [source.change(plant, item), source.change(plant, item)]
        gateway, heir = plant.another_gateway(), plant.another_gateway()
        await gateway.db.ping()
        gateway.process.arm(**{how: number})
        try:
            await send(plant, gateway, [*events, events[0]])
        except Killed:
            await plant.buried(gateway.process)
        stopped = gateway.process.steps >= number
        await send(plant, heir, [event for event in events if not event.acknowledged])
        assert all(event.acknowledged for event in events)
        stored = await plant.observer.fetchval("SELECT count(*) FROM inbox")
        assert stored == len(source.events)
        for process in (gateway.process, heir.process):
            await process.end()
        return stopped

    return await at_every_await(path)


@pytest.mark.parametrize("how", ["die_at", "cut_at"])
def test_gateway_stopped_at_any_await_of_a_webhook_never_says_yes_to_what_is_not_stored(
    how: str, plant: Plant, runner: asyncio.Runner
) -> None:
    awaits = runner.run(receiving_swept(plant, how))
    plant.notes.append(f"stopped at each of {awaits} awaits")
    assert awaits >= 5  # claim, and the one transaction with its statements
