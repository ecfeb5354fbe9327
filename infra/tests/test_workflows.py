"""The workflows of GitHub: they lint, they pin, they ask for no more than they need, and they call what exists."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))
USES = re.compile(r"^\s*(?:-\s+)?uses:\s*(?P<what>[^\s#]+)(?:\s+#\s*(?P<comment>\S+))?\s*$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
VERSION = re.compile(r"v\d+\.\d+\.\d+")
UNPINNED: dict[str, str] = {}
"""Actions that are named by a version, each with the reason."""

EXPRESSION = re.compile(r"\$\{\{")
MAKE = re.compile(r"^(?:run:\s+)?make\s+(?!-C)(?P<target>[a-z][a-z-]*)")
MAKE_IN = re.compile(r"^make\s+-C\s+(?P<folder>\S+)\s+(?P<target>[a-z-]+)")
BROADEST = {"contents": "write", "pull-requests": "write", "packages": "write", "security-events": "write"}
"""What any job may be given to write, besides the tokens below."""

TOKENS = {"id-token": "write", "attestations": "write"}


def loaded(path: Path) -> dict[str, Any]:
    """A workflow. YAML 1.1 reads its key `on` as true."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """(file: job, its definition) of every workflow."""
    for path in WORKFLOWS:
        for name, job in loaded(path)["jobs"].items():
            yield f"{path.name}: {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """(file: job, step) of every workflow and action."""
    for where, job in jobs():
        for step in job.get("steps", []):
            yield where, step
    for path in ACTIONS:
        for step in loaded(path)["runs"]["steps"]:
            yield str(path.relative_to(ROOT)), step


def targets(makefile: Path) -> set[str]:
    """What can be made there."""
    text = makefile.read_text(encoding="utf-8")
    found = set(re.findall(r"^([a-z][a-z-]*):(?!=)", text, re.MULTILINE))
    for names in re.findall(r"^include\s+(.+)$", text, re.MULTILINE):
        for name in names.split():
            found |= targets(ROOT / name)
    return found


@pytest.fixture(scope="module")
def actionlint() -> Path:
    """The binary beside this Python."""
    path = Path(sys.executable).parent / "actionlint"
    assert path.exists(), "run `make infra-setup`"
    return path


def test_actionlint_and_shellcheck_have_nothing_to_say(actionlint: Path) -> None:
    shellcheck = shutil.which("shellcheck", path=str(actionlint.parent))
    assert shellcheck, "shellcheck is missing: actionlint would leave the scripts out"
    said = subprocess.run(
        [actionlint, "-shellcheck", shellcheck, "-pyflakes", "", "-no-color", *WORKFLOWS],
        capture_output=True,
        text=True,
    )
    assert (said.returncode, said.stdout) == (0, ""), said.stdout + said.stderr


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: str(path.relative_to(GITHUB)))
def test_every_action_is_pinned_by_commit_with_its_version_beside_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    used = list(USES.finditer(text))
    assert len(used) == len(re.findall(r"^\s*(?:-\s+)?uses:", text, re.MULTILINE))
    for one in used:
        what, comment = one["what"], one["comment"] or ""
        if what.startswith("./"):
            assert (ROOT / what).exists(), what
            continue
        if what in UNPINNED:
            continue
        assert PINNED.fullmatch(what), f"{what} can change under us: name a commit"
        assert VERSION.fullmatch(comment), f"{what} has no version beside it"


def test_an_action_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for path in (*WORKFLOWS, *ACTIONS):
        for one in USES.finditer(path.read_text(encoding="utf-8")):
            repository, _, commit = one["what"].partition("@")
            if commit:
                # Parts of one repository, such as codeql-action/init, move together.
                versions.setdefault("/".join(repository.split("/")[:2]), set()).add(f"{commit} {one['comment']}")
    assert versions
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_every_job_ends_in_time() -> None:
    limits = {where: job.get("timeout-minutes") for where, job in jobs() if "uses" not in job}
    assert {where: limit for where, limit in limits.items() if not isinstance(limit, int) or limit > 90} == {}


def test_a_workflow_may_do_nothing_and_a_job_what_it_says() -> None:
    for path in WORKFLOWS:
        assert loaded(path)["permissions"] == {}, f"{path.name}: permissions belong to the jobs"
    allowed = BROADEST | TOKENS
    for where, job in jobs():
        granted = job.get("permissions")
        assert isinstance(granted, dict), f"{where} says nothing about its permissions"
        for scope, level in granted.items():
            assert level == "read" or level == allowed.get(scope), f"{where} may {level} {scope}"


def test_what_resolves_or_builds_foreign_code_cannot_write_to_the_repository() -> None:
    for where, job in jobs():
        if (job.get("permissions") or {}).get("contents") != "write":
            continue
        runs = [step.get("run", "") for step in job.get("steps", [])]
        assert not any(re.search(r"\b(make|npm|pip|uv|docker)\b", run) for run in runs), where


def test_a_checkout_leaves_no_credentials_behind() -> None:
    checkouts = [(where, step) for where, step in steps() if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    for where, step in checkouts:
        assert step.get("with", {}).get("persist-credentials") is False, where


def test_no_expression_is_put_into_a_script() -> None:
    """An expression is pasted into the script before a shell reads it; a variable is not."""
    assert [f"{where}: {step['run']}" for where, step in steps() if EXPRESSION.search(step.get("run", ""))] == []


def test_nothing_runs_foreign_code_with_our_secrets() -> None:
    for path in WORKFLOWS:
        events = loaded(path)[True]
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(events), path.name


def test_runs_that_are_overtaken_are_cancelled_or_wait() -> None:
    for path in WORKFLOWS:
        workflow = loaded(path)
        if set(workflow[True]) != {"workflow_call"}:
            assert workflow["concurrency"]["group"], path.name
            assert "cancel-in-progress" in workflow["concurrency"], path.name


def test_everything_that_is_made_can_be_made() -> None:
    made: set[tuple[str, str]] = set()
    for _, step in steps():
        for line in step.get("run", "").splitlines():
            if inside := MAKE_IN.match(line.strip()):
                made.add((inside["folder"], inside["target"]))
            elif named := MAKE.match(line.strip()):
                made.add((".", named["target"]))
    assert (".", "check") in made
    missing = [(where, name) for where, name in sorted(made) if name not in targets(ROOT / where / "Makefile")]
    assert missing == []


def test_every_file_that_a_script_names_exists() -> None:
    named = re.compile(r"(?<![\w/$.-])((?:infra|tools|packages|apps|agents)/[\w./-]+\w)")
    found: set[str] = set()
    for _, step in steps():
        texts = [step.get("run", ""), *(str(value) for value in step.get("with", {}).values())]
        found |= {path for text in texts for path in named.findall(text)}
    assert "tools/main_job.py" in found
    # What ends before a star is the beginning of several names.
    assert [path for path in sorted(found) if not any(ROOT.glob(f"{path}*"))] == []


def test_every_image_is_built_published_and_looked_at_again() -> None:
    built = {"nexus", "observer", "agent-base", "agent-reference"}
    matrices = [set(job["strategy"]["matrix"]["image"]) for _, job in jobs() if "image" in _matrix(job)]
    assert matrices == [built] * 3
    bake = (ROOT / "infra/images/docker-bake.hcl").read_text(encoding="utf-8")
    assert built <= set(re.findall(r'^target "([\w-]+)"', bake, re.MULTILINE))


def test_the_checks_that_a_branch_rule_requires_are_never_filtered_away() -> None:
    events = loaded(GITHUB / "workflows/check.yml")[True]
    assert events["pull_request"] is None
    assert events["push"] == {"branches": ["main"]}


def test_dependabot_watches_every_place_that_pins_something() -> None:
    updates = loaded(GITHUB / "dependabot.yml")["updates"]
    watched: dict[str, set[str]] = {}
    for one in updates:
        watched.setdefault(one["package-ecosystem"], set()).update(one["directories"])
    assert set(watched) == {"github-actions", "docker", "npm"}
    assert watched["github-actions"] == {"/", *(f"/{path.parent.relative_to(ROOT)}" for path in ACTIONS)}
    dockerfiles = [path for path in _tracked("*Dockerfile*") if path.suffix != ".dockerignore"]
    folders = {f"/{path.parent.relative_to(ROOT)}" for path in dockerfiles}
    assert {folder for folder in folders if not any(fnmatch(folder, one) for one in watched["docker"])} == set()
    assert {one for one in watched["docker"] if not any(fnmatch(folder, one) for folder in folders)} == set()


def _matrix(job: dict[str, Any]) -> dict[str, Any]:
    return job.get("strategy", {}).get("matrix", {})


def _tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / line for line in listed.stdout.splitlines()]
