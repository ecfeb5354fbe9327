"""Whether a tag may be released, and its notes: `release.py v1.2.3 --notes notes.md`.

Everything that carries a version must carry this one, and the changelog must say what is new in it.
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TAG = re.compile(r"v(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)")
"""Semantic Versioning 2.0.0, without build metadata: an image's tag cannot hold a plus sign."""


class NotReady(Exception):
    """The tree is not that release; the text says where and what to do."""


def versions(root: Path) -> Iterator[tuple[str, str]]:
    """(file, version) of everything that is released."""
    for path in (*root.glob("packages/*/pyproject.toml"), *root.glob("apps/*/pyproject.toml")):
        yield str(path.relative_to(root)), tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"]
    for path in (root / "package.json", root / "apps/observer/package.json"):
        yield str(path.relative_to(root)), json.loads(path.read_text(encoding="utf-8"))["version"]
    chart = (root / "infra/helm/oblivion/Chart.yaml").read_text(encoding="utf-8")
    for name in ("version", "appVersion"):
        found = re.search(rf'^{name}: *"?([^"\s]+)', chart, re.MULTILINE)
        yield f"infra/helm/oblivion/Chart.yaml ({name})", found.group(1) if found else "nothing"


def notes(changelog: str, version: str) -> str:
    """The changelog's section of a version. Raises NotReady when it is missing or empty."""
    section = re.search(rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if section is None or not section.group(1).strip():
        raise NotReady(f"CHANGELOG.md says nothing about {version}: name its section ## [{version}] - YYYY-MM-DD")
    return section.group(1).strip() + "\n"


def release(root: Path, tag: str) -> str:
    """The notes of a release that is ready. Raises NotReady."""
    named = TAG.fullmatch(tag)
    if named is None:
        raise NotReady(f"{tag} is no version: a tag is v1.2.3 or v1.2.3-rc.1")
    version = named.group(1)
    wrong = [f"{where} says {said}" for where, said in versions(root) if said != version]
    if wrong:
        raise NotReady(f"The tag says {version}, but:\n  " + "\n  ".join(wrong))
    return notes((root / "CHANGELOG.md").read_text(encoding="utf-8"), version)


def main() -> None:
    """Writes the notes, or says what is missing and ends with 1."""
    parser = argparse.ArgumentParser(description="Checks that this tree is the release of a tag.")
    parser.add_argument("tag")
    parser.add_argument("--notes", type=Path, required=True, help="where the release notes go")
    given = parser.parse_args()
    try:
        given.notes.write_text(release(ROOT, given.tag), encoding="utf-8")
    except NotReady as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
