"""Tasks as an operator looks for them and steers them: filters, the conversation, another agent."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from nexus.http.parts import HttpParts
from nexus.store.tables import (
    Agent,
    AgentAlias,
    AgentMessage,
    AgentSession,
    AuditEntry,
    Delivery,
    Message,
    ProjectMapping,
    Question,
    Task,
    TaskEvent,
    TaskMapping,
)


async def get(api, path: str, member, **params) -> Any:
    answer = await api.get(path, headers=member.headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def question(member, task: UUID, **changes: Any) -> Question:
    given = {"kind": "ask", "prompt": "Which one?", "options": ["a", "b"], "approvers": [], "state": "open"}
    return Question(**({"tenant_id": member.id, "task_id": task} | given | changes))


async def test_tasks_are_found_by_words_by_list_and_by_channel(api, acme, stock):
    goods = await stock(acme)
    mark = goods.agent.removeprefix("fixer-")
    task, unmapped = str(goods.task), str(goods.unmapped)

    async def ids(**filters: Any) -> list[str]:
        return [row["id"] for row in (await get(api, "/v1/tasks", acme, **filters))["items"]]

    assert await ids(q=f"ASK {mark}".lower()) == [task]
    assert await ids(q=f"title {mark}") == [unmapped], "a conversation without a task goes by its own title"
    assert await ids(q=task) == await ids(q=str(goods.conversation)) == await ids(q=f"I{mark}") == [task]
    assert await ids(q=f"U{mark}") == [unmapped]
    assert await ids(q="%") == []
    assert await ids(list_id=f"L{mark}") == await ids(channel_id=f"C{mark}") == [task]
    assert await ids(list_id=f"elsewhere-{mark}") == [unmapped]
    assert await ids(list_id="nowhere") == await ids(channel_id="nowhere") == []
    for wrong in ({"q": ""}, {"q": "\x00"}, {"list_id": "a b"}, {"waiting": "maybe"}):
        assert (await api.get("/v1/tasks", params=wrong, headers=acme.headers)).status_code == 400, wrong


@pytest.mark.parametrize("state", ["submitted", "offered"])
async def test_what_waits_is_listed_with_how_long(api, parts: HttpParts, acme, stock, clock, state: str):
    goods = await stock(acme)

    async def waiting() -> dict[str, float]:
        rows = (await get(api, "/v1/tasks", acme, waiting=True))["items"]
        return {row["id"]: row["waiting_seconds"] for row in rows}

    assert list(await waiting()) == [str(goods.unmapped)], "what is worked on does not wait; what has no channel does"
    assert (await get(api, f"/v1/tasks/{goods.task}", acme))["waiting_seconds"] is None
    async with parts.db.tenant(acme.id) as session:
        task = await session.get_one(Task, goods.task)
        task.state, task.created_at = state, clock.now() - timedelta(seconds=90)
    assert (await waiting())[str(goods.task)] == 90
    async with parts.db.tenant(acme.id) as session:
        for kind, reason, seconds in (
            ("task.requeued", "lease_lost", 30),
            ("task.requeued", "not_accepted", 10),
            ("task.offered", None, 5),
        ):
            session.add(
                TaskEvent(
                    tenant_id=acme.id,
                    task_id=goods.task,
                    kind=kind,
                    data={"reason": reason},
                    created_at=clock.now() - timedelta(seconds=seconds),
                )
            )
    assert (await waiting())[str(goods.task)] == 30, "an offer that nobody took does not end the wait"
    async with parts.db.tenant(acme.id) as session:
        (await session.get_one(TaskMapping, goods.unmapped)).closed_at = clock.now()
    assert list(await waiting()) == [str(goods.task)]


async def test_a_task_tells_who_asked_whom_where_and_whether_somebody_must_answer(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with parts.db.tenant(acme.id) as session:
        conversation = await session.get_one(TaskMapping, goods.conversation)
        conversation.requested_by, conversation.snapshot = "Dana Reyes", {"list_name": "Renamed since"}
        (await session.get_one(Task, goods.task)).traceparent = f"00-{trace}-00f067aa0ba902b7-01"
        asked = question(acme, goods.task)
        session.add(asked)
    task = await get(api, f"/v1/tasks/{goods.task}", acme)
    assert (task["alias"], task["requested_by"], task["trace_id"]) == ("squad", "Dana Reyes", trace)
    assert (task["list_name"], task["channel_name"], task["open_question"]) == ("Renamed since", "squad", True)
    async with parts.db.tenant(acme.id) as session:
        (await session.get_one(Question, asked.id)).state = "answered"
    unmapped, task = (await get(api, "/v1/tasks", acme))["items"]
    assert task["open_question"] is False
    assert (unmapped["list_name"], unmapped["channel_name"], unmapped["trace_id"]) == (None, None, None)


async def test_a_channel_keeps_its_name_on_conversations_that_stay_there(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    async with parts.db.tenant(acme.id) as session:
        (await session.get_one(TaskMapping, goods.conversation)).channel_name = "squad"
        mapping = await session.get_one(ProjectMapping, goods.mapping)
        mapping.channel_id, mapping.channel_name = "C9", "elsewhere"
    assert (await get(api, f"/v1/tasks/{goods.task}", acme))["channel_name"] == "squad"


async def test_hops_tell_how_long_they_took_and_each_try(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    at = [datetime(2026, 1, 1, 12, 0, second, tzinfo=UTC) for second in range(10)]
    async with parts.db.tenant(acme.id) as session:
        task = await session.get_one(Task, goods.task)
        task.traceparent = f"00-{trace}-00f067aa0ba902b7-01"
        for row in await session.scalars(select(Delivery).where(Delivery.id != goods.done)):
            await session.delete(row)
        for row in await session.scalars(select(TaskEvent)):
            await session.delete(row)
        sent = await session.get_one(Delivery, goods.done)
        sent.created_at, sent.settled_at, sent.traceparent = at[5], at[7], task.traceparent
        sent.history = [
            {"at": at[6].isoformat(), "outcome": "retry", "reason": "away", "after_seconds": 1},
            {"at": at[7].isoformat(), "outcome": "done", "reason": None},
        ]
        for second, kind, epoch in ((1, "task.submitted", None), (2, "task.offered", 3), (4, "task.accept", 3)):
            data = {"agent_id": str(goods.agent_id)} if kind == "task.offered" else {}
            session.add(
                TaskEvent(
                    tenant_id=acme.id, task_id=goods.task, kind=kind, epoch=epoch, data=data, created_at=at[second]
                )
            )
    path = f"/v1/tasks/{goods.task}/timeline"
    hops = {hop["kind"]: hop for hop in (await get(api, path, acme))["items"]}
    took = {kind: (hop["duration_ms"], hop["level"]) for kind, hop in hops.items() if kind != "webhook.dead"}
    assert took == {
        "task.submitted": (None, "info"),
        "task.offered": (1000, "info"),
        "task.accept": (2000, "info"),
        "delivery.done": (2000, "warning"),
    }
    assert hops["webhook.dead"]["level"] == "error"
    assert hops["task.offered"]["summary"] == f"Task offered to {goods.agent}"
    assert hops["delivery.done"]["started_at"] == "2026-01-01T12:00:05Z"
    assert hops["delivery.done"]["attempts"] == [
        {"at": "2026-01-01T12:00:06Z", "outcome": "retry", "reason": "away"},
        {"at": "2026-01-01T12:00:07Z", "outcome": "done", "reason": None},
    ]
    assert {hops[kind]["trace_id"] for kind in ("task.offered", "delivery.done")} == {trace}
    assert len({hop["id"] for hop in hops.values()}) == len(hops)
    first = await get(api, path, acme, limit=3)
    rest = await get(api, path, acme, cursor=first["next_cursor"])
    paged = {hop["kind"]: hop for hop in first["items"] + rest["items"]}
    assert paged["task.accept"]["duration_ms"] == 2000, "it began on the page before"


def message(member, goods, source: str, text: str, at: datetime, **changes: Any) -> Message:
    given = {
        "tenant_id": member.id,
        "conversation_id": goods.conversation,
        "source": source,
        "external_id": str(uuid4()),
        "author_id": "U1",
        "author_name": "Dana Reyes",
        "text": text,
        "occurred_at": at,
    }
    return Message(**(given | changes))


def delivery(member, goods, kind: str, state: str, payload: dict[str, Any], **changes: Any) -> Delivery:
    chat = kind not in ("comment", "comment_edit", "note", "note_edit")
    given = {
        "tenant_id": member.id,
        "sink": "slack" if chat else "clickup",
        "connection_id": goods.chat if chat else goods.tracker,
        "conversation_id": goods.conversation,
        "kind": kind,
        "effect_key": str(uuid4()),
        "stream_key": "s",
        "order_key": 1,
        "payload": payload,
        "state": state,
    }
    return Delivery(**(given | changes))


async def test_a_conversation_is_what_people_saw_in_both_tools(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    at = [datetime.now(UTC) + timedelta(minutes=minute) for minute in range(12)]
    author = {"id": "U1"}
    async with parts.db.tenant(acme.id) as session:
        for row in await session.scalars(select(Delivery)):
            await session.delete(row)
        conversation = await session.get_one(TaskMapping, goods.conversation)
        conversation.requested_by, conversation.title, conversation.created_at = "Dana Reyes", "Export", at[0]
        synced = message(acme, goods, "slack", "!sync only this year", at[2], permalink="https://chat/p1")
        kept = message(acme, goods, "slack", "just between us", at[3], edited_at=at[4])
        comment = message(acme, goods, "clickup", "any news?", at[5], deleted_at=at[6])
        answered = message(acme, goods, "slack", "a", at[9])
        asked = question(
            acme, goods.task, created_at=at[8], state="answered", answer="a", answered_by="Dana Reyes",
            answered_at=at[9] + timedelta(seconds=1),
        )  # fmt: skip
        session.add_all(
            [
                message(acme, goods, "clickup.description", "Please export", at[0], external_id=str(goods.task)),
                message(acme, goods, "slack.request", "@squad again", at[1]),
                synced, kept, comment, answered, asked,
            ]
        )  # fmt: skip
        await session.flush()
        speaker = {"name": "fixer", "icon": None}
        place = {"channel_id": "C1"}
        event = TaskEvent(tenant_id=acme.id, task_id=goods.task, kind="task.complete", event_id="e9", data={})
        session.add_all(
            [
                event,
                delivery(acme, goods, "card", "done", place),
                delivery(acme, goods, "card_update", "dead", place),
                delivery(
                    acme, goods, "comment", "dead",
                    {**place, "item_id": "I", "ts": "1", "author": author, "text": "only this year"},
                    message_id=synced.id, reason="no such task",
                ),
                delivery(
                    acme, goods, "reply", "done", {**place, "text": "any news?", "speaker": {"name": "Dana (in X)"}},
                    message_id=comment.id,
                ),
                delivery(
                    acme, goods, "reply", "done", {**place, "text": "On it", "speaker": speaker}, created_at=at[7]
                ),
                delivery(
                    acme, goods, "question", "done",
                    {**place, "question_id": str(asked.id), "speaker": speaker}, effect_key=f"question:{asked.id}",
                ),
                delivery(acme, goods, "note", "pending", {"item_id": "I", "question_id": str(asked.id)}),
                delivery(
                    acme, goods, "reply", "sending", {**place, "text": "Exported", "speaker": speaker},
                    effect_key=f"task:{goods.task}:e9", created_at=at[10],
                ),
                delivery(acme, goods, "reply", "done", {**place, "text": "This task has expired"}, created_at=at[11]),
            ]
        )  # fmt: skip
    path = f"/v1/tasks/{goods.task}/conversation"
    said = (await get(api, path, acme))["items"]
    seen = [
        (
            one["kind"],
            one["author_kind"],
            one["author"],
            one["text"],
            {each["tool"]: each["state"] for each in one["seen_in"]},
        )
        for one in said
    ]
    dana = ("person", "Dana Reyes")
    assert seen == [
        ("root", *dana, "Export\n\nPlease export", {"clickup": "origin", "slack": "mirrored"}),
        ("message", *dana, "!sync only this year", {"slack": "origin", "clickup": "failed"}),
        ("message", *dana, "just between us", {"slack": "origin", "clickup": "not_mirrored"}),
        ("message", *dana, "any news?", {"clickup": "origin", "slack": "mirrored"}),
        ("message", "agent", "fixer", "On it", {"slack": "mirrored", "clickup": "not_mirrored"}),
        ("question", "agent", "fixer", "Which one?\na · b", {"slack": "mirrored", "clickup": "pending"}),
        ("answer", *dana, "a", {"slack": "origin", "clickup": "not_mirrored"}),
        ("result", "agent", "fixer", "Exported", {"slack": "pending", "clickup": "not_mirrored"}),
        ("note", "oblivion", "Oblivion", "This task has expired", {"slack": "mirrored", "clickup": "not_mirrored"}),
    ]
    by_text = {one["text"]: one for one in said}
    why = {each["tool"]: each["why"] for each in by_text["!sync only this year"]["seen_in"]}
    assert why == {"slack": None, "clickup": "no such task"}
    assert by_text["!sync only this year"]["seen_in"][0]["url"] == "https://chat/p1"
    assert by_text["just between us"]["seen_in"][1]["why"] == "Only messages that begin with !sync become comments."
    assert by_text["just between us"]["edited_at"] is not None
    assert by_text["any news?"]["deleted_at"] is not None
    paged, cursor = [], None
    for _ in range(20):
        page = await get(api, path, acme, limit=2, **({"cursor": cursor} if cursor else {}))
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == said
    assert (await get(api, f"/v1/tasks/{goods.conversation}/conversation", acme))["items"] == said


async def test_an_answer_by_a_button_is_told_as_well(api, parts: HttpParts, acme, stock, clock):
    goods = await stock(acme)
    async with parts.db.tenant(acme.id) as session:
        asked = question(
            acme, goods.task, kind="approve", state="answered", answer="Approve", answered_by="Otto", options=[],
            answered_at=datetime.now(UTC) + timedelta(seconds=9),
        )  # fmt: skip
        session.add(asked)
        await session.flush()
        about = {"question_id": str(asked.id)}
        session.add(delivery(acme, goods, "question_update", "done", {"channel_id": "C", **about}))
        session.add(delivery(acme, goods, "note_edit", "dead", {"item_id": "I", **about}, reason="gone"))
    said = (await get(api, f"/v1/tasks/{goods.task}/conversation", acme))["items"]
    answer = next(one for one in said if one["kind"] == "answer")
    assert (answer["author"], answer["text"]) == ("Otto", "Approve")
    assert {each["tool"]: each["state"] for each in answer["seen_in"]} == {"slack": "mirrored", "clickup": "failed"}
    assert next(one for one in said if one["kind"] == "question")["text"] == "Which one?"


async def test_a_task_that_has_no_channel_has_a_conversation_in_the_tracker_alone(api, acme, rival, stock):
    goods = await stock(acme)
    (root,) = (await get(api, f"/v1/tasks/{goods.unmapped}/conversation", acme))["items"]
    assert (root["kind"], [each["tool"] for each in root["seen_in"]]) == ("root", ["clickup"])
    for wanted, member in ((uuid4(), acme), (goods.task, rival), (goods.unmapped, rival)):
        answer = await api.get(f"/v1/tasks/{wanted}/conversation", headers=member.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.fixture
async def goods(acme, stock, parts: HttpParts) -> Any:
    """The agent stands behind the alias of its task, and a second one, `other`, does as well."""
    found = await stock(acme)
    await parts.directory.create(acme.id, "other", ["fix_bug"])
    async with parts.db.tenant(acme.id) as session:
        for agent in await session.scalars(select(Agent)):
            session.add(AgentAlias(tenant_id=acme.id, agent_id=agent.id, alias="Squad"))
        (await session.get_one(Task, found.task)).instance = "one"
    return found


async def reassign(api, member, task: Any, **body: Any) -> Any:
    return await api.post(f"/v1/tasks/{task}/reassign", headers=member.headers, json=body or None)


async def test_a_task_is_taken_from_its_agent_and_waits_for_the_other(api, parts: HttpParts, acme, goods):
    answer = await reassign(api, acme, goods.task, agent="other")
    assert answer.status_code == 200, answer.text
    task = answer.json()
    assert (task["state"], task["reason"], task["agent"], task["epoch"]) == ("submitted", "reassigned", None, 3)
    async with parts.db.tenant(acme.id) as session:
        row = await session.get_one(Task, goods.task)
        wanted = await session.scalar(select(Agent.name).where(Agent.id == row.wanted_agent_id))
        (told,) = await session.scalars(select(AgentMessage))
        audit = await session.scalar(select(AuditEntry).where(AuditEntry.action == "task.reassign"))
        kinds = list(await session.scalars(select(TaskEvent.kind).order_by(TaskEvent.created_at)))
    assert wanted == "other"
    assert (told.agent_id, told.event, told.instance) == (goods.agent_id, "task.canceled", "one")
    assert (told.payload["reason"], told.payload["epoch"]) == ("reassigned", 2)
    assert (audit.actor, audit.object, audit.data) == (acme.client_id, str(goods.task), {"to": "other"})
    assert kinds[-2:] == ["task.requeued", "task.reassigned"]


async def test_what_was_not_delivered_to_the_previous_agent_is_taken_back(api, parts: HttpParts, acme, goods):
    async with parts.db.tenant(acme.id) as session:
        session.add(
            AgentMessage(
                tenant_id=acme.id, agent_id=goods.agent_id, seq=1, task_id=goods.task, instance="one",
                event="context.updated", payload={},
            )
        )  # fmt: skip
        (await session.get_one(Agent, goods.agent_id)).next_seq = 2
    await reassign(api, acme, goods.task)
    async with parts.db.tenant(acme.id) as session:
        owed = list(await session.scalars(select(AgentMessage.event).where(AgentMessage.acked_at.is_(None))))
    assert owed == ["task.canceled"]


async def test_an_open_question_belongs_to_the_task_and_stays(api, parts: HttpParts, acme, goods):
    async with parts.db.tenant(acme.id) as session:
        asked = question(acme, goods.task)
        session.add(asked)
        (await session.get_one(Task, goods.task)).state = "input_required"
    task = (await reassign(api, acme, goods.task, agent="other")).json()
    assert (task["state"], task["open_question"]) == ("submitted", True)
    async with parts.db.tenant(acme.id) as session:
        assert (await session.get_one(Question, asked.id)).state == "open"


async def test_a_task_that_nobody_has_yet_can_be_given_to_one_and_to_all_again(api, parts: HttpParts, acme, goods):
    async with parts.db.tenant(acme.id) as session:
        task = await session.get_one(Task, goods.task)
        task.state, task.agent_id, task.instance, task.reason = "submitted", None, None, "agent_offline"

    async def wanted() -> UUID | None:
        async with parts.db.tenant(acme.id) as session:
            return (await session.get_one(Task, goods.task)).wanted_agent_id

    chosen = (await reassign(api, acme, goods.task, agent=goods.agent)).json()
    assert (chosen["state"], chosen["epoch"]) == ("submitted", 2), "nobody's writes have to be fenced off"
    assert await wanted() == goods.agent_id
    assert (await reassign(api, acme, goods.task)).status_code == 200
    assert await wanted() is None
    async with parts.db.tenant(acme.id) as session:
        assert list(await session.scalars(select(AgentMessage))) == [], "nobody has to be told"


async def test_only_who_could_do_it_is_given_a_task(api, parts: HttpParts, acme, goods, everything_of):
    await parts.directory.create(acme.id, "stranger", ["fix_bug"], ["elsewhere"])
    await parts.directory.create(acme.id, "writer", ["write"])
    await parts.directory.create(acme.id, "gone", ["fix_bug"])
    async with parts.db.tenant(acme.id) as session:
        for agent in await session.scalars(select(Agent).where(Agent.name.in_(["writer", "gone"]))):
            session.add(AgentAlias(tenant_id=acme.id, agent_id=agent.id, alias="squad"))
    await parts.directory.revoke(acme.id, "gone")
    before = await everything_of(acme)
    for name, why in (("stranger", "@squad"), ("writer", "fix_bug"), ("gone", "revoked")):
        answer = await reassign(api, acme, goods.task, agent=name)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_capable"), answer.text
        assert name in answer.json()["detail"] and why in answer.json()["detail"]
    unknown = await reassign(api, acme, goods.task, agent="nobody")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert await everything_of(acme) == before


async def test_a_skill_that_a_process_announced_counts_although_it_is_away(api, parts: HttpParts, acme, goods, clock):
    made = await parts.directory.create(acme.id, "learner")
    async with parts.db.tenant(acme.id) as session:
        session.add(AgentAlias(tenant_id=acme.id, agent_id=made.agent_id, alias="squad"))
        session.add(
            AgentSession(
                tenant_id=acme.id, agent_id=made.agent_id, instance="i", gateway="g", sid="s", skills=["fix_bug"],
                capacity=1, version="1", connected_at=clock.now(), last_seen_at=clock.now(), closed_at=clock.now(),
            )
        )  # fmt: skip
    assert (await reassign(api, acme, goods.task, agent="learner")).status_code == 200


async def test_a_task_that_is_over_or_not_begun_stays_as_it_is(api, parts: HttpParts, acme, rival, goods):
    nobody = await reassign(api, acme, goods.unmapped)
    assert (nobody.status_code, nobody.json()["code"]) == (409, "conflict")
    foreign = await reassign(api, rival, goods.task)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    await api.post(f"/v1/tasks/{goods.task}/cancel", headers=acme.headers)
    over = await reassign(api, acme, goods.task, agent="other")
    assert (over.status_code, over.json()["code"]) == (409, "over")
    assert (await get(api, f"/v1/tasks/{goods.task}", acme))["state"] == "canceled"
