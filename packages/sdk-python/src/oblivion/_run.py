"""One task in this process, from the offer to the answered result."""

import asyncio
import logging
from collections.abc import Awaitable
from functools import partial
from uuid import uuid4

from oblivion._clock import WorkClock
from oblivion._commands import Commands
from oblivion._handlers import ContextFunction, Handler, Handlers
from oblivion._journal import Journal
from oblivion._outbox import Outbox
from oblivion._report import MAX_ERROR_CHARS, report
from oblivion._trace import continued
from oblivion._updates import Updates
from oblivion.context import Context
from oblivion.errors import CommandRefused, Fatal, Retryable
from oblivion_protocol import (
    ContextUpdate,
    Holding,
    TaskAccept,
    TaskAssigned,
    TaskComplete,
    TaskFail,
    TaskHeartbeat,
)

log = logging.getLogger("oblivion")


class Run:
    """Accepts, works, reports. `cancel` may come at any time."""

    def __init__(
        self,
        task: TaskAssigned,
        handler: Handler,
        handlers: Handlers,
        outbox: Outbox,
        journal: Journal,
        state: object = None,
    ) -> None:
        self.key = Holding(task_id=task.task_id, epoch=task.epoch)
        self.updates = Updates()
        self._task = task
        self._handler = handler
        self._handlers = handlers
        self._outbox = outbox
        self._journal = journal
        self._state = state
        self._clock = WorkClock(handler.timeout_seconds)
        self._commands = Commands(self.key, outbox)
        self._working: asyncio.Task[str] | None = None
        self._accepted = False
        self.finishing = False
        """The handler is done and its result is on its way: this takes no slot any more."""
        self._interrupted = False

    async def go(self) -> None:
        """The whole life of the task here. Raises nothing."""
        log.info("task.offered task=%s epoch=%d type=%s", self.key.task_id, self.key.epoch, self._task.type)
        try:
            await self._commands.send(TaskAccept)
        except CommandRefused as refused:
            log.info("task.offer_gone task=%s error=%s", self.key.task_id, refused)
            return
        self._accepted = True
        log.info("task.accepted task=%s", self.key.task_id)
        try:
            with continued(self._task) as attempt:
                outcome = await self._work()
                attempt.ended(outcome)
            if outcome is not None:
                await self.updates.finish()
        finally:
            self.updates.close()
        if outcome is None or self._commands.canceled is not None:
            log.info("task.canceled task=%s reason=%s", self.key.task_id, self._commands.canceled)
            return
        self.finishing = True
        await report(outcome, self._journal, self._outbox)

    @property
    def free(self) -> bool:
        """Takes no slot any more: its result is on its way, or it was taken away."""
        return self.finishing or self._commands.canceled is not None

    async def beat(self) -> None:
        """Renews the lease."""
        if self._accepted:
            await self._outbox.renew(
                TaskHeartbeat(task_id=self.key.task_id, epoch=self.key.epoch, event_id=str(uuid4()))
            )

    def cancel(self, reason: str) -> None:
        """The task is not ours any more: stops the handler, forgets what it wanted to say."""
        if self.finishing or self._commands.canceled is not None:
            # A result that is on its way is sent all the same: only its answer tells whether it counted.
            return
        self._commands.canceled = reason
        if self._working is not None:
            self._working.cancel()
        self._outbox.drop(self.key, reason)

    def interrupt(self) -> None:
        """This process must end: stops the handler and gives the task back."""
        if self._working is None:
            self.cancel("the agent stopped")
        elif not self.finishing:
            self._interrupted = True
            self._working.cancel()

    async def _work(self) -> TaskComplete | TaskFail | None:
        """The outcome to report; none when the task was taken away."""
        if self._commands.canceled is not None:
            return None
        threads = self._handlers.threads
        ctx = Context(self._task, self._commands, self.updates, self._clock, self._state, threads)
        for function in self._handlers.on_context:
            self.updates.subscribe(partial(_call_with, ctx, function))
        self._working = asyncio.create_task(
            self._handlers.call(self._handler, self._task, ctx), name=f"task-{self.key.task_id}"
        )
        try:
            async with self._clock.running():
                result = await self._working
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            if self._interrupted:
                return self._failed("The agent was stopped before it was done.", retryable=True)
            if self._commands.canceled is not None:
                return None
            return self._failed("CancelledError: the handler canceled itself.")
        except Exception as error:
            if self._commands.canceled is not None:
                return None
            return self._failure(error)
        if self._commands.canceled is not None:
            return None
        try:
            return TaskComplete(task_id=self.key.task_id, epoch=self.key.epoch, event_id=str(uuid4()), result=result)
        except ValueError:
            return self._failed(f"The result is too long for a message ({len(result)} characters).")

    def _failure(self, error: Exception) -> TaskFail:
        if isinstance(error, TimeoutError) and self._clock.expired:
            return self._failed(f"Not done within {self._clock.limit_seconds:g} s.")
        log.error("task.handler_failed task=%s", self.key.task_id, exc_info=error)
        if isinstance(error, Retryable | Fatal) and str(error):
            return self._failed(str(error), retryable=isinstance(error, Retryable))
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return self._failed(text, retryable=isinstance(error, Retryable))

    def _failed(self, text: str, *, retryable: bool = False) -> TaskFail:
        return TaskFail(
            task_id=self.key.task_id,
            epoch=self.key.epoch,
            event_id=str(uuid4()),
            error=text[:MAX_ERROR_CHARS],
            retryable=retryable,
        )


def _call_with(ctx: Context, function: ContextFunction, update: ContextUpdate) -> Awaitable[None] | None:
    return function(update, ctx)
