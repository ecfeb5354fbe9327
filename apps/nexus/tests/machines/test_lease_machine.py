"""One epoch at most changes a task (I5): agents that lag, repeat, vanish and come back; commands that die anywhere."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from machines.crashing import Killed, Process, at_every_await
from machines.plant import NoBells, Plant

from nexus.gateway.sessions import LiveSession, Sessions
from nexus.kit.ids import new_id
from nexus.pipeline.facts import Item, Person
from nexus.store.tables import Agent, AgentAlias, TaskMapping
from nexus.tasks.cancelling import Cancelling
from nexus.tasks.commands import AgentCommands, Caller, SessionReplaced
from nexus.tasks.desk import TaskDesk
from nexus.tasks.dispatch import Dispatcher
from nexus.tasks.rules import may_become
from oblivion_protocol import (
    Accepted,
    Answer,
    Hello,
    Holding,
    TaskAccept,
    TaskAsk,
    TaskCommand,
    TaskComplete,
    TaskFail,
    TaskHeartbeat,
    TaskMessage,
    TaskProgress,
    TaskReject,
)

pytestmark = pytest.mark.timeout(300)

TICK_SECONDS = 11.0
"""Longer than an offer stands, shorter than what a dispatcher takes for an outage."""
AGENTS = ("red", "blue")
PROCESSES = [(agent, instance) for agent in AGENTS for instance in ("one", "two")][:3]
PROGRAM = st.integers(0, len(PROCESSES) - 1)
TASKS = st.integers(0, 1)
VERBS = (
    "task.accept", "task.accept", "task.reject", "task.heartbeat", "task.progress", "task.message", "task.ask",
    "task.complete", "task.fail", "task.retry",
)  # fmt: skip
TERMINAL = {"completed", "failed", "canceled", "rejected", "expired"}
ITEM = Item(
    "item", "list-1", "Inbox", "Item", "@AI_Squad fix_bug", "https://tracker.example/i", "open", False, None,
    Person("u1", "Dana"), (), (), 0,
)  # fmt: skip


class HeldClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        """The time of day."""
        return self.at

    def steady(self) -> float:
        """The time that passed."""
        return self.seconds

    def move(self, seconds: float) -> None:
        """Lets time pass."""
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds


class Hub:
    """A process of ours: a gateway that takes commands, and a worker that dispatches."""

    def __init__(self, plant: Plant, clock: HeldClock) -> None:
        self.process = Process("hub")
        db = self.process.database(plant.url)
        self.db = db
        self.commands = AgentCommands(db, clock)
        self.sessions = Sessions(db, clock, self.process.name)
        self.dispatcher = Dispatcher(db, clock, clock.steady)
        self.cancelling = Cancelling(db, TaskDesk(clock), NoBells())
        plant.processes.append(self.process)


@dataclass
class Program:
    """A process of an agent, and what it remembers."""

    agent_id: UUID
    instance: str
    session: LiveSession | None = None
    sent: list[tuple[str, TaskCommand]] = field(default_factory=list[tuple[str, TaskCommand]])

    def caller(self, *, lagging: bool = False) -> Caller:
        """Who it says it is; a lagging one speaks on the connection it had before."""
        assert self.session is not None
        now = self.session.caller
        return Caller(now.tenant_id, now.agent_id, now.instance, now.session_epoch - int(lagging))


class Office:
    """Agents, tasks and hubs, and what may be said about them at any time."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.clock = HeldClock()
        self.programs: list[Program] = []
        self.mappings: list[TaskMapping] = []
        self.answers: dict[tuple[str, int, str], dict[str, Any]] = {}
        self.numbers = count(1)
        self.hub: Hub

    async def open(self, conversations: int = 2) -> None:
        """Two agents of one squad with three processes, and something to do."""
        await self.plant.reset(workers=0)
        self.hub = Hub(self.plant, self.clock)
        tenant_id = self.plant.place.tenant_id
        made: dict[str, UUID] = {}
        async with self.plant.db.tenant(tenant_id) as session:
            for name in AGENTS:
                agent = Agent(id=new_id(), tenant_id=tenant_id, name=name, skills=["default"])
                session.add(agent)
                await session.flush()
                session.add(AgentAlias(id=new_id(), tenant_id=tenant_id, alias="AI_Squad", agent_id=agent.id))
                made[name] = agent.id
        self.programs = [Program(made[name], instance) for name, instance in PROCESSES]
        for program in self.programs:
            await self.connect(program)
        for number in range(conversations):
            self.mappings.append(await self.plant.place.conversation(item_id=f"item-{number}", root_ts=f"1.{number}"))
            await self.request(number)

    async def request(self, number: int) -> None:
        """Somebody wants something done."""
        async with self.plant.db.tenant(self.plant.place.tenant_id) as session:
            await TaskDesk(self.clock).request(session, self.mappings[number], ITEM, "default", None)
        await self.plant.observer.execute(
            "UPDATE tasks SET next_offer_at = $1 WHERE state = 'submitted' AND epoch = 0", self.clock.now()
        )

    async def connect(self, program: Program, holding: tuple[Holding, ...] = ()) -> None:
        """A process of an agent says hello."""
        hello = Hello(instance=program.instance, skills=["default"], capacity=2, holding=list(holding))
        opened = await self.hub.process.run(
            self.hub.sessions.open(f"sid-{next(self.numbers)}", self.plant.place.tenant_id, program.agent_id, hello)
        )
        assert opened is not None
        program.session = opened.session

    async def tasks(self) -> list[Any]:
        """Every task, the oldest first."""
        return await self.plant.observer.fetch("SELECT * FROM tasks ORDER BY created_at, id")

    def command(self, task: Any, verb: str, epoch: int, event_id: str) -> tuple[str, TaskCommand]:
        """What an agent sends."""
        about: dict[str, Any] = {"task_id": str(task["id"]), "epoch": epoch, "event_id": event_id}
        made: dict[str, TaskCommand] = {
            "task.accept": TaskAccept(**about),
            "task.reject": TaskReject(**about),
            "task.heartbeat": TaskHeartbeat(**about),
            "task.progress": TaskProgress(**about, text="on it"),
            "task.message": TaskMessage(**about, text=f"said with {event_id}"),
            "task.ask": TaskAsk(**about, question=f"asked with {event_id}"),
            "task.complete": TaskComplete(**about, result=f"done with {event_id}"),
            "task.fail": TaskFail(**about, error=f"failed with {event_id}"),
            "task.retry": TaskFail(**about, error=f"failed with {event_id}", retryable=True),
        }
        return ("task.fail" if verb == "task.retry" else verb), made[verb]

    async def carry_out(self, caller: Caller, name: str, command: TaskCommand) -> Answer | None:
        """One command, judged by what was true before; None when there was no answer. Raises Killed."""
        before = await self.plant.observer.fetchrow("SELECT * FROM tasks WHERE id = $1", UUID(command.task_id))
        try:
            answer = await self.hub.process.run(self.hub.commands.carry_out(caller, name, command))
        except SessionReplaced:
            return None
        assert answer is not None
        current = await self.plant.observer.fetchval(
            "SELECT session_epoch FROM agent_sessions WHERE agent_id = $1 AND instance = $2",
            caller.agent_id, caller.instance,
        )  # fmt: skip
        assert caller.session_epoch == current, "an old connection of a process was listened to"
        self.judge(before, caller, name, command, answer)
        return answer

    def judge(self, before: Any, caller: Caller, name: str, command: TaskCommand, answer: Answer) -> None:
        """Only the holder of the current epoch is told yes, and a repetition is told the same as before."""
        if not isinstance(answer, Accepted):
            return
        key = (command.task_id, command.epoch, command.event_id)
        told = answer.model_dump(mode="json")
        if key in self.answers:
            assert told == self.answers[key], "the same event has got two answers"
            return
        holder = (before["agent_id"], before["instance"], before["epoch"])
        assert holder == (caller.agent_id, caller.instance, command.epoch), f"{name} of a stale epoch was carried out"
        assert before["finished_at"] is None, f"{name} was carried out after the task was over"
        if not isinstance(command, TaskHeartbeat):
            self.answers[key] = told

    async def check(self) -> None:
        """What must hold at every instant."""
        observer = self.plant.observer
        violations = await observer.fetch("SELECT what, about FROM violations")
        assert not violations, [tuple(each) for each in violations]
        ends: dict[UUID, int] = {}
        for move in await observer.fetch("SELECT * FROM moves"):
            old, new = move["old_state"], move["new_state"]
            drawn = may_become(old, new) or (old == "submitted" and new == "offered") or old == new
            assert drawn, f"{old} → {new} is not drawn"
            if new in TERMINAL:
                ends[move["task_id"]] = ends.get(move["task_id"], 0) + 1
        assert all(number == 1 for number in ends.values()), "a task has ended twice"
        for task_id, epoch, event_id in self.answers:
            effects = await observer.fetchval(
                "SELECT count(*) FROM task_events WHERE task_id = $1 AND epoch = $2 AND event_id = $3",
                UUID(task_id), epoch, event_id,
            )  # fmt: skip
            assert effects == 1, f"{event_id} has {effects} effects"
        posts = await observer.fetch(
            "SELECT payload ->> 'text' AS said, count(*) FROM deliveries WHERE kind = 'reply' GROUP BY 1"
        )
        assert all(row["count"] == 1 for row in posts), [tuple(row) for row in posts if row["count"] > 1]
        noted = await observer.fetchval(
            "SELECT count(*) FROM task_events e JOIN tasks t ON t.id = e.task_id "
            "WHERE e.event_id IS NOT NULL AND e.kind IN ('task.complete', 'task.fail') "
            "AND e.data ->> 'retryable' IS DISTINCT FROM 'true' AND e.epoch <> t.epoch"
        )
        assert noted == 0, "an epoch that is over has ended the task"

    async def close(self) -> None:
        """Puts everything to rest."""
        await self.plant.end()


