"""A process within the test's event loop that can be stopped at any await: killed, frozen, or cut off.

Every coroutine of a process is driven by hand, one suspension after the other. What a kill leaves behind is what
SIGKILL leaves behind: whatever was asked of the server and answered has happened, nobody has seen the answer, the
sockets are closed (advisory locks go with them), and nothing of the process reaches anything any more.
"""

import asyncio
import itertools
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextvars import ContextVar
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import event

from nexus.store.database import Database

ResultT = TypeVar("ResultT")

QUIET_SECONDS = 30.0
_current: ContextVar["Process | None"] = ContextVar("process", default=None)


class Killed(BaseException):
    """The process is dead; not an Exception, so that no handler of ours mistakes it for a fault."""


class Process:
    """Coroutines, tasks and connections that live and die together."""

    _numbers = itertools.count()

    def __init__(self, name: str) -> None:
        self.name = f"{name}-{next(self._numbers)}"
        self.dead = False
        self.steps = 0
        """Awaits since `arm`."""
        self.in_all = 0
        self.time: Callable[[], int] = lambda: 0
        """Logical time, which moves on when a test says so."""
        self.knows_of = 0
        """When the database has answered last."""
        self._free_steps = 0
        self.frozen: asyncio.Task[Any] | None = None
        self._die_at: int | None = None
        self._freeze_at: int | None = None
        self._cut_at: int | None = None
        self._gate = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.waits_for: dict[asyncio.Task[Any], Any] = {}
        """The future that each of them waits for."""
        self._corpses: list[Coroutine[Any, Any, Any]] = []
        self._databases: list[Database] = []
        self._wires: list[Any] = []
        self.last_rites: list[Callable[[], Awaitable[None]]] = []
        """Closes what the pools do not know of, once the process is dead."""

    def database(self, url: str) -> Database:
        """A pool of this process alone."""
        db = Database(url, pool_size=4, application_name=self.name)
        event.listen(db.engine.sync_engine, "connect", lambda wire, _: self._wires.append(wire.driver_connection))
        event.listen(db.engine.sync_engine, "do_connect", self._refuse_when_dead)
        self._databases.append(db)
        return db

    def arm(self, *, die_at: int | None = None, freeze_at: int | None = None, cut_at: int | None = None) -> None:
        """What is to happen once so many awaits were answered; the count begins here.

        To freeze, only awaits count at which no transaction is open: nobody then has to wait for the frozen one.
        A cut loses the next answer of the database and every connection, and the process lives on.
        """
        self.steps = self._free_steps = 0
        self._die_at, self._freeze_at, self._cut_at = die_at, freeze_at, cut_at

    async def run(self, coroutine: Coroutine[Any, Any, ResultT]) -> ResultT | None:
        """Runs it and whatever it starts, until all is done or frozen; None if it is not done.

        Raises Killed.
        """
        task = self._start(coroutine)
        await self._quiet()
        if self.dead:
            await self._bury()
            raise Killed
        self._tasks = {each for each in self._tasks if not each.done()}
        return task.result() if task.done() else None

    async def thaw(self) -> None:
        """Lets a frozen process go on. Raises Killed."""
        self.frozen, gate = None, self._gate
        self._gate = asyncio.Event()
        gate.set()
        await self._quiet()
        if self.dead:
            await self._bury()
            raise Killed

    async def kill(self) -> None:
        """Ends it where it stands."""
        self._die()
        await self._bury()

    async def kill_and_say(self) -> None:
        """Ends it where it stands, and raises Killed."""
        await self.kill()
        raise Killed

    def cut(self) -> None:
        """Loses every connection to the database."""
        for wire in self._wires:
            if not wire.is_closed():
                wire._transport.abort()
        self._wires.clear()

    def on_task(self, coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """The coroutine of a new task of this process, driven."""
        return _coroutine(_driven(self, coroutine))

    def started(self, task: asyncio.Task[Any]) -> None:
        """Keeps a task of this process in sight."""
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._changed.set())

    def _start(self, coroutine: Coroutine[Any, Any, ResultT]) -> asyncio.Task[ResultT]:
        token = _current.set(self)
        try:
            return asyncio.get_running_loop().create_task(coroutine)
        finally:
            _current.reset(token)

    async def _quiet(self) -> None:
        async with asyncio.timeout(QUIET_SECONDS):
            while not self.dead and any(self._goes_on(task) for task in self._tasks):
                self._changed.clear()
                await self._changed.wait()

    def _goes_on(self, task: asyncio.Task[Any]) -> bool:
        """Whether a task will do anything by itself: it is neither done, nor frozen, nor waits for who is frozen."""
        if task.done() or task is self.frozen:
            return False
        future = self.waits_for.get(task)
        return self.frozen is None or future is None or future.done() or _is_of_database(future)

    def answered(self, *, of_database: bool, ours: bool) -> tuple[bool, bool]:
        """Counts an await; returns whether to freeze and whether to lose the answer. Raises Killed."""
        self.steps += 1
        self.in_all += 1
        if of_database:
            self.knows_of = self.time()
        if self._die_at is not None and self.steps >= self._die_at:
            self._die()
        if self.dead:
            raise Killed
        if self._cut_at is not None and self.steps >= self._cut_at and of_database:
            self._cut_at = None
            self.cut()
            return False, True
        free = ours and not any(wire.is_in_transaction() for wire in self._wires if not wire.is_closed())
        self._free_steps += free
        freeze = free and self._freeze_at is not None and self._free_steps >= self._freeze_at
        if freeze:
            self._freeze_at = None
            self.frozen = asyncio.current_task()
            self._changed.set()
        return freeze, False

    def notes_wait(self, future: Any) -> None:
        """Notes what the current task waits for."""
        task = asyncio.current_task()
        if task is not None:
            self.waits_for[task] = future
            self._changed.set()

    @property
    def gate(self) -> asyncio.Event:
        """Opens when a frozen process may go on."""
        return self._gate

    def lay_down(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Keeps what will not be continued, so that nothing runs when it is collected as garbage."""
        self._corpses.append(coroutine)

    def _die(self) -> None:
        self.dead = True
        self.cut()
        self._changed.set()

    def _refuse_when_dead(self, *_: Any) -> None:
        if self.dead:
            raise ConnectionRefusedError("this process is dead")

    async def _bury(self) -> None:
        """Unwinds what was left where it stood. It has no connection and gets none, so that it reaches nothing."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        token = _current.set(None)
        while self._corpses:
            corpse = self._corpses.pop()
            try:
                await asyncio.wait_for(_coroutine(_unwound(corpse)), QUIET_SECONDS)
            except (Killed, Exception, asyncio.CancelledError):
                continue
        _current.reset(token)
        for rite in self.last_rites:
            await rite()
        for db in self._databases:
            await db.aclose()

    async def end(self) -> None:
        """Puts the process to rest after an example."""
        if not self.dead:
            await self.kill()


def current() -> Process | None:
    """The process that runs at the moment."""
    return _current.get()


def install(loop: asyncio.AbstractEventLoop) -> None:
    """From now on, tasks that a process starts belong to it."""

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        process = _current.get()
        if process is None or process.dead:
            return asyncio.Task(coroutine, loop=loop, **more)
        task: asyncio.Task[Any] = asyncio.Task(process.on_task(coroutine), loop=loop, **more)
        process.started(task)
        return task

    loop.set_task_factory(factory)


async def gone(observer: asyncpg.Connection, process: Process) -> None:
    """Returns once the server has noticed that a process is dead."""
    await observer.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1", process.name
    )


