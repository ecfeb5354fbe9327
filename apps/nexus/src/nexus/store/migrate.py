"""Brings a database to the newest revision: `oblivion db upgrade`, and the migration job."""

import asyncio
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from nexus.store.database import driver_url
from nexus.store.security import APP_ROLE, SYSTEM_ROLE, create_roles_sql

_MIGRATION_LOCK = 0x0B11_0E50
"""Advisory lock that lets one process migrate at a time, however many start at once."""

# Before PostgreSQL 16 membership alone let somebody take on a role.
_MAY_TAKE_ROLES = text("""
    SELECT bool_and(coalesce(pg_has_role(current_user, to_regrole(name)::oid, CASE
        WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END), false))
    FROM unnest(ARRAY[CAST(:app AS text), CAST(:system AS text)]) AS name
""")


def alembic_config() -> Config:
    """Alembic's configuration; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


@cache
def newest_revision() -> str:
    """The revision that this code expects."""
    head = ScriptDirectory.from_config(alembic_config()).get_current_head()
    assert head is not None
    return head


@cache
def _known_revisions() -> frozenset[str]:
    scripts = ScriptDirectory.from_config(alembic_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def serves(revision: str | None) -> bool:
    """Whether this code works on a schema of this revision: its own, or one that a newer release made.

    Migrations leave room for one release back, so that a rolling upgrade, and a roll-back after it, find a schema that
    they can use.
    """
    return revision is not None and (revision == newest_revision() or revision not in _known_revisions())


async def current_revision(url: str) -> str | None:
    """The revision of the database; None when it is empty."""
    engine = create_async_engine(driver_url(url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    finally:
        await engine.dispose()


async def upgrade(url: str, revision: str = "head") -> None:
    """Runs all missing migrations in one transaction. What a newer release has made is left as it is."""
    engine = create_async_engine(driver_url(url), poolclass=NullPool)

    def run(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in _known_revisions():
            return
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        _take_roles(connection)

    try:
        async with engine.begin() as connection:
            await connection.run_sync(run)
    finally:
        await engine.dispose()


def _take_roles(connection: Connection) -> None:
    """Lets the current user take on both roles, if it cannot.

    Membership belongs to the server and not to the database: after a dump was restored on a new server, no migration
    is missing, and yet nobody has granted it.
    """
    roles = {"app": APP_ROLE, "system": SYSTEM_ROLE}
    if not connection.execute(_MAY_TAKE_ROLES, roles).scalar_one():
        for statement in create_roles_sql():
            connection.execute(text(statement))


def upgrade_sync(url: str) -> None:
    """`upgrade` for callers without an event loop."""
    asyncio.run(upgrade(url))
