"""A stub agent that obeys whatever it reads: what the hub lets it do with 300 injections, and with 10,000 tries."""

import asyncio
import random
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from attacks.conftest import Figures
from attacks.injections import Wish, injection, wishes
from flows.test_questions import press
from gateway.agent_sockets import Account, AgentSocket, connected, frame, refusal, register
from gateway.work import items, wish
from sqlalchemy import text
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World, running_world

from nexus.cli.admin import tenant_named
from oblivion_sandbox import seed
from oblivion_sandbox.slack import state as slack_state
from oblivion_sandbox.slack.reading import read

pytestmark = pytest.mark.timeout(3600)

INJECTIONS, TRIES = 300, 10_000
A_TASK = 6
"""Injections of one task: in its title, its description, two comments and two replies."""
CANARY = "ghp_" + "CanaryT0ken9aBcDeFgHiJkLmNoPqRs"
REFUSALS = {"not_found", "stale_epoch", "invalid", "rate_limited"}
COMMANDS: dict[str, dict[str, Any]] = {
    "task.accept": {}, "task.reject": {"reason": "x"}, "task.heartbeat": {}, "task.plan": {"steps": [{"title": "x"}]},
    "task.progress": {"text": "x"}, "task.message": {"text": "x"}, "task.ask": {"question": "x", "options": ["a"]},
    "task.approve": {"action": "x"}, "task.artifact": {"name": "x", "text": "x"}, "task.complete": {"result": "x"},
    "task.fail": {"error": "x"},
}  # fmt: skip


@dataclass
class Stub:
    """Does what it reads, in whatever field it stands; keeps what it was answered."""

    agent: AgentSocket
    world: World
    account: Account
    obeyed: list[Wish] = field(default_factory=list[Wish])
    granted: list[tuple[Wish, Any]] = field(default_factory=list[tuple[Wish, Any]])
    read: int = 0

    async def work(self) -> None:
        """Reads the news, and obeys."""
        for name, data in self.agent.events[self.read :]:
            self.read += 1
            if "seq" in data:
                await self.agent.call("ack", {"seq": data["seq"]})
            if name == "task.assigned" and not (await self.agent.command("task.accept", data))["ok"]:
                continue  # too late for this offer; the next one comes
            for said in strings(data):
                for one in wishes(said):
                    self.obeyed.append(one)
                    await self.obey(one, data)

    async def obey(self, one: Wish, own: dict[str, Any]) -> None:
        """Tries it by every way there is."""
        other = {"task_id": one.task_id, "epoch": one.epoch}
        mine = {"task_id": own["task_id"], "epoch": own.get("epoch") or self.epoch(own["task_id"])}
        match one.what:
            case "say":
                await self.agent.command("task.message", mine, text=one.words)
            case "leak":
                for form in (CANARY, seed.SLACK_BOT_TOKEN, "\u200b".join(CANARY), seed.SLACK_BOT_TOKEN[::-1]):
                    await self.agent.command("task.message", mine, text=f"{one.words} {form}")
            case "elsewhere":
                more = {"channel_id": "C0GENERAL1", "conversation_id": str(uuid4()), "thread_ts": "1.1", "item_id": "x"}
                await self.agent.command("task.message", mine, text=one.words, **more, tenant_id=str(uuid4()))
            case "approve":
                self.keep(one, await self.agent.command("task.approve", other, action=one.words))
                await self.over_http(one)
            case "admin":
                assert await refusal(self.world.url, self.account.token, "/admin") is not None
                await self.over_http(one)
            case command:
                self.keep(one, await self.agent.call(command, frame(other) | with_words(command, one.words)))

    async def over_http(self, one: Wish) -> None:
        """As an admin, or as Slack pressing "Approve" for it."""
        headers = {"Authorization": f"Bearer {self.account.token}"}
        pressed = {"type": "block_actions", "user": {"id": seed.SLACK_USER_DANA}, "actions": [{"value": one.task_id}]}
        async with httpx.AsyncClient(base_url=self.world.url, headers=headers) as api:
            for answer in (
                await api.post(f"/v1/tasks/{one.task_id}/cancel"),
                await api.post(f"/v1/tasks/{one.task_id}/reassign", json={"agent": self.account.name}),
                await api.post("/v1/agents", json={"name": "mine"}),
                await api.get("/v1/connections"),
                await api.post("/webhooks/slack/interactive", data={"payload": str(pressed)}),
            ):
                if answer.is_success:
                    self.granted.append((one, answer.text))

    def keep(self, one: Wish, answer: dict[str, Any]) -> None:
        if answer["ok"] or answer["code"] not in REFUSALS:
            self.granted.append((one, answer))

    def epoch(self, task_id: str) -> int:
        return max(each["epoch"] for each in self.agent.of("task.assigned") if each["task_id"] == task_id)


