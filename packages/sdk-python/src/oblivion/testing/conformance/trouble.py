"""Lost connections, crashes, lost leases: nothing is lost, nothing is doubled."""

import asyncio

from oblivion.context import Context
from oblivion.testing.conformance.stage import Stage
from oblivion.testing.conformance.suite import Scenario, asking, count, happens
from oblivion_protocol import TaskAssigned


async def a_lost_connection_costs_nothing(stage: Stage) -> None:
    """The handler goes on, under the same epoch."""
    process = await stage.start(asking(stage))
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "input_required")
    process.cut()
    await stage.answer(task, "main")
    await stage.until(task, "completed")
    assert (await stage.result(task), await stage.epoch(task)) == ("Fixed in main", 1)
    assert count(await stage.posts(task), "Looking at it") == 1


async def an_answer_given_before_the_connection_is_lost_is_not_lost(stage: Stage) -> None:
    """The question's own acknowledgement gets lost, its answer comes in the next connection."""
    process = await stage.start(asking(stage))
    cut = process.cut_after("ask")
    task = await stage.assign("fix_bug", "Login fails")
    await cut
    await stage.answer(task, "main")
    await stage.until(task, "completed")
    assert await stage.result(task) == "Fixed in main"
    assert count(await stage.posts(task), "Which branch?") == 1


async def a_message_whose_acknowledgement_was_lost_is_posted_once(stage: Stage) -> None:
    """The same event_id."""
    process = await stage.start(asking(stage))
    cut = process.cut_after("say")
    task = await stage.assign("fix_bug", "Login fails")
    await cut
    await stage.answer(task, "main")
    await stage.until(task, "completed")
    assert count(await stage.posts(task), "Looking at it") == 1


async def a_restart_of_nexus_costs_nothing(stage: Stage) -> None:
    """What it has accepted it still knows."""
    await stage.start(asking(stage))
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "input_required")
    await stage.restart()
    await stage.answer(task, "main")
    await stage.until(task, "completed")
    assert await stage.epoch(task) == 1


async def after_a_crash_the_question_is_asked_once_and_said_once(stage: Stage) -> None:
    """The key: the rerun finds what was said and asked."""
    agent = asking(stage)
    process = await stage.start(agent)
    dead = process.crash_after("ask")
    task = await stage.assign("fix_bug", "Login fails")
    await dead
    await stage.lose_lease(task)
    process.start()
    await stage.until(task, "input_required")
    await stage.answer(task, "main")
    await stage.until(task, "completed")
    assert (await stage.result(task), await stage.epoch(task)) == ("Fixed in main", 2)
    posts = await stage.posts(task)
    assert [count(posts, text) for text in ("Looking at it", "Which branch?", "Fixed in main")] == [1, 1, 1]


async def an_answer_given_before_a_crash_is_kept(stage: Stage) -> None:
    """Accepted.answer: nobody is asked twice."""
    agent, asked = stage.agent(), asyncio.Event()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        branch = await ctx.ask("Which branch?", options=["main", "release"])
        if task.epoch == 1:
            asked.set()
            await asyncio.Event().wait()
        return f"Fixed in {branch}"

    process = await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await stage.answer(task, "release")
    await happens(asked)
    await process.kill()
    await stage.lose_lease(task)
    process.start()
    await stage.until(task, "completed")
    assert await stage.result(task) == "Fixed in release"
    assert count(await stage.posts(task), "Which branch?") == 1


async def a_result_whose_acknowledgement_was_lost_counts_once(stage: Stage) -> None:
    """The same event_id, over a reconnect."""
    process = await stage.start(asking(stage))
    cut = process.cut_after("complete")
    task = await stage.assign("fix_bug", "Login fails")
    await stage.answer(task, "main")
    await cut
    await stage.until(task, "completed")
    assert count(await stage.posts(task), "Fixed in main") == 1


async def a_result_survives_the_loss_of_the_lease(stage: Stage) -> None:
    """The task is offered again and completed with the result that exists; the handler does not run anew."""
    agent, runs = stage.agent(), list[int]()
    at_work, leave = asyncio.Event(), asyncio.Event()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        runs.append(task.epoch)
        at_work.set()
        await leave.wait()
        return "Fixed"

    process = await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await happens(at_work)
    process.hold_back()
    leave.set()
    await stage.lose_lease(task)
    process.let_through()
    await stage.until(task, "completed")
    assert (runs, await stage.result(task), await stage.epoch(task)) == ([1], "Fixed", 2)
    assert count(await stage.posts(task), "Fixed") == 1


async def a_result_survives_a_crash(stage: Stage) -> None:
    """The journal: the process dies with a result that Nexus has not got."""
    agent, runs = stage.agent(), list[int]()
    at_work, leave = asyncio.Event(), asyncio.Event()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        runs.append(task.epoch)
        at_work.set()
        await leave.wait()
        return "Fixed"

    process = await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await happens(at_work)
    dead = process.crash_before("complete")
    leave.set()
    await dead
    process.start()
    await stage.until(task, "completed")
    assert (runs, await stage.result(task)) == ([1], "Fixed")
    assert count(await stage.posts(task), "Fixed") == 1


TROUBLE: list[Scenario] = [
    a_lost_connection_costs_nothing,
    an_answer_given_before_the_connection_is_lost_is_not_lost,
    a_message_whose_acknowledgement_was_lost_is_posted_once,
    a_restart_of_nexus_costs_nothing,
    after_a_crash_the_question_is_asked_once_and_said_once,
    an_answer_given_before_a_crash_is_kept,
    a_result_whose_acknowledgement_was_lost_counts_once,
    a_result_survives_the_loss_of_the_lease,
    a_result_survives_a_crash,
]
