"""Middleware and lifespan."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from oblivion import Agent, CallNext, Context, Fatal, TaskAssigned
from oblivion.testing import FakeNexus


async def test_middleware_wraps_handlers_in_the_order_of_registration():
    agent, order = Agent("fixer"), list[str]()

    @agent.middleware
    async def outer(task: TaskAssigned, ctx: Context, call_next: CallNext) -> str:
        order.append("outer")
        return f"[{await call_next(task, ctx)}]"

    @agent.middleware
    async def inner(task: TaskAssigned, ctx: Context, call_next: CallNext) -> str:
        order.append("inner")
        return await call_next(task.model_copy(update={"title": "changed"}), ctx)

    @agent.on_task()
    def handle(task: TaskAssigned, ctx: Context) -> str:
        return task.title

    async with FakeNexus(agent) as nexus:
        task = await nexus.assign(title="CSV export")
        assert await task.result() == "[changed]"
    assert order == ["outer", "inner"]


async def test_an_error_passes_through_middleware_which_may_answer_for_it():
    agent, seen = Agent("fixer"), list[str]()

    @agent.middleware
    async def rescue(task: TaskAssigned, ctx: Context, call_next: CallNext) -> str:
        try:
            return await call_next(task, ctx)
        except Fatal as error:
            seen.append(str(error))
            if task.title == "rescued":
                return "rescued"
            raise

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        raise Fatal("no such repository")

    async with FakeNexus(agent) as nexus:
        assert await (await nexus.assign(title="rescued")).result() == "rescued"
        failed = await nexus.assign(title="CSV export")
        assert await failed.done() == "failed"
    assert failed.error == "no such repository"
    assert seen == ["no such repository"] * 2


async def test_what_the_lifespan_yields_is_every_handlers_state_and_is_closed_after_the_last_one():
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(agent: Agent) -> AsyncIterator[dict[str, str]]:
        events.append(f"open {agent.name}")
        yield {"database": "db"}
        events.append("closed")

    agent = Agent("fixer", lifespan=lifespan)

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        events.append("work")
        return ctx.state["database"]

    async with FakeNexus(agent) as nexus:
        assert await (await nexus.assign()).result() == "db"
        await nexus.restart_agent()
        assert await (await nexus.assign()).result() == "db"
        await nexus.stop_agent()
        assert events == ["open fixer", "work", "closed"] * 2


async def test_a_lifespan_that_fails_ends_the_agent():
    @asynccontextmanager
    async def lifespan(agent: Agent) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    agent = Agent("fixer", lifespan=lifespan)
    agent.on_task()(lambda task, ctx: "")
    with pytest.raises(OSError, match="no database"):
        async with FakeNexus(agent):
            pass
