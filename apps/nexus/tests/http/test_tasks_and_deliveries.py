"""Tasks with their timelines, and dead letters with their second life."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from sqlalchemy import select

from nexus.http.parts import HttpParts
from nexus.store.tables import AuditEntry, Delivery, InboxEvent, Task, TaskEvent, TaskMapping


async def get(api, path: str, member, **params) -> dict:
    answer = await api.get(path, headers=member.headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def walk(api, path: str, member, **params) -> list[dict]:
    """All items of all pages."""
    items, cursor = [], None
    for _ in range(50):
        page = await get(api, path, member, **params, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        assert len(page["items"]) <= params["limit"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError("the pages never end")


def task_row(member, conversation, **changes) -> Task:
    given = {
        "tenant_id": member.id,
        "conversation_id": conversation,
        "alias": "a",
        "type": "t",
        "title": "Again",
        "instructions": "i",
        "expires_at": datetime.now(UTC) + timedelta(days=1),
    }
    return Task(**(given | changes))


async def test_tasks_are_listed_also_where_nobody_was_asked_yet(api, acme, stock):
    goods = await stock(acme)
    unmapped, mapped = (await get(api, "/v1/tasks", acme))["items"]
    assert (unmapped["id"], unmapped["state"], unmapped["epoch"]) == (str(goods.unmapped), None, 0)
    assert unmapped["mirror"] == "addressed, not mapped"
    assert unmapped["list_id"] in unmapped["reason"]
    assert (mapped["id"], mapped["conversation_id"]) == (str(goods.task), str(goods.conversation))
    assert (mapped["state"], mapped["mirror"], mapped["epoch"]) == ("working", "mirrored", 2)
    assert (mapped["agent"], mapped["type"]) == (goods.agent, "fix_bug")


async def test_a_conversation_shows_its_latest_task_and_earlier_ones_by_id(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    async with parts.db.tenant(acme.id) as session:
        first = await session.get(Task, goods.task)
        first.state, first.finished_at = "completed", datetime.now(UTC)
        await session.flush()
        second = task_row(acme, goods.conversation)
        session.add(second)
    listed = (await get(api, "/v1/tasks", acme))["items"]
    assert [row["id"] for row in listed] == [str(goods.unmapped), str(second.id)]
    assert (await get(api, f"/v1/tasks/{goods.task}", acme))["state"] == "completed"
    assert (await get(api, f"/v1/tasks/{goods.conversation}", acme))["id"] == str(second.id)


async def test_tasks_are_filtered_by_state_mirror_and_agent(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    async with parts.db.tenant(acme.id) as session:
        (await session.get(TaskMapping, goods.unmapped)).closed_at = datetime.now(UTC)
    working, closed = str(goods.task), str(goods.unmapped)

    async def ids(**filters) -> list[str]:
        return [row["id"] for row in (await get(api, "/v1/tasks", acme, **filters))["items"]]

    assert await ids(state="working") == [working]
    assert await ids(state=["submitted", "working"]) == [working]
    assert await ids(state="submitted") == []
    assert await ids(mirror="mirrored") == [working]
    assert await ids(mirror="closed") == [closed]
    assert await ids(mirror="addressed, not mapped") == []
    assert await ids(agent=goods.agent) == [working]
    assert await ids(agent="nobody") == []
    wrong = await api.get("/v1/tasks", params={"state": "maybe"}, headers=acme.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid")


async def test_task_pages_have_no_gaps_or_repeats_while_new_ones_come(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    same_instant = datetime.now(UTC)

    def conversation(number: int, at: datetime) -> TaskMapping:
        return TaskMapping(
            tenant_id=acme.id,
            tracker="clickup",
            tracker_connection_id=goods.tracker,
            title=str(number),
            url="u",
            snapshot={},
            alias="a",
            item_id=f"{goods.tracker}-{number}",
            list_id="l",
            created_at=at,
        )

    async with parts.db.tenant(acme.id) as session:
        session.add_all([conversation(number, same_instant) for number in range(7)])
    first = await get(api, "/v1/tasks", acme, limit=4)
    async with parts.db.tenant(acme.id) as session:
        session.add(conversation(99, same_instant + timedelta(seconds=1)))
    rest = await get(api, "/v1/tasks", acme, limit=100, cursor=first["next_cursor"])
    seen = [row["id"] for row in first["items"] + rest["items"]]
    assert len(seen) == len(set(seen)) == 9
    assert len(await walk(api, "/v1/tasks", acme, limit=1)) == 10


async def test_unknown_tasks_are_404_and_no_ids_are_400(api, acme):
    for path in ("/v1/tasks/{}", "/v1/tasks/{}/timeline"):
        missing = await api.get(path.format(uuid4()), headers=acme.headers)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
        assert (await api.get(path.format("x"), headers=acme.headers)).status_code == 400
    assert (await api.post(f"/v1/tasks/{uuid4()}/cancel", headers=acme.headers)).status_code == 404


async def test_a_timeline_merges_webhooks_events_and_effects_by_time(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    at = {name: datetime(2026, 1, 1, 12, minute, tzinfo=UTC) for minute, name in enumerate("abcdef")}
    async with parts.db.tenant(acme.id) as session:
        (await session.get(InboxEvent, goods.dead_webhook)).created_at = at["a"]
        (await session.scalar(select(TaskEvent).where(TaskEvent.task_id == goods.task))).created_at = at["b"]
        (await session.get(Delivery, goods.done)).settled_at = at["c"]
        (await session.get(Delivery, goods.dead_tried)).settled_at = at["d"]
        (await session.get(Delivery, goods.dead_untried)).settled_at = at["e"]
        other = task_row(acme, goods.conversation, state="canceled", finished_at=at["f"])
        session.add(other)
        await session.flush()
        session.add(TaskEvent(tenant_id=acme.id, task_id=other.id, kind="other.task", created_at=at["f"]))
        foreign = await session.get(Delivery, goods.dead_untried)
        foreign.task_id = other.id
    hops = (await get(api, f"/v1/tasks/{goods.task}/timeline", acme))["items"]
    kinds = ["webhook.dead", "task.accepted", "delivery.done", "delivery.dead"]
    assert [hop["kind"] for hop in hops] == kinds
    assert hops[0]["summary"] == "Webhook from clickup: dead (cannot be read)"
    assert hops[1]["summary"].startswith("Task accepted (why ")
    assert hops[2]["data"]["external_id"] == "1.2"
    assert "canary" not in str(hops)
    paged = await walk(api, f"/v1/tasks/{goods.task}/timeline", acme, limit=2)
    assert paged == hops
    whole = (await get(api, f"/v1/tasks/{goods.conversation}/timeline", acme))["items"]
    assert [hop["kind"] for hop in whole] == [*kinds, "delivery.dead", "other.task"]


async def test_a_task_is_canceled_once(api, acme, stock):
    goods = await stock(acme)
    path = f"/v1/tasks/{goods.task}/cancel"
    answer = await api.post(path, headers=acme.headers)
    assert (answer.status_code, answer.json()["state"]) == (200, "canceled")
    assert acme.client_id in answer.json()["reason"]
    again = await api.post(path, headers=acme.headers)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    nobody = await api.post(f"/v1/tasks/{goods.unmapped}/cancel", headers=acme.headers)
    assert nobody.status_code == 409


async def test_dead_letters_of_both_directions_are_one_list(api, acme, stock):
    goods = await stock(acme)
    rows = (await get(api, "/v1/deliveries", acme, state="dead"))["items"]
    assert {(row["id"], row["origin"]) for row in rows} == {
        (str(goods.dead_webhook), "inbox"),
        (str(goods.dead_tried), "outbox"),
        (str(goods.dead_untried), "outbox"),
    }
    webhook = next(row for row in rows if row["origin"] == "inbox")
    assert (webhook["sink"], webhook["kind"], webhook["reason"]) == ("clickup", "webhook", "cannot be read")
    assert webhook["attempts"] == 12
    everything = await walk(api, "/v1/deliveries", acme, limit=1)
    assert len(everything) == 4
    assert [row["created_at"] for row in everything] == sorted((row["created_at"] for row in everything), reverse=True)
    inbox = (await get(api, "/v1/deliveries", acme, origin="inbox"))["items"]
    assert [row["id"] for row in inbox] == [str(goods.dead_webhook)]
    assert (await get(api, "/v1/deliveries", acme, state="ignored"))["items"] == []


async def test_a_replayed_webhook_is_pending_as_if_for_the_first_time(api, parts: HttpParts, acme, stock, clock):
    goods = await stock(acme)
    answer = await api.post(f"/v1/deliveries/{goods.dead_webhook}/replay", headers=acme.headers)
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")
    async with parts.db.tenant(acme.id) as session:
        row = await session.get(InboxEvent, goods.dead_webhook)
        audit = await session.scalar(select(AuditEntry).where(AuditEntry.action == "delivery.replay"))
    assert (row.state, row.reason, row.attempts, row.crashes) == ("pending", None, 0, 0)
    assert (row.settled_at, row.claimed_by, row.available_at) == (None, None, clock.now())
    assert (audit.actor, audit.object) == (acme.client_id, str(goods.dead_webhook))


async def test_a_delivery_that_may_have_happened_is_looked_up_before_it_is_sent_again(
    api, parts: HttpParts, acme, stock
):
    goods = await stock(acme)
    for wanted in (goods.dead_tried, goods.dead_untried):
        assert (await api.post(f"/v1/deliveries/{wanted}/replay", headers=acme.headers)).status_code == 200
    async with parts.db.tenant(acme.id) as session:
        tried = await session.get(Delivery, goods.dead_tried)
        untried = await session.get(Delivery, goods.dead_untried)
    assert (tried.state, tried.claimed_by) == ("sending", None)
    assert tried.attempted_at is not None
    assert (untried.state, untried.attempts, untried.crashes) == ("pending", 0, 0)


async def test_only_dead_rows_are_replayed(api, acme, stock, everything_of):
    goods = await stock(acme)
    before = await everything_of(acme)
    done = await api.post(f"/v1/deliveries/{goods.done}/replay", headers=acme.headers)
    assert (done.status_code, done.json()["code"]) == (409, "not_dead")
    assert (await api.post(f"/v1/deliveries/{uuid4()}/replay", headers=acme.headers)).status_code == 404
    assert await everything_of(acme) == before


async def test_several_are_replayed_with_an_outcome_for_each(api, acme, stock):
    goods, missing = await stock(acme), uuid4()
    wanted = [goods.dead_webhook, goods.dead_tried, goods.done, missing, goods.dead_webhook]
    answer = await api.post("/v1/deliveries/replay", json={"ids": [str(one) for one in wanted]}, headers=acme.headers)
    assert {item["id"]: item["outcome"] for item in answer.json()["items"]} == {
        str(goods.dead_webhook): "replayed",
        str(goods.dead_tried): "replayed",
        str(goods.done): "not_dead",
        str(missing): "not_found",
    }
    assert len(answer.json()["items"]) == 4
    assert answer.json()["remaining"] == 1


async def test_all_are_replayed_and_only_of_this_tenant(api, acme, rival, stock):
    await stock(acme)
    await stock(rival)
    answer = await api.post("/v1/deliveries/replay", json={"all": True}, headers=acme.headers)
    assert [item["outcome"] for item in answer.json()["items"]] == ["replayed"] * 3
    assert answer.json()["remaining"] == 0
    assert (await get(api, "/v1/deliveries", acme, state="dead"))["items"] == []
    assert len((await get(api, "/v1/deliveries", rival, state="dead"))["items"]) == 3


async def test_a_replay_of_all_is_no_flood(api, acme, stock, monkeypatch):
    await stock(acme)
    monkeypatch.setattr("nexus.http.deliveries.MAX_REPLAYS", 2)
    answer = (await api.post("/v1/deliveries/replay", json={"all": True}, headers=acme.headers)).json()
    assert (len(answer["items"]), answer["remaining"]) == (2, 1)


async def test_a_replay_must_say_what(api, acme):
    for body in ({}, {"all": False}, {"ids": []}, {"all": True, "ids": [str(uuid4())]}, {"ids": ["x"]}):
        answer = await api.post("/v1/deliveries/replay", json=body, headers=acme.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), body
