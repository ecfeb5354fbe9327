"""Row-level security, asked of the database itself: no table may be forgotten."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Generator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Table, insert, select, text
from sqlalchemy import Connection as SyncConnection
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.types import ARRAY, Boolean, DateTime, Integer, LargeBinary

from nexus.kit.embedded import EmbeddedPostgres
from nexus.kit.ids import new_id
from nexus.store.database import Database, driver_url
from nexus.store.migrate import upgrade
from nexus.store.security import APP_ROLE, SYSTEM_ROLE, SYSTEM_TABLES
from nexus.store.tables import Base

TABLES: dict[str, Table] = dict(Base.metadata.tables)
TENANT_TABLES = sorted(name for name, table in TABLES.items() if "tenant_id" in table.columns)
ROLES = (APP_ROLE, SYSTEM_ROLE)
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
STATES = {
    "members": {"role": "viewer"},
    "project_mappings": {"sync_rule": "keyword"},
    "questions": {"kind": "ask", "state": "open"},
}
PERMISSION_DENIED, POLICY_VIOLATED = "permission denied", "violates row-level security policy"


Tenants = dict[str, dict[str, Any]]
"""By the tenant's name: the keys of the one row that it has in every table."""


@pytest.fixture(scope="module")
def filled(postgres: EmbeddedPostgres) -> Generator[tuple[str, Tenants]]:
    """A database of two tenants with a row in every table each. No test here leaves a change behind."""
    name = f"security_{secrets.token_hex(6)}"
    url = url_of(postgres, name)

    async def make() -> Tenants:
        await _statement(postgres.url, f"CREATE DATABASE {name}")
        await upgrade(url)
        engine = create_async_engine(driver_url(url), poolclass=NullPool)
        async with engine.begin() as connection:
            made = {tenant: await connection.run_sync(fill, tenant) for tenant in ("ours", "theirs")}
        await engine.dispose()
        return made

    yield url, asyncio.run(make())
    asyncio.run(_statement(postgres.url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def tenants(filled: tuple[str, Tenants]) -> Tenants:
    """What there is."""
    return filled[1]


@pytest.fixture
async def db(filled: tuple[str, Tenants]) -> AsyncGenerator[Database]:
    """The database as Nexus opens it."""
    opened = Database(filled[0], pool_size=2)
    yield opened
    await opened.aclose()


def fill(connection: SyncConnection, name: str) -> dict[str, Any]:
    """One row in every table, as the owner; returns each table's primary key."""
    made: dict[str, Any] = {}
    # Triggers would add rows of their own.
    connection.execute(text("SET LOCAL session_replication_role = replica"))
    for table in Base.metadata.sorted_tables:
        values = {"name": name} if table.name == "tenants" else row_of(table, name, made)
        (made[table.name],) = connection.execute(
            insert(table).values(values).returning(*table.primary_key.columns)
        ).one()
    return made


def row_of(table: Table, name: str, made: dict[str, Any]) -> dict[str, Any]:
    """Values for every column that needs one; foreign keys lead to rows made before."""
    values: dict[str, Any] = {"id": new_id()} if "id" in table.columns else {}
    for column in table.columns:
        if column.foreign_keys:
            (target,) = column.foreign_keys
            values[column.name] = made[target.column.table.name]
        elif not column.nullable and column.server_default is None and column.name not in values:
            values[column.name] = some(column, f"{name}-{table.name}-{column.name}")
    return values | STATES.get(table.name, {})


def some(column: Column[Any], words: str) -> Any:
    match column.type:
        case DateTime():
            return text("clock_timestamp()")
        case LargeBinary():
            return words.encode()
        case Boolean():
            return False
        case Integer():
            return len(words)
        case ARRAY():
            return [words]
        case postgresql.JSONB():
            return {"words": words}
        case postgresql.UUID():
            return new_id()
        case _:
            return words


def url_of(server: EmbeddedPostgres, database: str) -> str:
    return server.url.rsplit("/", 1)[0] + f"/{database}"


async def _statement(url: str, statement: str) -> None:
    engine = create_async_engine(driver_url(url), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def rows(db: Database, query: str, **parameters: Any) -> list[Any]:
    """As the owner."""
    async with db.engine.connect() as connection:
        return list((await connection.execute(text(query), parameters)).all())


async def test_every_table_of_the_schema_is_in_the_code(db: Database) -> None:
    found = await rows(db, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row.tablename for row in found} - {"alembic_version"} == set(TABLES)


NO_TENANT = {
    "tenants": "is the list of tenants; a policy of its own shows each tenant its own name",
    "signing_keys": "sign tokens of all tenants; only the system role may read them",
    "alembic_version": "says which revision the schema has",
}
"""Tables without a tenant, each with its reason."""


async def test_a_table_without_a_tenant_has_a_reason(db: Database) -> None:
    found = await rows(
        db,
        "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p', 'f') "
        "AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) "
        "AND c.relname NOT LIKE 'pg_toast%' AND c.relpersistence <> 't' AND NOT EXISTS (SELECT FROM pg_attribute a "
        "WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull AND NOT a.attisdropped)",
    )
    assert {row.relname for row in found} == set(NO_TENANT)


async def test_nothing_reads_a_table_past_its_policies(db: Database) -> None:
    """A view reads as its owner, and so does a function that is a security definer."""
    views = await rows(
        db,
        "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace "
        "AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)",
    )
    functions = await rows(db, "SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
    assert (views, functions) == ([], [])


async def test_every_table_with_a_tenant_enforces_row_level_security_even_for_its_owner(db: Database) -> None:
    with_tenant = await rows(
        db,
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity FROM pg_class c JOIN pg_attribute a "
        "ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace",
    )
    assert sorted(row.relname for row in with_tenant) == TENANT_TABLES
    assert [row.relname for row in with_tenant if not (row.relrowsecurity and row.relforcerowsecurity)] == []


async def test_every_table_with_a_tenant_lets_the_application_see_and_write_that_tenant_only(db: Database) -> None:
    policies = await rows(
        db,
        "SELECT tablename, cmd, qual, with_check FROM pg_policies WHERE CAST(:role AS name) = ANY(roles) "
        "OR 'public' = ANY(roles)",
        role=APP_ROLE,
    )
    found = {row.tablename: row for row in policies if row.tablename != "tenants"}
    assert sorted(found) == TENANT_TABLES
    assert len(policies) == len(TENANT_TABLES) + 1, "policies are OR-ed: a second one could only open more"
    for row in found.values():
        assert row.cmd == "ALL"
        assert "tenant_id" in row.qual
        assert "app.tenant_id" in row.qual
        assert row.with_check == row.qual


async def test_roles_cannot_log_in_and_own_nothing_and_bypass_nothing(db: Database) -> None:
    roles = await rows(db, "SELECT * FROM pg_roles WHERE rolname = ANY(:roles)", roles=list(ROLES))
    assert len(roles) == 2
    for role in roles:
        powers = (role.rolcanlogin, role.rolsuper, role.rolbypassrls, role.rolcreaterole, role.rolcreatedb,
                  role.rolreplication)  # fmt: skip
        assert not any(powers), role.rolname
    owned = await rows(
        db,
        "SELECT classid::regclass, objid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid "
        "WHERE d.deptype = 'o' AND r.rolname = ANY(:roles)",
        roles=list(ROLES),
    )
    assert owned == []
    memberships = await rows(
        db,
        "SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = ANY(:roles)",
        roles=list(ROLES),
    )
    assert memberships == [], "they inherit nothing"


async def test_system_role_may_touch_its_own_tables_and_no_other(db: Database) -> None:
    granted = await rows(
        db,
        "SELECT table_name, array_agg(privilege_type::text) AS kinds FROM information_schema.role_table_grants "
        "WHERE grantee = :role AND table_schema = 'public' GROUP BY table_name",
        role=SYSTEM_ROLE,
    )
    by_table = {row.table_name: set(row.kinds) for row in granted}
    assert by_table.pop("alembic_version") == {"SELECT"}
    assert set(by_table) == set(SYSTEM_TABLES)
    assert all(kinds == {"SELECT", "INSERT", "UPDATE", "DELETE"} for kinds in by_table.values())


async def test_application_may_write_its_tenants_tables_and_only_read_the_tenants_name(db: Database) -> None:
    granted = await rows(
        db,
        "SELECT table_name, array_agg(privilege_type::text) AS kinds FROM information_schema.role_table_grants "
        "WHERE grantee IN (:role, 'PUBLIC') AND table_schema = 'public' GROUP BY table_name",
        role=APP_ROLE,
    )
    by_table = {row.table_name: set(row.kinds) for row in granted}
    assert by_table.pop("alembic_version") == {"SELECT"}
    assert by_table.pop("tenants") == {"SELECT"}
    assert sorted(by_table) == TENANT_TABLES
    assert all(kinds == {"SELECT", "INSERT", "UPDATE", "DELETE"} for kinds in by_table.values())


async def test_application_sees_no_row_at_all_without_a_tenant(db: Database) -> None:
    async with db.engine.connect() as connection:
        everything = {name: len((await connection.execute(select(table))).all()) for name, table in TABLES.items()}
        assert set(everything.values()) == {2}, "the owner's view, so that nothing below is empty by accident"
        for preset in ("", "SET LOCAL app.tenant_id = ''"):
            await connection.rollback()
            await connection.execute(text(f"SET LOCAL ROLE {APP_ROLE}"))
            if preset:
                await connection.execute(text(preset))
            for name in (*TENANT_TABLES, "tenants"):
                assert (await connection.execute(select(TABLES[name]))).all() == [], name


async def test_tenant_sees_its_own_rows_and_nobody_elses(db: Database, tenants: Tenants) -> None:
    async with db.tenant(tenants["ours"]["tenants"]) as session:
        for name in (*TENANT_TABLES, "tenants"):
            (seen,) = (await session.execute(select(*TABLES[name].primary_key.columns))).all()
            assert seen[0] == tenants["ours"][name], name


async def test_tenant_is_forgotten_when_its_transaction_ends(db: Database, tenants: Tenants) -> None:
    async with db.tenant(tenants["ours"]["tenants"]) as session:
        connection = await session.connection()
        pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    async with db.engine.connect() as connection:
        (after,) = (
            await connection.execute(
                text("SELECT pg_backend_pid(), current_user, current_setting('app.tenant_id', true) AS tenant")
            )
        ).all()
    assert after[0] == pid, "the same pooled connection"
    assert (after[1], after.tenant or None) == ("postgres", None)


@pytest.mark.parametrize("name", TENANT_TABLES)
async def test_tenant_cannot_write_rows_of_another(name: str, db: Database, tenants: Tenants) -> None:
    ours, theirs, table = tenants["ours"], tenants["theirs"], TABLES[name]
    forged = row_of(table, "forged", theirs)
    assert forged["tenant_id"] == theirs["tenants"]
    with pytest.raises(DBAPIError, match=POLICY_VIOLATED):
        async with db.tenant(ours["tenants"]) as session:
            await session.execute(insert(table).values(forged))
    with pytest.raises(DBAPIError, match=POLICY_VIOLATED):
        async with db.tenant(ours["tenants"]) as session:
            await session.execute(table.update().values(tenant_id=theirs["tenants"]))
    async with db.tenant(ours["tenants"]) as session:
        mine = table.c.tenant_id
        moved = await session.execute(table.update().values(tenant_id=mine).where(mine == theirs["tenants"]))
        gone = await session.execute(table.delete().where(mine == theirs["tenants"]))
        assert (moved.rowcount, gone.rowcount) == (0, 0)  # type: ignore[attr-defined]


async def test_application_cannot_read_signing_keys(db: Database, tenants: Tenants) -> None:
    with pytest.raises(DBAPIError, match=PERMISSION_DENIED):
        async with db.tenant(tenants["ours"]["tenants"]) as session:
            await session.execute(text("SELECT kid FROM signing_keys"))


async def test_application_cannot_make_or_rename_tenants(db: Database, tenants: Tenants) -> None:
    for statement in (
        "INSERT INTO tenants (id, name) VALUES (gen_random_uuid(), 'x')",
        "UPDATE tenants SET name = 'x'",
    ):
        with pytest.raises(DBAPIError, match=PERMISSION_DENIED):
            async with db.tenant(tenants["ours"]["tenants"]) as session:
                await session.execute(text(statement))


@pytest.mark.parametrize("name", sorted(set(TABLES) - set(SYSTEM_TABLES)))
async def test_system_role_cannot_read_what_it_does_not_need(name: str, db: Database) -> None:
    with pytest.raises(DBAPIError, match=PERMISSION_DENIED):
        async with db.system() as session:
            await session.execute(text(f"SELECT 1 FROM {name}"))


async def test_system_role_sees_every_tenants_rows_of_its_tables(db: Database, tenants: Tenants) -> None:
    async with db.system() as session:
        for name in SYSTEM_TABLES:
            seen = (await session.execute(select(*TABLES[name].primary_key.columns))).scalars().all()
            assert set(seen) == {tenant[name] for tenant in tenants.values()}, name


@pytest.mark.parametrize("hostile", ["'; SELECT 1; --", "' OR true --", "*", "00000000-0000-0000-0000-000000000000"])
async def test_tenant_that_is_none_sees_nothing(hostile: str, db: Database, tenants: Tenants) -> None:
    class Hostile(UUID):
        def __str__(self) -> str:
            return hostile

    impostor = Hostile(str(tenants["ours"]["tenants"]))
    try:
        async with db.tenant(impostor) as session:
            seen = (await session.execute(select(TABLES["tasks"]))).all()
    except ValueError as error:
        assert "badly formed hexadecimal UUID" in str(error)
    else:
        assert seen == []


async def test_who_begins_and_says_nothing_lends_nobody_his_name(tenants: Tenants, db: Database) -> None:
    async with db.engine.connect() as connection:
        login = (await connection.execute(text("SELECT current_user"))).scalar_one()
    async with db.tenant(tenants["ours"]["tenants"]) as session:
        await session.connection()  # taken, and given back without a statement
    async with db.engine.connect() as connection:
        assert (await connection.execute(text("SELECT current_user"))).scalar_one() == login


async def test_work_of_a_failed_transaction_leaves_nothing_behind(db: Database, tenants: Tenants) -> None:
    tenant_id = tenants["ours"]["tenants"]
    with pytest.raises(RuntimeError, match="in the middle"):
        async with db.tenant(tenant_id) as session:
            await session.execute(text("UPDATE agents SET name = 'changed'"))
            raise RuntimeError("in the middle")
    (agent,) = await rows(db, "SELECT name FROM agents WHERE tenant_id = :tenant", tenant=tenant_id)
    assert agent.name == "ours-agents-name"