class LeaseMachine(RuleBasedStateMachine):
    """Three processes of two agents, and everything that may come between an offer and an end."""

    def __init__(self, plant: Plant, runner: asyncio.Runner) -> None:
        super().__init__()
        self.office = Office(plant)
        self.runner = runner
        self.opened = False

    def run(self, steps: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(steps)

    @initialize()
    def begin(self) -> None:
        self.run(self.office.open())
        self.opened = True
        self.dispatch(False)

    @rule(another=st.booleans())
    def dispatch(self, another: bool) -> None:
        """Offers what waits, takes back what was lost; `another` is a worker that has just started."""

        async def steps() -> None:
            hub = self.office.hub
            if another:
                hub.dispatcher = Dispatcher(hub.db, self.office.clock, self.office.clock.steady)
            await hub.process.run(hub.dispatcher.run_once())

        self.run(steps())

    @rule(die_at=st.integers(1, 80))
    def die_dispatching(self, die_at: int) -> None:
        async def steps() -> None:
            hub = self.office.hub
            hub.process.arm(die_at=die_at)
            await self._survive(hub.process.run(hub.dispatcher.run_once()))

        self.run(steps())

    @rule(ticks=st.integers(1, 7), online=st.booleans())
    def time_passes(self, ticks: int, online: bool) -> None:
        """With workers that look on; agents that are not `online` send no sign meanwhile."""

        async def steps() -> None:
            hub = self.office.hub
            for _ in range(ticks):
                self.office.clock.move(TICK_SECONDS)
                if online:
                    live = [each.session for each in self.office.programs if each.session is not None]
                    await hub.process.run(hub.sessions.touch(live))
                await hub.process.run(hub.dispatcher.run_once())

        self.run(steps())

    @rule(
        program=PROGRAM, task=TASKS, verb=st.sampled_from(VERBS), behind=st.integers(0, 2), lagging=st.booleans(),
        die_at=st.none() | st.none() | st.integers(1, 60),
    )  # fmt: skip
    def an_agent_sends(
        self, program: int, task: int, verb: str, behind: int, lagging: bool, die_at: int | None
    ) -> None:
        """Anybody sends anything about any task, with an epoch that may be long over."""

        async def steps() -> None:
            row = (await self.office.tasks())[-1 - task]
            speaker = self.office.programs[program]
            epoch = max(1, row["epoch"] - behind)
            sent = self.office.command(row, verb, epoch, f"e{next(self.office.numbers)}")
            speaker.sent.append(sent)
            self.office.hub.process.arm(die_at=die_at)
            await self._survive(self.office.carry_out(speaker.caller(lagging=lagging and behind > 0), *sent))

        self.run(steps())

    @rule(task=TASKS, verbs=st.lists(st.sampled_from(VERBS), min_size=1, max_size=3))
    def the_holder_sends(self, task: int, verbs: list[str]) -> None:
        """Whoever holds the task goes on with it."""

        async def steps() -> None:
            for verb in verbs:
                row = (await self.office.tasks())[-1 - task]
                holder = next((each for each in self.office.programs if self._holds(each, row)), None)
                if holder is None:
                    return
                sent = self.office.command(row, verb, row["epoch"], f"e{next(self.office.numbers)}")
                holder.sent.append(sent)
                await self._survive(self.office.carry_out(holder.caller(), *sent))

        self.run(steps())

    @rule(program=PROGRAM, which=st.integers(0, 99))
    def an_agent_repeats(self, program: int, which: int) -> None:
        async def steps() -> None:
            speaker = self.office.programs[program]
            if speaker.sent:
                await self._survive(self.office.carry_out(speaker.caller(), *speaker.sent[which % len(speaker.sent)]))

        self.run(steps())

    @rule(task=TASKS, stop=st.booleans(), dispatch=st.booleans())
    def everybody_ends_it_at_once(self, task: int, stop: bool, dispatch: bool) -> None:
        """Complete, fail, an old epoch's complete, a Stop and a dispatcher, all at the same moment."""

        async def steps() -> None:
            office, hub = self.office, self.office.hub
            row = (await office.tasks())[-1 - task]
            calls: list[Coroutine[Any, Any, Any]] = []
            for speaker in office.programs:
                for verb, behind in (("task.complete", 0), ("task.fail", 0), ("task.complete", 1)):
                    name, sent = office.command(row, verb, max(1, row["epoch"] - behind), f"e{next(office.numbers)}")
                    calls.append(hub.commands.carry_out(speaker.caller(), name, sent))
            if stop:
                calls.append(hub.cancelling.cancel(row["tenant_id"], row["id"], "Dana"))
            if dispatch:
                calls.append(hub.dispatcher.run_once())
            outcomes = cast("list[Any]", await hub.process.run(_together(calls)))
            agreed = [each for each in outcomes if isinstance(each, Accepted) or each is True]
            assert len(agreed) <= 1, "two have ended the same task"
            strange = [each for each in outcomes if isinstance(each, Exception)]
            assert not strange, strange

        self.run(steps())

    @rule(program=PROGRAM, moved=st.booleans())
    def an_agent_reconnects(self, program: int, moved: bool) -> None:
        """It says what it holds; `moved` says so of everything that its agent was ever offered."""

        async def steps() -> None:
            speaker = self.office.programs[program]
            holding = tuple(
                Holding(task_id=str(row["id"]), epoch=row["epoch"])
                for row in await self.office.tasks()
                if row["epoch"] > 0 and (moved or self._holds(speaker, row))
            )
            await self._survive(self.office.connect(speaker, holding))

        self.run(steps())

    @rule(task=TASKS)
    def somebody_cancels(self, task: int) -> None:
        async def steps() -> None:
            row = (await self.office.tasks())[-1 - task]
            hub = self.office.hub
            done = await hub.process.run(hub.cancelling.cancel(row["tenant_id"], row["id"], "Dana"))
            assert done is (row["finished_at"] is None)

        self.run(steps())

    @precondition(lambda self: self.opened)
    @rule(number=TASKS)
    def more_is_wanted(self, number: int) -> None:
        self.run(self.office.request(number))

    @invariant()
    def one_epoch_at_most_changes_a_task(self) -> None:
        if self.opened:
            self.run(self.office.check())

    def teardown(self) -> None:
        if self.opened:
            self.run(self.office.close())

    def _holds(self, program: Program, row: Any) -> bool:
        return (row["agent_id"], row["instance"]) == (program.agent_id, program.instance)

    async def _survive(self, work: Coroutine[Any, Any, Any]) -> None:
        hub = self.office.hub
        try:
            await work
        except Killed:
            await self.office.plant.buried(hub.process)
            self.office.hub = Hub(self.office.plant, self.office.clock)
        finally:
            hub.process.arm()


async def _together(calls: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    return await asyncio.gather(*(asyncio.create_task(call) for call in calls), return_exceptions=True)


def test_lease_machine(plant: Plant, runner: asyncio.Runner, profile: settings) -> None:
    run_machine(lambda: LeaseMachine(plant, runner), settings=profile)


# --- each await ---


async def command_swept(plant: Plant, verb: str) -> int:
    """Kills a gateway at each await of a command; the agent repeats it, and it has one effect."""
    office = Office(plant)
    await office.open(conversations=0)
    tenant_id = plant.place.tenant_id

    async def path(number: int) -> bool:
        office.mappings.append(await plant.place.conversation(item_id=f"item-{number}", root_ts=f"1.{number}"))
        await office.request(number - 1)
        await office.hub.process.run(office.hub.dispatcher.run_once())
        row = (await office.tasks())[-1]
        assert row["state"] == "offered"
        holder = next(each for each in office.programs if each.instance == row["instance"]
                      and each.agent_id == row["agent_id"])  # fmt: skip
        if verb != "task.accept":
            await office.carry_out(holder.caller(), *office.command(row, "task.accept", row["epoch"], "accepting"))
        victim = Hub(plant, office.clock)
        await victim.db.ping()
        victim.process.arm(die_at=number)
        name, command = office.command(row, verb, row["epoch"], f"event-{number}")
        killed = False
        try:
            answer = await victim.process.run(victim.commands.carry_out(holder.caller(), name, command))
            assert isinstance(answer, Accepted)
        except Killed:
            killed = True
            await plant.buried(victim.process)
        again = await office.hub.process.run(office.hub.commands.carry_out(holder.caller(), name, command))
        assert isinstance(again, Accepted), f"killed at await {number}: {again}"
        effects = await plant.observer.fetchval(
            "SELECT count(*) FROM task_events WHERE task_id = $1 AND event_id = $2", row["id"], command.event_id
        )
        assert effects == 1, f"killed at await {number}"
        await office.check()
        await office.hub.process.run(office.hub.cancelling.cancel(tenant_id, row["id"], "Dana"))
        await victim.process.end()
        return killed

    return await at_every_await(path)


@pytest.mark.parametrize("verb", ["task.accept", "task.complete", "task.retry"])
def test_command_of_a_gateway_killed_at_any_await_has_one_effect_when_it_is_repeated(
    verb: str, plant: Plant, runner: asyncio.Runner
) -> None:
    awaits = runner.run(command_swept(plant, verb))
    plant.notes.append(f"killed at each of {awaits} awaits")
    assert awaits > 10


async def dispatch_swept(plant: Plant) -> int:
    """Kills a worker at each await of a dispatch that takes one task back and offers two."""
    office = Office(plant)
    await office.open(conversations=2)
    await office.hub.process.run(office.hub.dispatcher.run_once())

    async def path(number: int) -> bool:
        office.clock.move(TICK_SECONDS)
        await plant.observer.execute("DELETE FROM task_events WHERE kind = 'task.requeued'")  # nobody is paused
        for program in office.programs:
            await office.connect(program)
        victim = Hub(plant, office.clock)
        await victim.db.ping()
        victim.process.arm(die_at=number)
        killed = False
        try:
            await victim.process.run(victim.dispatcher.run_once())
        except Killed:
            killed = True
            await plant.buried(victim.process)
        await office.hub.process.run(office.hub.dispatcher.run_once())
        for row in await office.tasks():
            told = await plant.observer.fetchval(
                "SELECT count(*) FROM agent_messages WHERE task_id = $1 AND event = 'task.assigned' "
                "AND payload ->> 'epoch' = $2 AND acked_at IS NULL",
                row["id"], str(row["epoch"]),
            )  # fmt: skip
            assert (row["state"] == "offered") == (told == 1), f"killed at await {number}: {row['state']}, {told}"
        await office.check()
        await victim.process.end()
        return killed

    return await at_every_await(path)


def test_worker_killed_at_any_await_of_a_dispatch_leaves_each_task_offered_once(
    plant: Plant, runner: asyncio.Runner
) -> None:
    awaits = runner.run(dispatch_swept(plant))
    plant.notes.append(f"killed at each of {awaits} awaits")
    assert awaits > 10
