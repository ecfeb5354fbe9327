"""Coding agents take tasks by MCP; people see them in Slack like any other."""

import asyncio
from typing import Any

import pytest
from conformance.stage import Door
from flows.test_questions import card_says, has_no_buttons, message_at, press, question, says, texts
from sqlalchemy import text
from support.waiting import eventually
from support.world import World


async def test_a_whole_task_from_the_mention_to_the_result(world: World, connect: Any) -> None:
    async with connect("laptop") as coder:
        waiting = asyncio.create_task(coder.call("next_task", wait_seconds=30))
        await world.create_task("Export loses a row", "@AI_Squad fix_bug keep the columns")
        offered = await waiting
        coder.task = offered["task"]
        assert (coder.task["type"], coder.task["title"]) == ("fix_bug", "Export loses a row")
        assert [one["text"].strip() for one in coder.task["untrusted"]] == ["@AI_Squad fix_bug keep the columns"]
        assert "Call accept" in offered["next"]
        await coder.call("accept", **coder.about)
        root = await world.root("Export loses a row")
        await coder.call("set_plan", **coder.about, steps=[{"title": "reproduce", "state": "done"}, {"title": "patch"}])
        await eventually(lambda: card_says(world, root["ts"], "reproduce"), "the plan is on the card")
        await coder.call("post_update", **coder.about, text="Looking at it")
        await coder.call("post_update", **coder.about, text="running the tests", kind="progress")
        asked = await coder.call("ask_human", **coder.about, question="Which branch?", options=["main", "release"])
        assert (asked["settled"], asked["outcome"]) == (False, "open")
        button = await question(world, root["ts"], "Which branch?")
        getting = asyncio.create_task(
            coder.call("get_answer", **coder.about, question_id=asked["question_id"], wait_seconds=30)
        )
        await press(world, button["ts"], "release")
        answer = await getting
        assert (answer["answer"], answer["answered_by"], answer["news"]) == ("release", "dana", [])
        done = await coder.call("complete", **coder.about, result="Fixed in release")
        assert "next_task" in done["next"]
        again = await coder.call("complete", **coder.about, result="Fixed in release")
        assert again == done, "a call whose answer was lost is made again"
        await eventually(lambda: says(world, root["ts"], "Fixed in release"))
        await eventually(lambda: has_no_buttons(world, button["ts"]))
        assert (await coder.call("next_task", wait_seconds=0))["task"] is None
    await world.settled()
    said = await world.said(root["ts"])
    assert [said.count(one) for one in ("Looking at it", "Fixed in release")] == [1, 1]
    assert "coder" in texts(await message_at(world, root["ts"]))
    (task,) = await world.rows("SELECT state, epoch FROM tasks")
    assert (task.state, task.epoch) == ("completed", 1)


async def test_approval_is_waited_for_and_a_denial_is_no_yes(world: World, connect: Any) -> None:
    async with connect() as coder:
        await world.create_task("Push it")
        await coder.takes_a_task()
        root = await world.root("Push it")
        asking = asyncio.create_task(
            coder.call("request_approval", **coder.about, action="push to main", wait_seconds=30)
        )
        button = await question(world, root["ts"], "push to main")
        await press(world, button["ts"], "Deny")
        denied = await asking
        assert (denied["settled"], denied["approved"]) == (True, False)
        assert "do not do it" in denied["next"]
        again = await coder.call("request_approval", **coder.about, action="push to main")
        assert again["question_id"] == denied["question_id"], "asked in the same words, it is the same question"
        await coder.call("fail", **coder.about, error="I may not push")
        await eventually(lambda: says(world, root["ts"], "This failed: I may not push"))


