"""The driver for `FakeNexus`."""

from types import TracebackType
from typing import Self

from oblivion.agent import Agent
from oblivion.testing._nexus import FakeNexus
from oblivion.testing._process import AgentProcess
from oblivion.testing._task import FakeTask
from oblivion_protocol import TaskState


class FakeStage:
    """Implements `Stage`. Use it as an async context manager, once per scenario."""

    def __init__(self) -> None:
        self._nexus: FakeNexus | None = None
        self._tasks: dict[str, FakeTask] = {}
        self._skills: list[str] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._nexus is not None:
            await self._nexus.__aexit__(kind, error, traceback)

    def agent(self, *, concurrency: int = 1, drain_seconds: float = 30.0) -> Agent:
        """An agent without handlers."""
        return Agent("conformance", concurrency=concurrency, drain_seconds=drain_seconds)

    async def start(self, agent: Agent) -> AgentProcess:
        """Starts it."""
        self._nexus = await FakeNexus(agent, skills=self._skills).__aenter__()
        return self._nexus.process

    async def assign(self, task_type: str, title: str) -> str:
        """Somebody wants something done."""
        task = await self._fake.assign(task_type, title=title)
        self._tasks[task.id] = task
        return task.id

    async def reply(self, task_id: str, text: str) -> None:
        """Somebody writes into the thread."""
        await self._tasks[task_id].reply(text)

    async def answer(self, task_id: str, text: str) -> None:
        """Somebody answers."""
        await self._tasks[task_id].answer(text)

    async def approve(self, task_id: str, *, yes: bool) -> None:
        """An approver decides."""
        task = self._tasks[task_id]
        await (task.approve() if yes else task.deny())

    async def cancel(self, task_id: str) -> None:
        """Somebody stops the task."""
        await self._tasks[task_id].cancel()

    async def expire_question(self, task_id: str) -> None:
        """Its time is up."""
        question = await self._tasks[task_id].question()
        await self._tasks[task_id].expire(question)

    async def lose_lease(self, task_id: str) -> None:
        """The lease ends."""
        await self._tasks[task_id].lose_lease()

    async def restart(self) -> None:
        """Nexus restarts."""
        await self._fake.restart_nexus()

    async def register_skill(self, skill: str) -> None:
        """Nexus offers this type too."""
        self._skills.append(skill)

    async def until(self, task_id: str, *states: TaskState) -> TaskState:
        """Waits for a state."""
        return await self._tasks[task_id].until(*states)

    async def epoch(self, task_id: str) -> int:
        """The current epoch."""
        return self._tasks[task_id].epoch

    async def waits_because(self, task_id: str, reason: str) -> None:
        """Waits until it waits for this reason."""
        await self._tasks[task_id].waits_because(reason)

    async def posts(self, task_id: str) -> list[str]:
        """What stands in the thread."""
        await self._fake.advance(seconds=1)
        return self._tasks[task_id].posts

    async def result(self, task_id: str) -> str:
        """The result."""
        return await self._tasks[task_id].result()

    @property
    def _fake(self) -> FakeNexus:
        assert self._nexus is not None, "start an agent first"
        return self._nexus
