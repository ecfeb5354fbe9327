"""A task as its author and the people in the thread see it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from oblivion.testing._hub import FakeHub
from oblivion.testing._records import Artifact, Question, TaskRecord
from oblivion_protocol import PlanStep, TaskState

PERSON = "Dana Reyes"


class Wait(Protocol):
    """Waits for something to come true, at most a day of the fake world."""

    def __call__(self, condition: Callable[[], bool], what: Callable[[], str]) -> Awaitable[None]:
        """Raises `AssertionError` with the text when it does not."""
        ...


class FakeTask:
    """One assigned task. What has happened is in its attributes; its methods do what people do."""

    def __init__(self, record: TaskRecord, hub: FakeHub, wait: Wait) -> None:
        self._record = record
        self._hub = hub
        self._wait = wait

    @property
    def id(self) -> str:
        """The task's id."""
        return self._record.id

    @property
    def state(self) -> TaskState:
        """Where it stands, by the names of the protocol."""
        return self._record.state

    @property
    def reason(self) -> str | None:
        """Why it waits, or why it ended."""
        return self._record.reason

    @property
    def epoch(self) -> int:
        """How often it was offered."""
        return self._record.epoch

    @property
    def said(self) -> list[str]:
        """What `ctx.say` posted."""
        return list(self._record.said)

    @property
    def held(self) -> list[str]:
        """What `ctx.say` would have posted if the agent were not muted."""
        return list(self._record.held)

    @property
    def posts(self) -> list[str]:
        """Everything in the thread: what was said, asked and made, and the result."""
        return list(self._record.posts)

    @property
    def plan(self) -> list[PlanStep]:
        """The plan on the card."""
        return list(self._record.plan)

    @property
    def progress(self) -> str:
        """What the card says happens now."""
        return self._record.progress

    @property
    def artifacts(self) -> list[Artifact]:
        """What `ctx.artifact` added."""
        return list(self._record.artifacts)

    @property
    def questions(self) -> list[Question]:
        """Everything that was asked, with what became of it."""
        return list(self._record.questions)

    @property
    def error(self) -> str | None:
        """What the last attempt failed with."""
        return self._record.error

    async def question(self) -> Question:
        """The oldest open question or request for approval, as soon as there is one."""

        def ready() -> bool:
            return bool(self._record.open_questions) or self._record.over

        await self._wait(ready, lambda: f"Nothing was asked; {self._story()}")
        if not self._record.open_questions:
            raise AssertionError(f"Nothing is asked any more; {self._story()}")
        return self._record.open_questions[0]

    async def answer(self, text: str, *, by: str = PERSON) -> None:
        """Answers the question, as soon as there is one."""
        await self._settle("ask", text, by)

    async def approve(self, *, by: str | None = None) -> None:
        """Gives permission, as soon as it is asked for; by default as the first of its approvers."""
        await self._settle("approve", "Approve", by)

    async def deny(self, *, by: str | None = None) -> None:
        """Refuses permission, as soon as it is asked for."""
        await self._settle("approve", "Deny", by)

    async def reply(self, text: str, *, by: str = PERSON) -> None:
        """Writes into the thread. A reply that equals an option of an open question answers it."""
        for question in self._record.open_questions:
            chosen = [option for option in question.options if option.casefold() == text.strip().casefold()]
            if question.kind == "ask" and chosen:
                self._hub.settle(self._record, question, "answered", chosen[0], by)
                return
        self._hub.inform(self._record, "reply", text, by)

    async def cancel(self, reason: str = "Stopped by Dana Reyes") -> None:
        """Stops the task."""
        if not self._record.over:
            self._hub.cancel(self._record, reason)

    async def lose_lease(self) -> None:
        """Its lease ends, whoever holds it; returns when the task has been taken back."""
        epoch, state = self.epoch, self.state
        self._hub.end_lease(self._record)
        await self._wait(
            lambda: self.state != state or self.epoch != epoch, lambda: f"It was not taken back; {self._story()}"
        )

    async def expire(self, question: Question) -> None:
        """The time for an answer is up."""
        self._hub.settle(self._record, question, "expired")

    async def waits_because(self, reason: str) -> None:
        """Waits until the task is in the queue for this reason."""
        await self._wait(
            lambda: (self.state, self.reason) == ("submitted", reason),
            lambda: f"It does not wait because of {reason}; {self._story()}",
        )

    async def until(self, *states: TaskState) -> TaskState:
        """Waits until the task is in one of these states."""
        await self._wait(
            lambda: self.state in states, lambda: f"It never became {' or '.join(states)}; {self._story()}"
        )
        return self.state

    async def done(self) -> TaskState:
        """How it ended, as soon as it has."""
        await self._wait(lambda: self._record.over, lambda: f"It did not end; {self._story()}")
        return self.state

    async def result(self) -> str:
        """What the handler returned, as soon as it has. Raises `AssertionError` when the task ends otherwise."""
        if await self.done() != "completed":
            raise AssertionError(f"The task was not completed; {self._story()}")
        return self._record.result or ""

    async def _settle(self, kind: str, text: str, by: str | None) -> None:
        question = await self.question()
        if question.kind != kind:
            raise AssertionError(f"Not a question of this kind: {question.text!r} is for `{question.kind}`.")
        if question.options:
            options = {option.casefold(): option for option in question.options}
            if text.strip().casefold() not in options:
                raise AssertionError(f"{text!r} is none of the options: {', '.join(question.options)}.")
            text = options[text.strip().casefold()]
        author = by or next(iter(question.approvers), PERSON)
        if question.approvers and author not in question.approvers:
            raise AssertionError(f"{author!r} is none of the approvers: {', '.join(question.approvers)}.")
        self._hub.settle(self._record, question, "answered", text, author)

    def _story(self) -> str:
        record = self._record
        facts: dict[str, Any] = {"reason": record.reason, "error": record.error}
        facts["open question"] = next((question.text for question in record.open_questions), None)
        facts["last said"] = record.said[-1] if record.said else None
        known = "".join(f", {name}: {fact!r}" for name, fact in facts.items() if fact is not None)
        return f"it is {record.state} at epoch {record.epoch}{known}"
