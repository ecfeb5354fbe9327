"""`oblivion.testing`: what an agent's author writes."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from oblivion import Agent, AnswerExpired, ConfigurationError, Context, SearchHit, TaskAssigned
from oblivion.testing import FakeNexus


@pytest.fixture
def fixer() -> Agent:
    agent = Agent("fixer")

    @agent.on_task("fix_bug", timeout="30m")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        await ctx.plan("reproduce", "patch")
        async with ctx.step("reproduce"):
            await ctx.say("Looking at it")
            await asyncio.sleep(600)
        await ctx.progress("Patching")
        branch = await ctx.ask("Which branch?", options=["main", "release"])
        try:
            approved = await ctx.approve(f"Push to {branch}", approvers=["Oncall"], timeout="30m")
        except AnswerExpired:
            return "Nobody approved"
        if not approved:
            return "Not approved"
        await ctx.artifact("Pull request", url="https://example.com/pr/7")
        return f"Fixed in {branch}"

    return agent


async def test_an_hour_of_work_takes_no_time_and_everything_is_seen(fixer: Agent):
    started = time.monotonic()
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug", title="Login fails", text="It says 500")
        question = await task.question()
        assert (question.text, question.options, task.state) == ("Which branch?", ["main", "release"], "input_required")
        await task.answer("MAIN")
        await task.approve()
        assert await task.result() == "Fixed in main"

    assert task.said == ["Looking at it"]
    assert [(step.title, step.state) for step in task.plan] == [("reproduce", "done"), ("patch", "pending")]
    assert task.progress == "Patching"
    assert [(made.name, made.url) for made in task.artifacts] == [("Pull request", "https://example.com/pr/7")]
    assert task.state == "completed"
    assert time.monotonic() - started < 10


async def test_a_request_that_nobody_answers_expires_when_time_passes(fixer: Agent):
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug")
        await task.answer("release")
        await task.question()
        await nexus.advance(minutes=31)
        assert await task.result() == "Nobody approved"

    assert [question.outcome for question in task.questions] == ["answered", "expired"]


async def test_a_plain_function_in_a_thread_is_tested_the_same_way():
    agent = Agent("fixer")

    @agent.on_task(timeout="30m")
    def work(task: TaskAssigned, ctx: Context) -> str:
        ctx.run(ctx.say("Looking at it"))
        time.sleep(0.05)
        ctx.run(asyncio.sleep(600))
        return ctx.run(ctx.ask("Which branch?", timeout="2h"))

    async with FakeNexus(agent) as nexus:
        task = await nexus.assign()
        await task.question()
        await nexus.advance(hours=1)
        await task.reply("thinking")
        await task.answer("main")
        assert await task.result() == "main"
    assert task.said == ["Looking at it"]


async def test_a_process_that_the_handler_starts_is_waited_for_in_real_time():
    agent = Agent("fixer")

    @agent.on_task(timeout="1m")
    async def work(task: TaskAssigned, ctx: Context) -> str:
        process = await asyncio.create_subprocess_exec("sleep", "0.3")
        return str(await process.wait())

    async with FakeNexus(agent) as nexus:
        assert await (await nexus.assign()).result() == "0"


async def test_a_lost_connection_a_restart_of_nexus_and_an_outage_cost_nothing(fixer: Agent):
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug")
        await task.question()
        await nexus.drop_connection()
        await nexus.restart_nexus()
        async with nexus.outage():
            await nexus.advance(seconds=20)
            await task.answer("main")
        await task.deny()
        assert await task.result() == "Not approved"
    assert (task.epoch, task.said) == (1, ["Looking at it"])


async def test_an_outage_longer_than_the_lease_brings_a_new_epoch_and_no_second_question(fixer: Agent):
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug")
        await task.question()
        async with nexus.outage():
            await nexus.advance(minutes=2)
            assert (task.state, task.reason) == ("submitted", "agent_offline")
        await task.answer("main")
        await task.approve()
        assert await task.result() == "Fixed in main"
    assert task.epoch == 2
    assert [question.text for question in task.questions] == ["Which branch?", "Push to main"]


async def test_a_crash_after_say_and_a_restart_say_it_once(fixer: Agent):
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug")
        await nexus.crash_after("say")
        await nexus.restart_agent()
        await task.answer("main")
        await task.approve()
        assert await task.result() == "Fixed in main"
    assert task.said == ["Looking at it"]
    assert task.epoch == 2


async def test_a_canceled_task_stays_canceled(fixer: Agent):
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug")
        await task.question()
        await task.cancel("Stopped by Dana")
        await nexus.advance(minutes=5)
        assert (await task.done(), task.reason) == ("canceled", "Stopped by Dana")
        with pytest.raises(AssertionError, match="not completed; it is canceled"):
            await task.result()


async def test_what_a_muted_agent_says_is_held_until_it_is_unmuted(fixer: Agent):
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug")
        crash = nexus.crash_after("accept")
        await crash
        await nexus.restart_agent()
        await nexus.mute()
        await nexus.advance(minutes=5)
        assert (task.state, task.reason, task.said) == ("submitted", "muted", [])
        await nexus.unmute()
        await task.question()
        assert task.said == ["Looking at it"]


async def test_waiting_for_what_never_comes_says_what_came_instead(fixer: Agent):
    async with FakeNexus(fixer) as nexus:
        task = await nexus.assign("fix_bug")
        await task.question()
        with pytest.raises(AssertionError, match="open question: 'Which branch\\?'"):
            await task.result()
        with pytest.raises(AssertionError, match="none of the options"):
            await task.answer("master")
        await task.answer("main")
        await task.question()
        with pytest.raises(AssertionError, match="none of the approvers"):
            await task.approve(by="Somebody")
        with pytest.raises(ValueError, match="one of accept, plan"):
            nexus.crash_after("dance")


async def test_an_agent_without_a_handler_is_an_error_of_the_test():
    with pytest.raises(ConfigurationError, match="no handler"):
        async with FakeNexus(Agent("fixer")):
            pass


async def test_history_is_what_the_test_says():
    agent = Agent("fixer")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    hit = SearchHit(
        task_id="t", title="CSV export", text="use v2", source="slack", url="https://example.com", score=1, at=at
    )

    @agent.on_task()
    async def work(task: TaskAssigned, ctx: Context) -> str:
        return ", ".join(hit.text for hit in await agent.search_history(task.title))

    async with FakeNexus(agent, history=[hit]) as nexus:
        assert await (await nexus.assign(title="csv")).result() == "use v2"
        assert await (await nexus.assign(title="login")).result() == ""


async def test_two_agents_in_one_test_share_one_time(fixer: Agent):
    sleeper, order = Agent("sleeper"), list[str]()

    @sleeper.on_task()
    async def sleep(task: TaskAssigned, ctx: Context) -> str:
        await asyncio.sleep(300)
        order.append("sleeper")
        return ""

    async with FakeNexus(sleeper) as other:
        async with FakeNexus(fixer) as nexus:
            slept, task = await other.assign(), await nexus.assign("fix_bug")
            await task.question()
            assert order == ["sleeper"]
        assert await slept.result() == ""
        assert await (await other.assign()).result() == ""


async def test_a_clock_that_jumped_goes_on_as_usual_afterwards(fixer: Agent):
    loop = asyncio.get_running_loop()
    async with FakeNexus(fixer) as nexus:
        await nexus.advance(hours=5)
        inside = loop.time()
    started = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - started >= 0.05
    assert loop.time() >= inside
