"""Which function takes which type of task."""

import asyncio
import concurrent.futures
import contextvars
import inspect
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from oblivion._threads import Threads
from oblivion.context import Context
from oblivion.errors import ConfigurationError
from oblivion_protocol import ContextUpdate, TaskAssigned

TaskFunction = Callable[[TaskAssigned, Context], Awaitable[str | None]] | Callable[[TaskAssigned, Context], str | None]
"""A handler: a coroutine function, or a plain one, which gets a thread of its own."""

CallNext = Callable[[TaskAssigned, Context], Awaitable[str]]
"""Runs the rest: the next middleware, in the end the handler."""

Middleware = Callable[[TaskAssigned, Context, CallNext], Awaitable[str | None]]
"""Runs around every handler."""

ContextFunction = Callable[[ContextUpdate, Context], Awaitable[None] | None]
"""Called with each update of each task."""

DEFAULT_TYPE = "default"
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered function and how long it may work, in seconds."""

    function: TaskFunction
    timeout_seconds: float | None

    async def __call__(self, task: TaskAssigned, ctx: Context) -> str:
        """Runs the function; its result as text."""
        if inspect.iscoroutinefunction(self.function):
            result = await self.function(task, ctx)
        else:
            result = await _in_thread(self.function, task, ctx)
            if inspect.isawaitable(result):
                # A callable object or a partial may hide a coroutine function.
                result = await result
        return _as_text(result)


class Handlers:
    """The handlers of one agent, by type of task."""

    def __init__(self) -> None:
        self._by_type: dict[str, Handler] = {}
        self.on_context: list[ContextFunction] = []
        self.middleware: list[Middleware] = []
        self.threads = Threads()

    @property
    def skills(self) -> list[str]:
        """The types that Nexus may offer, in order of registration."""
        return list(self._by_type)

    def add(self, task_type: str, handler: Handler) -> None:
        """Registers a handler. Raises `ConfigurationError` when the type is no word, or taken."""
        if not _TYPE.fullmatch(task_type):
            raise ConfigurationError(f'{task_type!r} is no task type. Write a word such as "fix_bug".')
        if task_type in self._by_type:
            raise ConfigurationError(f"Task type {task_type!r} has a handler already.")
        self._by_type[task_type] = handler

    def find(self, task_type: str) -> Handler | None:
        """The handler of this type, else the default one."""
        return self._by_type.get(task_type) or self._by_type.get(DEFAULT_TYPE)

    async def call(self, handler: Handler, task: TaskAssigned, ctx: Context) -> str:
        """Runs the handler within all middleware, the first one outermost."""
        run: CallNext = handler
        for middleware in reversed(self.middleware):
            run = partial(_around, middleware, run)
        return await run(task, ctx)


async def _around(middleware: Middleware, call_next: CallNext, task: TaskAssigned, ctx: Context) -> str:
    return _as_text(await middleware(task, ctx, call_next))


def _as_text(result: object) -> str:
    return "" if result is None else str(result)


async def _in_thread(
    function: Callable[[TaskAssigned, Context], Awaitable[str | None] | str | None],
    task: TaskAssigned,
    ctx: Context,
) -> Awaitable[str | None] | str | None:
    outcome: concurrent.futures.Future[Awaitable[str | None] | str | None] = concurrent.futures.Future()
    # Running from the start: a thread cannot be canceled, so its future must not be either.
    outcome.set_running_or_notify_cancel()
    variables = contextvars.copy_context()

    def work() -> None:
        try:
            outcome.set_result(variables.run(function, task, ctx))
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            ctx.threads.end()

    ctx.threads.begin()
    # Not from a pool: its threads would keep the process alive when a function never returns.
    threading.Thread(target=work, name=f"task-{task.task_id}", daemon=True).start()
    return await asyncio.wrap_future(outcome)
