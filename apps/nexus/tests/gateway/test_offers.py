"""Offer, acceptance, lease and epoch: at any time one holder at most, and every write has its effect once."""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from gateway.agent_sockets import BOUND_SECONDS, Account, AgentSocket, connected, frame, owe, register
from gateway.work import items, set_lease, state_is, task_row, wish
from sqlalchemy import select
from support.waiting import eventually
from support.world import World

from nexus.cli.admin import tenant_named
from nexus.kit.ids import new_id
from nexus.store.tables import Message, TaskMapping
from nexus.tasks import mailbox
from oblivion_protocol import MAX_MESSAGE_BYTES, MAX_TEXT_CHARS, TaskAssigned

pytestmark = pytest.mark.asyncio(loop_scope="module")

STALE, UNKNOWN, INVALID = "stale_epoch", "not_found", "invalid"


async def refused(agent: AgentSocket, name: str, task: dict[str, Any], code: str, **more: Any) -> None:
    answer = await agent.command(name, task, **more)
    assert (answer["ok"], answer.get("code")) == (False, code), answer


async def accepted(agent: AgentSocket, name: str, task: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await agent.command(name, task, **more)
    assert answer["ok"], answer
    return answer


@asynccontextmanager
async def worker_away(world: World) -> AsyncGenerator[None]:
    """Nobody takes anything back meanwhile."""
    await world.stop_worker()
    try:
        yield
    finally:
        await world.start_worker()


async def test_offer_says_all_that_an_agent_needs(shared_world: World, account: Account) -> None:
    title = await wish(shared_world, account, more="please keep <id>")
    item = next(iter(await items(shared_world, title)))
    await shared_world.comment(item, "it began on Monday")
    await eventually(lambda: shared_world.rows("SELECT 1 FROM messages WHERE text = 'it began on Monday'"))
    async with connected(shared_world.url, account) as agent:
        raw_offer = await agent.offered()
    offer = TaskAssigned.model_validate(raw_offer)
    assert (offer.epoch, offer.seq, offer.lease_seconds, offer.accept_seconds) == (1, 1, 60, 10)
    assert (offer.type, offer.title) == ("fix_bug", title)
    assert offer.instructions and "please keep" not in offer.instructions
    (described,) = offer.untrusted
    assert (described.author, described.source) == ("Dana Reyes", "clickup.description")
    assert described.text.strip() == f"@{account.alias} fix_bug please keep <id>"
    assert [(one.kind, one.author, one.text) for one in offer.context] == [
        ("comment", "Dana Reyes", "it began on Monday")
    ]
    assert any(item in link.url for link in offer.links)
    assert offer.delivery_id and "traceparent" in raw_offer


async def test_process_that_comes_back_under_another_name_keeps_its_task_and_hears_about_it(
    shared_world: World, account: Account
) -> None:
    title = await wish(shared_world, account)
    async with connected(shared_world.url, account, "before") as agent:
        task = await agent.offered()
        await agent.call("ack", {"seq": task["seq"]})
        await accepted(agent, "task.accept", task)
    root = await shared_world.root(title)
    await shared_world.reply(root["ts"], "said while it was away")
    await shared_world.settled()
    async with connected(shared_world.url, account, None) as agent:
        answer = await agent.hello("after", holding=[{"task_id": task["task_id"], "epoch": 1}], last_seq=task["seq"])
        assert len(answer["confirmed"]) == answer["replayed"] == 1
        (update,) = await eventually(lambda: agent.of("context.updated"))
        assert (update["kind"], update["text"]) == ("reply", "said while it was away")
        await accepted(agent, "task.complete", task, result="still mine")


async def test_process_that_takes_a_task_over_hears_what_was_not_read_however_far_it_has_read_itself(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account, "before") as before:
        await wish(shared_world, account)
        task = await before.offered()
        await accepted(before, "task.accept", task)
        await before.call("ack", {"seq": 1})
        await owe(shared_world, account, "not read", instance="before", task_id=task["task_id"])
    async with connected(shared_world.url, account, "after", capacity=0) as after:
        await owe(shared_world, account, "read", instance="after")
        await eventually(lambda: after.seqs() == [3])
    async with connected(shared_world.url, account, None) as after:
        answer = await after.hello("after", last_seq=3, holding=[{"task_id": task["task_id"], "epoch": 1}])
        assert (len(answer["confirmed"]), answer["replayed"]) == (1, 1)
        await eventually(lambda: 2 in after.seqs(), "what was announced is sent", BOUND_SECONDS)


async def test_same_event_id_twice_has_the_same_answer_and_one_reply_in_slack(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        title = await wish(shared_world, account)
        task = await agent.offered()
        accept = frame(task)
        answers = [await agent.call("task.accept", accept) for _ in range(2)]
        say = frame(task, text="Said once")
        answers += [*await asyncio.gather(*(agent.call("task.message", say) for _ in range(4)))]
        ask = frame(task, question="Which?", options=["a", "b"])
        asked = [await agent.call("task.ask", ask) for _ in range(2)]
        assert asked[0] == asked[1] and asked[0]["question_id"]
        done = frame(task, result="Done once")
        answers += [await agent.call("task.complete", done) for _ in range(3)]
        assert [answer["ok"] for answer in answers] == [True] * 9
        assert answers[0] == answers[1] and answers[2] == answers[5] and answers[6] == answers[8]
        await refused(agent, "task.complete", task, STALE, result="Done again")
    root = await shared_world.root(title)
    await eventually(lambda: _posted(shared_world, task), "all is posted")
    said = await shared_world.said(root["ts"])
    assert [said.count(one) for one in ("Said once", "Done once")] == [1, 1]
    assert len([one for one in said if "Which?" in one]) == 1
    (questions,) = await shared_world.rows("SELECT count(*) FROM questions WHERE task_id = :id", id=task["task_id"])
    assert questions.count == 1


async def _posted(world: World, task: dict[str, Any]) -> bool:
    rows = await world.rows(
        "SELECT d.state FROM deliveries d JOIN tasks t USING (conversation_id) WHERE t.id = :id AND d.kind = 'reply'",
        id=task["task_id"],
    )
    return all(row.state == "done" for row in rows)


async def test_offer_that_nobody_accepts_goes_to_another_process_and_the_first_one_is_fenced_off(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account, "one") as one:
        await wish(shared_world, account)
        first = await one.offered()
        async with connected(shared_world.url, account, "two") as two:
            await set_lease(shared_world, first, -3)
            second = await two.offered()
            assert (second["task_id"], first["epoch"], second["epoch"]) == (first["task_id"], 1, 2)
            for name, more in (("task.accept", {}), ("task.complete", {"result": "mine"}), ("task.heartbeat", {})):
                await refused(one, name, first, STALE, **more)
            assert (await task_row(shared_world, first)).state == "offered"
            await accepted(two, "task.accept", second)
            await refused(one, "task.complete", first, STALE, result="mine")
            await refused(one, "task.complete", second, STALE, result="with a stolen epoch")
            row = await task_row(shared_world, first)
            assert (row.state, row.epoch, row.instance) == ("working", 2, "two")


async def test_lost_lease_goes_to_another_process_and_the_first_one_is_fenced_off(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account, "one") as one:
        await wish(shared_world, account)
        first = await one.offered()
        await accepted(one, "task.accept", first)
        async with connected(shared_world.url, account, "two") as two:
            await set_lease(shared_world, first, -1)
            second = await two.offered()
            assert second["epoch"] == 2
            for name, more in (
                ("task.message", {"text": "too late"}),
                ("task.ask", {"question": "too late?"}),
                ("task.complete", {"result": "too late"}),
                ("task.fail", {"error": "too late"}),
                ("task.reject", {}),
                ("task.heartbeat", {}),
            ):
                await refused(one, name, first, STALE, **more)
            await accepted(two, "task.accept", second)
            await accepted(two, "task.complete", second, result="in time")
        row = await task_row(shared_world, first)
        assert (row.state, row.epoch, row.result) == ("completed", 2, "in time")
    posts = await shared_world.rows(
        "SELECT payload FROM deliveries WHERE conversation_id = :id AND kind = 'reply'", id=row.conversation_id
    )
    assert "too late" not in json.dumps([post.payload for post in posts])


async def test_process_that_is_offered_its_own_task_again_cannot_write_under_the_old_epoch(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        first = await agent.offered()
        await accepted(agent, "task.accept", first)
        await set_lease(shared_world, first, -1)
        await eventually(lambda: any(offer["epoch"] == 2 for offer in agent.of("task.assigned")), "offered again")
        second = agent.of("task.assigned")[-1]
        for name, more in (("task.accept", {}), ("task.heartbeat", {}), ("task.complete", {"result": "old"})):
            await refused(agent, name, first, STALE, **more)
        await refused(agent, "task.accept", {**second, "epoch": 3}, STALE)
        await accepted(agent, "task.accept", second)
        await refused(agent, "task.complete", first, STALE, result="old")
        await accepted(agent, "task.complete", second, result="new")
        assert (await task_row(shared_world, second)).result == "new"


async def test_holder_whose_lease_was_lost_is_told_so_while_the_task_waits_for_another(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        await accepted(agent, "task.accept", task)
        await agent.hello(capacity=0)
        await set_lease(shared_world, task, -1)
        await eventually(lambda: state_is(shared_world, task, "submitted"))
        await refused(agent, "task.complete", task, STALE, result="too late")


async def test_acceptance_that_comes_too_late_is_refused_and_prolongs_nothing(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        async with worker_away(shared_world):
            ended = await set_lease(shared_world, task, -5)
            await refused(agent, "task.accept", task, STALE)
            assert (await task_row(shared_world, task)).lease_until == ended
            await refused(agent, "task.accept", task, STALE)


async def test_acceptance_that_was_under_way_when_the_offer_ended_counts_if_nobody_else_was_asked(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        async with worker_away(shared_world):
            await set_lease(shared_world, task, -0.5)
            await accepted(agent, "task.accept", task)
        assert await state_is(shared_world, task, "working")


async def test_nothing_may_be_done_before_the_offer_is_accepted(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        for name, more in (("task.message", {"text": "hi"}), ("task.complete", {}), ("task.heartbeat", {})):
            await refused(agent, name, task, INVALID, **more)
        assert await state_is(shared_world, task, "offered")


async def test_event_id_that_an_earlier_holder_used_too_does_not_answer_for_the_new_holder(
    shared_world: World, account: Account
) -> None:
    """Ids are unique within a process: another one may well count from 1 again."""
    async with connected(shared_world.url, account, "one") as one:
        await wish(shared_world, account)
        first = await one.offered()
        await accepted(one, "task.accept", first, event_id="1")
        async with connected(shared_world.url, account, "two") as two:
            await set_lease(shared_world, first, -1)
            second = await two.offered()
            await accepted(two, "task.accept", second, event_id="1")
            assert await state_is(shared_world, second, "working"), "it was told that it works, and nothing happened"


async def test_task_of_another_agent_another_tenant_or_nobody_is_not_found(
    shared_world: World, account: Account
) -> None:
    elsewhere = await tenant_named(shared_world.nexus, f"tenant-{secrets.token_hex(4)}", create=True)
    strangers = [await register(shared_world), await register(shared_world, tenant_id=elsewhere)]
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        known = frame(task)
        assert (await agent.call("task.accept", known))["ok"]
        for stranger in strangers:
            async with connected(shared_world.url, stranger) as other:
                await refused(other, "task.heartbeat", task, UNKNOWN)
                await refused(other, "task.complete", task, UNKNOWN, result="stolen")
                answer = await other.call("task.accept", known)
                assert answer.get("code") == UNKNOWN, "a stranger got the holder's answer"
        for task_id in ("00000000-0000-7000-8000-000000000000", "not-an-id", "' OR 1=1 --", "\x00"):
            await refused(agent, "task.accept", {"task_id": task_id, "epoch": 1}, UNKNOWN)
        assert await state_is(shared_world, task, "working")


async def test_heartbeat_renews_the_lease(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        await accepted(agent, "task.accept", task)
        await set_lease(shared_world, task, 5)
        for _ in range(2):  # a heartbeat is no event: one id for all of them is as good as many
            assert (await accepted(agent, "task.heartbeat", task, event_id="beat"))["lease_seconds"] == 60
            left = (await task_row(shared_world, task)).lease_until - shared_world.nexus.clock.now()
            assert timedelta(seconds=50) < left <= timedelta(seconds=60)
            await set_lease(shared_world, task, 5)


async def test_rejected_offer_goes_to_another_agent_of_the_squad(shared_world: World, account: Account) -> None:
    other = await register(shared_world, alias=account.alias)
    async with connected(shared_world.url, account) as picky:
        await wish(shared_world, account)
        first = await picky.offered()
        await accepted(picky, "task.reject", first, reason="not mine")
        await eventually(lambda: _waits_for(shared_world, first, "rejected"), "it says why it waits")
        async with connected(shared_world.url, other) as willing:
            second = await willing.offered()
            assert (second["task_id"], second["epoch"]) == (first["task_id"], 2)
            await refused(picky, "task.accept", first, STALE)
            await accepted(willing, "task.accept", second)
        assert {offer["epoch"] for offer in picky.of("task.assigned")} == {1}


async def _waits_for(world: World, task: dict[str, Any], reason: str) -> bool:
    row = await task_row(world, task)
    return (row.state, row.reason) == ("submitted", reason)


async def test_commands_that_are_sent_without_waiting_take_effect_in_the_order_they_were_sent(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        await agent.emit("task.accept", frame(task))
        said = [f"line {number:02}" for number in range(10)]
        for one in said:
            await agent.emit("task.message", frame(task, text=one))
        await agent.emit("task.complete", frame(task, result="the end"))
        await eventually(lambda: state_is(shared_world, task, "completed"))
    rows = await shared_world.rows(
        "SELECT payload->>'text' AS text FROM deliveries WHERE task_id = :id AND kind = 'reply' ORDER BY order_key, id",
        id=task["task_id"],
    )
    assert [row.text for row in rows] == said


async def test_text_that_is_longer_than_a_message_may_be_is_cut_and_the_task_is_offered(
    shared_world: World, account: Account
) -> None:
    title = await wish(shared_world, account, more="x" * 60_000)
    async with connected(shared_world.url, account) as agent:
        offer = await agent.offered()
    assert offer["title"] == title
    assert len(json.dumps(offer).encode()) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize("sizes", [(35_000, 35_000, 35_000, 35_000), (45_000,), (95_000,)])
async def test_offer_with_a_long_history_stays_below_the_size_of_a_message(
    shared_world: World, account: Account, sizes: tuple[int, ...]
) -> None:
    (item,) = await items(shared_world, await wish(shared_world, account))
    async with shared_world.nexus.db.tenant(shared_world.tenant_id) as session:
        conversation = await session.scalar(select(TaskMapping.id).where(TaskMapping.item_id == item))
        for number, size in enumerate(sizes):
            session.add(
                Message(
                    id=new_id(), tenant_id=shared_world.tenant_id, conversation_id=conversation, source="clickup",
                    external_id=str(number), author_id="1", author_name="Dana Reyes",
                    text=f"{number} " + "y" * size, occurred_at=shared_world.nexus.clock.now(),
                )
            )  # fmt: skip
    async with connected(shared_world.url, account) as agent:
        offer = await agent.offered()
    assert len(json.dumps(offer).encode()) <= MAX_MESSAGE_BYTES
    assert offer["context"][-1]["text"].startswith(f"{len(sizes) - 1} "), "the newest is what must not be missing"


async def test_comment_that_is_longer_than_a_text_may_be_reaches_the_agent_cut(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        (item,) = await items(shared_world, await wish(shared_world, account))
        await accepted(agent, "task.accept", await agent.offered())
        await shared_world.comment(item, "long " + "y" * 45_000)
        (update, *_) = await eventually(lambda: agent.of("context.updated"), "the comment", BOUND_SECONDS)
    assert (update["kind"], update["text"][:6]) == ("comment", "long y")
    assert len(update["text"]) <= MAX_TEXT_CHARS


async def test_task_that_cannot_be_offered_does_not_keep_others_from_their_agents(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    title = await wish(shared_world, account)
    await items(shared_world, title)
    post = mailbox.post
    failed: list[str] = []

    async def choosy(*args: Any, **fields: Any) -> None:
        if fields.get("title") == title:
            failed.append(title)
            raise ValueError("something about this task cannot be written down")
        await post(*args, **fields)

    monkeypatch.setattr(mailbox, "post", choosy)
    other = await register(shared_world)
    async with connected(shared_world.url, account), connected(shared_world.url, other) as agent:
        await eventually(lambda: failed, "it was tried")
        await wish(shared_world, other)
        await agent.offered()


async def test_hello_confirms_what_the_process_holds_and_revokes_the_rest(
    shared_world: World, account: Account
) -> None:
    stranger = await register(shared_world)
    async with connected(shared_world.url, account) as agent, connected(shared_world.url, stranger) as other:
        await wish(shared_world, stranger)
        foreign = await other.offered()
        await wish(shared_world, account)
        task = await agent.offered()
        await accepted(agent, "task.accept", task)
        await set_lease(shared_world, task, 5)
        mine = {"task_id": task["task_id"], "epoch": 1}
        lost = [
            {"task_id": task["task_id"], "epoch": 2},
            {"task_id": foreign["task_id"], "epoch": 1},
            {"task_id": "no-such-task", "epoch": 1},
        ]
        answer = await agent.hello(holding=[*lost, mine])
        assert (answer["confirmed"], answer["revoked"]) == ([mine], lost)
        left = (await task_row(shared_world, task)).lease_until - shared_world.nexus.clock.now()
        assert left > timedelta(seconds=50)
        assert (await task_row(shared_world, foreign)).instance == "one"
        await accepted(agent, "task.complete", task)
        answer = await agent.hello(holding=[mine])
        assert (answer["confirmed"], answer["revoked"]) == ([], [mine])
