"""What people say while a task is being worked on, for everybody in the handler who wants to know."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from oblivion_protocol import ContextUpdate

log = logging.getLogger("oblivion")

FINISH_SECONDS = 5.0
"""How long callbacks may hold up the result."""

UpdateCallback = Callable[[ContextUpdate], Awaitable[None] | None]
"""Called with each update; a plain function must not block."""


class Updates:
    """The updates of one task since it was offered. Nothing is missed by who comes late."""

    def __init__(self) -> None:
        self._all: list[ContextUpdate] = []
        self._arrived = asyncio.Event()
        self._streamed = 0
        self._answers: dict[str, asyncio.Future[ContextUpdate]] = {}
        self._pumps: list[asyncio.Task[None]] = []
        self._finishing = False

    def deliver(self, update: ContextUpdate) -> None:
        """An update arrived."""
        if update.kind == "answer" and update.question_id is not None:
            answer = self._answer(update.question_id)
            if not answer.done():
                answer.set_result(update)
            return
        self._all.append(update)
        self._arrived.set()
        self._arrived = asyncio.Event()

    async def answer(self, question_id: str) -> ContextUpdate:
        """The answer to a question. It may have arrived before the question's own acknowledgement."""
        return await asyncio.shield(self._answer(question_id))

    async def stream(self) -> AsyncIterator[ContextUpdate]:
        """The updates that no other stream has taken yet, then each new one."""
        while True:
            arrived = self._arrived
            while self._streamed < len(self._all):
                self._streamed += 1
                yield self._all[self._streamed - 1]
            await arrived.wait()

    def subscribe(self, callback: UpdateCallback) -> None:
        """Calls back with every update in order, those that came before included."""
        self._pumps.append(asyncio.create_task(self._pump(callback)))

    async def finish(self) -> None:
        """The handler is done: callbacks still get what arrived before."""
        self._finishing = True
        self._arrived.set()
        if self._pumps:
            await asyncio.wait(self._pumps, timeout=FINISH_SECONDS)

    def close(self) -> None:
        """The task is over: nobody is called any more."""
        for pump in self._pumps:
            pump.cancel()

    def _answer(self, question_id: str) -> asyncio.Future[ContextUpdate]:
        if question_id not in self._answers:
            self._answers[question_id] = asyncio.get_running_loop().create_future()
        return self._answers[question_id]

    async def _pump(self, callback: UpdateCallback) -> None:
        position = 0
        while True:
            arrived = self._arrived
            while position < len(self._all):
                position += 1
                try:
                    waiting = callback(self._all[position - 1])
                    if inspect.isawaitable(waiting):
                        await waiting
                except Exception:
                    log.exception("update.callback_failed task=%s", self._all[position - 1].task_id)
            if self._finishing:
                return
            await arrived.wait()
