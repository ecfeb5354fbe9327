"""`GET /v1/explain/{id}`: why it waits, why it was not mirrored, why nothing happened."""

from typing import Any

from flows.test_sync import working
from support.waiting import eventually
from support.world import World

from oblivion import Context, TaskAssigned


async def explained(world: World, wanted: object) -> dict[str, Any]:
    async with await world.admin() as api:
        answer = await api.get(f"/v1/explain/{wanted}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_waiting_task_says_who_could_take_it_and_what_keeps_each_from_it(linked: World) -> None:
    item = await linked.create_task("Why does it wait")
    await linked.root("Why does it wait")
    why = await explained(linked, item)
    assert why["kind"] == "task"
    assert why["summary"] == "Waits: no agent behind @AI_Squad is online."
    assert why["candidates"] == [{"agent": "fixer", "instance": None, "eligible": False, "reason": "not online"}]
    assert any("is linked to the channel #ai-squad" in step["text"] for step in why["steps"])


async def test_busy_agent_and_open_question_are_told(linked: World) -> None:
    async def handle(_task: TaskAssigned, ctx: Context) -> str:
        return await ctx.ask("Which branch?")

    async with working(linked, handle, drain_seconds=0):
        first = await linked.create_task("First")
        await eventually(lambda: linked.rows("SELECT 1 FROM questions"))
        second = await linked.create_task("Second")
        await linked.root("Second")
        assert (await explained(linked, first))["summary"] == "fixer waits for an answer from people: Which branch?"
        why = await explained(linked, second)
        assert why["summary"] == "Waits: every agent behind @AI_Squad is busy."
        assert [one["reason"] for one in why["candidates"]] == ["busy: 1 of 1 slots taken"]


async def test_what_was_not_mirrored_and_what_had_no_effect_say_why(world: World) -> None:
    world.agents["fixer"] = await world.agent_credentials("fixer")
    item = await world.create_task("Not linked yet")
    await eventually(lambda: world.rows("SELECT 1 FROM task_mappings"))
    why = await explained(world, item)
    assert (why["kind"], why["state"]) == ("conversation", "not mirrored")
    assert "is linked to no channel" in why["summary"]
    await world.create_task("Nobody is called", "just a note")
    await world.settled()
    (row,) = await world.rows("SELECT id FROM inbox WHERE reason LIKE 'not addressed%' LIMIT 1")
    why = await explained(world, row.id)
    assert (why["kind"], why["state"]) == ("event", "ignored")
    assert "no known alias" in why["summary"]


async def test_delivery_and_message_are_found_and_foreign_things_are_not(linked: World) -> None:
    await linked.create_task("Found")
    root = await linked.root("Found")
    await linked.settled()
    (row,) = await linked.rows("SELECT id FROM deliveries WHERE kind = 'card'")
    assert (await explained(linked, row.id))["summary"] == f"The card to slack stands there as {root['ts']}."
    assert (await explained(linked, root["ts"]))["kind"] == "task"
    async with await linked.admin() as api:
        assert (await api.get("/v1/explain/nothing-of-the-kind")).status_code == 404
        assert (await api.get(f"/v1/explain/{linked.tenant_id}")).status_code == 404
