"""Writes docs/performance.md from what was measured last: `python -m bench.report`.

Only what stands between the two marks is written anew; people write around it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.__main__ import NAMES
from bench.results import DIRECTORY

PAGE = Path("docs/performance.md")
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
_MARKS = {True: "yes", False: "**no**", None: "–"}
_OF_THE_MOMENT = frozenset({"load_average"})
"""What differs between two measurements on the same machine."""

_NEW_PAGE = f"""# Performance

What Oblivion costs and how fast it is, beside targets that were set before it was measured. Where a target is a
ratio, the other side is the stack that the plan first named: NestJS on Fastify, BullMQ and Socket.IO
([bench/peer](../bench/peer)), idiomatic and at its latest releases. Both sides run on the same machine in the same
run and take turns, and what is compared is the median of the ratios of each round, so that whatever disturbs a round
disturbs both of its halves. Size is compared likewise: a big system beside a small one, in turns.

`make bench` measures everything anew and writes this page; [bench](../bench) says how single ones are run.

**Read absolute figures with care.** They belong to the machine below. Load, servers and databases share its cores,
and on a machine that does other things as well rates move by a factor of two from one minute to the next. Ratios and
CPU time per unit move less.

{BEGIN}
{END}
"""


def page(before: str, results: Mapping[str, Any]) -> str:
    """The page with the measured part written anew. Raises ValueError when the marks are not there."""
    head, begin, rest = before.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has no {BEGIN} … {END}; put them where the figures shall stand")
    measured = "\n".join(_measured(results)).strip()
    return f"{head}{BEGIN}\n\n{measured}\n\n{END}{tail}"


def _measured(results: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Targets", "", "| what | target | moonshot | measured | reached |", "|---|---|---|---|---|")
    for name in NAMES:
        yield from _rows(name, results.get(name))
    yield from ("", "## Machine", "")
    yield from _machines(results)
    yield from ("", "## How each was measured", "")
    for name in NAMES:
        yield from _section(name, results.get(name))


def _rows(name: str, result: Any) -> Iterator[str]:
    if result is None:
        yield f"| *{name}* |  |  | not measured |  |"
        return
    for row in result["rows"]:
        cells = (row["what"], row["target"], row["moonshot"], row["measured"], _MARKS[row["reached"]])
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(said: str) -> str:
    return " ".join(said.split()).replace("|", "\\|")


def _machines(results: Mapping[str, Any]) -> Iterator[str]:
    """Each machine once, with what was measured on it."""
    found: dict[str, list[str]] = {}
    for name in NAMES:
        if name in results:
            facts = {key: said for key, said in results[name]["machine"].items() if key not in _OF_THE_MOMENT}
            told = ", ".join(f"{key.replace('_', ' ')} {said}" for key, said in facts.items() if said)
            found.setdefault(told, []).append(name)
    if not found:
        yield "Nothing was measured yet."
    for told, names in found.items():
        yield told if len(found) == 1 else f"- {', '.join(names)}: {told}"


def _section(name: str, result: Any) -> Iterator[str]:
    yield from (f"### {name}", "")
    if result is None:
        yield from (f"Not measured: `make bench-{name}`.", "")
        return
    load = result["machine"].get("load_average")
    busy = "" if load is None else f", load average {load:.1f}"
    effort = result["raw"].get("effort", "full")
    short = "" if effort == "full" else f" **Effort {effort}: it only shows that it runs, its figures say nothing.**"
    yield from (f"`make bench-{name}`, {result['at']}{busy}.{short}", "")
    if result["notes"]:
        yield from (*(f"- {' '.join(note.split())}" for note in result["notes"]), "")


def main() -> int:
    """Reads, writes, and says what is missing."""
    results = {name: json.loads(path.read_text()) for name in NAMES if (path := DIRECTORY / f"{name}.json").exists()}
    try:
        written = page(PAGE.read_text() if PAGE.exists() else _NEW_PAGE, results)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    PAGE.write_text(written)
    missing = [name for name in NAMES if name not in results]
    print(f"{PAGE} is written{'; not measured: ' + ', '.join(missing) if missing else ''}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
