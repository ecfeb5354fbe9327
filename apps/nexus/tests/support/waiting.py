"""Waiting for something to become true, with a bound."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

BOUND_SECONDS = 20.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.15
"""Between looks: to look costs as much as to work, and what has not come at once takes a while."""


async def eventually(look: Callable[[], T | Awaitable[T]], what: str = "", seconds: float = BOUND_SECONDS) -> T:
    """The first truthy result of `look`; an AssertionError naming the last one when the bound is reached."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        seen = look()
        if inspect.isawaitable(seen):
            seen = await seen
        if seen:
            return seen
        assert loop.time() < deadline, f"never: {what or inspect.getsource(look).strip()} (last seen: {seen!r})"
        await asyncio.sleep(pause)  # polling somebody else's state
        pause = min(pause * 1.25, LONGEST_PAUSE_SECONDS)