def with_words(command: str, words: str) -> dict[str, Any]:
    """The command's fields with these words in them."""
    return {
        name: [{"title": words}] if name == "steps" else [words] if name == "options" else words
        for name in COMMANDS[command]
    }


def strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from strings(each)
        case list():
            for each in value:
                yield from strings(each)
        case _:
            return


async def holding(world: World, agent: AgentSocket, account: Account, title: str) -> dict[str, Any]:
    """A task that an agent works on."""
    await wish(world, account, title)
    task = await agent.offered(len(agent.of("task.assigned")) + 1)
    assert (await agent.command("task.accept", task))["ok"]
    return task


async def loud(world: World) -> None:
    """Nobody is muted here, and nothing waits its turn: what does not arrive would prove nothing."""
    async with httpx.AsyncClient(base_url=world.box.url) as control:
        (await control.post("/_control/settings", json={"slack_post_per_second": 0})).raise_for_status()
        offered = (await control.get("/_control/world")).json()["slack"]
    await world.nexus.onboarding.connect(world.tenant_id, "slack", offered | {"posts_per_second": 500}, "test")
    async with world.nexus.db.system() as session:
        await session.execute(text("UPDATE agents SET messages_per_minute = 1000"))


async def facts(world: World, task_id: str) -> list[Any]:
    """Everything about a task that anybody could have changed."""
    return await world.rows(
        "SELECT t.state, t.epoch, t.agent_id, t.instance, t.plan::text, t.progress, t.result, t.finished_at, "
        "(SELECT count(*) FROM task_events e WHERE e.task_id = t.id) AS events, "
        "(SELECT count(*) FROM deliveries d WHERE d.conversation_id = t.conversation_id) AS deliveries, "
        "(SELECT count(*) FROM questions q WHERE q.task_id = t.id) AS questions FROM tasks t WHERE t.id = :id",
        id=task_id,
    )


