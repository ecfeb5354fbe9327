"""What hot paths cost, counted: calls of functions, messages to the database. No count knows how busy a machine is."""

import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import event
from support.world import World, running_world

from nexus.store.database import Database

ROOM = 1.25
"""By how much a hot path may become dearer before its test fails: a quarter."""


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncGenerator[World]:
    """Everything runs."""
    async with running_world(database_url, redis_url) as running:
        yield running


@dataclass
class Counted:
    """How many there were."""

    count: int = 0

    def each(self, of: int) -> float:
        """For one of so many."""
        return self.count / of


@contextmanager
def calls() -> Generator[Counted]:
    """Counts calls of Python functions and of functions in C, in this thread."""
    counted = Counted()

    def note(_frame: FrameType, what: str, _about: Any) -> None:
        if what in ("call", "c_call"):
            counted.count += 1

    sys.setprofile(note)
    try:
        yield counted
    finally:
        sys.setprofile(None)


@contextmanager
def statements(db: Database) -> Generator[Counted]:
    """Counts what is sent to PostgreSQL and waited for: statements, the beginnings of transactions and their ends."""
    counted = Counted()
    engine = db.engine.sync_engine

    def note(*_about: Any) -> None:
        counted.count += 1

    # The BEGIN goes out with the first statement, in a message of its own; `rollback` ends what only read and failed.
    names = ("before_cursor_execute", "begin", "commit", "rollback")
    for name in names:
        event.listen(engine, name, note)
    try:
        yield counted
    finally:
        for name in names:
            event.remove(engine, name, note)
