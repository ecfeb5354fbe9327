"""Asking people, and what becomes of the question. Nexus decides that; time here only guards against its silence."""

import asyncio
import math
from typing import Any

from oblivion._clock import WorkClock
from oblivion._commands import Commands
from oblivion._updates import Updates
from oblivion.errors import AnswerExpired, InvalidCommand, StaleEpoch
from oblivion_protocol import AnswerOutcome, ContextUpdate, TaskApprove, TaskAsk

EXPIRY_GRACE_SECONDS = 30.0
"""How long after a question's end Nexus may take to say what became of it."""


class Questions:
    """The questions of one task. Their time does not count against the handler's limit."""

    def __init__(self, commands: Commands, updates: Updates, clock: WorkClock) -> None:
        self._commands = commands
        self._updates = updates
        self._clock = clock

    async def put(
        self, model: type[TaskAsk | TaskApprove], prompt: str, limit_seconds: float | None, **fields: Any
    ) -> str:
        """The text of the answer; of one that was given in an earlier epoch, at once.

        Raises `AnswerExpired`, or `StaleEpoch` when the question was withdrawn.
        """
        whole = None if limit_seconds is None else math.ceil(limit_seconds)
        with self._clock.paused():
            asked = await self._commands.send(model, timeout_seconds=whole, **fields)
            if asked.answer is not None:
                return _text(asked.answer.outcome, asked.answer.text, prompt)
            if asked.question_id is None:
                raise InvalidCommand("invalid", "Nexus took the question but gave it no id.")
            update = await self._settled(asked.question_id, prompt, limit_seconds)
            return _text(update.outcome or "answered", update.text, prompt)

    async def _settled(self, question_id: str, prompt: str, limit_seconds: float | None) -> ContextUpdate:
        try:
            async with asyncio.timeout(None if limit_seconds is None else limit_seconds + EXPIRY_GRACE_SECONDS):
                return await self._updates.answer(question_id)
        except TimeoutError:
            pass
        try:
            # An answer that came while we were away is still on its way to us.
            await self._commands.online()
            async with asyncio.timeout(EXPIRY_GRACE_SECONDS):
                return await self._updates.answer(question_id)
        except TimeoutError as error:
            if self._commands.canceled is not None:
                raise StaleEpoch("stale_epoch", self._commands.canceled) from error
            raise _expired(prompt) from error


def _text(outcome: AnswerOutcome, text: str, prompt: str) -> str:
    match outcome:
        case "answered":
            return text
        case "expired":
            raise _expired(prompt)
        case "withdrawn":
            raise StaleEpoch("stale_epoch", f"The question was withdrawn: {prompt}")


def _expired(prompt: str) -> AnswerExpired:
    return AnswerExpired(f"Nobody answered in time: {prompt}")
