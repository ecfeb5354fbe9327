"""What a handler can do while it works on a task."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from oblivion._clock import WorkClock
from oblivion._commands import Commands
from oblivion._duration import Duration, seconds_of
from oblivion._questions import Questions
from oblivion._threads import Threads
from oblivion._updates import UpdateCallback, Updates
from oblivion.errors import InvalidCommand
from oblivion_protocol import (
    ContextUpdate,
    PlanStep,
    TaskApprove,
    TaskArtifact,
    TaskAsk,
    TaskAssigned,
    TaskMessage,
    TaskPlan,
    TaskProgress,
)

T = TypeVar("T")
StepState = Literal["pending", "running", "done", "failed"]

MAX_PROGRESS_CHARS = 300
_APPROVED = frozenset({"approve", "approved", "yes"})


class Context:
    """One task in one handler: say, ask, show progress, hear what people say.

    Methods that must be answered wait while the connection is down and go on by themselves afterwards. They
    raise `CommandRefused` when Nexus refuses, and `MessageTooLarge` when nothing was sent. When the task is
    not this agent's any more, the handler is canceled.

    A task that is worked on anew, after a crash for example, runs the handler from its beginning: what it says with
    the same words is not posted again, and what it asks with the same words is answered at once.
    """

    def __init__(
        self,
        task: TaskAssigned,
        commands: Commands,
        updates: Updates,
        clock: WorkClock,
        state: Any = None,
        threads: Threads | None = None,
    ) -> None:
        self.task = task
        self.state = state
        """What the agent's `lifespan` yielded."""
        self.threads = threads or Threads()
        self._commands = commands
        self._updates = updates
        self._questions = Questions(commands, updates, clock)
        self._loop = asyncio.get_running_loop()
        self._steps: list[PlanStep] = []

    @property
    def canceled(self) -> bool:
        """True when the work has no effect any more. For plain functions, which nobody can interrupt."""
        return self._commands.canceled is not None

    async def say(self, text: str) -> bool:
        """Posts into the thread. False when the agent is muted: Nexus holds it until somebody decides."""
        return not (await self._commands.send(TaskMessage, text=text)).held

    async def progress(self, text: str) -> None:
        """Shows on the card what happens now. Does not wait: a newer text replaces one not yet sent."""
        if len(text) > MAX_PROGRESS_CHARS:
            text = text[: MAX_PROGRESS_CHARS - 1] + "…"
        self._commands.note(TaskProgress, text=text)

    async def plan(self, *titles: str) -> None:
        """Shows the steps on the card, none begun. Replaces an earlier plan. Does not wait."""
        self._steps = [_plan_step(title) for title in titles]
        self._show_plan()

    @asynccontextmanager
    async def step(self, title: str) -> AsyncGenerator[None]:
        """Ticks a step of the plan: running within, then done, or failed. Adds it if it is new."""
        pending = (i for i, step in enumerate(self._steps) if step.title == title and step.state == "pending")
        index = next(pending, len(self._steps))
        self._steps[index : index + 1] = [_plan_step(title, "running")]
        self._show_plan()
        try:
            yield
        except Exception:
            self._steps[index] = _plan_step(title, "failed")
            self._show_plan()
            raise
        self._steps[index] = _plan_step(title, "done")
        self._show_plan()

    async def artifact(self, name: str, *, url: str | None = None, text: str | None = None) -> None:
        """Adds something that was made: a link, a short text, or both."""
        await self._commands.send(TaskArtifact, name=name, url=url, text=text)

    async def ask(self, question: str, *, options: Sequence[str] = (), timeout: Duration | None = None) -> str:
        """Asks the people in the thread and returns their answer, one of the options if there are any.

        The time does not count against the handler's own limit. Raises `AnswerExpired` when nobody answers within
        `timeout`, or ever within the time that Nexus gives a question.
        """
        fields = {"question": question, "options": list(options)}
        return await self._questions.put(TaskAsk, question, seconds_of(timeout), **fields)

    async def approve(self, action: str, *, approvers: Sequence[str] = (), timeout: Duration | None = None) -> bool:
        """Asks for permission; True only when it was given. `AnswerExpired` after `timeout` is not a "no"."""
        fields = {"action": action, "approvers": list(approvers)}
        answer = await self._questions.put(TaskApprove, action, seconds_of(timeout), **fields)
        return answer.strip().casefold() in _APPROVED

    def updates(self) -> AsyncIterator[ContextUpdate]:
        """What people say, from the offer on, as long as the handler reads; without answers to questions."""
        return self._updates.stream()

    def on_update(self, callback: UpdateCallback) -> None:
        """Calls back with every update from the offer on, in order, until the handler ends."""
        if _in_loop():
            self._updates.subscribe(callback)
        else:
            self._loop.call_soon_threadsafe(self._updates.subscribe, callback)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """For a handler that is a plain function: `ctx.run(ctx.say("…"))` waits for a method above."""
        if _in_loop():
            work.close()
            raise RuntimeError("ctx.run is for plain functions; here, write `await`.")
        with self.threads.waiting(asyncio.run_coroutine_threadsafe(work, self._loop)) as answer:
            return answer.result()

    def _show_plan(self) -> None:
        self._commands.note(TaskPlan, steps=list(self._steps))


def _plan_step(title: str, state: StepState = "pending") -> PlanStep:
    try:
        return PlanStep(title=title, state=state)
    except ValidationError as error:
        raise InvalidCommand("invalid", f"A step's title: {error.errors()[0]['msg']}") from error


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
