"""Waiting for something to become true, with a bound."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

BOUND_SECONDS = 20.0


async def eventually(look: Callable[[], T | Awaitable[T]], what: str = "", seconds: float = BOUND_SECONDS) -> T:
    """The first truthy result of `look`; an AssertionError naming the last one when the bound is reached."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        seen = look()
        if inspect.isawaitable(seen):
            seen = await seen
        if seen:
            return seen
        assert loop.time() < deadline, f"never: {what or inspect.getsource(look).strip()} (last seen: {seen!r})"
        await asyncio.sleep(0.02)  # polling somebody else's state