async def at_every_await(path: Callable[[int], Awaitable[bool]]) -> int:
    """Calls `path(n)` for n = 1, 2, … until it says that nothing was left to interrupt; how many awaits it has."""
    for number in itertools.count(1):
        if not await path(number):
            return number - 1
    raise AssertionError


async def _coroutine(driven: Awaitable[Any]) -> Any:
    return await driven


@types.coroutine
def _driven(process: Process, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    proceed: Callable[[Any], Any] = coroutine.send
    with_what: Any = None
    # Others wait for what the libraries start; frozen is what we have started.
    ours = "site-packages" not in coroutine.cr_code.co_filename
    while True:
        if process.dead:
            process.lay_down(coroutine)
            raise Killed
        try:
            waits_for = proceed(with_what)
        except StopIteration as finished:
            return finished.value
        of_database = _is_of_database(waits_for)
        process.notes_wait(waits_for)
        try:
            with_what, proceed = (yield waits_for), coroutine.send
        except BaseException as error:
            with_what, proceed = error, coroutine.throw
        try:
            freeze, lost = process.answered(of_database=of_database, ours=ours)
        except Killed:
            process.lay_down(coroutine)
            raise
        if lost:
            with_what, proceed = asyncpg.ConnectionDoesNotExistError("connection was lost"), coroutine.throw
        if freeze:
            try:
                yield from process.gate.wait().__await__()
            except BaseException as error:
                with_what, proceed = error, coroutine.throw


def _is_of_database(waits_for: Any) -> bool:
    """Whether it is the driver that waits: it watches its own futures."""
    return any("asyncpg" in repr(callback) for callback, _ in getattr(waits_for, "_callbacks", None) or ())


@types.coroutine
def _unwound(coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    proceed: Callable[[Any], Any] = coroutine.throw
    with_what: Any = Killed()
    while True:
        try:
            waits_for = proceed(with_what)
        except StopIteration as finished:
            return finished.value
        try:
            with_what, proceed = (yield waits_for), coroutine.send
        except BaseException as error:
            with_what, proceed = error, coroutine.throw
