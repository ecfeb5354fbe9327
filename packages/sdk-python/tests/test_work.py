"""What becomes of a task that Nexus offers."""

import asyncio
import threading

import pytest

from oblivion import (
    Agent,
    Context,
    ContextUpdate,
    Fatal,
    InvalidCommand,
    MessageTooLarge,
    Retryable,
    StaleEpoch,
    TaskAssigned,
)


async def test_an_offered_task_is_accepted_worked_on_and_completed(nexus, agent: Agent, serving):
    @agent.on_task("fix_bug")
    async def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        await ctx.plan("reproduce", "patch")
        async with ctx.step("reproduce"):
            assert await ctx.say("Looking at it")
        await ctx.artifact("Pull request", url="https://example.com/pr/7")
        return f"Fixed {task.title}"

    async with serving(agent):
        await nexus.offer()
        complete = await nexus.frame("task.complete")

    assert (complete["task_id"], complete["epoch"], complete["result"]) == ("t1", 1, "Fixed CSV export")
    said = [name for name, _ in nexus.frames if name.startswith("task.")]
    assert said[0] == "task.accept"
    assert said[-1] == "task.complete"
    assert nexus.named("task.message")[0]["text"] == "Looking at it"
    assert nexus.named("task.plan")[-1]["steps"] == [
        {"title": "reproduce", "state": "done"},
        {"title": "patch", "state": "pending"},
    ]
    assert nexus.named("hello")[0]["skills"] == ["fix_bug"]
    assert nexus.named("ack")[-1] == {"seq": 1}
    event_ids = [data["event_id"] for name, data in nexus.frames if name.startswith("task.")]
    assert len(set(event_ids)) == len(event_ids)


async def test_a_redelivered_offer_is_acknowledged_but_not_run_twice(nexus, agent: Agent, serving):
    runs = 0

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        nonlocal runs
        runs += 1
        return ""

    async with serving(agent):
        await nexus.offer(seq=1)
        await nexus.frame("task.complete")
        await nexus.offer(seq=1)
        await nexus.frame("ack", 2)
        await nexus.offer(seq=2, delivery_id="the same offer in a new envelope")
        await nexus.frame("ack", 3)
        await nexus.offer("t2", seq=3)
        await nexus.frame("task.complete", 2)

    assert runs == 2
    assert [accept["task_id"] for accept in nexus.named("task.accept")] == ["t1", "t2"]


async def test_a_plain_function_runs_in_a_thread_and_can_talk(nexus, agent: Agent, serving):
    threads: list[int] = []

    @agent.on_task("fix_bug")
    def fix_bug(task: TaskAssigned, ctx: Context) -> str:
        threads.append(threading.get_ident())
        ctx.run(ctx.say("Looking at it"))
        return "done"

    async with serving(agent):
        await nexus.offer()
        complete = await nexus.frame("task.complete")

    assert complete["result"] == "done"
    assert nexus.named("task.message")[0]["text"] == "Looking at it"
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize(
    ("error", "text", "retryable"),
    [
        (Retryable("GitHub is down"), "GitHub is down", True),
        (Fatal("No such repository"), "No such repository", False),
        (KeyError("id"), "KeyError: 'id'", False),
    ],
)
async def test_an_exception_fails_the_task_with_a_short_text(
    nexus, agent: Agent, serving, error: Exception, text: str, retryable: bool
):
    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        raise error

    async with serving(agent):
        await nexus.offer()
        fail = await nexus.frame("task.fail")

    assert (fail["error"], fail["retryable"]) == (text, retryable)


async def test_a_handler_over_its_time_limit_fails_the_task(nexus, agent: Agent, serving):
    @agent.on_task(timeout=0.05)
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await asyncio.Event().wait()
        return ""

    async with serving(agent):
        await nexus.offer()
        fail = await nexus.frame("task.fail")

    assert fail["error"] == "Not done within 0.05 s."


async def test_an_agent_without_a_free_slot_rejects_and_a_free_one_accepts(nexus, agent: Agent, serving):
    finish = asyncio.Event()

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await finish.wait()
        return ""

    async with serving(agent):
        await nexus.offer("t1")
        await nexus.frame("task.accept")
        await nexus.offer("t2")
        reject = await nexus.frame("task.reject")
        finish.set()
        await nexus.frame("task.complete")
        await nexus.offer("t2", epoch=2)
        complete = await nexus.frame("task.complete", 2)

    assert (reject["task_id"], reject["reason"]) == ("t2", "No free slot.")
    assert (complete["task_id"], complete["epoch"]) == ("t2", 2)


