"""Databases on the server that a test run has started."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from nexus.kit.embedded import EmbeddedPostgres
from nexus.store.database import driver_url

TEMPLATE = "oblivion_template"
"""A migrated, empty database that others are copies of."""


def url_of(server: EmbeddedPostgres, database: str) -> str:
    """The URL of one database of a server."""
    return server.url.rsplit("/", 1)[0] + f"/{database}"


async def statement(url: str, sql: str) -> None:
    """Runs one statement outside of any transaction."""
    engine = create_async_engine(driver_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(sql))
    await engine.dispose()
