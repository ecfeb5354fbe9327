"""Fixtures of the attacks: how many tries, which dice, and where the figures of `docs/security.md` come from."""

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from recording import machine

DEFAULT_SCALE = 0.1


@pytest.fixture
def size() -> Callable[[int], int]:
    """How many tries there are here of what `docs/security.md` states (ATTACKS_SCALE; a tenth by default)."""
    scale = float(os.environ.get("ATTACKS_SCALE", DEFAULT_SCALE))
    return lambda full: max(1, round(full * scale))


@pytest.fixture
def dice() -> random.Random:
    """What all chance of an attack comes from (ATTACKS_SEED repeats it)."""
    seed = int(os.environ.get("ATTACKS_SEED") or random.randrange(1, 10**6))
    print(f"\nATTACKS_SEED={seed}", flush=True)
    return random.Random(seed)


@dataclass
class Figures:
    """What an attack came to: printed, and one JSON line in the file ATTACKS_REPORT, if that is set."""

    test: str
    started: float = field(default_factory=time.time)

    def keep(self, what: str, **figures: int | float | str) -> None:
        """`what` is the row's name in `docs/security.md`; call it before the assertions, so that a failure shows it."""
        scale = float(os.environ.get("ATTACKS_SCALE", DEFAULT_SCALE))
        print(f"\n{what}: " + " · ".join(f"{name} {value}" for name, value in figures.items()), flush=True)
        path = os.environ.get("ATTACKS_REPORT")
        if not path:
            return
        line: dict[str, Any] = {
            "what": what,
            **figures,
            "scale": scale,
            "seconds": round(time.time() - self.started, 1),
            "machine": machine(),
            "command": f"ATTACKS_SCALE={scale:g} .venv/bin/pytest -n 0 -s {self.test}",
        }
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Takes the figures of this test."""
    return Figures(request.node.nodeid)
