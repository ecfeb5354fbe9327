"""The migrated schema is the one that the code describes, however and wherever migrations ran."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from nexus.kit.embedded import EmbeddedPostgres
from nexus.kit.ids import new_id
from nexus.store.database import Database, NotDurable, driver_url
from nexus.store.migrate import alembic_config, current_revision, newest_revision, upgrade
from nexus.store.security import APP_ROLE
from nexus.store.tables import Base


async def run(url: str, *statements: str) -> list[Any]:
    """Runs statements as the owner, outside of a transaction; returns the rows of the last one."""
    engine = create_async_engine(driver_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements[:-1]:
                await connection.execute(text(statement))
            result = await connection.execute(text(statements[-1]))
            return list(result.all()) if result.returns_rows else []
    finally:
        await engine.dispose()


async def schema(url: str) -> list[Any]:
    """Everything that migrations make, as text."""
    return await run(
        url,
        "SELECT 'column', table_name, column_name, data_type, column_default, is_nullable, generation_expression "
        "FROM information_schema.columns WHERE table_schema = 'public' "
        "UNION ALL SELECT 'index', tablename, indexname, indexdef, NULL, NULL, NULL FROM pg_indexes "
        "WHERE schemaname = 'public' "
        "UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), NULL, NULL, NULL "
        "FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
        "UNION ALL SELECT 'policy', tablename, policyname, qual, with_check, cmd, roles::text FROM pg_policies "
        "ORDER BY 1, 2, 3",
    )


@pytest.fixture
async def empty_url(postgres: EmbeddedPostgres) -> AsyncGenerator[str]:
    """A database without a schema."""
    name = f"empty_{secrets.token_hex(6)}"
    await run(postgres.url, f"CREATE DATABASE {name}")
    yield postgres.url.rsplit("/", 1)[0] + f"/{name}"
    await run(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_upgrade_brings_an_empty_database_to_the_newest_revision(empty_url: str) -> None:
    assert await current_revision(empty_url) is None
    await upgrade(empty_url)
    assert await current_revision(empty_url) == newest_revision()


async def test_second_upgrade_changes_nothing(database_url: str) -> None:
    before = await schema(database_url)
    assert before
    await upgrade(database_url)
    assert await schema(database_url) == before
    assert await current_revision(database_url) == newest_revision()


async def test_upgrades_at_once_wait_for_each_other(empty_url: str, database_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_url) for _ in range(3)))
    assert await schema(empty_url) == await schema(database_url)


async def test_upgrade_that_fails_leaves_no_half_of_a_schema(empty_url: str) -> None:
    await run(empty_url, "CREATE TABLE task_events (in_the_way int)")
    with pytest.raises(DBAPIError):
        await upgrade(empty_url)
    assert await run(empty_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("task_events",)]
    await run(empty_url, "DROP TABLE task_events")
    await upgrade(empty_url)
    assert await current_revision(empty_url) == newest_revision()


@pytest.mark.filterwarnings("ignore:Computed default")
async def test_migrated_schema_is_what_the_code_describes(database_url: str) -> None:
    def compare(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, Base.metadata)

    engine = create_async_engine(driver_url(database_url), poolclass=NullPool)
    async with engine.connect() as connection:
        differences = await connection.run_sync(compare)
    await engine.dispose()
    assert differences == []


async def test_migrated_schema_has_the_checks_and_generated_columns_of_the_code(
    database_url: str, empty_url: str
) -> None:
    """What autogenerate does not compare: the same schema, made from the tables themselves, is equal."""
    engine = create_async_engine(driver_url(empty_url), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
    migrated = {row for row in await schema(database_url) if row[0] != "policy" and row[1] != "alembic_version"}
    described = set(await schema(empty_url))
    assert migrated - described == set()
    assert described - migrated == set()


def test_revisions_form_one_line_with_one_head() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    for revision in script.walk_revisions():
        assert not revision.is_merge_point
        assert not revision.is_branch_point
        assert revision.doc, f"{revision.revision} says what it is for"


async def test_channel_of_a_list_is_found_by_the_agreed_query(database_url: str) -> None:
    tenant, tracker, chat = new_id(), new_id(), new_id()
    mapping = (
        "INSERT INTO project_mappings (id, tenant_id, tracker, tracker_connection_id, list_id, list_name, chat, "
        f"chat_connection_id, channel_id, channel_name) VALUES ('{{id}}', '{tenant}', '{{tracker}}', '{tracker}', "
        f"'{{list}}', 'Inbox', '{{chat}}', '{chat}', '{{channel}}', 'general')"
    )
    await run(
        database_url,
        f"INSERT INTO tenants (id, name) VALUES ('{tenant}', 'acme')",
        *(
            "INSERT INTO connections (id, tenant_id, vendor, workspace_id, name, sealed) "
            f"VALUES ('{connection}', '{tenant}', '{vendor}', 'w', 'w', '')"
            for connection, vendor in ((tracker, "clickup"), (chat, "slack"))
        ),
        mapping.format(id=new_id(), tracker="clickup", list="901", chat="slack", channel="C1"),
        mapping.format(id=new_id(), tracker="other", list="902", chat="another", channel="C2"),
    )
    db = Database(database_url, pool_size=1)
    async with db.tenant(tenant) as session:
        connection = await session.connection()
        raw = await connection.get_raw_connection()
        found = await raw.driver_connection.fetch(  # type: ignore[union-attr]
            "SELECT slack_channel_id FROM project_mappings WHERE clickup_list_id = $1", "901"
        )
        assert [row["slack_channel_id"] for row in found] == ["C1"]
        others = await session.execute(
            text("SELECT clickup_list_id, slack_channel_id FROM project_mappings WHERE list_id = '902'")
        )
        assert others.all() == [(None, None)], "another vendor's ids are no ClickUp and Slack ids"
    await db.aclose()


async def test_owner_who_is_no_superuser_can_migrate_and_serve(postgres_directory: Path) -> None:
    """A managed PostgreSQL gives nobody a superuser; a superuser would also pass by row-level security unseen."""
    server = EmbeddedPostgres(postgres_directory, settings={"fsync": "off"})
    server.start()
    try:
        await run(server.url, "CREATE ROLE installer LOGIN CREATEROLE", "CREATE DATABASE managed OWNER installer")
        url = f"postgresql://installer@127.0.0.1:{server.port}/managed"
        await upgrade(url)
        await upgrade(url)
        db = Database(url, pool_size=2)
        tenant = new_id()
        async with db.system() as session:
            await session.execute(text("INSERT INTO tenants (id, name) VALUES (:id, 'acme')"), {"id": tenant})
        async with db.tenant(tenant) as session:
            assert (await session.execute(text("SELECT current_user"))).scalar_one() == APP_ROLE
            await session.execute(
                text("INSERT INTO agents (id, tenant_id, name) VALUES (:id, :tenant, 'fixer')"),
                {"id": new_id(), "tenant": tenant},
            )
        async with db.tenant(tenant) as session:
            assert (await session.execute(text("SELECT name FROM agents"))).scalars().all() == ["fixer"]
        async with db.engine.connect() as connection:
            seen = (await connection.execute(text("SELECT name FROM agents"))).all()
            assert seen == [], "forced: the owner itself sees nothing without taking on a role"
        with pytest.raises(NotDurable, match="fsync=off"):
            await db.check_durability()
        await db.aclose()
    finally:
        server.stop(immediate=True)


async def test_server_that_keeps_what_it_commits_is_fit_to_serve(database_url: str) -> None:
    db = Database(database_url, pool_size=1)
    await db.check_durability()
    await db.aclose()
