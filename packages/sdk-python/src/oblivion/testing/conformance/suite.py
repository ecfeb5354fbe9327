"""How a scenario is written, and agents that several of them use."""

import asyncio
from collections.abc import Awaitable, Callable

from oblivion.agent import Agent
from oblivion.context import Context
from oblivion.errors import AnswerExpired
from oblivion.testing.conformance.stage import Stage
from oblivion_protocol import TaskAssigned

PATIENCE_SECONDS = 30.0

Scenario = Callable[[Stage], Awaitable[None]]
"""Drives a stage and asserts what people and handlers see."""


async def happens(event: asyncio.Event) -> None:
    """Waits for something that a handler does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await event.wait()


def count(posts: list[str], text: str) -> int:
    """In how many posts a text stands."""
    return sum(text in post for post in posts)


def asking(stage: Stage) -> Agent:
    """An agent that says one thing, asks one thing and needs one approval."""
    agent = stage.agent()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        await ctx.say("Looking at it")
        branch = await ctx.ask("Which branch?", options=["main", "release"])
        return f"Fixed in {branch}"

    return agent


def approving(stage: Stage) -> Agent:
    """An agent that needs one approval."""
    agent = stage.agent()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        try:
            return "pushed" if await ctx.approve("Push to main", timeout="1h") else "denied"
        except AnswerExpired:
            return "expired"

    return agent