async def test_what_people_say_comes_with_the_next_call_and_stays_in_the_thread(world: World, connect: Any) -> None:
    async with connect() as coder:
        await world.create_task("Listen")
        await coder.takes_a_task()
        root = await world.root("Listen")
        await world.reply(root["ts"], "use v2")
        await world.settled()
        told = await coder.call("heartbeat", **coder.about)
        assert [(one["kind"], one["author"], one["text"]) for one in told["news"]] == [("reply", "dana", "use v2")]
        assert (await coder.call("heartbeat", **coder.about))["news"] == [], "it is told once"
        thread = await coder.call("get_thread", **coder.about)
        assert [one["text"] for one in thread["untrusted"]] == ["@AI_Squad fix_bug", "use v2"]
        await world.reply(root["ts"], "!stop")
        await world.settled()
        refused = await coder.refused("post_update", **coder.about, text="too late")
        assert refused["code"] == "stale_epoch"
        assert "canceled" in refused["detail"]
        assert [(one["kind"], one["text"]) for one in refused["news"]][-1:] == [("canceled", "stopped by dana")]
        assert await world.rows("SELECT 1 FROM agent_messages WHERE acked_at IS NULL") == []
        assert not await says(world, root["ts"], "too late")


async def test_letters_that_cannot_be_kept_are_marked_and_the_rest_is_said(world: World, connect: Any) -> None:
    async with connect() as coder:
        await world.create_task("Odd letters")
        await coder.takes_a_task()
        root = await world.root("Odd letters")
        await coder.call("post_update", **coder.about, text="a\x00b")
        await eventually(lambda: says(world, root["ts"], "a\ufffdb"))


async def test_rejected_task_goes_back_with_its_reason(world: World, connect: Any) -> None:
    async with connect("one") as one, connect("other") as other:
        await world.create_task("Not for me")
        offered = (await one.call("next_task", wait_seconds=20))["task"]
        await one.call("reject", task_id=offered["task_id"], epoch=offered["epoch"], reason="no Rust here")
        task = await other.takes_a_task()
        assert (task["task_id"], task["epoch"]) == (offered["task_id"], 2)
    (event,) = await world.rows("SELECT data FROM task_events WHERE kind = 'task.requeued'")
    assert (event.data["reason"], event.data["detail"]) == ("rejected", "no Rust here")


async def test_nobody_writes_about_a_task_that_they_do_not_hold(world: World, connect: Any) -> None:
    async with connect("holder") as holder, connect("other") as other:
        await world.create_task("Mine")
        task = (await holder.call("next_task", wait_seconds=20))["task"]
        about = {"task_id": task["task_id"], "epoch": task["epoch"]}
        early = await holder.refused("post_update", **about, text="early")
        assert (early["code"], "accept it first" in early["detail"]) == ("invalid", True)
        await holder.call("accept", **about)
        for tool, more in (
            ("post_update", {"text": "not mine"}),
            ("ask_human", {"question": "Which?"}),
            ("complete", {"result": "stolen"}),
            ("get_thread", {}),
            ("heartbeat", {}),
        ):
            assert (await other.refused(tool, **about, **more))["code"] == "stale_epoch", tool
            foreign = {"task_id": "00000000-0000-0000-0000-000000000000", "epoch": 1}
            assert (await other.refused(tool, **foreign, **more))["code"] == "not_found", tool
        assert (await holder.refused("post_update", **{**about, "epoch": 7}, text="?"))["code"] == "stale_epoch"
        assert (await holder.call("heartbeat", **about))["ok"]
    await world.settled()
    root = await world.root("Mine")
    assert await world.said(root["ts"]) == []


async def test_two_clients_of_one_agent_each_work_on_a_task_of_their_own(world: World, connect: Any) -> None:
    async with connect("one") as one, connect("two", mode="legacy") as two:
        both = [asyncio.create_task(each.takes_a_task()) for each in (one, two)]
        for title in ("First", "Second"):
            await world.create_task(title)
        tasks = await asyncio.gather(*both)
        assert {task["title"] for task in tasks} == {"First", "Second"}
        held = await one.call("next_task", wait_seconds=20)
        assert held["task"] is None
        assert [each["task_id"] for each in held["holding"]] == [one.task["task_id"]], "its own, not the other's"
        assert "go on with it" in held["next"]


async def test_clients_without_a_name_share_one_and_are_not_given_the_same_task(world: World, connect: Any) -> None:
    async with connect() as one, connect() as two:
        both = [asyncio.create_task(each.takes_a_task()) for each in (one, two)]
        for title in ("First", "Second"):
            await world.create_task(title)
        tasks = await asyncio.gather(*both)
        assert {task["title"] for task in tasks} == {"First", "Second"}


