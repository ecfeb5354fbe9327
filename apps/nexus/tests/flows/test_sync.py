"""Slack → the agent and, by rule, ClickUp; and the work of an agent on the real SDK."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from oblivion import Agent, Context, ContextUpdate, TaskAssigned
from oblivion_sandbox import FaultRule, seed


class Recorder:
    """An agent that keeps what it hears and ends when told to."""

    def __init__(self) -> None:
        self.tasks: list[TaskAssigned] = []
        self.updates: list[ContextUpdate] = []
        self.finish = asyncio.Event()

    async def handle(self, task: TaskAssigned, ctx: Context) -> str:
        self.tasks.append(task)
        ctx.on_update(self.updates.append)
        await ctx.plan("reproduce", "patch")
        await ctx.say(f"On it: {task.title}")
        async with ctx.step("reproduce"):
            await self.finish.wait()
        return f"Fixed after {len(self.updates)} notes"


@asynccontextmanager
async def working(
    world: World, handler: Callable[[TaskAssigned, Context], Awaitable[str]], name: str = "fixer", **options: Any
) -> AsyncGenerator[Agent]:
    """An agent of the SDK, connected."""
    client_id, secret = world.agents[name]
    agent = Agent(name, uri=world.url, client_id=client_id, client_secret=secret, **options)
    agent.on_task("fix_bug")(handler)
    serving = asyncio.create_task(agent.serve())
    try:
        await eventually(lambda: world.gateway.online, "the agent is online")
        yield agent
    finally:
        agent.stop()
        await asyncio.wait_for(serving, 10)


async def test_the_main_job(linked: World) -> None:
    recorder = Recorder()
    async with working(linked, recorder.handle):
        item = await linked.create_task("Export loses a row", "@AI_Squad fix_bug keep columns <id>")
        root = await linked.root("Export loses a row")
        (task,) = await eventually(lambda: recorder.tasks)
        assert (task.type, task.title) == ("fix_bug", "Export loses a row")
        assert [one.text.strip() for one in task.untrusted] == ["@AI_Squad fix_bug keep columns <id>"]
        synced = await linked.reply(root["ts"], "!sync use v2 &amp; keep &lt;id&gt;")
        await linked.reply(root["ts"], "a plain note")
        await linked.reply(root["ts"], "!aside never leaves Slack")
        await eventually(lambda: len(recorder.updates) == 2)
        assert [(one.kind, one.author, one.text) for one in recorder.updates] == [
            ("reply", "dana", "!sync use v2 & keep <id>"),
            ("reply", "dana", "a plain note"),
        ]
        (comment,) = await eventually(lambda: linked.comments(item))
        permalink = (await linked.slack.chat_getPermalink(channel=CHANNEL_ID, message_ts=synced))["permalink"]
        assert comment.startswith("dana in Slack: use v2 & keep <id>")
        assert comment.strip().endswith(permalink)
        recorder.finish.set()
        await eventually(lambda: _says(linked, root["ts"], "Fixed after 2 notes"))
    await linked.settled()
    said = await linked.said(root["ts"])
    assert said == ["On it: Export loses a row", "Fixed after 2 notes"]
    assert len(await linked.comments(item)) == 1
    assert len(await linked.roots()) == 1
    (state,) = await linked.rows("SELECT state, epoch FROM tasks")
    assert (state.state, state.epoch) == ("completed", 1)


async def _says(world: World, root_ts: str, text: str) -> bool:
    return text in await world.said(root_ts)


async def test_edits_and_deletions_follow_into_the_comment(linked: World) -> None:
    item = await linked.create_task("Edited")
    root = await linked.root("Edited")
    ts = await linked.reply(root["ts"], "!sync v1")
    await eventually(lambda: linked.comments(item))
    await linked.slack.chat_update(channel=CHANNEL_ID, ts=ts, text="!sync v2")
    await eventually(lambda: _comment(linked, item, "v2"))
    await linked.slack.chat_delete(channel=CHANNEL_ID, ts=ts)
    await eventually(lambda: _comment(linked, item, "deleted"))
    assert len(await linked.comments(item)) == 1


async def _comment(world: World, item: str, part: str) -> bool:
    return any(part in text for text in await world.comments(item))


async def test_our_own_comment_does_not_come_back_and_bots_are_not_people(linked: World) -> None:
    item = await linked.create_task("Loop")
    root = await linked.root("Loop")
    await linked.reply(root["ts"], "!sync once")
    await eventually(lambda: linked.comments(item))
    async with httpx.AsyncClient(base_url=linked.box.slack_api_url) as bot:
        await bot.post(
            "chat.postMessage",
            json={"channel": CHANNEL_ID, "thread_ts": root["ts"], "text": "!sync I am a bot", "username": "Other"},
            headers={"Authorization": f"Bearer {seed.SLACK_BOT_TOKEN}"},
        )
    await linked.settled()
    assert len(await linked.comments(item)) == 1
    assert [text for text in await linked.said(root["ts"]) if "once" in text] == []


async def test_reaction_rule_syncs_what_was_said_before(world: World) -> None:
    world.agents["fixer"] = await world.agent_credentials("fixer", skills=("fix_bug",))
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, sync_rule="reaction", actor="test")
    item = await world.create_task("Reacted")
    root = await world.root("Reacted")
    ts = await world.reply(root["ts"], "!sync is a plain word here")
    await world.settled()
    assert await world.comments(item) == []
    await world.slack.reactions_add(channel=CHANNEL_ID, timestamp=ts, name="clipboard")
    await eventually(lambda: world.comments(item))
    await world.settled()
    assert len(await world.comments(item)) == 1


async def test_comment_that_was_taken_without_an_answer_is_found_and_not_repeated(linked: World) -> None:
    item = await linked.create_task("Cut comment")
    root = await linked.root("Cut comment")
    linked.box.sandbox.core.faults.add(
        FaultRule(vendor="clickup", match="POST /task/*/comment", token="bot", fault="accept_then_cut", count=1)
    )
    await linked.reply(root["ts"], "!sync exactly once")
    await eventually(lambda: linked.comments(item))
    await linked.settled()
    assert len(await linked.comments(item)) == 1
    (row,) = await linked.rows("SELECT attempts, state FROM deliveries WHERE kind = 'comment'")
    assert (row.attempts, row.state) == (2, "done")


async def test_stop_button_stops_the_agent_and_what_it_says_afterwards(linked: World) -> None:
    canceled = asyncio.Event()
    began = asyncio.Event()

    async def stubborn(task: TaskAssigned, ctx: Context) -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            canceled.set()
            raise
        return "never"

    async with working(linked, stubborn):
        await linked.create_task("Stopped")
        root = await linked.root("Stopped")
        await asyncio.wait_for(began.wait(), 10)
        async with httpx.AsyncClient(base_url=linked.box.url) as control:
            press = {"channel": CHANNEL_ID, "ts": root["ts"], "action_id": "oblivion_stop"}
            answer = await control.post("/_control/slack/press", json=press)
            assert answer.json()["ok"], answer.text
        await asyncio.wait_for(canceled.wait(), 10)
    (task,) = await linked.rows("SELECT state, reason FROM tasks")
    assert (task.state, task.reason) == ("canceled", "stopped by dana")


async def test_restart_of_the_worker_in_the_middle_loses_and_doubles_nothing(linked: World) -> None:
    recorder = Recorder()
    async with working(linked, recorder.handle):
        await linked.stop_worker()
        item = await linked.create_task("While it was away")
        await linked.start_worker()
        root = await linked.root("While it was away")
        await eventually(lambda: recorder.tasks)
        await linked.stop_worker()
        await linked.reply(root["ts"], "!sync said while it was away")
        recorder.finish.set()
        await linked.start_worker()
        await eventually(lambda: linked.comments(item))
        await linked.settled()
    assert len(await linked.roots()) == 1
    assert len(await linked.comments(item)) == 1


async def test_question_is_answered_by_a_reply_that_equals_an_option(linked: World) -> None:
    async def asking(task: TaskAssigned, ctx: Context) -> str:
        return "Took " + await ctx.ask("Which branch?", options=["main", "release"])

    async with working(linked, asking):
        await linked.create_task("Asks")
        root = await linked.root("Asks")
        await eventually(lambda: _says_part(linked, root["ts"], "Which branch?"))
        await linked.reply(root["ts"], "no idea")
        await linked.reply(root["ts"], "Release")
        await eventually(lambda: _says_part(linked, root["ts"], "Took release"))


async def _says_part(world: World, root_ts: str, part: str) -> bool:
    return any(part in text for text in await world.said(root_ts))


async def test_socket_mode_is_a_second_way_in(linked: World) -> None:
    credentials = {
        "api_url": linked.box.slack_api_url, "bot_token": seed.SLACK_BOT_TOKEN, "app_id": seed.SLACK_APP_ID,
        "signing_secret": seed.SLACK_SIGNING_SECRET, "app_token": seed.SLACK_APP_TOKEN,
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=linked.box.url) as control:
        await control.post("/_control/slack/app", json={"socket_mode": True, "events_url": None})
        await linked.nexus.onboarding.connect(linked.tenant_id, "slack", credentials, "test")
        listening = asyncio.create_task(linked.nexus.listening().run())
        try:

            async def listens() -> int:
                return (await control.get("/_control/state")).json()["slack"]["sockets"]

            await eventually(listens, "a socket is open")
            item = await linked.create_task("By socket")
            root = await linked.root("By socket")
            await linked.reply(root["ts"], "!sync by socket")
            await eventually(lambda: linked.comments(item))
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)


async def test_reply_that_comes_before_its_card_is_known_waits_and_is_not_lost(linked: World) -> None:
    linked.box.sandbox.core.faults.add(
        FaultRule(vendor="slack", match="chat.postMessage", token="bot", fault="accept_then_hang", seconds=2, count=1)
    )
    item = await linked.create_task("Slow answer")
    root = await linked.root("Slow answer")
    assert not (await linked.rows("SELECT root_ts FROM task_mappings"))[0].root_ts, "Nexus does not know it yet"
    await linked.reply(root["ts"], "!sync faster than you")
    elsewhere = await linked.slack.chat_postMessage(channel=CHANNEL_ID, text="a thread of people")
    await linked.reply(elsewhere["ts"], "!sync not ours")
    await eventually(lambda: linked.comments(item))
    await linked.settled()
    (comment,) = await linked.comments(item)
    assert "faster than you" in comment
    reasons = await linked.rows("SELECT state, reason FROM inbox WHERE source = 'slack'")
    assert ("ignored", "not in a mirrored thread") in {(row.state, row.reason) for row in reasons}
    assert len(await linked.roots()) == 1


async def test_agent_that_comes_online_late_gets_what_was_said_before_as_context(linked: World) -> None:
    recorder = Recorder()
    await linked.create_task("Nobody is here", "@AI_Squad fix_bug")
    root = await linked.root("Nobody is here")
    await linked.reply(root["ts"], "said before anybody listened")
    await linked.settled()

    async def card_says_so() -> bool:
        (card,) = await linked.roots("Nobody is here")
        return "online" in str(card["blocks"])

    await eventually(card_says_so, "the card says that no agent is online")
    async with working(linked, recorder.handle):
        (task,) = await eventually(lambda: recorder.tasks)
        assert [one.text for one in task.context] == ["said before anybody listened"]
        recorder.finish.set()
        await eventually(lambda: _says_part(linked, root["ts"], "Fixed after"))
