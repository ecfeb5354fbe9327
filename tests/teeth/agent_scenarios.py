"""What goes wrong between Oblivion and its agents, and between an agent and the thread it works for."""

import json
import secrets
from dataclasses import replace
from typing import Any

import pytest
from gateway.agent_sockets import Account, AgentSocket, another_gateway, connected, frame, register
from gateway.work import set_lease
from stage import STUCK_SECONDS, Conversation, Findings, Stage, found_by_checker, heard, never, soon
from support.waiting import eventually

from nexus.drill.checker import Accepted, Seen
from nexus.gateway.sessions import Sessions
from nexus.pipeline import delivery


async def _at_work(stage: Stage, agent: AgentSocket, account: Account) -> tuple[Conversation, dict[str, Any]]:
    """A conversation, and its task that the agent has accepted."""
    (conversation,) = await stage.conversations(alias=account.alias)
    task = await agent.offered()
    assert (await agent.command("task.accept", task))["ok"]
    await stage.quiet()
    return conversation, task


async def _told(stage: Stage, account: Account, agent: AgentSocket, keys: list[str]) -> Findings:
    place = f"agent:{account.name}"
    accepted = [Accepted(key, place, stage.moment(key), stage.moment(key)) for key in keys]
    return found_by_checker(accepted, await heard(stage, account, agent))


# --- what agents hear ---


async def edit_sent_thrice(stage: Stage) -> Findings:
    """a comment is edited twice, and ClickUp sends the first edit three times"""
    account = await register(stage.world)
    async with connected(stage.world.url, account) as agent:
        conversation, _ = await _at_work(stage, agent, account)
        keys = [stage.key() for _ in range(3)]
        posted = stage.comment(conversation, keys[0])
        first, second = (stage.edit(posted, conversation, key) for key in keys[1:])
        for webhook in (posted, first, second, first, first):
            await stage.send(webhook)
            await stage.quiet()
        stored = await stage.world.rows(
            "SELECT 1 FROM inbox WHERE strpos(convert_from(body, 'UTF8'), :key) > 0", key=keys[1]
        )
        in_store = [Seen(keys[1], "inbox", number) for number, _ in enumerate(stored)]
        accepted = [Accepted(keys[1], "inbox", stage.moment(keys[1]), stage.moment(keys[1]))]
        return {**await _told(stage, account, agent, keys), **found_by_checker(accepted, in_store)}


async def comment_told_of_twice(stage: Stage) -> Findings:
    """one comment comes as two events, as when it is read back after an outage"""
    account = await register(stage.world)
    async with connected(stage.world.url, account) as agent:
        conversation, _ = await _at_work(stage, agent, account)
        key = stage.key()
        posted = stage.comment(conversation, key)
        body = json.loads(posted.body)
        body["history_items"][0]["id"] = f"h{secrets.token_hex(6)}"
        for webhook in (posted, replace(posted, body=json.dumps(body).encode())):
            await stage.send(webhook)
            await stage.quiet()
        return await _told(stage, account, agent, [key])


# --- what agents do ---


async def holder_comes_back_late(stage: Stage) -> Findings:
    """an agent loses its lease, another takes the task, the first one finishes it"""
    account = await register(stage.world)
    keys = [stage.key() for _ in range(3)]
    async with connected(stage.world.url, account, "one") as one:
        _, first = await _at_work(stage, one, account)
        async with connected(stage.world.url, account, "two") as two:
            await set_lease(stage.world, first, -1)
            second = await two.offered()
            assert (await two.command("task.accept", second))["ok"]
            await one.command("task.message", first, text=keys[0])
            await one.command("task.complete", first, result=keys[1])
            await two.command("task.complete", second, result=keys[2])
    await stage.quiet()
    return await _stale(stage, keys[:2])


async def old_connection_writes(stage: Stage) -> Findings:
    """an agent has come back at another gateway, and its old connection still writes"""
    account = await register(stage.world)
    key = stage.key()

    async def not_yet(*_: Any) -> set[str]:
        return set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sessions, "touch", not_yet)  # nobody has looked yet which connections are old
        async with (
            another_gateway(stage.world.nexus) as elsewhere,
            connected(stage.world.url, account) as older,
        ):
            _, task = await _at_work(stage, older, account)
            async with connected(elsewhere.url, account, None) as newer:
                held = {"task_id": task["task_id"], "epoch": task["epoch"]}
                assert (await newer.hello(holding=[held]))["session_epoch"] == 2
                await older.emit("task.message", frame(task, text=key))
                await eventually(lambda: older.closed.is_set() or stage.calls(key), "it is sent away, or was heard")
    await stage.quiet()
    return await _stale(stage, [key])


async def _stale(stage: Stage, keys: list[str]) -> Findings:
    written = {effect.key for effect in stage.seen()} & set(keys)
    everything = {effect.key for effect in stage.seen()} | set(keys)
    return await stage.judge((), stale=sorted(written), unacknowledged=everything)


async def answer_to_an_agent_is_lost(stage: Stage) -> Findings:
    """an agent asks, hears no answer, and sends the same command again"""
    account = await register(stage.world)
    key = stage.key()
    async with connected(stage.world.url, account) as agent:
        conversation, task = await _at_work(stage, agent, account)
        asked = frame(task, question=f"{key}?")
        for _ in range(2):
            assert (await agent.call("task.ask", asked))["ok"]
        rows = await stage.world.rows("SELECT prompt FROM questions WHERE prompt = :asked", asked=f"{key}?")
    place = conversation.item_id
    accepted = [Accepted(key, place, stage.moment(key), stage.moment(key))]
    return found_by_checker(accepted, [Seen(key, place, number) for number, _ in enumerate(rows)])


async def agent_vanishes(stage: Stage) -> Findings:
    """an agent vanishes with a task, and another one of its squad is free"""
    account = await register(stage.world)
    key = stage.key()
    async with connected(stage.world.url, account, "one") as one:
        conversation, task = await _at_work(stage, one, account)
    async with connected(stage.world.url, account, "two") as two:
        await set_lease(stage.world, task, -1)
        if await soon(two.offered(), STUCK_SECONDS):
            second = two.of("task.assigned")[-1]
            await two.command("task.accept", second)
            await two.command("task.complete", second, result=key)
        await stage.quiet()
    wanted = [Accepted(key, f"thread:{conversation.item_id}", stage.moment(key), stage.moment(key))]
    return await stage.judge(wanted)


async def stop_while_a_post_fails(stage: Stage) -> Findings:
    """somebody presses Stop while something that the agent said waits for its next try"""
    account = await register(stage.world)
    key = stage.key()
    async with connected(stage.world.url, account) as agent:
        conversation, task = await _at_work(stage, agent, account)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery, "full_jitter_seconds", never)
            stage.spoil_post("5xx")
            assert (await agent.command("task.message", task, text=key))["ok"]
            await stage.delivery_is(key, "sending")
            channel = (await stage.delivery(key)).payload["channel_id"]
            press = {"channel": channel, "ts": conversation.root_ts, "action_id": "oblivion_stop"}
            assert (await stage.control.post("/_control/slack/press", json=press)).json()["ok"]
            stopped = "SELECT 1 FROM tasks WHERE id = :id AND state = 'canceled'"
            await eventually(lambda: stage.world.rows(stopped, id=task["task_id"]), "the task is stopped")
            await stage.make_due()
            await stage.quiet()
    return await stage.judge()
