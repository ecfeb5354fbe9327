"""What a tag must agree with before anything is published."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "infra/tools/release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _module()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository that is ready to be released as 1.2.3."""
    files = {
        "packages/protocol/pyproject.toml": '[project]\nname = "p"\nversion = "1.2.3"\n',
        "apps/nexus/pyproject.toml": '[project]\nname = "n"\nversion = "1.2.3"\n',
        "package.json": json.dumps({"version": "1.2.3"}),
        "apps/observer/package.json": json.dumps({"version": "1.2.3"}),
        "infra/helm/oblivion/Chart.yaml": 'apiVersion: v2\nversion: 1.2.3\nappVersion: "1.2.3"\n',
        "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-01\n\n### Added\n\n- News.\n\n"
        "## [1.2.2]\n\n- Old.\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_tree_that_agrees_gives_the_notes_of_that_version_alone(tree: Path) -> None:
    assert release.release(tree, "v1.2.3") == "### Added\n\n- News.\n"


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v1.2.3+build", "vlatest"])
def test_a_tag_that_is_no_version_is_refused(tree: Path, tag: str) -> None:
    with pytest.raises(release.NotReady, match="is no version"):
        release.release(tree, tag)


@pytest.mark.parametrize(
    ("name", "old", "said"),
    [
        ("apps/nexus/pyproject.toml", "1.2.3", "apps/nexus/pyproject.toml says 1.2.2"),
        ("apps/observer/package.json", "1.2.3", "apps/observer/package.json says 1.2.2"),
        ("infra/helm/oblivion/Chart.yaml", 'appVersion: "1.2.3', "(appVersion) says 1.2.2"),
    ],
)
def test_a_version_that_was_forgotten_is_named(tree: Path, name: str, old: str, said: str) -> None:
    path = tree / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, old.replace("1.2.3", "1.2.2")), encoding="utf-8")
    with pytest.raises(release.NotReady) as refused:
        release.release(tree, "v1.2.3")
    assert said in str(refused.value)


@pytest.mark.parametrize("section", ["", "## [1.2.3] - 2026-12-01\n\n"])
def test_a_release_without_notes_is_refused(tree: Path, section: str) -> None:
    (tree / "CHANGELOG.md").write_text(f"# Changelog\n\n{section}## [1.2.2]\n\n- Old.\n", encoding="utf-8")
    with pytest.raises(release.NotReady, match="says nothing about"):
        release.release(tree, "v1.2.3")


def test_everything_in_this_repository_has_one_version() -> None:
    found = dict(release.versions(ROOT))
    assert len(found) >= 8
    assert len(set(found.values())) == 1, found