async def test_a_result_on_its_way_takes_no_slot(nexus, agent: Agent, serving):
    async def offer_the_next_before_answering(_: object) -> dict[str, object]:
        nexus.answers.clear()
        await nexus.offer("t2")
        return {"ok": True}

    nexus.answers["task.complete"] = offer_the_next_before_answering

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        return ""

    async with serving(agent):
        await nexus.offer("t1")
        await nexus.frame("task.complete", 2)

    assert nexus.named("task.reject") == []


async def test_a_type_without_a_handler_is_rejected(nexus, agent: Agent, serving):
    @agent.on_task("write_docs")
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        return ""

    async with serving(agent):
        await nexus.offer()
        reject = await nexus.frame("task.reject")

    assert "fix_bug" in reject["reason"]
    assert nexus.named("task.accept") == []


async def test_a_canceled_task_stops_its_handler_and_sends_nothing_more(nexus, agent: Agent, serving):
    stopped = asyncio.Event()

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert ctx.canceled
            stopped.set()
            raise
        return ""

    async with serving(agent):
        await nexus.offer()
        await nexus.frame("task.accept")
        await nexus.durable("task.canceled", task_id="t1", epoch=1, reason="Stopped by Dana Reyes")
        async with asyncio.timeout(5):
            await stopped.wait()

    assert {name for name, _ in nexus.frames} == {"hello", "ack", "task.accept"}


@pytest.mark.parametrize("command", ["task.message", "task.progress", "task.heartbeat"])
async def test_a_stale_epoch_cancels_the_handler(nexus, agent: Agent, serving, command: str):
    stopped = asyncio.Event()
    nexus.heartbeat_seconds = 1
    nexus.answers[command] = lambda _: {"ok": False, "code": "stale_epoch", "detail": "Task is at epoch 2"}

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        try:
            await ctx.progress("Reading")
            await ctx.say("Looking at it")
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            raise
        return ""

    async with serving(agent):
        await nexus.offer()
        async with asyncio.timeout(5):
            await stopped.wait()

    assert nexus.named("task.complete") == nexus.named("task.fail") == []


async def test_the_lease_is_renewed_as_often_as_nexus_says(nexus, agent: Agent, serving):
    nexus.heartbeat_seconds = 1
    finish = asyncio.Event()

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await finish.wait()
        return ""

    async with serving(agent):
        await nexus.offer()
        heartbeat = await nexus.frame("task.heartbeat")
        finish.set()
        await nexus.frame("task.complete")

    assert (heartbeat["task_id"], heartbeat["epoch"]) == ("t1", 1)
    assert heartbeat["event_id"] not in {data["event_id"] for data in nexus.named("task.complete")}


async def test_only_the_latest_progress_is_sent_when_nexus_is_slow(nexus, agent: Agent, serving):
    answer_now = asyncio.Event()

    async def answer_late(_: object) -> dict[str, object]:
        await answer_now.wait()
        return {"ok": True}

    nexus.answers["task.progress"] = answer_late

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await ctx.progress("1 %")
        await nexus.frame("task.progress")
        for percent in range(2, 100):
            await ctx.progress(f"{percent} %")
        answer_now.set()
        return ""

    async with serving(agent):
        await nexus.offer()
        await nexus.frame("task.complete")

    assert [progress["text"] for progress in nexus.named("task.progress")] == ["1 %", "99 %"]


async def test_a_slow_callback_still_gets_what_came_before_the_end(nexus, agent: Agent, serving):
    heard: list[str] = []

    async def hear(update: ContextUpdate) -> None:
        for _ in range(20):
            await asyncio.sleep(0)
        heard.append(update.text)

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        ctx.on_update(hear)
        async for _ in ctx.updates():
            break
        return ""

    async with serving(agent):
        await nexus.offer()
        await nexus.update("use v2")
        await nexus.frame("task.complete")

    assert heard == ["use v2"]


