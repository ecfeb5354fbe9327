"""The pipeline on a real PostgreSQL, with one small integration that does what a test says."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import replace

import asyncpg
import pytest
from pipeline.fakes import Place, Worker, place_on

from nexus.kit.embedded import EmbeddedPostgres
from nexus.kit.ids import new_id
from nexus.pipeline.claims import Claims
from nexus.store.database import Database
from nexus.store.tables import Base, Connection, Tenant


@pytest.fixture(scope="module")
def module_url(postgres: EmbeddedPostgres) -> Generator[str]:
    """One migrated database for the tests of a file; each of them empties it."""
    name = f"pipeline_{secrets.token_hex(6)}"

    async def administer(statement: str) -> None:
        connection = await asyncpg.connect(postgres.url)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(administer(f"CREATE DATABASE {name} TEMPLATE oblivion_template"))
    yield postgres.url.rsplit("/", 1)[0] + f"/{name}"
    asyncio.run(administer(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def db(module_url: str) -> AsyncGenerator[Database]:
    """An empty database."""
    connection = await asyncpg.connect(module_url)
    await connection.execute("; ".join(f"DELETE FROM {table.name}" for table in reversed(Base.metadata.sorted_tables)))
    await connection.close()
    opened = Database(module_url)
    yield opened
    await opened.aclose()


@pytest.fixture
async def place(db: Database) -> Place:
    """A tenant with one workspace."""
    made = place_on(db)
    await made.prepare()
    return made


@pytest.fixture
async def another_place(place: Place) -> Place:
    """A second tenant, in the same parts."""
    other = replace(place, tenant_id=new_id(), connection_id=new_id())
    async with place.db.system() as session:
        session.add(Tenant(id=other.tenant_id, name="another tenant"))
        await session.flush()
        session.add(
            Connection(
                id=other.connection_id, tenant_id=other.tenant_id, vendor="faketool", workspace_id="w",
                name="Workspace", sealed=place.sealer.seal({"token": "t"}), facts={},
            )
        )  # fmt: skip
    return other


@pytest.fixture
async def workers(place: Place) -> AsyncGenerator[Callable[[], Awaitable[Claims]]]:
    """Makes workers that live; whoever is left at the end is put to rest."""
    made: list[Claims] = []

    async def worker() -> Claims:
        claims = Claims(place.db)
        await claims.live()
        made.append(claims)
        return claims

    yield worker
    for claims in made:
        await claims.die()


@pytest.fixture
async def worker(place: Place, workers: Callable[[], Awaitable[Claims]]) -> AsyncGenerator[Worker]:
    """A worker that lives."""
    yield Worker(place, await workers())
