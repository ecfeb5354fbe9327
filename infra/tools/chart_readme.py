"""Writes the table of values into the chart's README.md, from the comments in values.yaml."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[1] / "helm/oblivion"
BEGIN, END = "<!-- values: made by infra/tools/chart_readme.py -->\n", "<!-- end of values -->\n"
_LINE = re.compile(r"^(?P<indent> *)(?:# (?P<comment>.*)|(?P<key>[A-Za-z0-9]+):.*)$")


def leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, default) of each value that the chart documents: a list or an empty object is one value."""
    for key, value in values.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value and key != "resources":
            yield from leaves(value, here)
        else:
            yield here, value


def comments(text: str) -> dict[str, str]:
    """Comment of each path: the one right above its key."""
    found: dict[str, str] = {}
    above: list[str] = []
    keys: list[str] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            above = []
        elif match["comment"] is not None:
            above.append(match["comment"])
        else:
            keys = [*keys[: len(match["indent"]) // 2], match["key"]]
            found[".".join(keys)] = " ".join(above)
            above = []
    return found


def table() -> str:
    """The table, as Markdown. Raises ValueError naming a value without a comment."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    said = comments(text)
    rows = ["| value | default | |", "|---|---|---|"]
    for path, default in leaves(yaml.safe_load(text)):
        if not said.get(path):
            raise ValueError(f"values.yaml says nothing about {path}: put a comment right above it")
        shown = f"`{json.dumps(default)}`" if default not in ("", None) else "—"
        rows.append(f"| `{path}` | {shown} | {said[path].replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def rendered() -> str:
    """README.md with the present table."""
    text = (CHART / "README.md").read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


if __name__ == "__main__":
    (CHART / "README.md").write_text(rendered(), encoding="utf-8")
