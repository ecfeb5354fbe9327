"""Reads the Dockerfiles and locks of infra/images, as far as their tests need it."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "infra/images"
DOCKERFILES = {path.parent.name: path for path in sorted(IMAGES.glob("*/Dockerfile"))}
LOCKS = {path.stem: path for path in sorted((IMAGES / "locks").glob("*.lock"))}
PYTHON_IMAGES = sorted(set(DOCKERFILES) - {"observer"})


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    name: str
    text: str

    def flags(self, flag: str) -> list[str]:
        """What `--flag=…` says, each time it is there."""
        return re.findall(rf"--{flag}=(\S+)", self.text)

    def words(self) -> list[str]:
        """What comes after the flags."""
        return [word for word in self.text.split() if not word.startswith("--")]


def instructions(path: Path) -> list[Instruction]:
    """All of them, in order."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines()]


def stages(path: Path) -> list[list[Instruction]]:
    """The instructions of each stage, its FROM first."""
    found: list[list[Instruction]] = []
    for instruction in instructions(path):
        if instruction.name == "FROM":
            found.append([])
        found[-1].append(instruction)
    return found


def final(image: str) -> dict[str, Instruction]:
    """Each instruction of the final stage, its last one where there are several."""
    return {instruction.name: instruction for instruction in stages(DOCKERFILES[image])[-1]}


def normal(name: str) -> str:
    """A package's name, as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: Path) -> dict[str, set[str]]:
    """Name to versions. Several where the Python version decides."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^ \\]+)", path.read_text("utf-8"), re.MULTILINE):
        versions.setdefault(normal(name), set()).add(version)
    return versions


def project(folder: str) -> tuple[str, list[str], dict[str, str]]:
    """Name, names of dependencies and console scripts of a package of this repository."""
    document = tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = [normal(re.split(r"[\[<>=~!; ]", need, maxsplit=1)[0]) for need in document["dependencies"]]
    return document["name"], needs, document.get("scripts", {})


def own_packages(image: str) -> list[str]:
    """Folders of the packages of this repository that an image installs."""
    (build,) = (
        instruction
        for stage in stages(DOCKERFILES[image])
        for instruction in stage
        if instruction.name == "RUN" and "python-build.sh own" in instruction.text
    )
    return [word.removeprefix("./") for word in build.text.split() if word.startswith("./")]
