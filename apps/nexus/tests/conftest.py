"""Real servers for every test: PostgreSQL and Valkey from wheels, one of each for a whole run."""

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from support.servers import TEMPLATE, statement, url_of

from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.store.migrate import upgrade

# Agents of tests keep nothing on this machine.
os.environ["OBLIVION_JOURNAL"] = ""


@pytest.fixture
def postgres_directory() -> Generator[Path]:
    """A folder for a cluster of a test's own.

    Not below pytest's temporary folder: started by root, PostgreSQL runs as another user, and each new run of
    pytest locks others out of that folder.
    """
    with tempfile.TemporaryDirectory(prefix="oblivion-", ignore_cleanup_errors=True) as directory:
        yield Path(directory)


@pytest.fixture(scope="session")
def postgres() -> Generator[EmbeddedPostgres]:
    """A server with a migrated template database; see `postgres_directory` for where it lives."""
    with tempfile.TemporaryDirectory(prefix="oblivion-", ignore_cleanup_errors=True) as directory:
        server = EmbeddedPostgres(Path(directory))
        server.start()
        try:
            asyncio.run(statement(server.url, f"CREATE DATABASE {TEMPLATE}"))
            asyncio.run(upgrade(url_of(server, TEMPLATE)))
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Generator[EmbeddedValkey]:
    """A server of its own for the run."""
    server = EmbeddedValkey(Path(tmp_path_factory.mktemp("valkey")), persistent=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres) -> AsyncGenerator[str]:
    """A migrated, empty database, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    await statement(postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield url_of(postgres, name)
    await statement(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def redis_url(valkey: EmbeddedValkey) -> str:
    """An empty Valkey."""
    from redis.asyncio import Redis

    client = Redis.from_url(valkey.url)
    await client.flushall()
    await client.aclose()
    return valkey.url
