"""Asking people."""

import pytest

from oblivion import Agent, AnswerExpired, Context, TaskAssigned


async def test_an_answer_ends_the_question_and_is_no_reply(nexus, agent: Agent, serving):
    nexus.answers["task.ask"] = lambda _: {"ok": True, "question_id": "q1"}

    @agent.on_task(timeout=0.5)
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        branch = await ctx.ask("Which branch?", options=["main", "release"], timeout="1h")
        async for update in ctx.updates():
            return f"{branch}, {update.text}"
        return "no update"

    async with serving(agent):
        await nexus.offer()
        ask = await nexus.frame("task.ask")
        await nexus.update("wrong question", kind="answer", question_id="q0")
        await nexus.update("release", kind="answer", question_id="q1")
        await nexus.update("thanks")
        complete = await nexus.frame("task.complete")

    assert ask["question"] == "Which branch?"
    assert ask["options"] == ["main", "release"]
    assert ask["timeout_seconds"] == 3600
    assert complete["result"] == "release, thanks"


async def test_an_answer_that_overtakes_the_acknowledgement_of_its_question_counts(nexus, agent: Agent, serving):
    async def answer_first(_: object) -> dict[str, object]:
        await nexus.update("main", kind="answer", question_id="q1")
        return {"ok": True, "question_id": "q1"}

    nexus.answers["task.ask"] = answer_first

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        return await ctx.ask("Which branch?", timeout=3)

    async with serving(agent):
        await nexus.offer()
        assert (await nexus.frame("task.complete"))["result"] == "main"


@pytest.mark.parametrize(("text", "approved"), [("approved", True), ("denied", False), ("maybe", False)])
async def test_only_an_approval_approves(nexus, agent: Agent, serving, text: str, approved: bool):
    nexus.answers["task.approve"] = lambda _: {"ok": True, "question_id": "q1"}

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        return str(await ctx.approve("Push to main", approvers=["@oncall"]))

    async with serving(agent):
        await nexus.offer()
        approve = await nexus.frame("task.approve")
        await nexus.update(text, kind="answer", question_id="q1")
        complete = await nexus.frame("task.complete")

    assert approve["approvers"] == ["@oncall"]
    assert complete["result"] == str(approved)


async def test_a_question_nobody_answers_expires_without_using_up_the_handlers_time(nexus, agent: Agent, serving):
    nexus.answers["task.ask"] = lambda _: {"ok": True, "question_id": "q1"}

    @agent.on_task(timeout=0.2)
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        try:
            return await ctx.ask("Which branch?", timeout=0.3)
        except AnswerExpired:
            return "nobody answered"

    async with serving(agent):
        await nexus.offer()
        assert (await nexus.frame("task.complete"))["result"] == "nobody answered"