async def test_a_rate_limited_message_is_sent_again_with_the_same_event_id(nexus, agent: Agent, serving):
    refusals = [{"ok": False, "code": "rate_limited", "detail": "10 a minute"}]
    nexus.answers["task.message"] = lambda _: refusals.pop() if refusals else {"ok": True}

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        await ctx.say("Looking at it")
        return ""

    async with serving(agent):
        await nexus.offer()
        await nexus.frame("task.complete")

    first, second = nexus.named("task.message")
    assert first == second


@pytest.mark.parametrize(
    "answer", [{"ok": True, "held": True}, {"ok": False, "code": "muted", "detail": "10 a minute"}]
)
async def test_a_muted_agent_learns_that_its_message_is_held(nexus, agent: Agent, serving, answer: dict[str, object]):
    nexus.answers["task.message"] = lambda _: answer

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        return "posted" if await ctx.say("Looking at it") else "held"

    async with serving(agent):
        await nexus.offer()
        assert (await nexus.frame("task.complete"))["result"] == "held"


async def test_an_invalid_message_is_the_handlers_to_deal_with(nexus, agent: Agent, serving):
    nexus.answers["task.artifact"] = lambda _: {"ok": False, "code": "invalid", "detail": "no such link"}

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        with pytest.raises(InvalidCommand, match="TaskMessage: text"):
            await ctx.say("")
        with pytest.raises(InvalidCommand, match="no such link"):
            await ctx.artifact("Pull request", url="?")
        return "went on"

    async with serving(agent):
        await nexus.offer()
        assert (await nexus.frame("task.complete"))["result"] == "went on"

    assert nexus.named("task.message") == []


async def test_a_plain_function_sees_that_its_task_was_canceled(nexus, agent: Agent, serving):
    go_on, seen = threading.Event(), threading.Event()

    @agent.on_task()
    def handle(task: TaskAssigned, ctx: Context) -> str:
        go_on.wait(5)
        with pytest.raises(StaleEpoch, match="Stopped by Dana"):
            ctx.run(ctx.say("Too late"))
        if ctx.canceled:
            seen.set()
        return "too late"

    async with serving(agent):
        await nexus.offer()
        await nexus.frame("task.accept")
        await nexus.durable("task.canceled", task_id="t1", epoch=1, reason="Stopped by Dana Reyes")
        await nexus.frame("ack", 2)
        go_on.set()
        assert await asyncio.to_thread(seen.wait, 5)

    assert nexus.named("task.message") == nexus.named("task.complete") == []


async def test_a_message_over_the_limit_is_refused_here_and_nothing_is_sent(nexus, agent: Agent, serving):
    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        with pytest.raises(MessageTooLarge, match="limit is 102400"):
            await ctx.say("\N{GRINNING FACE}" * 30_000)
        await ctx.say("я" * 40_000)
        return "\N{GRINNING FACE}" * 30_000

    async with serving(agent):
        await nexus.offer()
        fail = await nexus.frame("task.fail")

    assert [len(message["text"]) for message in nexus.named("task.message")] == [40_000]
    assert nexus.named("task.complete") == []
    assert fail["error"].startswith("The result could not be sent: task.complete is")


async def test_replies_reach_the_stream_the_callback_and_the_agents_own_listener(nexus, agent: Agent, serving):
    heard: list[tuple[str, str]] = []

    @agent.on_context
    async def on_context(update: ContextUpdate, ctx: Context) -> None:
        heard.append(("agent", f"{ctx.task.task_id} {update.text}"))

    @agent.on_task()
    async def handle(task: TaskAssigned, ctx: Context) -> str:
        ctx.on_update(lambda update: heard.append(("callback", update.text)))
        async for update in ctx.updates():
            heard.append(("stream", update.text))
            if update.text == "go":
                break
        return ""

    async with serving(agent):
        await nexus.offer()
        await nexus.update("for somebody else", "t9")
        await nexus.update("use v2")
        await nexus.update("go")
        await nexus.frame("task.complete")

    assert [text for who, text in heard if who == "stream"] == ["use v2", "go"]
    assert [text for who, text in heard if who == "callback"] == ["use v2", "go"]
    assert [text for who, text in heard if who == "agent"] == ["t1 use v2", "t1 go"]
