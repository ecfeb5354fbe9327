"""Tasks: offered, worked on, finished, refused."""

import asyncio

from oblivion.context import Context
from oblivion.errors import Fatal, InvalidCommand, MessageTooLarge, Retryable
from oblivion.testing.conformance.stage import Stage
from oblivion.testing.conformance.suite import Scenario, asking, count, happens
from oblivion_protocol import TaskAssigned


async def a_task_is_worked_on_and_completed(stage: Stage) -> None:
    """The plain case."""
    agent = stage.agent()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        await ctx.plan("look", "fix")
        async with ctx.step("look"):
            await ctx.say("Looking at it")
        await ctx.artifact("Pull request", url="https://example.com/pr/7")
        return f"Fixed: {task.title}"

    await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "completed")
    assert await stage.result(task) == "Fixed: Login fails"
    posts = await stage.posts(task)
    assert [count(posts, text) for text in ("Looking at it", "https://example.com/pr/7", "Fixed:")] == [1, 1, 1]


async def a_retryable_failure_goes_back_into_the_queue(stage: Stage) -> None:
    """Another attempt is made under a new epoch."""
    agent, failed = stage.agent(), asyncio.Event()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        await ctx.say("Looking at it")
        if task.epoch == 1:
            failed.set()
            raise Retryable("GitHub is down")
        return "Fixed"

    await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await happens(failed)
    await stage.until(task, "completed")
    assert await stage.epoch(task) == 2
    assert count(await stage.posts(task), "Looking at it") == 1


async def a_fatal_failure_ends_the_task(stage: Stage) -> None:
    """People see its text."""
    agent = stage.agent()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        raise Fatal("No such repository")

    await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "failed")
    assert count(await stage.posts(task), "No such repository") == 1


async def a_message_over_the_limit_is_the_handlers_to_deal_with(stage: Stage) -> None:
    """Neither the task nor the connection is lost."""
    agent = stage.agent()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        try:
            await ctx.say("\N{GRINNING FACE}" * 30_000)
        except MessageTooLarge:
            return "too large"
        return "posted"

    await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "completed")
    assert (await stage.result(task), await stage.posts(task)) == ("too large", ["too large"])


async def a_type_without_a_handler_is_rejected(stage: Stage) -> None:
    """It goes back into the queue."""
    agent = asking(stage)
    await stage.register_skill("write_docs")
    await stage.start(agent)
    task = await stage.assign("write_docs", "Explain the login")
    await stage.waits_because(task, "rejected")


async def a_type_that_nobody_knows_waits(stage: Stage) -> None:
    """It is offered to nobody."""
    await stage.start(asking(stage))
    task = await stage.assign("write_poem", "About the login")
    await stage.waits_because(task, "no_skill")
    assert await stage.epoch(task) == 0


async def an_older_epoch_may_not_write(stage: Stage) -> None:
    """stale_epoch; a task that was never offered is not found, and what does not parse is invalid."""
    process = await stage.start(asking(stage))
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "input_required")
    await stage.lose_lease(task)
    await stage.until(task, "input_required")
    assert await stage.epoch(task) == 2, "the agent has a free slot for the task that it lost"
    stale = {"task_id": task, "epoch": 1, "event_id": "e1", "text": "from the past"}
    assert (await process.send("task.message", stale))["code"] == "stale_epoch"
    foreign = {**stale, "task_id": "00000000-0000-0000-0000-000000000000"}
    assert (await process.send("task.message", foreign))["code"] == "not_found"
    assert (await process.send("task.message", {**stale, "epoch": 2, "text": ""}))["code"] == "invalid"
    assert count(await stage.posts(task), "from the past") == 0


async def an_agent_that_drains_hands_its_task_back(stage: Stage) -> None:
    """Its next process takes it up."""
    agent, at_work = stage.agent(drain_seconds=0.1), asyncio.Event()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        at_work.set()
        if task.epoch == 1:
            await asyncio.Event().wait()
        return "Fixed"

    process = await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await happens(at_work)
    await process.stop()
    await stage.until(task, "submitted")
    process.start()
    await stage.until(task, "completed")
    assert await stage.epoch(task) == 2


async def no_more_tasks_are_taken_than_there_are_slots(stage: Stage) -> None:
    """The third waits for one of the two."""
    agent, at_work, most = stage.agent(concurrency=2), set[str](), list[int]()
    both, leave = asyncio.Event(), asyncio.Event()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        at_work.add(task.task_id)
        most.append(len(at_work))
        if len(at_work) == 2:
            both.set()
        await leave.wait()
        at_work.discard(task.task_id)
        return "Fixed"

    await stage.start(agent)
    tasks = [await stage.assign("fix_bug", f"Bug {number}") for number in (1, 2, 3)]
    await happens(both)
    await stage.waits_because(tasks[2], "agent_busy")
    leave.set()
    for task in tasks:
        await stage.until(task, "completed")
    assert max(most) == 2


async def what_the_wire_does_not_allow_is_the_handlers_to_deal_with(stage: Stage) -> None:
    """InvalidCommand, and the task goes on."""
    agent = stage.agent()

    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        try:
            await ctx.say("")
        except InvalidCommand:
            return "invalid"
        return "posted"

    await stage.start(agent)
    task = await stage.assign("fix_bug", "Login fails")
    await stage.until(task, "completed")
    assert await stage.result(task) == "invalid"


WORK: list[Scenario] = [
    a_task_is_worked_on_and_completed,
    a_retryable_failure_goes_back_into_the_queue,
    a_fatal_failure_ends_the_task,
    a_message_over_the_limit_is_the_handlers_to_deal_with,
    a_type_without_a_handler_is_rejected,
    a_type_that_nobody_knows_waits,
    an_older_epoch_may_not_write,
    an_agent_that_drains_hands_its_task_back,
    no_more_tasks_are_taken_than_there_are_slots,
    what_the_wire_does_not_allow_is_the_handlers_to_deal_with,
]
