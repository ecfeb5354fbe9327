"""A worker that kills itself between two steps of an outbound call: run by the zygote in place of a common one.

Each life ends at a step where few have ended so far, and draws from the seed how often it passes there before. It
does so only while the file `armed` exists in the folder STEPS_DIRECTORY; each end is one line in `kills` there.
"""

import asyncio
import contextvars
import functools
import os
import random
import signal
import sys
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp

from nexus.cli import run
from nexus.integrations.clickup.sink import ClickUpTracker
from nexus.integrations.slack.sink import SlackChat
from nexus.pipeline.claims import Claims
from nexus.pipeline.delivery import Deliverer

STEPS = (
    "claimed",
    "loading",
    "loaded",
    "looking up",
    "looked up",
    "sending",
    "request left",
    "answer came",
    "sent",
    "settling",
    "settled, not committed",
    "committed",
)
RARE_STEPS = ("looking up", "looked up")
"""Only after a life that ended unsure, and only if no echo has settled the matter: no few kills are sure to hit."""
MOST_PASSES = 3
"""How often a life may pass its step before it ends there."""
PATIENCE_SECONDS = 2.0
"""A life that does not come to its step in this time takes the next one."""
ON_THE_WIRE_SECONDS = 0.002
"""The event loop hands a request to the kernel only at its next turn."""

_calling: contextvars.ContextVar[bool] = contextvars.ContextVar("calling", default=False)


class Fate:
    """Where this life ends."""

    def __init__(self, directory: Path, seed: str) -> None:
        self._armed = directory / "armed"
        self._kills = os.open(directory / "kills", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        lives = os.open(directory / "lives", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(lives, b".")
        self._random = random.Random(f"{seed} {os.fstat(lives).st_size}")
        os.close(lives)
        ended = Counter((directory / "kills").read_text().splitlines())
        self._next = cycle(sorted(STEPS, key=lambda step: (ended[step], self._random.random())))
        self._draw()

    def _draw(self) -> None:
        self._step = next(self._next)
        self._passes = 0 if self._step in RARE_STEPS else self._random.randint(0, MOST_PASSES)
        self._draw_again_at = time.monotonic() + PATIENCE_SECONDS

    def reached(self, step: str) -> None:
        """Ends this life if it was to end here."""
        if not self._armed.exists():
            return
        if time.monotonic() > self._draw_again_at:
            self._draw()
        if step != self._step:
            return
        if self._passes > 0:
            self._passes -= 1
            return
        os.write(self._kills, f"{step}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)


def around(owner: type[Any], name: str, fate: Fate, *, before: str = "", after: str = "") -> None:
    """Puts a step before and behind a method."""
    method = getattr(owner, name)

    @functools.wraps(method)
    async def stepping(*args: Any, **more: Any) -> Any:
        if before:
            fate.reached(before)
        result = await method(*args, **more)
        if after:
            fate.reached(after)
        return result

    setattr(owner, name, stepping)


def around_claim(fate: Fate) -> None:
    """Only a claim that got something is a step."""
    method = Claims.deliveries

    @functools.wraps(method)
    async def stepping(*args: Any, **more: Any) -> Any:
        rows = await method(*args, **more)
        if rows:
            fate.reached("claimed")
        return rows

    Claims.deliveries = stepping


def around_settle(fate: Fate) -> None:
    """The row is written, the transaction still open."""
    method = Claims.settle_all

    @functools.wraps(method)
    async def stepping(self: Claims, session: Any, table: str, *args: Any, **more: Any) -> Any:
        settled = await method(self, session, table, *args, **more)
        if table == "deliveries":
            fate.reached("settled, not committed")
        return settled

    Claims.settle_all = stepping


def around_send(owner: type[Any], fate: Fate) -> None:
    """Within this, what goes over the wire is the call."""
    method = owner.send

    @functools.wraps(method)
    async def stepping(*args: Any, **more: Any) -> Any:
        fate.reached("sending")
        mark = _calling.set(True)
        try:
            receipt = await method(*args, **more)
        finally:
            _calling.reset(mark)
        fate.reached("sent")
        return receipt

    owner.send = stepping


def around_answer(owner: type[Any], name: str, fate: Fate) -> None:
    """Around the wait for an answer: before it the request has left, after it the answer has come."""
    method = getattr(owner, name)

    @functools.wraps(method)
    async def stepping(*args: Any, **more: Any) -> Any:
        if not _calling.get():
            return await method(*args, **more)
        await asyncio.sleep(ON_THE_WIRE_SECONDS)
        fate.reached("request left")
        answer = await method(*args, **more)
        fate.reached("answer came")
        return answer

    setattr(owner, name, stepping)


def main() -> int:
    """A worker, with steps."""
    fate = Fate(Path(os.environ["STEPS_DIRECTORY"]), os.environ["STEPS_SEED"])
    around_claim(fate)
    around_settle(fate)
    around(Deliverer, "_load", fate, before="loading", after="loaded")
    around(Deliverer, "_settle", fate, before="settling", after="committed")
    for sink in (SlackChat, ClickUpTracker):
        around(sink, "find", fate, before="looking up", after="looked up")
        around_send(sink, fate)
    around_answer(aiohttp.ClientResponse, "start", fate)
    sys.argv = ["nexus", "serve", "worker"]
    return run()


if __name__ == "__main__":
    sys.exit(main())
