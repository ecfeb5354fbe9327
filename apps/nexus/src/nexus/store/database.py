"""Connections to PostgreSQL and the unit of work: one transaction, as one tenant or as the system."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from nexus.store.security import APP_ROLE, SYSTEM_ROLE

CONNECT_TIMEOUT_SECONDS = 5
COMMAND_TIMEOUT_SECONDS = 15
SAFE_SYNCHRONOUS_COMMIT = frozenset({"on", "remote_apply", "remote_write"})


class NotDurable(Exception):
    """The server would acknowledge commits that a crash can undo; serving webhooks on it would be a lie."""


def driver_url(url: str) -> URL:
    """The URL for asyncpg, whichever PostgreSQL scheme it was written with."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise ValueError(f"not a PostgreSQL URL: {parsed.render_as_string(hide_password=True)}")
    return parsed.set(drivername="postgresql+asyncpg")


def is_unavailable(error: BaseException) -> bool:
    """Whether the database is away, as opposed to refusing a statement."""
    if isinstance(error, OSError | TimeoutError):
        return True
    if isinstance(error, InterfaceError | OperationalError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


class Database:
    """A pool, and transactions on it."""

    def __init__(self, url: str, *, pool_size: int = 10, application_name: str = "oblivion") -> None:
        self.url = driver_url(url)
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            pool_recycle=300,
            pool_use_lifo=True,
            pool_timeout=CONNECT_TIMEOUT_SECONDS,
            connect_args={
                "timeout": CONNECT_TIMEOUT_SECONDS,
                "command_timeout": COMMAND_TIMEOUT_SECONDS,
                "server_settings": {
                    "application_name": application_name,
                    "idle_in_transaction_session_timeout": "30000",
                    "timezone": "UTC",
                },
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncGenerator[AsyncSession]:
        """One transaction that sees and writes this tenant's rows only; commits at the end."""
        async with self._transaction(APP_ROLE, str(tenant_id)) as session:
            yield session

    @asynccontextmanager
    async def system(self) -> AsyncGenerator[AsyncSession]:
        """One transaction across tenants, for the few tables that need it; commits at the end."""
        async with self._transaction(SYSTEM_ROLE, "") as session:
            yield session

    @asynccontextmanager
    async def _transaction(self, role: str, tenant_id: str) -> AsyncGenerator[AsyncSession]:
        async with self._sessions() as session, session.begin():
            await session.execute(
                text("SELECT set_config('role', :role, true), set_config('app.tenant_id', :tenant, true)"),
                {"role": role, "tenant": tenant_id},
            )
            yield session

    async def check_durability(self) -> None:
        """Raises NotDurable when a commit could be lost in a crash of the server."""
        async with self.engine.connect() as connection:
            fsync = (await connection.execute(text("SHOW fsync"))).scalar_one()
            commit = (await connection.execute(text("SHOW synchronous_commit"))).scalar_one()
        if fsync != "on" or commit not in SAFE_SYNCHRONOUS_COMMIT:
            raise NotDurable(
                f"PostgreSQL runs with fsync={fsync}, synchronous_commit={commit}: a crash could lose webhooks "
                "that were answered 200. Set fsync=on and synchronous_commit=on."
            )

    async def ping(self) -> None:
        """Raises when the database does not answer."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        """Closes the pool."""
        await self.engine.dispose()
