"""`python -m bench NAME…`: runs benchmarks one after the other and writes what they found (README.md)."""

import argparse
import asyncio
import importlib
import sys
import time
from dataclasses import dataclass

import uvloop

from bench.results import DIRECTORY, Result

NAMES = ("ingest", "pipeline", "gateway", "fanout", "sizes", "start", "observer")
"""Each is a module here with `async def run(effort: Effort) -> Result`."""
USUAL = tuple(name for name in NAMES if name != "observer")
"""What runs when none is named; a browser's figures take as long as half of the rest."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure."""

    rounds: int
    """How often each side is measured, in turns."""
    seconds: float
    """Of one measurement."""
    share: float
    """Of the sizes that the targets name: 1 for all of it."""

    def sized(self, size: int, least: int = 1) -> int:
        """This share of a size."""
        return max(least, round(size * self.share))


EFFORTS = {
    "full": Effort(rounds=3, seconds=5.0, share=1.0),
    "quick": Effort(rounds=1, seconds=1.0, share=0.05),
}


def main() -> int:
    """Runs what was asked for; 1 when one of them broke."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all but observer by default")
    parser.add_argument("--effort", choices=EFFORTS, default="full", help="quick: does it run at all")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    failed: list[str] = []
    for name in given.names or USUAL:
        print(f"→ {name} …", flush=True)
        began = time.monotonic()
        try:
            result: Result = uvloop.run(importlib.import_module(f"bench.{name}").run(EFFORTS[given.effort]))
            result.raw["effort"] = given.effort
            result.save()
        except (Exception, asyncio.CancelledError) as error:
            failed.append(name)
            print(f"✗ {name} broke: {type(error).__name__}: {error}", flush=True)
        print(f"  {time.monotonic() - began:.0f} s", flush=True)
    print(f"\nResults: {DIRECTORY}/*.json; `make bench-report` writes docs/performance.md from them.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