async def test_client_that_does_not_ask_is_offered_nothing(world: World, connect: Any) -> None:
    async with connect("busy") as coder:
        await coder.call("next_task", wait_seconds=0)
        await world.create_task("Waits")
        await world.root("Waits")
        await eventually(lambda: reason_is(world, "agent_busy"))
        assert (await coder.takes_a_task())["epoch"] == 1


async def test_client_that_missed_the_offer_is_given_it_again(world: World, connect: Any) -> None:
    async with connect("flaky") as coder:
        await world.create_task("Missed")
        missed = (await coder.call("next_task", wait_seconds=20))["task"]
        again = (await coder.call("next_task", wait_seconds=20))["task"]
        assert again == missed
        await coder.call("accept", task_id=again["task_id"], epoch=again["epoch"])


async def reason_is(world: World, reason: str) -> bool:
    return [row.reason for row in await world.rows("SELECT reason FROM tasks")] == [reason]


async def test_client_that_vanishes_loses_its_task_to_one_that_asks(world: World, connect: Any) -> None:
    async with connect("gone") as gone:
        await world.create_task("Left behind")
        await gone.takes_a_task()
        await gone.call("post_update", **gone.about, text="Looking at it")
        (left,) = await world.rows("SELECT extract(epoch FROM lease_until - now()) AS seconds FROM tasks")
        assert 240 < left.seconds <= 300
        async with world.nexus.db.tenant(world.tenant_id) as session:
            await session.execute(text("UPDATE tasks SET lease_until = now() - interval '1 second'"))
        async with connect("next") as following:
            task = await following.takes_a_task()
            assert (task["task_id"], task["epoch"]) == (gone.task["task_id"], 2)
            await following.call("post_update", **following.about, text="Looking at it")
            assert (await gone.refused("complete", **gone.about, result="late"))["code"] == "stale_epoch"
            await following.call("complete", **following.about, result="Fixed")
    root = await world.root("Left behind")
    await world.settled()
    assert await world.said(root["ts"]) == ["Looking at it", "Fixed"], "what was said before is not said again"


async def test_client_goes_on_at_another_gateway_process(world: World, connect: Any) -> None:
    elsewhere = Door(world)
    await elsewhere.open()
    try:
        async with connect("roaming") as here, connect("roaming", url=elsewhere.url) as there:
            await world.create_task("Roaming")
            there.task = await here.takes_a_task()
            assert [one["task_id"] for one in (await there.call("next_task", wait_seconds=0))["holding"]] == [
                here.task["task_id"]
            ], "a client that has lost its context finds its task"
            await there.call("complete", **there.about, result="Fixed elsewhere")
    finally:
        await elsewhere.close()
    root = await world.root("Roaming")
    await eventually(lambda: says(world, root["ts"], "Fixed elsewhere"))


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_client_that_hangs_up_while_it_waits_is_offered_nothing_any_more(
    world: World, connect: Any, mode: str
) -> None:
    async with connect("impatient", mode=mode) as coder:
        waiting = asyncio.create_task(coder.call("next_task", wait_seconds=50))
        await eventually(lambda: room_is(world, 1), "it waits")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await eventually(lambda: room_is(world, 0), "it waits no more")


async def room_is(world: World, capacity: int) -> bool:
    return [row.capacity for row in await world.rows("SELECT capacity FROM agent_sessions")] == [capacity]


async def test_history_is_found(world: World, connect: Any) -> None:
    indexing = asyncio.create_task(world.nexus.indexer().run())
    try:
        async with connect() as coder:
            await world.create_task("Invoice export", "@AI_Squad fix_bug the invoice export drops umlauts")
            await coder.takes_a_task()
            await coder.call("complete", **coder.about, result="The umlauts were lost in latin-1; now UTF-8.")

            async def found() -> list[str]:
                hits = await coder.call("search_history", query="umlauts in invoices", limit=3)
                return [hit["text"] for hit in hits["untrusted"] if "UTF-8" in hit["text"]]

            assert await eventually(found, "the result is found")
    finally:
        indexing.cancel()
        await asyncio.gather(indexing, return_exceptions=True)
