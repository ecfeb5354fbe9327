"""The pool when PostgreSQL goes away: it comes back by itself, and nobody waits without a bound."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from support.chaos import chaos_proxy
from support.servers import statement
from support.waiting import eventually

from nexus.kit.embedded import EmbeddedPostgres
from nexus.store import database as database_module
from nexus.store.database import Database, is_unavailable

BOUND_SECONDS = 10.0


@pytest.fixture
def own_postgres(postgres_directory: Path) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(postgres_directory)
    server.start()
    yield server
    server.stop(immediate=True)


async def write(db: Database, value: int | str = 0) -> None:
    async with db.engine.begin() as connection:
        await connection.execute(text("INSERT INTO notes VALUES (:value)"), {"value": value})


async def warm(db: Database, connections: int) -> None:
    """Fills the pool: so many connections at the same time."""
    held = [await db.engine.connect() for _ in range(connections)]
    for connection in held:
        await connection.execute(text("SELECT 1"))
    for connection in held:
        await connection.close()


async def failure_of(db: Database) -> BaseException:
    try:
        await write(db)
    except BaseException as error:
        return error
    raise AssertionError("the write went through")


@asynccontextmanager
async def opened(url: str, connections: int = 5) -> AsyncGenerator[Database]:
    await statement(url, "CREATE TABLE IF NOT EXISTS notes (value int)")
    db = Database(url, pool_size=connections)
    await warm(db, connections)
    try:
        yield db
    finally:
        await db.aclose()


async def test_pool_recovers_by_itself_after_a_crash_of_the_server(own_postgres: EmbeddedPostgres) -> None:
    async with opened(own_postgres.url) as db:
        for _ in range(2):
            await asyncio.to_thread(own_postgres.stop, immediate=True)
            away = await failure_of(db)
            assert is_unavailable(away), repr(away)
            await asyncio.to_thread(own_postgres.start)
            await asyncio.gather(*(write(db) for _ in range(5)))


async def test_statement_cut_by_a_crash_counts_as_unavailable(own_postgres: EmbeddedPostgres) -> None:
    async with opened(own_postgres.url) as db:

        async def hold() -> None:
            async with db.engine.connect() as connection:
                await connection.execute(text("SELECT pg_sleep(30)"))

        holding = asyncio.create_task(hold())
        await eventually(lambda: sleepers(own_postgres.url), "the statement runs")
        await asyncio.to_thread(own_postgres.stop, immediate=True)
        with pytest.raises(DBAPIError) as cut:
            await holding
        assert is_unavailable(cut.value)


async def test_connections_that_an_operator_ends_are_replaced(own_postgres: EmbeddedPostgres) -> None:
    async with opened(own_postgres.url) as db:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'oblivion'"
        await statement(own_postgres.url, ended)
        await eventually(lambda: no_sessions(own_postgres.url))
        await asyncio.gather(*(write(db) for _ in range(5)))


async def test_server_that_takes_no_writes_is_away_and_its_connections_do_not_linger(
    own_postgres: EmbeddedPostgres,
) -> None:
    async with opened(own_postgres.url) as db, db.engine.connect() as busy:
        await busy.execute(text("SELECT 1"))
        await busy.commit()
        await read_only(own_postgres.url, "on")
        with pytest.raises(Exception) as unready:
            await db.ping()  # no write has failed yet
        assert is_unavailable(unready.value)
        with pytest.raises(DBAPIError) as refused:
            await busy.execute(text("INSERT INTO notes VALUES (1)"))
        assert getattr(refused.value.orig, "sqlstate", None) == "25006"
        assert is_unavailable(refused.value)
        assert busy.invalidated
        for _ in range(2):  # at the same time more than the pool holds: old connections, and then new ones
            for away in await asyncio.gather(*(failure_of(db) for _ in range(7))):
                assert is_unavailable(away), repr(away)
        assert await sessions(own_postgres.url) == 0
        await read_only(own_postgres.url, "off")
        await asyncio.gather(*(write(db) for _ in range(5)))


async def test_half_open_path_is_noticed_in_time_and_replaced(own_postgres: EmbeddedPostgres) -> None:
    async with chaos_proxy(own_postgres.url) as path, opened(path.url(own_postgres.url)) as db:
        path.half_open()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await write(db)
        # 2.5 s, and the goodbye; the rest is for a busy machine.
        assert time.monotonic() - started < 2.5 + database_module.CLOSE_TIMEOUT_SECONDS + 1.5
        await path.forward()
        # Every old connection still leads nowhere.
        async with asyncio.timeout(BOUND_SECONDS):
            await asyncio.gather(*(write(db) for _ in range(5)))


async def test_statement_that_never_ends_frees_its_connection(
    own_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "COMMAND_TIMEOUT_SECONDS", 3)
    async with chaos_proxy(own_postgres.url) as path, opened(path.url(own_postgres.url)) as db:
        async with asyncio.timeout(3 + database_module.CLOSE_TIMEOUT_SECONDS + 2):
            with pytest.raises(TimeoutError):
                async with db.engine.begin() as connection:
                    await connection.execute(text("SELECT 1"))
                    path.half_open()
                    await connection.execute(text("INSERT INTO notes VALUES (1)"))
        await path.forward()
        async with asyncio.timeout(BOUND_SECONDS):
            await write(db)


async def test_value_that_cannot_be_sent_is_no_outage(own_postgres: EmbeddedPostgres) -> None:
    async with opened(own_postgres.url) as db:
        for value in ("half of a pair: \ud800", "no number"):
            with pytest.raises(DBAPIError) as refused:
                await write(db, value)
            assert not is_unavailable(refused.value)
        with pytest.raises(DBAPIError) as nonsense:
            async with db.engine.connect() as connection:
                await connection.execute(text("SELECT nonsense"))
        assert not is_unavailable(nonsense.value)


async def test_server_without_a_free_connection_is_away(postgres_directory: Path) -> None:
    server = EmbeddedPostgres(postgres_directory, settings={"max_connections": "5"})
    server.start()
    held: list[asyncpg.Connection] = []
    try:
        async with opened(server.url, connections=1) as db:
            await db.engine.dispose()
            with pytest.raises(asyncpg.PostgresError):
                while True:
                    held.append(await asyncpg.connect(server.url))
            away = await failure_of(db)
            assert is_unavailable(away), repr(away)
    finally:
        for connection in held:
            await connection.close()
        server.stop()


async def test_pool_without_a_free_connection_is_away(
    own_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "CONNECT_TIMEOUT_SECONDS", 0.3)
    async with opened(own_postgres.url, connections=2) as db, db.engine.connect(), db.engine.connect():
        away = await failure_of(db)
        assert is_unavailable(away), repr(away)


# --- the server from outside ---


async def no_sessions(url: str) -> bool:
    return await sessions(url) == 0


async def read_only(url: str, state: str) -> None:
    await statement(url, f"ALTER SYSTEM SET default_transaction_read_only = {state}")
    await statement(url, "SELECT pg_reload_conf()")
    connection = await asyncpg.connect(url)
    try:
        await eventually(lambda: connection.fetchval(f"SELECT current_setting('transaction_read_only') = '{state}'"))
    finally:
        await connection.close()


async def sessions(url: str) -> int:
    """How many connections of ours the server has; those that are just ending get a moment."""
    connection = await asyncpg.connect(url)
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'oblivion'"
    try:
        await eventually(lambda: connection.fetchval(query.replace("count(*)", "count(*) = 0")))
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def sleepers(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
