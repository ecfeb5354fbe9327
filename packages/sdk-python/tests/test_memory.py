"""What was said or asked in an earlier epoch is remembered: keys on the wire, answers from Nexus."""

import asyncio

import pytest

from oblivion import Agent, AnswerExpired, Context, TaskAssigned
from oblivion._keys import Keys

NAMES = ("task.message", "task.ask", "task.approve", "task.artifact")


def keys_of(nexus, epoch: int) -> set[tuple[str, str]]:
    return {(name, data["key"]) for name, data in nexus.frames if name in NAMES and data["epoch"] == epoch}


def test_the_same_words_twice_have_two_keys_and_a_rerun_finds_both():
    first, second = Keys(), Keys()
    said = [first.next("TaskMessage", {"text": text}) for text in ("a", "b", "a")]
    again = [second.next("TaskMessage", {"text": text}) for text in ("b", "a", "a")]
    assert len(set(said)) == 3
    assert set(said) == set(again)
    assert first.next("TaskArtifact", {"text": "a"}) not in said


def test_how_long_a_question_waits_does_not_change_it():
    ask = {"question": "Which?", "options": ["a"]}
    assert Keys().next("TaskAsk", ask | {"timeout_seconds": 9}) == Keys().next("TaskAsk", ask | {"timeout_seconds": 7})
    assert Keys().next("TaskAsk", ask) != Keys().next("TaskAsk", ask | {"options": ["b"]})


async def test_a_rerun_sends_the_same_keys_under_new_event_ids(nexus, agent: Agent, serving):
    for command in ("task.ask", "task.approve"):
        nexus.answers[command] = lambda data: {
            "ok": True,
            "question_id": "q",
            "answer": {"outcome": "answered", "text": "Approve", "author": "Dana"},
        }

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await ctx.say("twice")
        await ctx.say("twice")
        await ctx.artifact("Pull request", url="https://example.com/pr/7")
        one, two = await asyncio.gather(ctx.ask("Which branch?"), ctx.ask("Which tag?"))
        return f"{one} {two} {await ctx.approve('Push')}"

    async with serving(agent):
        await nexus.offer(epoch=1)
        assert (await nexus.frame("task.complete"))["result"] == "Approve Approve True"
        await nexus.offer(epoch=2)
        await nexus.frame("task.complete", 2)

    assert len(keys_of(nexus, 1)) == 6
    assert keys_of(nexus, 1) == keys_of(nexus, 2)
    assert all("key" not in data for name, data in nexus.frames if name.startswith("task.") and name not in NAMES)


@pytest.mark.parametrize("outcome", ["expired", "withdrawn"])
async def test_a_question_that_ended_without_an_answer_in_an_earlier_epoch_does_so_again(
    nexus, agent: Agent, serving, outcome: str
):
    nexus.answers["task.ask"] = lambda _: {"ok": True, "question_id": "q1", "answer": {"outcome": outcome}}

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        try:
            return await ctx.ask("Which branch?")
        except AnswerExpired:
            return "expired"

    async with serving(agent):
        await nexus.offer()
        await nexus.until(lambda: bool(nexus.named("task.complete") or nexus.named("task.fail")), "the end")

    if outcome == "expired":
        assert nexus.named("task.complete")[0]["result"] == "expired"
    else:
        assert "withdrawn" in nexus.named("task.fail")[0]["error"]


async def test_a_question_that_expires_at_nexus_expires_here(nexus, agent: Agent, serving):
    nexus.answers["task.approve"] = lambda _: {"ok": True, "question_id": "q1"}

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        try:
            return str(await ctx.approve("Push"))
        except AnswerExpired as error:
            return str(error)

    async with serving(agent):
        await nexus.offer()
        await nexus.frame("task.approve")
        await nexus.update("", kind="answer", question_id="q1", outcome="expired")
        assert (await nexus.frame("task.complete"))["result"] == "Nobody answered in time: Push"
