"""What a scenario needs of a Nexus: the small protocol that a driver implements, for the fake or for a real one."""

from typing import Protocol

from oblivion.agent import Agent
from oblivion.testing._process import AgentProcess
from oblivion_protocol import TaskState


class Stage(Protocol):
    """One Nexus with one agent's client and one conversation channel. Every wait is bounded by the driver."""

    def agent(self, *, concurrency: int = 1, drain_seconds: float = 30.0) -> Agent:
        """An agent for this Nexus, without handlers, not started."""
        ...

    async def start(self, agent: Agent) -> AgentProcess:
        """Starts it as a process; returns when it is connected. The same agent keeps its journal."""
        ...

    async def assign(self, task_type: str, title: str) -> str:
        """Somebody wants something done; the task's id."""
        ...

    async def reply(self, task_id: str, text: str) -> None:
        """Somebody writes into the thread."""
        ...

    async def answer(self, task_id: str, text: str) -> None:
        """Somebody answers the question, as soon as there is one."""
        ...

    async def approve(self, task_id: str, *, yes: bool) -> None:
        """An approver decides, as soon as somebody is asked."""
        ...

    async def cancel(self, task_id: str) -> None:
        """Somebody stops the task."""
        ...

    async def expire_question(self, task_id: str) -> None:
        """The time of the open question is up, as soon as there is one."""
        ...

    async def lose_lease(self, task_id: str) -> None:
        """The lease of the task ends, whoever holds it. Returns when the task is back in the queue, or offered anew."""
        ...

    async def restart(self) -> None:
        """Nexus restarts; what it has accepted it still knows."""
        ...

    async def register_skill(self, skill: str) -> None:
        """From now on Nexus offers this type to the agent, although the agent does not name it."""
        ...

    async def until(self, task_id: str, *states: TaskState) -> TaskState:
        """Waits until the task is in one of these states."""
        ...

    async def epoch(self, task_id: str) -> int:
        """The task's current epoch."""
        ...

    async def waits_because(self, task_id: str, reason: str) -> None:
        """Waits until the task is in the queue for this reason."""
        ...

    async def posts(self, task_id: str) -> list[str]:
        """What stands in the thread below the card, oldest first, once everything under way is out."""
        ...

    async def result(self, task_id: str) -> str:
        """The result of a completed task."""
        ...
