"""A context without Nexus: it remembers what the agent did, and gives the answers that it was given before."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from oblivion import AnswerExpired, ContextUpdate, TaskAssigned
from oblivion_protocol import PlanStep


def assigned(**changes: Any) -> TaskAssigned:
    offer: dict[str, Any] = {
        "delivery_id": "d1", "seq": 1, "task_id": "task-1", "epoch": 1, "lease_seconds": 60, "type": "fix_bug",
        "title": "CSV export drops the last row", "instructions": "You work for @AI_Squad.",
        "untrusted": [{"author": "Dana", "source": "clickup.description", "text": "See repo acme/shop, the export."}],
    }  # fmt: skip
    return TaskAssigned.model_validate(offer | changes)


class FakeContext:
    """The names of `oblivion.Context` that the agent uses."""

    def __init__(self, *, approves: bool | None = True) -> None:
        self.approves = approves
        self.said: list[str] = []
        self.notes: list[str] = []
        self.actions: list[tuple[str, tuple[str, ...]]] = []
        self.steps: list[PlanStep] = []
        self.callbacks: list[Any] = []

    @property
    def ticks(self) -> list[tuple[str, str]]:
        return [(step.title, step.state) for step in self.steps]

    async def say(self, text: str) -> bool:
        self.said.append(text)
        return True

    async def progress(self, text: str) -> None:
        self.notes.append(text)

    async def plan(self, *titles: str) -> None:
        self.steps = [PlanStep(title=title) for title in titles]

    @asynccontextmanager
    async def step(self, title: str) -> AsyncGenerator[None]:
        index = [step.title for step in self.steps].index(title)
        self.steps[index] = PlanStep(title=title, state="running")
        try:
            yield
        except Exception:
            self.steps[index] = PlanStep(title=title, state="failed")
            raise
        self.steps[index] = PlanStep(title=title, state="done")

    async def approve(self, action: str, *, approvers: Sequence[str] = (), timeout: Any = None) -> bool:
        self.actions.append((action, tuple(approvers)))
        if self.approves is None:
            raise AnswerExpired(f"Nobody answered in time: {action}")
        return self.approves

    def on_update(self, callback: Any) -> None:
        self.callbacks.append(callback)

    def hear(self, text: str) -> None:
        update = ContextUpdate.model_validate(
            {
                "delivery_id": "d2", "seq": 2, "task_id": "task-1", "kind": "reply", "author": "Sam", "source": "slack",
                "text": text, "at": "2026-11-22T09:30:00Z",
            }
        )  # fmt: skip
        for callback in self.callbacks:
            callback(update)
