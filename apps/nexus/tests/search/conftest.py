"""Two kinds of index, the packaged model, and a PostgreSQL in which people say things."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from qdrant_client import AsyncQdrantClient
from search.recalling import Company, Recall

from nexus.search.embed import PackagedEmbedder
from nexus.search.embedded import EmbeddedIndex
from nexus.search.history import History
from nexus.search.indexer import Indexer
from nexus.search.memory import Memory
from nexus.search.server import ServerIndex
from nexus.search.store import Collection, Index
from nexus.store.database import Database
from nexus.store.tables import Connection, Tenant


@pytest.fixture(scope="session")
def embedder() -> PackagedEmbedder:
    """The model that Nexus ships with, loaded once."""
    return PackagedEmbedder()


@pytest.fixture(params=["embedded", "server"])
def index_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Collection], Index]:
    """Both kinds. There is no Qdrant server in this repository's tests: its client's local mode stands in for it."""
    if request.param == "embedded":
        return lambda collection: EmbeddedIndex(tmp_path / "search", collection)
    return lambda collection: ServerIndex(AsyncQdrantClient(":memory:"), collection)


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    db = Database(database_url, pool_size=3)
    yield db
    await db.aclose()


@pytest.fixture
def found(database: Database) -> Callable[[], Awaitable[Company]]:
    """Founds a company."""

    async def make() -> Company:
        async with database.system() as session:
            tenant = Tenant(name=f"company-{uuid4().hex[:8]}")
            session.add(tenant)
            await session.flush()
        company = Company(tenant.id, database)
        async with database.tenant(company.id) as session:
            workspace = {"workspace_id": uuid4().hex, "name": "w", "sealed": b""}
            session.add(Connection(id=company.connection, tenant_id=company.id, vendor="clickup", **workspace))
        return company

    return make


@pytest.fixture
async def recall(
    database: Database, embedder: PackagedEmbedder, index_of: Callable[[Collection], Index]
) -> AsyncGenerator[Recall]:
    memory = Memory(embedder, index_of)
    yield Recall(memory, Indexer(database, memory), History(database, memory))
    await (await memory.index()).aclose()
