"""The tasks that this process holds, and the rules for taking one."""

import asyncio
import logging
from collections import OrderedDict
from uuid import uuid4

from oblivion._handlers import Handlers
from oblivion._journal import Journal
from oblivion._outbox import Outbox
from oblivion._report import Replay
from oblivion._run import Run
from oblivion_protocol import ContextUpdate, Holding, TaskAssigned, TaskCanceled, TaskReject

log = logging.getLogger("oblivion")

REMEMBERED = 10_000
INTERRUPT_SECONDS = 2.0
"""How long handlers may clean up after the drain time is over."""


class Desk:
    """At most `capacity` handlers at a time, one per task, none twice."""

    def __init__(self, handlers: Handlers, capacity: int, outbox: Outbox, journal: Journal) -> None:
        self.handlers = handlers
        self.capacity = capacity
        self.state: object = None
        """What the agent's `lifespan` yielded."""
        self._outbox = outbox
        self._journal = journal
        self._runs: dict[Holding, Run] = {}
        self._replays: dict[Holding, Replay] = {}
        self._tasks: dict[Holding, asyncio.Task[None]] = {}
        self._taken: OrderedDict[Holding, None] = OrderedDict()
        self._draining = False

    @property
    def holding(self) -> list[Holding]:
        """What to tell Nexus that we hold."""
        return [*self._runs, *self._replays]

    def resume(self) -> None:
        """Sends the results that an earlier process could not."""
        for outcome in self._journal.unsent:
            self._replay(Replay(outcome, self._journal, self._outbox, accept=False))

    def offer(self, task: TaskAssigned) -> None:
        """Takes a task or gives it back. The same offer twice is one offer."""
        key = Holding(task_id=task.task_id, epoch=task.epoch)
        if key in self._taken:
            return
        for held in [held for held in self._runs if held.task_id == key.task_id]:
            if held.epoch > key.epoch:
                return
            self.lose(held, "the task was offered again")
        handler = self.handlers.find(task.type)
        result = self._journal.result_of(key.task_id)
        if self._draining:
            self._reject(key, "The agent is shutting down.")
        elif result is not None and result.epoch <= key.epoch:
            again = result.model_copy(update={"epoch": key.epoch})
            self._replay(Replay(again, self._journal, self._outbox, accept=True))
        elif handler is None:
            self._reject(key, f"No handler for task type {task.type!r}.")
        elif sum(not run.free for run in self._runs.values()) >= self.capacity:
            self._reject(key, "No free slot.")
        else:
            self._take(key)
            run = self._runs[key] = Run(task, handler, self.handlers, self._outbox, self._journal, self.state)
            self._tasks[key] = asyncio.create_task(self._live(run), name=f"run-{key.task_id}")

    def update(self, update: ContextUpdate) -> None:
        """Somebody said something about a task."""
        for key, run in self._runs.items():
            if key.task_id == update.task_id:
                run.updates.deliver(update)

    def cancel(self, canceled: TaskCanceled) -> None:
        """Somebody stopped a task."""
        for key in list(self._runs):
            if key.task_id == canceled.task_id and key.epoch <= canceled.epoch:
                self.lose(key, canceled.reason)

    def lose(self, key: Holding, reason: str) -> None:
        """A task is not ours any more."""
        if run := self._runs.get(key):
            run.cancel(reason)

    async def beat(self) -> None:
        """Renews the leases of all tasks once."""
        await asyncio.gather(*(run.beat() for run in self._runs.values()))

    async def drain(self, seconds: float) -> None:
        """Takes nothing new, and waits for what is going on; what takes longer goes back into the queue."""
        self._draining = True
        log.info("agent.draining tasks=%d seconds=%g", len(self._runs), seconds)
        await self._wait(seconds)
        for run in list(self._runs.values()):
            run.interrupt()
        await self._wait(INTERRUPT_SECONDS)

    async def close(self) -> None:
        """Ends everything at once."""
        tasks = list(self._tasks.values())
        for key in list(self._runs):
            self.lose(key, "the agent stopped")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)

    def _replay(self, replay: Replay) -> None:
        self._take(replay.key)
        self._replays[replay.key] = replay
        self._tasks[replay.key] = asyncio.create_task(self._live(replay), name=f"replay-{replay.key.task_id}")

    def _take(self, key: Holding) -> None:
        self._taken[key] = None
        if len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)

    async def _live(self, run: Run | Replay) -> None:
        try:
            await run.go()
        finally:
            self._runs.pop(run.key, None)
            self._replays.pop(run.key, None)
            self._tasks.pop(run.key, None)

    def _reject(self, key: Holding, reason: str) -> None:
        log.info("task.rejected task=%s reason=%s", key.task_id, reason)
        self._outbox.post(TaskReject(task_id=key.task_id, epoch=key.epoch, event_id=str(uuid4()), reason=reason))
