"""Servers and the stage of the teeth, and the table that `make teeth` prints."""

import os
import secrets
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from stage import Stage, staged
from support.servers import statement, url_of
from support.world import running_world

from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.store.migrate import upgrade

PROPERTY = "teeth"


@pytest.fixture(scope="session")
def servers() -> Generator[tuple[EmbeddedPostgres, EmbeddedValkey]]:
    """A PostgreSQL and a Valkey of their own: guards are removed from the database, too."""
    with tempfile.TemporaryDirectory(prefix="oblivion-", ignore_cleanup_errors=True) as directory:
        postgres = EmbeddedPostgres(Path(directory) / "postgres")
        valkey = EmbeddedValkey(Path(directory) / "valkey", persistent=False)
        postgres.start()
        try:
            valkey.start()
            yield postgres, valkey
        finally:
            valkey.stop()
            postgres.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(servers: tuple[EmbeddedPostgres, EmbeddedValkey]) -> AsyncGenerator[Stage]:
    """One world for the guards of a module; each puts back what it removed."""
    postgres, valkey = servers
    name = f"teeth_{secrets.token_hex(6)}"
    await statement(postgres.url, f"CREATE DATABASE {name}")
    await upgrade(url_of(postgres, name))
    redis: Any = Redis.from_url(valkey.url)  # pyright: ignore[reportUnknownMemberType]
    await redis.flushall()
    await redis.aclose()
    async with running_world(url_of(postgres, name), valkey.url) as world, staged(world) as ready:
        yield ready


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints what was removed and how it was noticed (TEETH_TABLE=1)."""
    if os.environ.get("TEETH_TABLE") != "1":
        return
    reports = [*terminalreporter.stats.get("passed", ()), *terminalreporter.stats.get("failed", ())]
    rows = [value for report in reports for name, value in report.user_properties if name == PROPERTY]
    if not rows:
        return
    head = {"guard": "guard", "removed": "what was removed", "scenario": "scenario", "caught": "caught as",
            "verdict": "verdict"}  # fmt: skip
    wide = {name: max(len(row[name]) for row in (head, *rows)) for name in head}
    terminalreporter.write_line("")
    for row in (head, {name: "-" * width for name, width in wide.items()}, *rows):
        terminalreporter.write_line(" | ".join(row[name].ljust(wide[name]) for name in head).rstrip())
    caught = sum(row["verdict"] == "caught" for row in rows)
    terminalreporter.write_line(f"\n{caught} of {len(rows)} caught")
