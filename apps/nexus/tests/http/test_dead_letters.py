"""Dead letters as an operator looks at them: by cause, each with what it carries, replayed by cause."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from nexus.http.delivery_detail import body_as_json
from nexus.http.parts import HttpParts
from nexus.pipeline.fingerprint import fingerprint
from nexus.store.tables import Delivery, InboxEvent


async def get(api, path: str, member, **params) -> Any:
    answer = await api.get(path, headers=member.headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def more_dead(parts: HttpParts, member, goods, *reasons: str | None, **changes: Any) -> list[UUID]:
    """Dead deliveries beside those that are there."""
    rows = [
        Delivery(
            **(
                {
                    "tenant_id": member.id,
                    "sink": "clickup",
                    "connection_id": goods.tracker,
                    "conversation_id": goods.conversation,
                    "kind": "comment",
                    "effect_key": str(uuid4()),
                    "stream_key": "s",
                    "order_key": 1,
                    "payload": {},
                    "state": "dead",
                    "reason": reason,
                    "settled_at": datetime.now(UTC) + timedelta(minutes=number),
                }
                | changes
            )
        )
        for number, reason in enumerate(reasons, 1)
    ]
    async with parts.db.tenant(member.id) as session:
        session.add_all(rows)
    return [row.id for row in rows]


async def test_failures_of_one_cause_are_one_group_across_tools_and_the_biggest_comes_first(
    api, parts: HttpParts, acme, stock
):
    goods = await stock(acme)
    made = await more_dead(parts, acme, goods, "no answer", "channel C0A1B2C3D gone", "channel C0ZZ9Q8XX gone")
    groups = (await get(api, "/v1/deliveries/groups", acme))["items"]
    assert [(group["reason"], group["count"]) for group in groups[:2]] in (
        [("channel … gone", 2), ("no answer", 2)],
        [("no answer", 2), ("channel … gone", 2)],
    )
    assert {(group["reason"], group["count"]) for group in groups[2:]} == {("cannot be read", 1), ("not invited", 1)}
    by_reason = {group["reason"]: group for group in groups}
    both = by_reason["no answer"]
    assert (both["sinks"], both["kinds"]) == (["clickup", "slack"], ["comment", "reply"])
    assert both["sample_id"] == str(made[0]), "the newest"
    assert both["first_seen_at"] < both["last_seen_at"]
    assert by_reason["channel … gone"]["sample_id"] == str(made[2])
    assert (by_reason["cannot be read"]["sinks"], by_reason["cannot be read"]["kinds"]) == (["clickup"], ["webhook"])
    assert (await get(api, "/v1/deliveries/groups", acme, state="done"))["items"][0]["reason"] == (
        "No reason was written down."
    )
    assert (await get(api, "/v1/deliveries/groups", acme, state="ignored"))["items"] == []


async def test_the_sample_of_a_group_is_the_one_that_failed_last_whenever_it_was_made(
    api, parts: HttpParts, acme, stock
):
    goods = await stock(acme)
    made = await more_dead(parts, acme, goods, "gone 1", "gone 1", "gone 1")
    async with parts.db.tenant(acme.id) as session:
        (await session.get_one(Delivery, made[0])).settled_at = datetime(2030, 1, 1, tzinfo=UTC)
    groups = (await get(api, "/v1/deliveries/groups", acme))["items"]
    assert (groups[0]["count"], groups[0]["sample_id"]) == (3, str(made[0]))
    assert groups[0]["last_seen_at"] == "2030-01-01T00:00:00Z"


async def test_a_group_is_what_its_fingerprint_lists(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    made = await more_dead(parts, acme, goods, "channel C0A1B2C3D gone", "channel C0ZZ9Q8XX gone", None)
    for group in (await get(api, "/v1/deliveries/groups", acme))["items"]:
        rows = (await get(api, "/v1/deliveries", acme, state="dead", fingerprint=group["fingerprint"]))["items"]
        assert len(rows) == group["count"]
        assert {row["fingerprint"] for row in rows} == {group["fingerprint"]}
        assert {row["sink"] for row in rows} == set(group["sinks"])
        assert group["sample_id"] in {row["id"] for row in rows}
    silent = (await get(api, "/v1/deliveries", acme, state="dead", fingerprint=fingerprint(None)))["items"]
    assert [row["id"] for row in silent] == [str(made[2])]
    assert (await get(api, "/v1/deliveries", acme, fingerprint="0" * 16))["items"] == []


async def test_deliveries_are_found_by_tool_and_by_words(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    (comment,) = await more_dead(parts, acme, goods, "100% of it_is gone")

    async def ids(**filters: str) -> set[str]:
        return {row["id"] for row in (await get(api, "/v1/deliveries", acme, **filters))["items"]}

    assert await ids(sink="clickup") == {str(goods.dead_webhook), str(comment)}
    assert await ids(sink="slack", state="dead") == {str(goods.dead_tried), str(goods.dead_untried)}
    assert await ids(q="INVITED") == {str(goods.dead_untried)}
    assert await ids(q="100% of it_") == {str(comment)}
    assert await ids(q="100_ of") == set(), "what looks like a pattern is none"
    assert await ids(q=str(comment)) == {str(comment)}
    of_the_task = {str(one) for one in (goods.dead_tried, goods.dead_untried, goods.done)}
    assert await ids(q=str(goods.task)) == of_the_task
    assert await ids(q=str(goods.conversation)) == of_the_task | {str(goods.dead_webhook), str(comment)}
    mark = goods.agent.removeprefix("fixer-")
    assert await ids(q=f"Task {mark}") == of_the_task, "by the title of the task"
    assert await ids(q=f"I{mark}") == of_the_task | {str(goods.dead_webhook), str(comment)}, "by the item"
    for wrong in ({"q": ""}, {"q": "x" * 201}, {"fingerprint": "x"}, {"sink": "NO"}, {"q": "\x00"}):
        assert (await api.get("/v1/deliveries", params=wrong, headers=acme.headers)).status_code == 400, wrong


async def test_a_delivery_tells_the_task_it_belongs_to(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    mark = goods.agent.removeprefix("fixer-")
    rows = {row["id"]: row for row in (await get(api, "/v1/deliveries", acme))["items"]}
    assert (rows[str(goods.done)]["title"], rows[str(goods.done)]["tool"]) == (f"Task {mark}", "slack")
    webhook = rows[str(goods.dead_webhook)]
    assert (webhook["title"], webhook["tool"], webhook["task_id"]) == (f"Title {mark}", "clickup", None)


async def test_what_a_delivery_carries_is_shown_with_its_tries_and_without_secrets(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    tried = [
        {"at": "2026-03-01T12:00:00+00:00", "outcome": "retry", "reason": "away", "after_seconds": 2},
        {"at": "2026-03-01T12:00:02+00:00", "outcome": "dead", "reason": "no answer"},
    ]
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with parts.db.tenant(acme.id) as session:
        row = await session.get_one(Delivery, goods.dead_tried)
        row.payload = {"text": "use xoxb-1234567890-abcdef", "speaker": {"name": "fixer", "token": "hush"}}
        row.history, row.traceparent, row.external_id = tried, traceparent, "1.5"
    shown = await get(api, f"/v1/deliveries/{goods.dead_tried}", acme)
    assert shown["payload"] == {"text": "use ••••", "speaker": {"name": "fixer", "token": "••••"}}
    assert shown["history"] == [
        {"at": "2026-03-01T12:00:00Z", "outcome": "retry", "reason": "away"},
        {"at": "2026-03-01T12:00:02Z", "outcome": "dead", "reason": "no answer"},
    ]
    assert (shown["conversation_id"], shown["external_id"]) == (str(goods.conversation), "1.5")
    assert (shown["traceparent"], shown["id"], shown["state"]) == (traceparent, str(goods.dead_tried), "dead")
    webhook = await get(api, f"/v1/deliveries/{goods.dead_webhook}", acme)
    assert (webhook["payload"], webhook["external_id"]) == ({"canary": "body"}, None)


async def test_the_body_of_a_webhook_is_shown_however_it_was_sent():
    assert body_as_json(b'{"a": [1]}', "application/json") == {"a": [1]}
    form = b"payload=%7B%22user%22%3A+%22dana%22%7D&x=1&x=2"
    assert body_as_json(form, "application/x-www-form-urlencoded; charset=utf-8") == {
        "payload": {"user": "dana"},
        "x": ["1", "2"],
    }
    assert body_as_json(b"\xff\x00no json", "text/plain") == "\ufffd\x00no json"
    assert body_as_json(b"payload=%7Bbroken", "application/x-www-form-urlencoded") == {"payload": "{broken"}
    assert body_as_json(b"[" * 100_000, "application/json").startswith("[[")
    assert body_as_json(b"&".join([b"a=1"] * 1000), "application/x-www-form-urlencoded").startswith("a=1")


async def test_a_body_that_no_text_can_hold_is_shown_all_the_same(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    for body in (b"\xff\xfe\x00", b'{"a": "\\ud800"}', b'{"a": NaN}', b'{"a": 1e999}', b""):
        async with parts.db.tenant(acme.id) as session:
            (await session.get_one(InboxEvent, goods.dead_webhook)).body = body
        answer = await api.get(f"/v1/deliveries/{goods.dead_webhook}", headers=acme.headers)
        assert answer.status_code == 200, (body, answer.text)


async def test_what_is_not_there_is_404(api, acme, rival, stock):
    goods = await stock(acme)
    for wanted, member in ((uuid4(), acme), (goods.dead_webhook, rival), (goods.done, rival)):
        answer = await api.get(f"/v1/deliveries/{wanted}", headers=member.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await get(api, "/v1/deliveries/groups", rival))["items"] == []


async def test_all_of_one_cause_are_replayed_and_no_others(api, parts: HttpParts, acme, stock, monkeypatch):
    goods = await stock(acme)
    made = await more_dead(parts, acme, goods, *(f"channel C0A1B2C{number}D gone" for number in range(3)))
    wanted = fingerprint("channel C0A1B2C0D gone")
    monkeypatch.setattr("nexus.http.deliveries.MAX_REPLAYS", 2)
    body = {"fingerprint": wanted}
    answer = (await api.post("/v1/deliveries/replay", json=body, headers=acme.headers)).json()
    assert [(item["id"], item["outcome"]) for item in answer["items"]] == [(str(one), "replayed") for one in made[:2]]
    assert answer["remaining"] == 1, "of this cause"
    answer = (await api.post("/v1/deliveries/replay", json=body, headers=acme.headers)).json()
    assert ([item["id"] for item in answer["items"]], answer["remaining"]) == ([str(made[2])], 0)
    answer = (await api.post("/v1/deliveries/replay", json=body, headers=acme.headers)).json()
    assert answer == {"items": [], "remaining": 0}
    async with parts.db.tenant(acme.id) as session:
        left = set(await session.scalars(select(Delivery.id).where(Delivery.state == "dead")))
    assert left == {goods.dead_tried, goods.dead_untried}
    for wrong in ({"fingerprint": "x"}, {**body, "all": True}, {**body, "ids": [str(made[0])]}):
        assert (await api.post("/v1/deliveries/replay", json=wrong, headers=acme.headers)).status_code == 400
