"""docs/write-an-agent.md does what it says: its files are put into the folder of a new agent and tested there."""

import asyncio
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from oblivion import Agent, Context, errors
from oblivion._cli.main import main
from oblivion.testing import FakeNexus

REPOSITORY = Path(__file__).parents[3]
GUIDE = REPOSITORY / "docs/write-an-agent.md"
TEMPLATE = REPOSITORY / "packages/sdk-python/src/oblivion/_cli/template"
FILE = re.compile(r"<!-- file: (\S+) -->\n```python\n(.*?)```\n", re.DOTALL)
MADE_BY_NEW = ("agent.py", "tests/test_agent.py")


@pytest.fixture(scope="module")
def guide() -> str:
    return GUIDE.read_text(encoding="utf-8")


def files_of(guide: str) -> dict[str, str]:
    found = FILE.findall(guide)
    assert len(found) == len(dict(found)), "two files of one name"
    return dict(found)


def test_every_piece_of_python_in_the_guide_is_a_file_with_a_test_or_what_new_makes(guide: str, tmp_path: Path):
    files = files_of(guide)
    assert guide.count("```python") == len(files)
    # fixer.py runs against a real Nexus, in apps/nexus/tests/flows/test_the_fifteen_lines.py.
    agents = {name for name in files if not name.startswith("tests/")} - {"fixer.py"}
    assert {f"tests/test_{name}" for name in agents} | agents == files.keys() - {"fixer.py"}
    assert main(["new", "hello", "--directory", str(tmp_path / "hello")]) == 0
    for name in MADE_BY_NEW:
        assert (tmp_path / "hello" / name).read_text(encoding="utf-8") == files[name]


async def test_the_files_of_the_guide_pass_their_tests_in_the_folder_of_a_new_agent(guide: str, tmp_path: Path):
    folder = tmp_path / "hello"
    assert main(["new", "hello", "--directory", str(folder)]) == 0
    files = files_of(guide)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    tests = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider",
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(tests.communicate(), 55)
    assert tests.returncode == 0, output.decode()
    count = sum(content.count("async def test_") for name, content in files.items() if name.startswith("tests/"))
    assert f"{count} passed" in output.decode()


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}


def test_the_guide_mentions_whatever_a_handler_can_do_and_nothing_that_does_not_exist(guide: str):
    words = set(re.findall(r"\w+", guide))
    assert public(Context) <= words
    # What a program needs that runs its agent beside something else.
    assert public(Agent) - words <= {"threads", "serve", "stop", "serve_through"}
    for prefix, kind in (("ctx", Context), ("agent", Agent), ("nexus", FakeNexus)):
        named = set(re.findall(rf"\b(?<!\.){prefix}\.([a-z_]+)", guide))
        assert named - public(kind) - {"py", "state", "task"} == set(), prefix
    assert {"Retryable", "Fatal", "AnswerExpired"} <= words & set(dir(errors))


def test_links_and_make_targets_of_the_guide_exist(guide: str):
    for target in re.findall(r"\]\(([^)#]+)\)", guide):
        assert (GUIDE.parent / target).exists(), target
    known = (REPOSITORY / "Makefile").read_text() + (TEMPLATE / "Makefile.in").read_text()
    named = set(re.findall(r"(?:`|\$ )make (\w+)", guide))
    assert named
    for target in named:
        assert re.search(rf"^{target}:", known, re.MULTILINE), target
