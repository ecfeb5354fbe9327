"""Operators at the same task as agents: given to another, muted, and what the previous holder may still do: nothing."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from gateway.agent_sockets import Account, AgentSocket, connected, register
from gateway.work import set_lease, state_is, task_row, wish
from support.waiting import eventually
from support.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def admin(shared_world: World) -> AsyncGenerator[httpx.AsyncClient]:
    client = await shared_world.admin()
    yield client
    await client.aclose()


async def accepted(agent: AgentSocket, name: str, task: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await agent.command(name, task, **more)
    assert answer["ok"], answer
    return answer


def offers(agent: AgentSocket) -> list[dict[str, Any]]:
    """Each once, although what is not acknowledged is sent again."""
    return list({one["seq"]: one for one in agent.of("task.assigned")}.values())


async def offered(agent: AgentSocket, number: int = 1) -> dict[str, Any]:
    """The offer with this number, as soon as it is there."""
    await eventually(lambda: len(offers(agent)) >= number, f"offer {number}")
    return offers(agent)[number - 1]


async def known(world: World, alias: str) -> Account:
    """Another agent behind the alias, that has been connected before and said what it can do."""
    account = await register(world, alias=alias)
    async with connected(world.url, account, "earlier", capacity=0):
        return account


async def reassign(admin: httpx.AsyncClient, task: dict[str, Any], agent: str | None) -> dict[str, Any]:
    answer = await admin.post(f"/v1/tasks/{task['task_id']}/reassign", json={"agent": agent})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_late_completion_of_the_previous_agent_is_stale_and_the_new_one_finishes(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    first = await register(shared_world)
    second = await known(shared_world, first.alias)
    async with connected(shared_world.url, first) as old:
        title = await wish(shared_world, first)
        task = await offered(old)
        await accepted(old, "task.accept", task)
        async with connected(shared_world.url, second, "two") as new:
            shown = await reassign(admin, task, second.name)
            assert (shown["state"], shown["agent"]) == ("submitted", None) or shown["agent"] == second.name
            canceled = (await eventually(lambda: old.of("task.canceled")))[0]
            assert (canceled["task_id"], canceled["epoch"], canceled["reason"]) == (task["task_id"], 1, "reassigned")
            late = await old.command("task.complete", task, result="written by the wrong one")
            assert (late["ok"], late["code"]) == (False, "stale_epoch")
            anew = await offered(new)
            assert anew["task_id"] == task["task_id"] and anew["epoch"] > task["epoch"]
            for name, more in (
                ("task.heartbeat", {}), ("task.message", {"text": "x"}), ("task.progress", {"text": "x"}),
                ("task.ask", {"question": "x?"}), ("task.fail", {"error": "x"}), ("task.accept", {}),
            ):  # fmt: skip
                answer = await old.command(name, task, **more)
                assert (answer["ok"], answer["code"]) == (False, "stale_epoch"), name
            guessed = await old.command("task.complete", {**task, "epoch": anew["epoch"]}, result="guessed the epoch")
            assert (guessed["ok"], guessed["code"]) == (False, "stale_epoch")
            await accepted(new, "task.accept", anew)
            await accepted(new, "task.complete", anew, result="done by the right one")
    root = await shared_world.root(title)
    await shared_world.settled()
    assert await shared_world.said(root["ts"]) == ["done by the right one"]
    row = await task_row(shared_world, task)
    assert (row.state, row.agent_id, row.result) == ("completed", second.agent_id, "done by the right one")


async def test_event_that_was_answered_before_is_no_way_around_the_fence(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    """A repeated event is answered as before, and has no second effect."""
    account = await register(shared_world)
    async with connected(shared_world.url, account) as agent:
        title = await wish(shared_world, account)
        task = await offered(agent)
        await accepted(agent, "task.accept", task)
        said = {"text": "said once", "event_id": "the-same"}
        first = await accepted(agent, "task.message", task, **said)
        await reassign(admin, task, None)
        assert await accepted(agent, "task.message", task, **said) == first
        root = await shared_world.root(title)
        await shared_world.settled()
        assert await shared_world.said(root["ts"]) == ["said once"]


async def test_process_that_comes_back_and_still_holds_it_is_told_that_it_does_not(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    account = await register(shared_world)
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await offered(agent)
        await accepted(agent, "task.accept", task)
    await reassign(admin, task, None)
    async with connected(shared_world.url, account, None) as agent:
        answer = await agent.hello("one", holding=[{"task_id": task["task_id"], "epoch": task["epoch"]}])
        assert (answer["confirmed"], [one["task_id"] for one in answer["revoked"]]) == ([], [task["task_id"]])


async def test_only_the_chosen_agent_is_offered_a_task_although_another_is_free(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    first = await register(shared_world)
    second = await known(shared_world, first.alias)
    async with connected(shared_world.url, first) as free, connected(shared_world.url, first, "spare") as spare:
        await wish(shared_world, first)
        await eventually(lambda: offers(free) or offers(spare))
        holder = free if offers(free) else spare
        task = await offered(holder)
        await accepted(holder, "task.accept", task)
        before = len(offers(free)) + len(offers(spare))
        await reassign(admin, task, second.name)
        explained = (await admin.get(f"/v1/explain/{task['task_id']}")).json()
        assert explained["summary"] == f"Waits: {second.name}, who was chosen for it, is not online."
        assert {one["reason"] for one in explained["candidates"] if one["agent"] == first.name} == {
            "another agent was chosen for it"
        }
        # Work for everybody goes on, also while this one waits.
        await wish(shared_world, first)
        await eventually(lambda: len(offers(free)) + len(offers(spare)) > before)
        assert await state_is(shared_world, task, "submitted")
        async with connected(shared_world.url, second, "two") as chosen:
            anew = await offered(chosen)
            assert anew["task_id"] == task["task_id"]
            await accepted(chosen, "task.accept", anew)
            await accepted(chosen, "task.complete", anew, result="chosen")


async def test_task_that_is_given_to_whoever_is_free_does_not_go_back_at_once(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    first = await register(shared_world)
    second = await known(shared_world, first.alias)
    async with connected(shared_world.url, first) as old:
        await wish(shared_world, first)
        task = await offered(old)
        await accepted(old, "task.accept", task)
        # Busier than the one that it is taken from.
        async with connected(shared_world.url, second, "two", capacity=2) as new:
            await reassign(admin, task, None)
            anew = await offered(new)
            assert anew["task_id"] == task["task_id"]
            assert len(offers(old)) == 1


async def test_chosen_agent_that_had_it_itself_begins_anew(shared_world: World, admin: httpx.AsyncClient) -> None:
    account = await register(shared_world)
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await offered(agent)
        await accepted(agent, "task.accept", task)
        await reassign(admin, task, account.name)
        anew = await offered(agent, 2)
        assert anew["epoch"] > task["epoch"]
        told = {data["seq"]: name for name, data in agent.events if name.startswith("task.")}
        assert [told[seq] for seq in sorted(told)] == ["task.assigned", "task.canceled", "task.assigned"]
        await accepted(agent, "task.accept", anew)
        await accepted(agent, "task.complete", anew, result="again")


async def test_choice_outlives_a_lost_lease_and_ends_with_the_next_one(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    first = await register(shared_world)
    second = await known(shared_world, first.alias)
    async with connected(shared_world.url, first) as other, connected(shared_world.url, second, "two") as chosen:
        await wish(shared_world, first)
        await eventually(lambda: offers(other) or offers(chosen))
        holder = other if offers(other) else chosen
        task = await offered(holder)
        before = len(offers(chosen))
        await reassign(admin, task, second.name)
        anew = await offered(chosen, before + 1)
        await accepted(chosen, "task.accept", anew)
        others = len(offers(other))
        await set_lease(shared_world, anew, -1)
        again = await offered(chosen, before + 2)
        assert (again["task_id"], len(offers(other))) == (task["task_id"], others)
        await reassign(admin, task, None)
        free = await offered(other, others + 1)
        assert free["task_id"] == task["task_id"]


async def test_answer_to_a_question_reaches_whoever_has_the_task_now(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    first = await register(shared_world)
    second = await known(shared_world, first.alias)
    async with connected(shared_world.url, first) as old:
        title = await wish(shared_world, first)
        task = await offered(old)
        await accepted(old, "task.accept", task)
        asked = await accepted(old, "task.ask", task, question="Which one?", options=["a", "b"], key="which")
        async with connected(shared_world.url, second, "two") as new:
            assert (await reassign(admin, task, second.name))["open_question"] is True
            anew = await offered(new)
            await accepted(new, "task.accept", anew)
            root = await shared_world.root(title)
            await shared_world.reply(root["ts"], "b")
            answers = await eventually(lambda: [one for one in new.of("context.updated") if one["kind"] == "answer"])
            told = answers[0]
            assert (told["question_id"], told["text"]) == (asked["question_id"], "b")
            found = await accepted(new, "task.ask", anew, question="Which one?", options=["a", "b"], key="which")
            assert found["answer"]["text"] == "b", "asked again, it is answered already"
    await shared_world.settled()
    conversation = (await admin.get(f"/v1/tasks/{task['task_id']}/conversation")).json()["items"]
    assert [(one["kind"], one["author"]) for one in conversation if one["kind"] in ("question", "answer")] == [
        ("question", first.name),
        ("answer", "dana"),
    ], "what was typed is the answer, and told once"


async def test_card_says_that_it_waits_again_and_loses_the_old_agents_name(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    account = await register(shared_world)
    second = await known(shared_world, account.alias)
    async with connected(shared_world.url, account) as agent:
        title = await wish(shared_world, account)
        task = await offered(agent)
        await accepted(agent, "task.accept", task)
        root = await shared_world.root(title)

        async def card() -> str:
            (found,) = [one for one in await shared_world.roots(title) if one["ts"] == root["ts"]]
            return json.dumps(found["blocks"])

        async def named() -> bool:
            return account.name in await card()

        async def unnamed() -> bool:
            return account.name not in await card()

        await eventually(named)
        await reassign(admin, task, second.name)
        await eventually(unnamed)


async def test_muted_agent_is_told_and_offered_nothing_until_it_is_unmuted(
    shared_world: World, admin: httpx.AsyncClient
) -> None:
    account = await register(shared_world)
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        held = await offered(agent)
        await accepted(agent, "task.accept", held)
        answer = await admin.post(f"/v1/agents/{account.name}/mute", json={"reason": "too loud"})
        assert answer.status_code == 200, answer.text
        muted = (await eventually(lambda: agent.of("agent.muted")))[0]
        assert muted["reason"] == "too loud"
        title = await wish(shared_world, account)

        async def waits() -> list[Any]:
            query = "SELECT id FROM tasks WHERE title = :title AND state = 'submitted' AND reason = 'muted'"
            return await shared_world.rows(query, title=title)

        await eventually(waits)
        await accepted(agent, "task.complete", held, result="what it held it may finish")
        assert len(offers(agent)) == 1
        await admin.post(f"/v1/agents/{account.name}/unmute")
        unmuted = (await eventually(lambda: agent.of("agent.unmuted")))[0]
        assert unmuted["by"].startswith("adm_")
        assert (await offered(agent, 2))["title"] == title
