"""People in the thread: answers, approvals, replies, Stop."""

import asyncio

from oblivion.context import Context
from oblivion.testing.conformance.stage import Stage
from oblivion.testing.conformance.suite import Scenario, approving, asking, count, happens
from oblivion_protocol import TaskAssigned


async def a_question_is_asked_and_its_answer_returned(stage: Stage) -> None:
    """ctx.ask."""
    await stage.start(asking(stage))
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "input_required")
    await stage.answer(task, "release")
    await stage.until(task, "completed")
    assert await stage.result(task) == "Fixed in release"


async def an_approval_that_is_given_is_true(stage: Stage) -> None:
    """ctx.approve, yes."""
    await stage.start(approving(stage))
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "approval_required")
    await stage.approve(task, yes=True)
    await stage.until(task, "completed")
    assert await stage.result(task) == "pushed"


async def an_approval_that_is_denied_is_false(stage: Stage) -> None:
    """ctx.approve, no."""
    await stage.start(approving(stage))
    task = await stage.assign("fix_bug", "Login fails")
    await stage.approve(task, yes=False)
    await stage.until(task, "completed")
    assert await stage.result(task) == "denied"


async def an_approval_that_expires_is_neither(stage: Stage) -> None:
    """Expired is not denied."""
    await stage.start(approving(stage))
    task = await stage.assign("fix_bug", "Login fails")
    await stage.expire_question(task)
    await stage.until(task, "completed")
    assert await stage.result(task) == "expired"


async def replies_reach_the_handler_in_order(stage: Stage) -> None:
    """ContextUpdate."""
    agent = stage.agent()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        texts: list[str] = []
        async for update in ctx.updates():
            texts.append(update.text)
            if update.text == "go":
                break
        return ", ".join(texts)

    await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "working")
    for text in ("use v2", "and hurry", "go"):
        await stage.reply(task, text)
    await stage.until(task, "completed")
    assert await stage.result(task) == "use v2, and hurry, go"


async def a_canceled_task_stops_its_handler(stage: Stage) -> None:
    """Stop stops: nothing of the task has an effect afterwards."""
    agent, at_work, stopped = stage.agent(), asyncio.Event(), asyncio.Event()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        at_work.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return "too late"

    await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await happens(at_work)
    await stage.cancel(task)
    await stage.until(task, "canceled")
    await happens(stopped)
    assert count(await stage.posts(task), "too late") == 0


PEOPLE: list[Scenario] = [
    a_question_is_asked_and_its_answer_returned,
    an_approval_that_is_given_is_true,
    an_approval_that_is_denied_is_false,
    an_approval_that_expires_is_neither,
    replies_reach_the_handler_in_order,
    a_canceled_task_stops_its_handler,
]
