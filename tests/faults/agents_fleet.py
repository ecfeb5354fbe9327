"""Agents at work, many in one process, made with the SDK: `agents_fleet.py FILE`.

FILE is JSON: {"uri", "agents": [{"client_id", "client_secret", "stubborn"}], "concurrency", "work_seconds": [from,
to], "answers": a file}. Each answer to a `task.complete` becomes one line there, written at once, so that a kill
leaves whole lines. Stubborn agents do not believe that a task was taken from them, and go on to write under their
old epoch: an agent that somebody else wrote badly.
"""

import asyncio
import json
import logging
import os
import random
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from oblivion import Agent, Context, TaskAssigned
from oblivion._desk import Desk
from oblivion._socket import Frame, Socket

SAYS_SOMETHING = 0.25
SHOWS_PROGRESS = 0.5
_NAME: ContextVar[str] = ContextVar("name", default="")
"""Whose task this is; whatever an agent starts inherits it."""


def note_answers(path: str) -> None:
    """Has every answer to a `task.complete` written down as it comes from the wire."""
    call: Callable[..., Any] = Socket.call
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    async def noting(self: Socket, name: str, frame: Frame) -> object:
        answer: Any = await call(self, name, frame)
        if name == "task.complete":
            line = {"task_id": frame["task_id"], "epoch": frame["epoch"], "answer": answer}
            os.write(file, json.dumps(line).encode() + b"\n")
        return answer

    Socket.call = noting


def make_stubborn(stubborn: set[str]) -> None:
    """Has agents of these names hold on to what they have lost."""
    lose: Callable[..., None] = Desk.lose

    def hold_on(self: Desk, key: Any, reason: str) -> None:
        if _NAME.get() not in stubborn:
            lose(self, key, reason)

    Desk.lose = hold_on


def made(one: dict[str, Any], given: dict[str, Any]) -> Agent:
    """One agent, whose work takes a while."""
    agent = Agent(
        one["client_id"],
        uri=given["uri"],
        client_id=one["client_id"],
        client_secret=one["client_secret"],
        concurrency=given["concurrency"],
        drain_seconds=5,
    )
    least, most = given["work_seconds"]

    @agent.on_task("fix_bug")
    async def work(task: TaskAssigned, ctx: Context) -> str:
        key = task.title.split()[0]
        if random.random() < SHOWS_PROGRESS:
            await ctx.plan("look", "repair")
            await ctx.progress(f"at {key}")
        if random.random() < SAYS_SOMETHING:
            await ctx.say(f"STEP {key} epoch {task.epoch}")
        await asyncio.sleep(random.uniform(least, most))  # the work
        return f"FINISHED {key} epoch {task.epoch}"

    return agent


async def main(given: dict[str, Any]) -> None:
    """Runs until it is killed."""

    async def serve(one: dict[str, Any]) -> None:
        _NAME.set(one["client_id"])
        await made(one, given).serve()

    await asyncio.gather(*(serve(one) for one in given["agents"]))


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = json.loads(Path(sys.argv[1]).read_text())
    note_answers(settings["answers"])
    make_stubborn({one["client_id"] for one in settings["agents"] if one["stubborn"]})
    asyncio.run(main(settings))
