"""Writes what the fault scenarios measured into docs/reliability.md: `python tools/faults_table.py build/faults.jsonl`.

Of several runs of a scenario at the largest scale the newest counts, passed or not: nobody picks the best one. The line
of a scenario that was not run again stays.
"""

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"


def newest(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One run of each scenario."""
    chosen: dict[str, dict[str, Any]] = {}
    for line in lines:
        known = chosen.get(line["name"])
        if known is None or line["scale"] >= known["scale"]:
            chosen[line["name"]] = line
    return list(chosen.values())


def number(value: object) -> str:
    """Short, and exact where it is an integer."""
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 1000
        else f"{value:,.0f}"
        if isinstance(value, float)
        else str(value)
    )


def listed(values: dict[str, Any]) -> str:
    """`3 kills · 5 cuts`."""
    return " · ".join(f"{name} {number(value)}" for name, value in values.items()) or "—"


def row(run: dict[str, Any]) -> str:
    """A line of the table, and how to have it again."""
    verdict = run["verdict"]
    found = " · ".join(f"{len(verdict[name])} {name.replace('_', ' ')}" for name in ("lost", "doubled", "inversions"))
    if verdict["stale_commits"]:
        found += f" · {len(verdict['stale_commits'])} stale commits"
    recovery = run["recovery"]
    back = f"p50 {recovery['p50_seconds']} s · p99 {recovery['p99_seconds']} s" if recovery else "—"
    mark = "**kept**" if verdict["ok"] else "**BROKEN**"
    return (
        f"| {run['name']} | {listed(run['faults'])} | {listed(run['load'])} | {listed(run['counts'])} | "
        f"{found}: {mark} | {back} | {listed(run['figures'])} | `{run['command']}` |"
    )


def rows_of(page: str) -> dict[str, str]:
    """The lines that stand in the table, by scenario."""
    table = page.split(BEGIN)[1].split(END)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return {line.split(" | ")[0].removeprefix("| "): line for line in rows}


def main() -> None:
    """Replaces the table between the marks."""
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    runs = newest(lines)
    machine = runs[0]["machine"]
    page = PAGE.read_text()
    rows = rows_of(page) | {run["name"]: row(run) for run in runs}
    table = [
        BEGIN,
        f"Measured on {machine['cores']} cores of {machine['cpu']} (shared, noisy), {machine['system']}, Python "
        f"{machine['python']}, PostgreSQL {machine['postgresql']} with fsync on. Everything ran on it at once: load, "
        "databases, sandbox, Nexus.",
        "",
        "| scenario | faults | load | counts | verdict | recovery | also | again |",
        "|---|---|---|---|---|---|---|---|",
        *rows.values(),
        END,
    ]
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    PAGE.write_text(before + "\n".join(table) + after)
    sys.stdout.write(f"{PAGE.name}: {len(runs)} of {len(rows)} scenarios\n")


main()
