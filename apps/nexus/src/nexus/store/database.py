"""Connections to PostgreSQL and the unit of work: one transaction, as one tenant or as the system."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
from sqlalchemy import event, make_url, text
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from nexus.store.security import APP_ROLE, SYSTEM_ROLE

CONNECT_TIMEOUT_SECONDS = 5
COMMAND_TIMEOUT_SECONDS = 15
PING_TIMEOUT_SECONDS = 1.0
FRESH_SECONDS = 0.5
"""A connection that was given back so recently is trusted."""
CLOSE_TIMEOUT_SECONDS = 0.25
"""How long a connection may take to say goodbye. Whoever waits for a webhook's 503 waits for this as well."""
SAFE_SYNCHRONOUS_COMMIT = frozenset({"on", "remote_apply", "remote_write"})

_RETURNED_AT = "returned_at"
_BEGINS_AS = "begins_as"
_CONNECTION_LOST = ("08", "25006", "25P03", "57P01", "57P02", "57P03", "57P05")
"""SQLSTATEs, or their class, after which a connection is of no use: it is broken, the server ends it, or the server
takes no writes any more (25006: a primary that became a standby)."""
_NO_RESOURCES = ("53", "58")
"""The server is up and cannot do it now: no connection, no memory, no disk space, an I/O error."""
_DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


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
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else error
    if _sqlstate(cause).startswith((*_CONNECTION_LOST, *_NO_RESOURCES)):
        return True
    if isinstance(error, InterfaceError):
        # A value that cannot be encoded is one, too, but it is the statement that is wrong.
        return not isinstance(cause.__cause__ if cause else None, ValueError)
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _sqlstate(error: BaseException | None) -> str:
    return getattr(error, "sqlstate", None) or ""


_WHO = " SELECT set_config('role', '{role}', true), set_config('app.tenant_id', '{tenant}', true);"


_PASSING = " SET LOCAL synchronous_commit = off;"
# A plan that is kept must be good for a table of any size: a small one would be read from end to end.
_PLANNED_ONCE = (
    " SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true);"
)
_LOCK = " SELECT pg_advisory_xact_lock({}, {});"


class _Connection(asyncpg.Connection):
    """Begins transactions as somebody, and says goodbye within a bound: over a dead path nobody answers."""

    begins_as = ""
    """What the next transaction says before anything else, in the same message."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        """Executes as the driver does. The BEGIN of a transaction takes with it who begins it: one round trip less."""
        if self.begins_as and query.startswith("BEGIN"):
            query, self.begins_as = query + self.begins_as, ""
        return await super().execute(query, *args, timeout=timeout)  # pyright: ignore[reportUnknownMemberType]

    async def close(self, *, timeout: float | None = None) -> None:
        """Closes the connection; cut off at the bound."""
        await super().close(timeout=CLOSE_TIMEOUT_SECONDS)  # pyright: ignore[reportUnknownMemberType]


async def _takes_writes(connection: Any) -> bool:
    state: str = await connection.fetchval("SHOW transaction_read_only", timeout=PING_TIMEOUT_SECONDS)
    return state == "off"


def _check_out(dbapi_connection: Any, record: Any, _fairy: Any) -> None:
    """Tries a pooled connection before it is used: it may lead nowhere, or to a server that became a standby.

    Unlike SQLAlchemy's own `pool_pre_ping` it has a bound, it is one round trip, and it sees a standby. A failure
    has every connection of that age replaced. One that has just done its work is not tried: the round trip was a
    tenth of what a busy worker did, and what happened in that second shows at the first statement.
    """
    returned_at: float | None = record.info.get(_RETURNED_AT)
    if returned_at is None:
        return
    if time.monotonic() - returned_at < FRESH_SECONDS:
        if dbapi_connection.driver_connection.is_closed():
            raise InvalidatePoolError("the server has ended the connection")
        return
    try:
        usable = dbapi_connection.run_async(_takes_writes)
    except (OSError, TimeoutError, *_DRIVER_ERRORS) as error:
        raise InvalidatePoolError("the connection does not answer") from error
    if not usable:
        raise InvalidatePoolError("the server takes no writes")


class _Session(Session):
    """A session whose transactions are somebody's, from their first word on."""


@event.listens_for(_Session, "after_begin")
def _say_who(session: Session, _transaction: Any, connection: SyncConnection) -> None:
    """The driver says BEGIN with the first statement, which is still to come."""
    raw: Any = connection.connection.driver_connection
    raw.begins_as = session.info[_BEGINS_AS]