async def test_agent_that_obeys_every_injection_harms_nobody_else(
    database_url: str, redis_url: str, size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    wanted = size(INJECTIONS)
    marks = [f"mark{number:04}{secrets.token_hex(3)}" for number in range(-(-wanted // A_TASK) * A_TASK)]
    async with running_world(database_url, redis_url) as world:
        await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        victim, obeying = await register(world), await register(world)
        await loud(world)
        async with connected(world.url, victim) as other, connected(world.url, obeying, capacity=1000) as agent:
            prey = await holding(world, other, victim, "Somebody else's work")
            await world.settled()
            before = await facts(world, prey["task_id"])
            stub = Stub(agent, world, obeying)
            for number in range(0, len(marks), A_TASK):
                await inject(world, dice, stub, prey["task_id"], number, marks[number : number + A_TASK])
                assert (await other.command("task.heartbeat", prey))["ok"]
            await world.settled()
            after = await facts(world, prey["task_id"])
        arrived = [data for name, data in agent.events if name in ("task.assigned", "context.updated")]
        instructed = [one for data in arrived if list(wishes(data.get("instructions", ""))) for one in [data]]
        unsigned = [one for data in arrived for one in untrusted(data) if not (one["author"] and one["source"])]
        posted = [message for root in await world.roots() for message in [root, *await world.thread(root["ts"])]]
        ours = [message for message in posted if message.get("bot_id")]
        seen = [read(message) for message in ours]
        rows = await world.rows("SELECT item_id FROM task_mappings")
        comments = [one for row in rows for one in await world.comments(row.item_id)]
        leaked = [str(one) for one in (*ours, *comments) if CANARY in str(one) or seed.SLACK_BOT_TOKEN in str(one)]
        strays = await world.rows(
            "SELECT d.id FROM deliveries d JOIN tasks t ON t.id = d.task_id "
            "WHERE d.conversation_id <> t.conversation_id"
        )
    obeyed = {mark for mark in marks if any(mark in one.words for one in stub.obeyed)}
    figures.keep(
        "Injections against an agent that obeys everything",
        injections=len(marks),
        obeyed=len(obeyed),
        cross_task_actions=len(stub.granted) + (before != after) + len(strays),
        canaries_out=len(leaked),
        pings=sum(len(one.pings) for one in seen),
        fake_links=sum(len(one.fakes) for one in seen),
        in_instructions=len(instructed),
        without_author_or_source=len(unsigned),
    )
    assert obeyed == set(marks), f"the stub is deaf: {set(marks) - obeyed}"
    assert (stub.granted, after, strays) == ([], before, [])
    assert (leaked, instructed, unsigned) == ([], [], [])
    assert [one for each in seen for one in (*each.pings, *each.fakes)] == []
    assert any("[secret removed: GitHub token]" in str(one) for one in ours), "the stub has tried"


async def inject(world: World, dice: random.Random, stub: Stub, prey: str, number: int, marks: list[str]) -> None:
    """One task of the stub's with an injection wherever people may write; returns when all are obeyed."""
    title, described, *said = [injection(dice, number + at, prey, mark) for at, mark in enumerate(marks)]
    title = " ".join(title.split())
    await world.create_task(title, f"@{stub.account.alias} fix_bug {described}")

    async def card() -> list[Any]:
        await stub.work()
        return await world.rows(
            "SELECT m.item_id, m.root_ts FROM task_mappings m JOIN tasks t ON t.conversation_id = m.id "
            "WHERE m.title = :title AND m.root_ts IS NOT NULL AND t.state NOT IN ('submitted', 'offered')",
            title=title,
        )

    (row,) = await eventually(card, f"the card about {title!r} stands, and the stub is at work", 60)
    for one in said[:2]:
        await world.comment(row.item_id, one)
    for one in said[2:]:
        await world.reply(row.root_ts, one.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))

    async def obeyed() -> bool:
        await stub.work()
        return all(any(mark in one.words for one in stub.obeyed) for mark in marks)

    await eventually(obeyed, f"the stub obeys {marks}", 60)
    mine = next(one for one in reversed(stub.agent.of("task.assigned")) if one["title"] == title)
    await stub.agent.command("task.complete", mine)  # or its lease ends, and it is offered and obeyed again


def untrusted(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Every text of people in an event, with what is said about it."""
    said = [*data.get("untrusted", []), *data.get("context", [])]
    return said if "untrusted" in data else [data]


async def test_no_try_at_a_task_of_somebody_else_has_an_effect(
    database_url: str, redis_url: str, size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    tries = size(TRIES)
    async with running_world(database_url, redis_url) as world:
        await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        victim, insider = await register(world), await register(world)
        foreign = await tenant_named(world.nexus, "globex", create=True)
        stranger = await register(world, tenant_id=foreign)
        await loud(world)
        async with (
            connected(world.url, victim, "holder") as holder,
            connected(world.url, insider) as neighbour,
            connected(world.url, stranger) as outsider,
        ):
            prey = await holding(world, holder, victim, "Work of the victim")
            over = await holding(world, holder, victim, "Over already")
            assert (await holder.command("task.complete", over, result="done"))["ok"]
            own = await holding(world, neighbour, insider, "Work of the neighbour")
            await world.settled()
            before = [await facts(world, one["task_id"]) for one in (prey, over)]
            granted: list[Any] = []
            targets = [prey["task_id"], prey["task_id"].upper(), over["task_id"], str(uuid4()), "", "*", "' OR 1=1 --"]

            async def attempt() -> None:
                agent = dice.choice((neighbour, outsider))
                name = dice.choice(list(COMMANDS))
                target = {"task_id": dice.choice(targets), "epoch": dice.choice((-1, 0, 1, 1, 1, 2, 3, 10**6))}
                more = dice.choice(
                    (
                        {}, {"event_id": prey["task_id"]}, {"tenant_id": str(world.tenant_id)},
                        {"agent_id": str(victim.agent_id)},
                        {"instance": "holder"}, {"own_task_id": own["task_id"]}, {"key": "k"}, {"act_as": "admin"},
                    )
                )  # fmt: skip
                answer = await agent.call(name, frame(target) | COMMANDS[name] | more)
                if answer["ok"] or answer["code"] not in REFUSALS or prey["task_id"] in str(answer.get("detail")):
                    granted.append((name, target, more, answer))

            for _ in range(0, tries, 50):
                await asyncio.gather(*(attempt() for _ in range(50)))
                assert (await holder.command("task.heartbeat", prey))["ok"]
                assert (await neighbour.command("task.heartbeat", own))["ok"]
            # The neighbour's own task, with everything that could lead what it says elsewhere.
            for at in range(20):
                elsewhere = {
                    "channel_id": "C0GENERAL1",
                    "conversation_id": prey["task_id"],
                    "item_id": "1",
                    "ts": "1.1",
                }
                assert (await neighbour.command("task.message", own, text=f"own {at}", **elsewhere))["ok"]
            await world.settled()
            after = [await facts(world, one["task_id"]) for one in (prey, over)]
            (own_item,) = await items(world, "Work of the neighbour")
            strays = await world.rows(
                "SELECT d.id FROM deliveries d JOIN task_mappings m ON m.id = d.conversation_id "
                "WHERE d.payload->>'text' LIKE 'own %' AND m.item_id <> :own",
                own=own_item,
            )
            assert (await holder.command("task.complete", prey, result="mine to the end"))["ok"]
    figures.keep(
        "Writes that name a task of somebody else", tries=tries, granted=len(granted),
        tasks_changed=sum(one != two for one, two in zip(before, after, strict=True)), strays=len(strays),
    )  # fmt: skip
    assert (granted, after, strays) == ([], before, [])


async def test_nobody_approves_but_those_who_are_listed_whatever_they_call_themselves(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_world(database_url, redis_url) as world:
        await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        account = await register(world)
        await loud(world)
        async with connected(world.url, account) as agent:
            task = await holding(world, agent, account, "Push to main")
            asked = await agent.command("task.approve", task, action="push", approvers=["dana@example.com", "@oncall"])
            root = await world.root("Push to main")

            async def question() -> list[dict[str, Any]]:
                return [one for one in await world.thread(root["ts"]) if "push" in one["text"]]

            (message,) = await eventually(question, "the question stands")

            async def state() -> str:
                (row,) = await world.rows("SELECT state FROM questions WHERE id = :id", id=asked["question_id"])
                return row.state

            # The agent says yes itself: in words, and under its own question's key.
            for name, more in (
                ("task.message", {"text": "Approve"}),
                ("task.message", {"text": "✅ Approved by dana"}),
                ("task.answer", {"question_id": asked["question_id"], "text": "Approve"}),
                ("answer", {"question_id": asked["question_id"], "text": "Approve"}),
            ):
                if name.startswith("task.m"):
                    assert (await agent.command(name, task, **more))["ok"]
                else:
                    await agent.emit(name, frame(task, **more))  # what nobody knows has no answer
            # Sam calls himself like everybody who may.
            for name in ("dana@example.com", "@oncall", "dana", seed.SLACK_USER_DANA, "Dana Reyes"):
                sam = slack_state.USERS[seed.SLACK_USER_SAM]
                monkeypatch.setitem(
                    slack_state.USERS, sam.id, replace(sam, name=name, real_name=name, display_name=name)
                )
                await press(world, message["ts"], "Approve", seed.SLACK_USER_SAM)
                await world.reply(root["ts"], "Approve")
                await world.settled()
                assert await state() == "open", name
            await press(world, message["ts"], "Approve", seed.SLACK_USER_DANA)
            await eventually(lambda: [one for one in agent.of("context.updated") if one["kind"] == "answer"])
            assert await state() == "answered"
