"""ClickUp → Slack: one card, kept up to date, comments below it."""

import asyncio
import json

from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from oblivion_sandbox import FaultRule, seed


async def test_addressed_task_gets_one_card_however_often_its_creation_is_delivered(linked: World) -> None:
    linked.box.sandbox.core.faults.add(
        FaultRule(vendor="clickup", match="webhook", fault="duplicate", probability=1.0, count=50)
    )
    await linked.create_task("Export loses a row")
    root = await linked.root("Export loses a row")
    await linked.settled()
    assert len(await linked.roots("Export loses a row")) == 1
    assert "http" in json.dumps(root["blocks"])
    (mapping,) = await linked.rows("SELECT slack_channel_id, slack_ts, clickup_task_id FROM task_mappings")
    assert (mapping.slack_channel_id, mapping.slack_ts) == (CHANNEL_ID, root["ts"])
    (channel,) = await linked.rows(
        "SELECT slack_channel_id FROM project_mappings WHERE clickup_list_id = :list", list=LIST_ID
    )
    assert channel.slack_channel_id == CHANNEL_ID


async def test_task_without_alias_gets_nothing(linked: World) -> None:
    await linked.create_task("Write to dana@ai_squad.example", "no call here, `@AI_Squad` is code")
    await eventually(lambda: linked.rows("SELECT 1 FROM inbox WHERE state = 'ignored'"))
    await linked.settled()
    assert await linked.roots() == []
    reasons = {row.reason for row in await linked.rows("SELECT reason FROM inbox")}
    assert all(
        reason.endswith("not addressed: no known alias in the name, the description or the tags") for reason in reasons
    )


async def test_task_that_is_tagged_later_gets_its_card_then(linked: World) -> None:
    item = await linked.create_task("Tagged later", "nothing yet")
    await linked.settled()
    assert await linked.roots() == []
    await linked.people.post(f"/task/{item}/tag/ai_squad")
    await linked.root("Tagged later")


async def test_task_of_an_unlinked_list_is_shown_as_addressed_not_mapped_and_posted_once_linked(world: World) -> None:
    await world.agent_credentials()
    await world.create_task("Waits for a link")
    admin = await world.admin()

    async def listed() -> list[dict[str, object]]:
        return (await admin.get("/v1/tasks")).json()["items"]

    (waiting,) = await eventually(listed)
    assert waiting["mirror"] == "addressed, not mapped"
    assert await world.roots() == []
    answer = await admin.post("/v1/mappings", json={"list_id": LIST_ID, "channel_id": CHANNEL_ID})
    assert answer.status_code == 201, answer.text
    await world.root("Waits for a link")
    await admin.aclose()


async def test_card_follows_the_task(linked: World) -> None:
    item = await linked.create_task("Old title", "@AI_Squad fix_bug")
    root = await linked.root("Old title")
    await linked.change_task(item, name="New title", status="in progress")

    async def redrawn() -> bool:
        (card,) = [one for one in await linked.roots() if one["ts"] == root["ts"]]
        return "New title" in json.dumps(card["blocks"]) and "in progress" in json.dumps(card["blocks"])

    await eventually(redrawn)
    assert len(await linked.roots()) == 1


async def test_comments_appear_once_in_order_under_their_authors_name_and_follow_edits(linked: World) -> None:
    item = await linked.create_task("Commented")
    root = await linked.root("Commented")
    first = await linked.comment(item, "first")
    await linked.comment(item, "second <!channel> & <@U1>")
    await eventually(lambda: _contains(linked, root["ts"], "second"))
    await linked.settled()
    said = await linked.said(root["ts"])
    assert [text for text in said if "first" in text or "second" in text] == [
        "first",
        "second &lt;!channel&gt; &amp; &lt;@U1&gt;",
    ]
    author = next(one["username"] for one in await linked.thread(root["ts"]) if one["text"] == "first")
    assert author.startswith("Dana Reyes")
    await linked.people.put(f"/comment/{first}", json={"comment_text": "first, corrected"})
    await eventually(lambda: _contains(linked, root["ts"], "first, corrected"))
    await linked.settled()
    assert len([text for text in await linked.said(root["ts"]) if "first" in text]) == 1


async def _contains(world: World, root_ts: str, text: str) -> bool:
    return any(text in said for said in await world.said(root_ts))


async def test_deleted_task_closes_its_card_and_stops_the_task(linked: World) -> None:
    item = await linked.create_task("Deleted soon")
    root = await linked.root("Deleted soon")
    await linked.people.delete(f"/task/{item}")
    await eventually(lambda: linked.rows("SELECT 1 FROM tasks WHERE state = 'canceled'"))

    async def buried() -> bool:
        (card,) = [one for one in await linked.roots() if one["ts"] == root["ts"]]
        return "deleted" in json.dumps(card["blocks"]) and "oblivion_stop" not in json.dumps(card["blocks"])

    await eventually(buried)


async def test_post_that_slack_took_without_answering_is_found_and_not_repeated(linked: World) -> None:
    linked.box.sandbox.core.faults.add(
        FaultRule(vendor="slack", match="chat.postMessage", token="bot", fault="accept_then_cut", count=1)
    )
    await linked.create_task("Cut off")
    await linked.root("Cut off")
    await linked.settled()
    assert len(await linked.roots("Cut off")) == 1
    posts = linked.box.sandbox.core.recorder.find_calls("slack", "chat.postMessage", 0)
    assert len(posts) == 1, "looked up instead of sent again"
    (card,) = await linked.rows("SELECT attempts, state FROM deliveries WHERE kind = 'card'")
    assert (card.attempts, card.state) == (2, "done")


async def test_channel_that_refuses_makes_a_dead_letter_that_says_what_to_do(linked: World) -> None:
    linked.box.sandbox.core.faults.add(
        FaultRule(vendor="slack", match="chat.postMessage", token="bot", fault="reject_error", error="is_archived")
    )
    await linked.create_task("Nowhere to go")
    (dead,) = await eventually(lambda: linked.rows("SELECT id, reason FROM deliveries WHERE state = 'dead'"))
    assert "archived" in dead.reason.lower()
    linked.box.sandbox.core.faults.remove(None)
    admin = await linked.admin()
    listed = (await admin.get("/v1/deliveries", params={"state": "dead"})).json()["items"]
    assert [one["id"] for one in listed] == [str(dead.id)]
    replayed = await admin.post(f"/v1/deliveries/{dead.id}/replay")
    assert replayed.status_code in (200, 202), replayed.text
    await linked.root("Nowhere to go")
    await admin.aclose()


async def test_burst_of_tasks_gives_one_card_each(linked: World) -> None:
    await asyncio.gather(*(linked.create_task(f"Burst {number:02}") for number in range(12)))
    await eventually(lambda: _count(linked, 12), seconds=30)
    await linked.settled()
    titles = [root["text"].split(" —")[0] for root in await linked.roots("Burst")]
    assert sorted(titles) == [f"Burst {number:02}" for number in range(12)]


async def _count(world: World, wanted: int) -> bool:
    return len(await world.roots("Burst")) >= wanted


async def test_bots_own_token_may_create_an_addressed_task(linked: World) -> None:
    await linked.people.post(
        f"/list/{LIST_ID}/task",
        json={"name": "By the bot", "markdown_description": "@AI_Squad"},
        headers={"Authorization": seed.CLICKUP_TOKEN_BOT},
    )
    await linked.root("By the bot")
