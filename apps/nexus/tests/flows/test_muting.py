"""An agent that talks too much: silenced by itself, one notice with buttons, nothing of what it said is lost."""

import asyncio
from typing import Any

import httpx
from flows.test_questions import elements, message_at, press, texts
from flows.test_sync import working
from support.waiting import eventually
from support.world import World

from oblivion import Context, TaskAssigned

MUTED = "is muted*: it said more than 10 things within a minute"


class Chatter:
    """Says so many things, then waits to be let go."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.posted: list[bool] = []
        self.go = asyncio.Event()

    async def __call__(self, _task: TaskAssigned, ctx: Context) -> str:
        for number in range(self.count):
            self.posted.append(await ctx.say(f"Line {number}."))
        await self.go.wait()
        return "The end."


async def notice(world: World, root_ts: str) -> dict[str, Any]:
    """The one message that says so; waits for it."""

    async def look() -> list[dict[str, Any]]:
        return [one for one in await world.thread(root_ts) if "is muted" in one["text"] or "speak again" in one["text"]]

    found = await eventually(look, "a notice")
    assert len(found) == 1, "one notice a thread"
    return found[0]


async def labels(world: World, ts: str) -> list[str]:
    return [one["text"]["text"] for one in elements(await message_at(world, ts))]


async def shows(world: World, ts: str, *parts: str) -> bool:
    drawn = texts(await message_at(world, ts))
    return all(part in drawn for part in parts)


def lines(said: list[str]) -> list[str]:
    """What the agent said, one by one, however it was put together."""
    return [line for message in said for line in message.split("\n") if line.startswith(("Line ", "The end"))]


async def test_eleventh_message_within_a_minute_is_held_and_unmute_posts_all_in_order(linked: World) -> None:
    chatter = Chatter(25)
    async with working(linked, chatter):
        await linked.create_task("Talks on and on")
        root = await linked.root("Talks on and on")
        await eventually(lambda: len(chatter.posted) == 25, "everything was taken", seconds=30)
        assert chatter.posted == [True] * 10 + [False] * 15
        said = await notice(linked, root["ts"])
        assert await labels(linked, said["ts"]) == ["Unmute", "Stop"]
        await eventually(lambda: shows(linked, said["ts"], MUTED, "15 messages were held back", "Line 24."), seconds=15)
        await eventually(lambda: outcome_of(linked, 10), "what came before", seconds=20)
        assert lines(await linked.said(root["ts"])) == [f"Line {number}." for number in range(10)]
        (agent,) = await linked.rows("SELECT muted_at, muted_reason FROM agents WHERE name = 'fixer'")
        assert (agent.muted_at is not None, agent.muted_reason) == (True, "it said more than 10 things within a minute")

        chatter.go.set()
        await press(linked, said["ts"], "Unmute")
        await eventually(
            lambda: lines_are(linked, root["ts"], [*(f"Line {number}." for number in range(25)), "The end."]),
            seconds=30,
        )
        await linked.settled()
        assert await shows(linked, said["ts"], "may speak again*, says dana", "held back, and posted below")
        assert not elements(await message_at(linked, said["ts"]))
    posts = [one for one in await linked.said(root["ts"]) if "Line " in one]
    assert len(posts) <= 12, "what was held is posted together"
    acts = await linked.rows("SELECT actor, action, object FROM audit_log WHERE action LIKE 'agent.%mute' ORDER BY id")
    assert [tuple(act) for act in acts] == [("system", "agent.mute", "fixer"), ("dana", "agent.unmute", "fixer")]


async def outcome_of(world: World, count: int) -> bool:
    rows = await world.rows("SELECT count(*) AS n FROM deliveries WHERE kind = 'reply' AND state = 'done'")
    return rows[0].n >= count


async def lines_are(world: World, root_ts: str, expected: list[str]) -> bool:
    return lines(await world.said(root_ts)) == expected


async def test_stop_drops_what_was_held_and_the_agent_stays_silenced(linked: World) -> None:
    chatter = Chatter(14)
    async with working(linked, chatter):
        await linked.create_task("Is stopped")
        root = await linked.root("Is stopped")
        await eventually(lambda: len(chatter.posted) == 14, "everything was taken", seconds=30)
        said = await notice(linked, root["ts"])
        await press(linked, said["ts"], "Stop")
        dropped = "4 messages were held back, and not posted: the task was stopped."
        await eventually(lambda: shows(linked, said["ts"], MUTED, dropped), seconds=15)
        assert await labels(linked, said["ts"]) == ["Unmute"], "it is silenced still"
        await press(linked, said["ts"], "Unmute")
        await eventually(lambda: shows(linked, said["ts"], "may speak again"), seconds=15)
    await linked.settled()
    assert not set(lines(await linked.said(root["ts"]))) & {f"Line {number}." for number in range(10, 14)}


async def test_what_an_operator_has_silenced_no_one_in_the_thread_lets_speak(linked: World) -> None:
    chatter = Chatter(2)
    admin = await linked.admin()
    started = asyncio.Event()

    async def handle(task: TaskAssigned, ctx: Context) -> str:
        started.set()
        await chatter.go.wait()
        return await chatter(task, ctx)

    async with working(linked, handle), admin:
        await linked.create_task("By an operator")
        root = await linked.root("By an operator")
        await eventually(started.is_set)
        muted = await admin.post("/v1/agents/fixer/mute", json={"reason": "wrong model"})
        assert muted.json()["muted"]
        chatter.go.set()
        said = await notice(linked, root["ts"])
        await eventually(lambda: shows(linked, said["ts"], "wrong model", "3 messages were held back"), seconds=15)
        assert await shows(linked, said["ts"], "it is taken back in the dashboard")
        assert await labels(linked, said["ts"]) == [], "the task is over, and only an operator lets it speak"
        assert (await admin.post("/v1/agents/fixer/unmute")).status_code == 200
        await eventually(lambda: lines_are(linked, root["ts"], ["Line 0.", "Line 1.", "The end."]), seconds=15)
    await linked.settled()


async def test_question_of_a_silenced_agent_is_asked_once_it_may_speak(linked: World) -> None:
    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        for number in range(11):
            await ctx.say(f"Line {number}.")
        return f"Branch {await ctx.ask('Which branch?', options=['main', 'release'])}"

    async with working(linked, handle):
        item = await linked.create_task("Asks too late")
        root = await linked.root("Asks too late")
        said = await notice(linked, root["ts"])
        await eventually(lambda: shows(linked, said["ts"], "2 messages were held back"), seconds=15)
        assert not await linked.comments(item)
        await press(linked, said["ts"], "Unmute")

        async def asked() -> list[dict[str, Any]]:
            return [one for one in await linked.thread(root["ts"]) if "Which branch?" in one["text"]]

        (question,) = await eventually(asked, seconds=15)
        assert len(await eventually(lambda: linked.comments(item), seconds=15)) == 1
        await press(linked, question["ts"], "release")
        await eventually(lambda: says(linked, root["ts"], "Branch release"), seconds=15)
    await linked.settled()


async def says(world: World, root_ts: str, text: str) -> bool:
    return text in await world.said(root_ts)


async def test_an_agent_may_have_a_limit_of_its_own(linked: World) -> None:
    admin: httpx.AsyncClient = await linked.admin()
    async with admin:
        changed = await admin.patch("/v1/agents/fixer", json={"messages_per_minute": 3})
        assert changed.json()["messages_per_minute"] == 3
        assert (await admin.patch("/v1/agents/fixer", json={"messages_per_minute": 0})).status_code == 400
        chatter = Chatter(5)
        chatter.go.set()
        async with working(linked, chatter):
            await linked.create_task("Is short of words")
            await eventually(lambda: len(chatter.posted) == 5, "everything was taken")
        assert chatter.posted == [True] * 3 + [False] * 2
        changed = await admin.patch("/v1/agents/fixer", json={"messages_per_minute": None})
        assert changed.json()["messages_per_minute"] == 10
