"""What is locked is locked by hash, has a licence that we know, and is looked at for weaknesses."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HASH = "--hash=sha256:" + "a" * 64


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "tools/licences.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


licences = loaded()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one lock of each kind, in order."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "requirements.lock").write_text(f"# why\nhttpx==1.0 \\\n    {HASH} \\\n    {HASH}\n    # via x\n")
    integrity = {"integrity": "sha512-x", "license": "MIT"}
    (tmp_path / "package-lock.json").write_text(
        json.dumps({"packages": {"": {}, "node_modules/own": {"link": True}, "node_modules/react": integrity}})
    )
    (tmp_path / "tools/licences.json").write_text(json.dumps({"httpx": "BSD-3-Clause"}))
    monkeypatch.setattr(licences, "ROOT", tmp_path)
    monkeypatch.setattr(licences, "RECORD", tmp_path / "tools/licences.json")
    return tmp_path


def test_every_lock_of_this_repository_is_hashed_and_every_licence_is_on_the_list() -> None:
    assert licences.unhashed() == []
    assert licences.problems({}) == []
    names = licences.locked()
    assert len(names) > 150
    locks = {lock for told in names.values() for lock in told}
    tracked = {
        str(path.relative_to(ROOT))
        for path in ROOT.glob("**/[!.]*.lock")  # a hidden one belongs to a tool at work
        if not {"node_modules", ".venv"} & {*path.parts}
    }
    assert {one for one in tracked if not one.startswith((".venv", "build/"))} == locks


@pytest.mark.parametrize(
    ("lock", "line"),
    [
        ("requirements.lock", "httpx==1.0\n"),
        ("requirements.lock", f"httpx==1.0 \\\n    {HASH}\nother==2.0 ; python_version < '3.12'\n"),
        ("requirements.lock", "httpx==1.0 --hash=md5:abcd\n"),
        ("requirements.lock", f"httpx @ https://a.example/httpx.whl {HASH[:30]}\n"),
        ("package-lock.json", json.dumps({"packages": {"node_modules/react": {"version": "1"}}})),
        ("package-lock.json", json.dumps({"packages": {"node_modules/react": {"integrity": "sha1-x"}}})),
    ],
)
def test_a_line_without_a_hash_is_told(house: Path, lock: str, line: str) -> None:
    assert licences.unhashed() == []
    (house / lock).write_text(line)
    (told,) = licences.unhashed()
    assert told.startswith(lock)


def test_a_package_whose_licence_nobody_knows_is_told(house: Path) -> None:
    assert licences.problems({}) == []
    lock = house / "requirements.lock"
    lock.write_text(lock.read_text() + f"fresh==1.0 {HASH}\n")
    assert licences.problems({}) == ["fresh (requirements.lock): no licence in tools/licences.json"]


def test_a_licence_that_is_not_on_the_list_is_told_whoever_tells_it(house: Path) -> None:
    (house / "tools/licences.json").write_text(json.dumps({"httpx": "AGPL-3.0-only"}))
    package = {"integrity": "sha512-x", "license": "SSPL-1.0"}
    (house / "package-lock.json").write_text(json.dumps({"packages": {"node_modules/react": package}}))
    assert licences.problems({"httpx": "MIT"}) == [
        "httpx: AGPL-3.0-only is not on the list",
        "httpx: says 'MIT', tools/licences.json 'AGPL-3.0-only'",
        "react (package-lock.json): SSPL-1.0 is not on the list",
    ]


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False), ("(MIT AND Zlib)", True),
        ("(MIT OR CC0-1.0) AND ISC", True), ("(MIT OR CC0-1.0) AND GPL-2.0-only", False),
        ("", False), ("unknown", False),
        ("Apache-2.0 WITH LLVM-exception", True), ("UNLICENSED", False), ("SEE LICENSE IN LICENSE.md", False),
    ],
)  # fmt: skip
def test_an_expression_is_met_by_all_of_an_and_and_one_of_an_or(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed


def test_an_exception_is_for_its_own_package() -> None:
    assert licences.may_be_used("psycopg-pool", "LGPL-3.0-only")
    assert not licences.may_be_used("psycopg-pool", "GPL-3.0-only")
    assert not licences.may_be_used("httpx", "LGPL-3.0-only")


def test_the_audit_asks_for_every_lock_that_is_installed_and_runs_where_there_is_an_internet() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (audited,) = re.findall(r"^AUDITED := (.+)$", makefile, re.MULTILINE)
    whole = {
        lock for lock in {one for told in licences.locked().values() for one in told} if "images/locks" not in lock
    }
    assert {*audited.split()} == whole
    workflow = yaml.safe_load((ROOT / ".github/workflows/dependencies.yml").read_text(encoding="utf-8"))
    runs = [step.get("run", "") for step in workflow["jobs"]["audit"]["steps"]]
    assert "make audit" in runs and "make sbom" in runs
    assert "audit" not in (ROOT / ".ci/run").read_text(encoding="utf-8")
