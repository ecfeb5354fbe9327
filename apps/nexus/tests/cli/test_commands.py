"""`oblivion` as an operator meets it: exit codes, what is printed, and what is said when something is wrong."""

import asyncio
import contextlib
import os
import re
import sys

import httpx
import pytest
from sqlalchemy import text
from support.forked import Forked, clean_environment
from support.servers import statement
from support.spans import collecting
from support.waiting import eventually
from support.world import running_world

from nexus.cli import COMMANDS, imported
from nexus.kit.embedded import free_port
from nexus.store.database import Database
from nexus.store.migrate import newest_revision

SECRET_KEY = "a secret key that is long enough for production"


async def oblivion(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error)"""
    return await asyncio.to_thread(Forked(*arguments, environment=clean_environment() | environment).finish)


async def interpreted(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """The same of `python -m nexus`, as it is installed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nexus", *arguments,
        env=clean_environment() | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "OBLIVION_DATABASE_URL": database_url,
        "OBLIVION_REDIS_URL": redis_url,
        "OBLIVION_SECRET_KEY": SECRET_KEY,
    }


async def test_version_help_and_wrong_usage_have_the_usual_exit_codes() -> None:
    version, help_, wrong = await asyncio.gather(*(interpreted(each) for each in ("--version", "--help", "nosuch")))
    assert (version[0], version[1].strip()) == (0, "0.1.0")
    assert help_[0] == 0
    assert wrong[0] == 2
    assert "No such command" in wrong[2]
    assert "Traceback" not in wrong[2]


def test_what_help_says_of_a_command_is_what_the_command_says_of_itself() -> None:
    for name, late in COMMANDS.items():
        said = " ".join((imported(name).help or "").split())
        assert said.startswith(late.help), name


async def test_help_imports_no_part_of_nexus() -> None:
    code = (
        "import sys, nexus.cli\n"
        "try: nexus.cli.app(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'sqlalchemy', 'fastapi', 'nexus.bootstrap'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert b"deliveries" in out
    assert out.decode().splitlines()[-1] == "[]"


async def test_schema_is_upgraded_once_and_said_so(environment: dict[str, str]) -> None:
    db = Database(environment["OBLIVION_DATABASE_URL"])
    async with db.engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await db.aclose()
    code, out, err = await oblivion("db", "upgrade", **environment)
    assert (code, out) == (0, f"schema: empty → {newest_revision()}\n"), err
    code, out, _ = await oblivion("db", "upgrade", **environment)
    assert (code, out) == (0, f"schema: {newest_revision()}, nothing to do\n")


async def test_a_release_that_was_rolled_back_works_on_the_newer_schema(environment: dict[str, str]) -> None:
    await statement(environment["OBLIVION_DATABASE_URL"], "UPDATE alembic_version SET version_num = '9999'")
    code, out, err = await oblivion("db", "upgrade", **environment)
    assert (code, out) == (0, "schema: 9999, newer than this release, which works on it; nothing to do\n"), err
    code, out, _ = await oblivion("doctor", **environment)
    assert code == 0, out
    port = str(free_port())
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nexus", "serve", "gateway",
        env=os.environ | environment | {"OBLIVION_PORT": port}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            await eventually(lambda: _is_ready(client), seconds=30)
    finally:
        gateway.terminate()
        _, said = await gateway.communicate()
    assert b"run `oblivion db upgrade`" not in said


async def _is_ready(client: httpx.AsyncClient) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await client.get("/readyz")).status_code == 200
    return False


async def test_credentials_of_an_agent_are_printed_once(environment: dict[str, str]) -> None:
    code, out, err = await interpreted(
        "agent", "create", "fixer", "--alias", "@AI_Squad", "--skill", "fix_bug", **environment
    )
    assert code == 0, err
    printed = re.fullmatch(r"AGENT_ID=(\S+)\nAGENT_SECRET=(obl_sk_\S{43})\n", out)
    assert printed is not None, out
    code, listed, _ = await oblivion("agent", "list", **environment)
    assert code == 0
    assert "fixer" in listed
    assert "@AI_Squad" in listed
    assert printed[2] not in listed
    again, _, said = await oblivion("agent", "create", "fixer", **environment)
    assert again == 1
    assert "fixer already" in said


async def test_doctor_says_what_is_wrong_and_what_to_do(environment: dict[str, str]) -> None:
    code, out, _ = await oblivion("doctor", **environment)
    assert code == 0
    assert "no workspace is connected yet" in out
    nowhere = f"redis://127.0.0.1:{free_port()}"
    code, out, _ = await oblivion("doctor", **environment | {"OBLIVION_REDIS_URL": nowhere})
    assert code == 1
    assert "check OBLIVION_REDIS_URL" in out


async def test_doctor_says_where_traces_go_and_whether_they_are_taken(environment: dict[str, str]) -> None:
    def traces(out: str) -> str:
        (line,) = [line for line in out.splitlines() if " traces " in line]
        return line

    off, gone, keyless = await asyncio.gather(
        oblivion("doctor", **environment),
        oblivion("doctor", **environment, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}"),
        oblivion("doctor", **environment, LANGFUSE_PUBLIC_KEY="pk-lf-1"),
    )
    with collecting() as collector:
        secret = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-hunter2"}
        taken = await oblivion("doctor", **environment, **secret, LANGFUSE_BASE_URL=collector.url)
    assert off[0] == 0 and "not sent: OTEL_EXPORTER_OTLP_ENDPOINT is not set" in traces(off[1])
    assert gone[0] == 1 and "does not answer (ConnectError)" in traces(gone[1])
    assert keyless[0] == 1 and "LANGFUSE_SECRET_KEY" in traces(keyless[1])
    assert taken[0] == 0 and f"sent to {collector.url}/api/public/otel/v1/traces" in traces(taken[1])
    assert "hunter2" not in taken[1] + taken[2]


async def test_what_is_missing_or_unsafe_is_said_without_a_traceback(environment: dict[str, str]) -> None:
    missing, short, away = await asyncio.gather(
        interpreted("serve", "worker"),
        oblivion("agent", "list", **environment | {"OBLIVION_SECRET_KEY": "short"}),
        interpreted("db", "upgrade", OBLIVION_DATABASE_URL=f"postgresql://u:hunter2@127.0.0.1:{free_port()}/x"),
    )
    for (code, _, err), said in (
        (missing, "OBLIVION_DATABASE_URL is not set"),
        (short, "OBLIVION_SECRET_KEY"),
        (away, "PostgreSQL does not answer"),
    ):
        assert code == 1
        assert said in err
        assert "Traceback" not in err
        assert "hunter2" not in err


async def test_links_and_dead_letters_from_a_shell(database_url: str, redis_url: str) -> None:
    async with running_world(database_url, redis_url) as world:
        environment = {
            "OBLIVION_DATABASE_URL": database_url,
            "OBLIVION_REDIS_URL": redis_url,
            "OBLIVION_ENVIRONMENT": "development",
        }
        code, out, err = await oblivion("link", "901100200300", "C0A1B2C3D", **environment)
        assert (code, out) == (0, "Inbox → #ai-squad (a reply is synced by keyword)\n"), err
        code, _, err = await oblivion("link", "901100200300", "C0NOSUCH1", **environment)
        assert code == 1
        assert "Check the id" in err
        code, out, _ = await oblivion("deliveries", "list", **environment)
        assert (code, out) == (0, "There are no dead letters.\n")
        code, _, err = await oblivion("deliveries", "replay", **environment)
        assert code == 1
        assert "--all" in err
        assert world.tenant_id
