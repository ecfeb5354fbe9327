"""Questions and approvals: buttons in Slack, notes under the ClickUp task, answers that outlive the agent."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from flows.test_sync import working
from sqlalchemy import text
from support.waiting import eventually
from support.world import CHANNEL_ID, World

from oblivion import AnswerExpired, Context, TaskAssigned
from oblivion_sandbox import seed

NOT_SAM = "sam is not among those who may decide this. It still waits."
OUT_OF_TIME = "UPDATE questions SET expires_at = now() - interval '1 second' WHERE state = 'open'"


async def press(world: World, ts: str, label: str, user: str = seed.SLACK_USER_DANA) -> int:
    """Somebody presses a button; the status that Slack got for it."""
    message = await message_at(world, ts)
    buttons = {one["text"]["text"]: one for one in elements(message)}
    body = {"channel": CHANNEL_ID, "ts": ts, "action_id": buttons[label]["action_id"], "user": user}
    async with httpx.AsyncClient(base_url=world.box.url, timeout=10) as control:
        answer = await control.post("/_control/slack/press", json=body)
    return answer.status_code


def elements(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]


def texts(message: dict[str, Any]) -> str:
    return str(message["blocks"])


async def message_at(world: World, ts: str) -> dict[str, Any]:
    found = await world.slack.conversations_replies(channel=CHANNEL_ID, ts=ts, latest=ts, oldest=ts, inclusive=True)
    return next(one for one in found["messages"] if one["ts"] == ts)


async def question(world: World, root_ts: str, containing: str) -> dict[str, Any]:
    """The one message that asks; waits for it."""

    async def look() -> list[dict[str, Any]]:
        return [one for one in await world.thread(root_ts) if containing in one["text"]]

    (found,) = await eventually(look, f"a question about {containing!r}")
    return found


async def has_no_buttons(world: World, ts: str) -> bool:
    return not elements(await message_at(world, ts))


async def test_pressed_option_answers_and_the_buttons_go_away(linked: World) -> None:
    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        return f"Branch {await ctx.ask('Which branch?', options=['main', 'release'])}"

    async with working(linked, handle):
        item = await linked.create_task("Ask by button")
        root = await linked.root("Ask by button")
        asked = await question(linked, root["ts"], "Which branch?")
        assert [one["text"]["text"] for one in elements(asked)] == ["main", "release"]
        (note,) = await eventually(lambda: linked.comments(item))
        assert "fixer asks: Which branch?" in note
        assert "main · release" in note
        await press(linked, asked["ts"], "release")
        await eventually(lambda: says(linked, root["ts"], "Branch release"))
        await eventually(lambda: has_no_buttons(linked, asked["ts"]))
    await linked.settled()
    assert "*release* — dana" in texts(await message_at(linked, asked["ts"]))
    (note,) = await linked.comments(item)
    assert "Answered by dana: release" in note
    assert len(await linked.said(root["ts"])) == 2


async def says(world: World, root_ts: str, text: str) -> bool:
    return text in await world.said(root_ts)


async def test_comment_in_clickup_that_equals_an_option_answers(linked: World) -> None:
    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        return f"Branch {await ctx.ask('Which branch?', options=['main', 'release'])}"

    async with working(linked, handle):
        item = await linked.create_task("Ask under the task")
        root = await linked.root("Ask under the task")
        await question(linked, root["ts"], "Which branch?")
        await linked.comment(item, "neither of them")
        await linked.comment(item, "Release")
        await eventually(lambda: says(linked, root["ts"], "Branch release"))


async def test_only_listed_approvers_decide_and_whoever_else_presses_is_told(linked: World) -> None:
    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        return f"pushed: {await ctx.approve('push to main', approvers=['@oncall'])}"

    async with working(linked, handle):
        await linked.create_task("Approve it")
        root = await linked.root("Approve it")
        asked = await question(linked, root["ts"], "push to main")
        assert "Only @oncall may decide" in texts(asked)
        await press(linked, asked["ts"], "Approve", seed.SLACK_USER_SAM)
        await eventually(lambda: says(linked, root["ts"], NOT_SAM))
        await linked.reply(root["ts"], "Approve")
        await linked.settled()
        assert elements(await message_at(linked, asked["ts"])), "words are no approval"
        (row,) = await linked.rows("SELECT state FROM tasks")
        assert row.state == "approval_required"
        await press(linked, asked["ts"], "Approve")
        await eventually(lambda: says(linked, root["ts"], "pushed: True"))
    await linked.settled()
    assert "Approved by dana" in texts(await message_at(linked, asked["ts"]))


async def test_denied_is_false_and_expired_is_neither(linked: World) -> None:
    outcomes: list[str] = []

    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        outcomes.append(str(await ctx.approve("delete it")))
        try:
            await ctx.approve("really", timeout="1h")
        except AnswerExpired:
            outcomes.append("expired")
        return "over"

    async with working(linked, handle):
        await linked.create_task("Deny it")
        root = await linked.root("Deny it")
        asked = await question(linked, root["ts"], "delete it")
        await press(linked, asked["ts"], "Deny")
        late = await question(linked, root["ts"], "really")
        async with linked.nexus.db.tenant(linked.tenant_id) as session:
            await session.execute(text(OUT_OF_TIME))
        await eventually(lambda: says(linked, root["ts"], "over"))
        await eventually(lambda: has_no_buttons(linked, late["ts"]))
    assert outcomes == ["False", "expired"]
    assert "not a no" in texts(await message_at(linked, late["ts"]))


async def test_answer_that_comes_while_nobody_is_at_work_is_kept_and_nothing_is_said_twice(linked: World) -> None:
    """The agent is lost after it asked; somebody answers; another process of it takes the task over."""
    runs: list[int] = []

    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        runs.append(1)
        await ctx.say("Looking at it")
        return f"Branch {await ctx.ask('Which branch?', options=['main', 'release'])}"

    await linked.create_task("Lost in between")
    root = await linked.root("Lost in between")
    async with working(linked, handle, drain_seconds=0):
        asked = await question(linked, root["ts"], "Which branch?")
    await eventually(lambda: state_is(linked, "submitted"))
    await press(linked, asked["ts"], "main")
    await eventually(lambda: has_no_buttons(linked, asked["ts"]))
    async with linked.nexus.db.tenant(linked.tenant_id) as session:
        await session.execute(text("DELETE FROM task_events WHERE kind = 'task.requeued'"))
        await session.execute(text("UPDATE tasks SET next_offer_at = now()"))
    async with working(linked, handle):
        await eventually(lambda: says(linked, root["ts"], "Branch main"))
    await linked.settled()
    assert len(runs) == 2
    said = await linked.said(root["ts"])
    assert said.count("Looking at it") == 1
    assert len([one for one in said if "Which branch?" in one]) == 1
    assert said.count("Branch main") == 1


async def state_is(world: World, state: str) -> bool:
    return [row.state for row in await world.rows("SELECT state FROM tasks")] == [state]


async def test_open_question_of_a_stopped_task_loses_its_buttons(linked: World) -> None:
    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        return await ctx.ask("Which branch?", options=["main"])

    async with working(linked, handle):
        await linked.create_task("Stopped")
        root = await linked.root("Stopped")
        asked = await question(linked, root["ts"], "Which branch?")
        await linked.reply(root["ts"], "!stop")
        await eventually(lambda: has_no_buttons(linked, asked["ts"]))
    await linked.settled()
    assert "Not needed any more" in texts(await message_at(linked, asked["ts"]))
    assert await linked.rows("SELECT 1 FROM deliveries WHERE state = 'dead'") == []


async def test_question_that_is_taken_without_an_answer_is_found_and_not_repeated(linked: World) -> None:
    from oblivion_sandbox import FaultRule

    for vendor, match in (("slack", "chat.postMessage"), ("clickup", "POST /task/*/comment")):
        linked.box.sandbox.core.faults.add(
            FaultRule(vendor=vendor, match=match, token="bot", fault="accept_then_cut", count=3)
        )

    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        return await ctx.ask("Which branch?")

    async with working(linked, handle):
        item = await linked.create_task("Cut question")
        root = await linked.root("Cut question")
        await question(linked, root["ts"], "Which branch?")
        await eventually(lambda: linked.comments(item))
        await linked.settled()
        assert len(await linked.thread(root["ts"])) == 1
        assert len(await linked.comments(item)) == 1
        await linked.reply(root["ts"], "the blue one")
        await eventually(lambda: says(linked, root["ts"], "the blue one"))


async def test_agent_without_a_sign_is_shown_as_stale_until_it_gives_one(linked: World) -> None:
    go_on = asyncio.Event()

    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        await go_on.wait()
        await ctx.progress("still here")
        await asyncio.Event().wait()
        return ""

    async with working(linked, handle, drain_seconds=0):
        await linked.create_task("Silent work")
        root = await linked.root("Silent work")
        await eventually(lambda: state_is(linked, "working"))
        async with linked.nexus.db.tenant(linked.tenant_id) as session:
            await session.execute(
                text("UPDATE tasks SET last_sign_at = :long_ago"),
                {"long_ago": linked.nexus.clock.now() - timedelta(minutes=31)},
            )
        await eventually(lambda: card_says(linked, root["ts"], "no sign of life"))
        go_on.set()
        await eventually(lambda: card_says(linked, root["ts"], "still here"))
        assert "no sign of life" not in texts(await message_at(linked, root["ts"]))


async def card_says(world: World, root_ts: str, part: str) -> bool:
    return part in texts(await message_at(world, root_ts))


async def test_alias_in_a_reply_asks_again_when_the_task_is_over(linked: World) -> None:
    async def handle(task: TaskAssigned, _ctx: Context) -> str:
        return f"Did: {task.untrusted[0].text.strip()}"

    async with working(linked, handle):
        item = await linked.create_task("More of it", "@AI_Squad fix_bug first")
        root = await linked.root("More of it")
        await eventually(lambda: says(linked, root["ts"], "Did: @AI_Squad fix_bug first"))
        await linked.reply(root["ts"], "thanks")
        await linked.reply(root["ts"], "@AI_Squad fix_bug second")
        await eventually(lambda: says(linked, root["ts"], "Did: @AI_Squad fix_bug second"))
        await linked.comment(item, "@AI_Squad fix_bug third")
        await eventually(lambda: says(linked, root["ts"], "Did: @AI_Squad fix_bug third"))
    await linked.settled()
    assert len(await linked.roots("More of it")) == 1
    assert [row.state for row in await linked.rows("SELECT state FROM tasks")] == ["completed"] * 3


async def test_agents_that_call_one_another_are_stopped_after_four_turns(linked: World) -> None:
    made = await linked.nexus.directory.create(linked.tenant_id, "reviewer", ("review_it",), ("reviewer",))
    linked.agents["reviewer"] = (made.client_id, made.client_secret)
    again = await linked.nexus.directory.create(linked.tenant_id, "writer", ("fix_bug",), ("writer",))
    linked.agents["writer"] = (again.client_id, again.client_secret)

    async def write(_task: TaskAssigned, _ctx: Context) -> str:
        return "Written.\n@reviewer fix_bug please"

    async def review(_task: TaskAssigned, _ctx: Context) -> str:
        return "Not good.\n@writer fix_bug please"

    async with working(linked, write, "writer"), working(linked, review, "reviewer"):
        await linked.create_task("A loop of two", "@writer fix_bug it")
        root = await linked.root("A loop of two")
        refused = "Not handed over to @reviewer: agents have asked one another 4 times in a row. A person has to ask."
        await eventually(lambda: says(linked, root["ts"], refused), "the loop ends", 30)
    await linked.settled()
    rows = await linked.rows("SELECT hops, turns, state FROM tasks ORDER BY created_at")
    assert [(row.hops, row.turns) for row in rows] == [(n, n) for n in range(5)]
