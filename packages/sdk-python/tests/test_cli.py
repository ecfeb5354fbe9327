"""`oblivion-agent`: what an author types."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from oblivion._cli.environment import find
from oblivion._cli.main import Problem, main
from oblivion._cli.reload import changed, problem_of

AGENT = """
from oblivion import Agent
agent = Agent("fixer")
@agent.on_task()
async def handle(task, ctx):
    return "one"
"""


@asynccontextmanager
async def command(directory: Path, *arguments: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    needed = ("OBLIVION_URI", "AGENT_ID", "AGENT_SECRET", "AGENT_SECRET_FILE", "OBLIVION_READY_FILE")
    environ = {name: value for name, value in os.environ.items() if name not in needed}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "oblivion._cli",
        *arguments,
        cwd=directory,
        env=environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGTERM)
        await asyncio.wait_for(running.communicate(), 30)


async def line_with(running: asyncio.subprocess.Process, text: str) -> str:
    assert running.stdout is not None
    async with asyncio.timeout(30):
        while line := (await running.stdout.readline()).decode():
            if text in line:
                return line
    pytest.fail(f"It ended without saying {text!r}.")


def credentials(nexus) -> dict[str, object]:
    return {"nexus_url": nexus.uri, "agent_client_id": "fixer-id", "agent_client_secret": "obl_sk_right"}


async def test_a_new_agent_passes_its_own_tests(tmp_path: Path):
    assert main(["new", "bug-fixer", "--directory", str(tmp_path / "made")]) == 0
    made = tmp_path / "made"
    assert {path.name for path in made.iterdir()} == {
        "agent.py", "tests", "pyproject.toml", "Makefile", "Dockerfile", ".env.example", ".gitignore",
        ".dockerignore", "README.md", "vendor",
    }  # fmt: skip
    assert not [path for path in made.rglob("*") if path.is_file() and "{{" in path.read_text()]
    tests = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=made, stdout=subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(tests.communicate(), 50)
    assert tests.returncode == 0, output.decode()
    assert b"2 passed" in output


@pytest.mark.parametrize("name", ["Bug", "1st", "a b", "../up", "x" * 50, "-a", "a--b", ""])
def test_a_name_that_is_none_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["new", "--directory", str(tmp_path / "made"), "--", name]) == 2
    assert "is no name for an agent" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_something_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["new", "fixer", "--directory", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


async def test_run_takes_the_credentials_of_an_oblivion_up_above_it(nexus, tmp_path: Path):
    home = tmp_path / ".oblivion"
    home.mkdir()
    (home / "running.json").write_text(json.dumps({**credentials(nexus), "pids": {"up": os.getpid()}}))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "agent.py").write_text(AGENT)
    async with command(tmp_path / "deep", "run") as running:
        await line_with(running, "Using the development agent")
        await nexus.frame("hello")
        await nexus.offer()
        assert (await nexus.frame("task.complete"))["result"] == "one"


def test_an_oblivion_up_that_is_gone_is_not_used(tmp_path: Path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / ".oblivion").mkdir()
    (tmp_path / ".oblivion" / "running.json").write_text(json.dumps({"nexus_url": "x", "pids": {"up": gone.pid}}))
    assert find({}, tmp_path).variables == {}


def test_the_ready_file_the_dotenv_and_the_environment_have_their_order(nexus, tmp_path: Path):
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps(credentials(nexus)))
    environ = {"OBLIVION_READY_FILE": str(ready)}
    assert find(environ, tmp_path).variables["AGENT_ID"] == "fixer-id"
    (tmp_path / ".env").write_text("# mine\nexport AGENT_ID='me' # a comment\nAGENT_SECRET=\nOBLIVION_URI=http://x\n")
    assert find(environ, tmp_path).variables == {"AGENT_ID": "me", "OBLIVION_URI": "http://x"}
    assert find({"AGENT_ID": "env"}, tmp_path).variables == {"OBLIVION_URI": "http://x"}
    (tmp_path / ".env").write_text("AGENT_ID me")
    with pytest.raises(Problem, match="line 1"):
        find({}, tmp_path)
    with pytest.raises(Problem, match="not there"):
        find({"OBLIVION_READY_FILE": str(tmp_path / "none")}, tmp_path / "elsewhere")


async def test_a_file_without_an_agent_is_named(tmp_path: Path):
    (tmp_path / "agent.py").write_text("print('hello')")
    async with command(tmp_path, "run") as running:
        await line_with(running, "makes no agent")
        assert await running.wait() == 2


async def test_reload_starts_new_code_and_a_syntax_error_waits_for_the_next_change(nexus, tmp_path: Path):
    file = tmp_path / "agent.py"
    file.write_text(AGENT)
    variables = {"OBLIVION_URI": nexus.uri, "AGENT_ID": "fixer-id", "AGENT_SECRET": "obl_sk_right"}
    async with command(tmp_path, "run", "--reload", **variables) as running:
        await nexus.frame("hello")
        file.write_text(AGENT.replace("return", "return ("))
        assert "line 6" in await line_with(running, "agent.py, line")
        await nexus.offer("t1")
        assert (await nexus.frame("task.complete"))["result"] == "one"
        file.write_text(AGENT.replace("one", "another"))
        await line_with(running, "changed: starting again")
        await nexus.frame("hello", 2)
        await nexus.offer("t2", seq=1)
        assert (await nexus.frame("task.complete", 2))["result"] == "another"
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 20) == 0


def test_changes_are_seen_and_broken_files_are_named(tmp_path: Path):
    seen: dict[Path, int] = {}
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ignored.py").write_text("")
    code = tmp_path / "code.py"
    code.write_text("x = 1")
    assert changed(tmp_path, seen) == [code]
    assert changed(tmp_path, seen) == []
    os.utime(code, (1, 1))
    assert changed(tmp_path, seen) == [code]
    assert problem_of([code]) is None
    code.write_text("x = (")
    assert "code.py, line 1" in str(problem_of([code]))
    code.unlink()
    assert changed(tmp_path, seen) == [code]
    assert problem_of([code]) is None
