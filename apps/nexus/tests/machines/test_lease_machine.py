"""One epoch at most changes a task (I5): agents that lag, repeat, vanish and come back; commands that die anywhere."""

import asyncio
from collections.abc import Coroutine
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from machines.crashing import Killed, at_every_await
from machines.office import PROCESSES, Hub, Office, Program
from machines.plant import DEEP, Plant

from nexus.tasks.commands import AgentCommands
from nexus.tasks.dispatch import Dispatcher
from oblivion_protocol import Accepted, Holding

pytestmark = pytest.mark.timeout(300)

TICK_SECONDS = 11.0
"""Longer than an offer stands, shorter than what a dispatcher takes for an outage."""
PROGRAM = st.integers(0, len(PROCESSES) - 1)
TASKS = st.integers(0, 1)
VERBS = (
    "task.accept", "task.accept", "task.reject", "task.heartbeat", "task.progress", "task.message", "task.ask",
    "task.complete", "task.fail", "task.retry",
)  # fmt: skip


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


def test_lease_machine_finds_a_hub_that_does_not_look_at_the_epoch(
    plant: Plant, runner: asyncio.Runner, finding: settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AgentCommands, "_fence", lambda *_: None)
    with pytest.raises(AssertionError):
        run_machine(lambda: LeaseMachine(plant, runner), settings=finding)


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


@pytest.mark.parametrize("verb", ["task.accept", "task.complete", "task.retry"] if DEEP else ["task.complete"])
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
