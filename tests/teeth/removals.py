"""Ways to take a guard away, in the code or in the database, and to put it back afterwards."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import Insert
from stage import Stage

from nexus.integrations.slack import blocks
from nexus.kit.batching import NaturalBatcher
from nexus.pipeline.inbox import Inbox
from nexus.store import bulk
from nexus.tasks.commands import AgentCommands
from nexus.worker import Wake

Removal = Callable[[Stage], AbstractAsyncContextManager[None]]


# --- ways to take something away ---


def swapped(target: Any, name: str, value: Any) -> Removal:
    """Another function or value in its place."""

    @asynccontextmanager
    async def removal(_stage: Stage) -> AsyncGenerator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(target, name, value)
            _forget_results(target)
            yield
        _forget_results(target)

    return removal


def _forget_results(target: Any) -> None:
    """What functions of a module remember was made with the value that is gone."""
    for each in vars(target).values():
        if hasattr(each, "cache_clear"):
            each.cache_clear()


def rewritten(target: Any, name: str, *changes: tuple[str, str]) -> Removal:
    """A statement in which parts, which must stand in it, are others."""
    statement = getattr(target, name)
    changed: str = statement if isinstance(statement, str) else statement.text
    for part, instead in changes:
        assert part in changed, f"{name} does not hold {part!r}: the guard has another shape now"
        changed = changed.replace(part, instead)
    return swapped(target, name, changed if isinstance(statement, str) else text(changed))


def without(target: Any, name: str, part: str) -> Removal:
    """A statement without one part."""
    return rewritten(target, name, (part, ""))


def without_unique(table: str, *columns: str) -> Removal:
    """No unique constraint on these columns; rows that double others are deleted at the end."""
    name, key = f"uq_{table}_{'_'.join(columns)}", ", ".join(columns)

    @asynccontextmanager
    async def removal(stage: Stage) -> AsyncGenerator[None]:
        await stage.change(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        try:
            yield
        finally:
            same = " AND ".join(f"older.{column} = {table}.{column}" for column in columns)
            await stage.change(f"DELETE FROM {table} USING {table} older WHERE {same} AND older.id < {table}.id")
            await stage.change(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({key})")

    return removal


def statements(away: Sequence[str], back: Sequence[str]) -> Removal:
    """SQL that takes something away, and SQL that puts it back."""

    @asynccontextmanager
    async def removal(stage: Stage) -> AsyncGenerator[None]:
        for statement in away:
            await stage.change(statement)
        try:
            yield
        finally:
            for statement in back:
                await stage.change(statement)

    return removal


def together(*parts: Removal) -> Removal:
    """One guard that stands in several places."""

    @asynccontextmanager
    async def removal(stage: Stage) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            for part in parts:
                await stack.enter_async_context(part(stage))
            yield

    return removal


def yes(*_: Any) -> bool:
    """Everything is fine, whatever it is."""
    return True


def no_objection(*_: Any) -> None:
    """Nothing to say against it."""


async def nothing(*_: Any, **__: Any) -> None:
    """Not done, or not found."""


async def false(*_: Any, **__: Any) -> bool:
    """Never the case."""
    return False


class BlindInsert(Insert):
    """An INSERT that takes no notice of what is there already."""

    inherit_cache = True

    def on_conflict_do_nothing(self, *_: Any, **__: Any) -> "BlindInsert":
        return self


def blind_insert_sql(model: Any, columns: tuple[str, ...]) -> TextClause:
    """The same of many rows."""
    return text(_insert_sql(model, columns, "") + " RETURNING id")


# --- what the code would be without a guard ---

_insert_together: Any = Inbox._insert_together  # pyright: ignore[reportPrivateUsage]
_insert_sql: Any = bulk._insert_sql  # pyright: ignore[reportPrivateUsage]
_run: Any = vars(NaturalBatcher)["_run"]
_fence: Any = AgentCommands._fence  # pyright: ignore[reportPrivateUsage]
_reply, _wait = blocks.reply, Wake.wait


@asynccontextmanager
async def answering_first(_stage: Stage) -> AsyncGenerator[None]:
    """The inbox says that it is stored as soon as storing has begun."""
    storing: list[asyncio.Task[list[bool]]] = []

    async def answer(self: Inbox, rows: Sequence[Any]) -> list[bool]:
        storing.append(asyncio.create_task(_insert_together(self, rows)))
        return [True for _ in rows]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inbox, "_insert_together", answer)
        yield
    await asyncio.gather(*storing, return_exceptions=True)


async def idle_a_moment_later(self: Any) -> None:
    """Between "the queue is empty" and "the flusher is idle" others may run."""
    flusher = self._flusher
    await _run(self)
    self._flusher = flusher
    for _ in range(100):  # the gap that must not be there, until somebody has fallen into it
        if self._waiting:
            break
        await asyncio.sleep(0.02)
    self._flusher = None


def whoever_holds_it(self: AgentCommands, caller: Any, task: Any, command: Any) -> Any:
    """Only the state of the task counts, not who holds it."""
    holder = replace(caller, agent_id=task.agent_id, instance=task.instance)
    return _fence(self, holder, task, command.model_copy(update={"epoch": task.epoch}))


def unmarked(said: str, delivery_id: str, _late_at: Any = None) -> Any:
    return _reply(said, delivery_id)


async def until_rung(self: Wake, _seconds: float = 0) -> None:
    await _wait(self, 3600)


def by_arrival(_at: Any) -> int:
    """The order in which events are handled, not the one in which they happened."""
    return time.time_ns() // 1000
