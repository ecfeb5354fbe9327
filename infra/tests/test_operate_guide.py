"""docs/operate.md names commands, targets, files and places that exist, and sizes that the chart really asks for."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/operate.md"
CHART = ROOT / "infra/helm/oblivion"
COMMAND = re.compile(r"^\s*oblivion (\S[^|;<]*)")
LIST_COMMANDS = """
import json
from nexus.cli import COMMANDS, imported
from nexus.drill.drills import DrillName

def tree(command):
    options = [name for one in command.params for name in (*one.opts, *one.secondary_opts) if name.startswith("-")]
    inside = {name: tree(one) for name, one in getattr(command, "commands", {}).items()}
    return {"options": options, "commands": inside}

every = {"options": [], "commands": {name: tree(imported(name)) for name in COMMANDS}}
print(json.dumps({**every, "drills": [name.value for name in DrillName]}))
"""


def text() -> str:
    """The guide."""
    return GUIDE.read_text(encoding="utf-8")


def code(guide: str) -> list[str]:
    """Lines of its code blocks, and what is in backquotes."""
    fenced = re.findall(r"^ *```\w*\n(.*?)^ *```", guide, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^ *```\w*\n.*?^ *```", "", guide, flags=re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0] for block in fenced for line in block.replace("\\\n", " ").splitlines()]
    return lines + [one.replace("\n", " ") for one in re.findall(r"`([^`]+)`", rest)]


@cache
def commands() -> dict[str, Any]:
    """What the command line of this checkout has."""
    ran = subprocess.run(
        [ROOT / ".venv/bin/python", "-c", LIST_COMMANDS], check=True, capture_output=True, text=True, cwd=ROOT
    )
    return json.loads(ran.stdout)


def wrong_in(said: str) -> str | None:
    """What of one `oblivion …` does not exist."""
    here, path = commands(), "oblivion"
    words = [word for word in said.split() if word != "…"]
    while words and words[0] in here["commands"]:
        path, here = f"{path} {words[0]}", here["commands"][words.pop(0)]
    if here["commands"] and words and not words[0].startswith("-"):
        return f"{path} has no {words[0]}"
    if path == "oblivion drill" and words and words[0] not in commands()["drills"]:
        return f"{path} has no {words[0]}"
    for word in words:
        if word.startswith("-") and word.split("=")[0] not in here["options"]:
            return f"{path} has no {word}"
    return None


def test_every_oblivion_command_in_it_exists_with_its_options() -> None:
    said = [found[1] for line in code(text()) if (found := COMMAND.match(line))]
    assert len(said) > 30
    assert [wrong for one in said if (wrong := wrong_in(one))] == []


def test_every_drill_is_in_it() -> None:
    drills = commands()["drills"]
    assert len(drills) >= 6
    assert [name for name in drills if f"`oblivion drill {name}`" not in text()] == []


def test_every_target_in_it_can_be_made() -> None:
    named = {one for line in code(text()) for one in re.findall(r"(?<![\w-])make ([a-z][a-z-]*)", line)}
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert "up" in named
    assert named - targets == set()


def test_every_file_in_it_exists_and_every_place_in_it_is_a_heading() -> None:
    guide = text()
    links = re.findall(r"\]\(([^)\s]+)\)", guide)
    files = [link for link in links if not link.startswith(("http", "#"))]
    missing = [link for link in files if not (GUIDE.parent / link.split("#")[0]).exists()]
    places = {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in _headings(guide)}
    paths = re.findall(r"`((?:\.github|infra|docs|apps|tools)/[\w./-]+)`", guide)
    assert len(files) > 8
    assert missing == []
    assert [link for link in links if link.startswith("#") and link[1:] not in places] == []
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_value_in_it_is_one_of_the_chart() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    heads = "|".join(key for key in values if isinstance(values[key], dict))
    named = set(re.findall(rf"(?<![\w.-])((?:{heads})(?:\.[a-zA-Z]+)+)", " ".join(code(text()))))
    assert "externalSecrets.enabled" in named
    assert [name for name in sorted(named) if not _has(values, name.split("."))] == []


def test_its_sizes_are_what_the_chart_asks_for() -> None:
    table = text().split("<!-- sizes -->")[1].split("<!-- /sizes -->")[0]
    rows = [[cell.strip() for cell in line.split("|")[2:5]] for line in table.strip().splitlines()[2:]]
    defaults = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    production = yaml.safe_load((CHART / "values-production.yaml").read_text(encoding="utf-8"))
    merged = {name: {**defaults[name], **production.get(name, {})} for name in ("gateway", "worker", "observer")}
    assert rows == [_size(defaults, "replicas"), _size(merged, "minReplicas"), _size(merged, "maxReplicas")]


def _size(values: dict[str, Any], count: str) -> list[str]:
    pods, cores, mebibytes = 0, 0.0, 0
    for name in ("gateway", "worker", "observer"):
        part = values[name]
        many = part["autoscaling"][count] if count in part.get("autoscaling", {}) else part["replicas"]
        asked = part["resources"]["requests"]
        pods += many
        cores += many * int(asked["cpu"].removesuffix("m")) / 1000
        mebibytes += many * int(asked["memory"].removesuffix("Mi"))
    return [str(pods), f"{cores:.1f}", f"{mebibytes / 1024:.1f} GiB"]


def _has(values: Any, path: list[str]) -> bool:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True


def _headings(guide: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", guide, flags=re.DOTALL), re.MULTILINE)