def _check_in(dbapi_connection: Any, record: Any) -> None:
    if dbapi_connection is not None:
        dbapi_connection.driver_connection.begins_as = ""  # who began and said nothing is nobody's business now
    record.info[_RETURNED_AT] = time.monotonic()


def _notice_lost_connection(context: ExceptionContext) -> None:
    """Has a connection thrown away after errors that the driver does not count as its end."""
    error = context.original_exception
    if isinstance(error, TimeoutError):
        # It may be a slow statement as well as a dead path: the other connections show that themselves.
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = False
    elif _sqlstate(error).startswith(_CONNECTION_LOST) or isinstance(error.__cause__, asyncpg.InternalClientError):
        # The latter: no host takes writes, or the driver lost its place because the server hung up.
        context.is_disconnect = True


class Database:
    """A pool, and transactions on it."""

    def __init__(self, url: str, *, pool_size: int = 20, application_name: str = "oblivion") -> None:
        self.url = driver_url(url)
        self.most_connections = pool_size
        """How many may be in use at once; who wants one more waits."""
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            # None beyond that is opened for a moment and thrown away: a connection costs PostgreSQL more to begin than
            # a hundred statements do, for the driver asks it what its types are.
            pool_size=pool_size,
            max_overflow=0,
            pool_recycle=300,
            pool_use_lifo=True,
            pool_timeout=CONNECT_TIMEOUT_SECONDS,
            connect_args={
                "timeout": CONNECT_TIMEOUT_SECONDS,
                "command_timeout": COMMAND_TIMEOUT_SECONDS,
                "connection_class": _Connection,
                # Among several hosts the one that is primary; a standby alone counts as "away".
                "target_session_attrs": "read-write",
                "server_settings": {
                    "application_name": application_name,
                    "idle_in_transaction_session_timeout": "30000",
                    "timezone": "UTC",
                },
            },
        )
        event.listen(self.engine.sync_engine, "checkout", _check_out)
        event.listen(self.engine.sync_engine, "checkin", _check_in)
        event.listen(self.engine.sync_engine, "handle_error", _notice_lost_connection)
        self._sessions = async_sessionmaker(
            self.engine, sync_session_class=_Session, expire_on_commit=False, autoflush=False
        )

    @asynccontextmanager
    async def tenant(
        self, tenant_id: UUID, *, lasting: bool = True, planned_once: bool = False, lock: int | None = None
    ) -> AsyncGenerator[AsyncSession]:
        """One transaction that sees and writes this tenant's rows only; commits at the end.

        What is not `lasting` is committed for everybody to see, and a crash of the server may undo it. `planned_once`
        and `lock` as in `system`, but that a lock is the tenant's own of this class.
        """
        more = ("" if lasting else _PASSING) + (_PLANNED_ONCE if planned_once else "")
        more += _LOCK.format(lock, f"hashtext('{UUID(str(tenant_id))}')") if lock is not None else ""
        async with self._transaction(APP_ROLE, str(UUID(str(tenant_id))), more) as session:
            yield session

    @asynccontextmanager
    async def system(
        self, *, lasting: bool = True, planned_once: bool = False, lock: tuple[int, int] | None = None
    ) -> AsyncGenerator[AsyncSession]:
        """One transaction across tenants, for the few tables that need it; commits at the end.

        `planned_once` for statements that are dear to plan, and whose plan does not depend on what they are given.
        `lock` is a transaction-level advisory lock that it begins with: it waits for whoever holds it.
        """
        more = "" if lasting else _PASSING
        more += _PLANNED_ONCE if planned_once else ""
        more += _LOCK.format(*lock) if lock is not None else ""
        async with self._transaction(SYSTEM_ROLE, "", more) as session:
            yield session

    @asynccontextmanager
    async def _transaction(self, role: str, tenant_id: str, more: str = "") -> AsyncGenerator[AsyncSession]:
        who = _WHO.format(role=role, tenant=tenant_id) + more
        async with self._sessions(info={_BEGINS_AS: who}) as session, session.begin():
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
        """Raises when the database does not answer, or takes no writes."""
        async with self.engine.connect() as connection:
            if (await connection.execute(text("SHOW transaction_read_only"))).scalar_one() == "on":
                await connection.invalidate()
                raise ConnectionError("PostgreSQL takes no writes: it is a standby, or about to be one")

    @property
    def in_use(self) -> int:
        """Connections of the pool that somebody works with."""
        return cast("QueuePool", self.engine.pool).checkedout()

    async def aclose(self) -> None:
        """Closes the pool."""
        await self.engine.dispose()
