"""Where the graph keeps what it has done: a SQLite file, or PostgreSQL when several processes share the work."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from oblivion_reference_agent.settings import Settings


@asynccontextmanager
async def open_checkpoints(settings: Settings) -> AsyncGenerator[BaseCheckpointSaver[Any]]:
    """Opened for one stretch of work, never while people think: that may take days."""
    if settings.postgres:
        async with AsyncPostgresSaver.from_conn_string(settings.checkpoints) as saver:
            await saver.setup()
            yield saver
        return
    async with AsyncSqliteSaver.from_conn_string(_private_file(settings.checkpoints)) as saver:
        await saver.setup()
        yield saver


def _private_file(name: str) -> str:
    path = Path(name)
    # It holds what the tasks say: for its owner only.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return name
