"""Agents, tasks and hubs, and what may be said about them at any time (I5)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from machines.crashing import Process
from machines.plant import NoBells, Plant

from nexus.gateway.sessions import LiveSession, Sessions
from nexus.kit.ids import new_id
from nexus.pipeline.facts import Item, Person
from nexus.store.tables import Agent, AgentAlias, TaskMapping
from nexus.tasks.commands import AgentCommands, Caller, SessionReplaced
from nexus.tasks.desk import TaskDesk
from nexus.tasks.dispatch import Dispatcher
from nexus.tasks.rules import may_become
from nexus.tasks.steering import Steering
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

AGENTS = ("red", "blue")
PROCESSES = (("red", "one"), ("red", "two"), ("blue", "one"))
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
        self.cancelling = Steering(db, TaskDesk(clock), NoBells(), clock)
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
