"""Agents as an operator handles them: muted, unmuted, with what they hold."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from nexus.http.parts import HttpParts
from nexus.store.tables import Agent, AgentMessage, AgentSession, AuditEntry, Task


async def mute(api, member, name: str, body: Any = None):
    return await api.post(f"/v1/agents/{name}/mute", headers=member.headers, json=body)


async def told(parts: HttpParts, member) -> list[tuple[str, dict[str, Any]]]:
    """What the tenant's agents are owed, oldest first."""
    async with parts.db.tenant(member.id) as session:
        rows = await session.scalars(select(AgentMessage).order_by(AgentMessage.seq))
        return [(row.event, row.payload) for row in rows]


async def test_a_muted_agent_says_so_on_the_roster_and_is_told_why(api, parts: HttpParts, acme, stock, clock):
    goods = await stock(acme)
    answer = await mute(api, acme, goods.agent, {"reason": "floods the thread"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["muted"], answer.json()["muted_reason"]) == (True, "floods the thread")
    assert answer.json()["muted_at"] == clock.now().isoformat().replace("+00:00", "Z")
    (listed,) = (await api.get("/v1/agents", headers=acme.headers)).json()["items"]
    assert listed == answer.json()
    ((event, message),) = await told(parts, acme)
    assert (event, message["reason"], message["seq"]) == ("agent.muted", "floods the thread", 1)


async def test_an_agent_without_a_reason_is_muted_by_somebody(api, acme, stock):
    goods = await stock(acme)
    for body in (None, {}, {"reason": "  "}):
        assert (await mute(api, acme, goods.agent, body)).json()["muted_reason"] == f"muted by {acme.client_id}"


async def test_muting_twice_tells_the_agent_once_and_a_new_reason_again(api, parts: HttpParts, acme, stock, clock):
    goods = await stock(acme)
    first = (await mute(api, acme, goods.agent, {"reason": "one"})).json()
    clock.advance(60)
    assert (await mute(api, acme, goods.agent, {"reason": "one"})).json() == first
    second = (await mute(api, acme, goods.agent, {"reason": "two"})).json()
    assert (second["muted_reason"], second["muted_at"]) == ("two", first["muted_at"])
    assert [message["reason"] for _, message in await told(parts, acme)] == ["one", "two"]


async def test_an_unmuted_agent_is_as_before_and_told_by_whom(api, parts: HttpParts, acme, stock):
    goods = await stock(acme)
    before = (await api.get("/v1/agents", headers=acme.headers)).json()["items"][0]
    await mute(api, acme, goods.agent)
    for _ in range(2):
        answer = await api.post(f"/v1/agents/{goods.agent}/unmute", headers=acme.headers)
        assert (answer.status_code, answer.json()) == (200, before)
    events = await told(parts, acme)
    assert [event for event, _ in events] == ["agent.muted", "agent.unmuted"]
    assert events[1][1]["by"] == acme.client_id
    async with parts.db.tenant(acme.id) as session:
        rows = await session.scalars(select(AuditEntry).where(AuditEntry.action.like("agent.%mute")))
        assert sorted((row.action, row.object) for row in rows) == [
            ("agent.mute", goods.agent),
            ("agent.unmute", goods.agent),
        ]


async def test_who_is_revoked_or_unknown_cannot_be_muted(api, acme, stock):
    goods = await stock(acme)
    assert (await api.delete(f"/v1/agents/{goods.agent}", headers=acme.headers)).status_code == 204
    for name in (goods.agent, "nobody"):
        for act in ("mute", "unmute"):
            answer = await api.post(f"/v1/agents/{name}/{act}", headers=acme.headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_reason_is_one_line(api, acme, stock):
    goods = await stock(acme)
    for reason in ("a\nb", "a\x00", "x" * 201, 5):
        assert (await mute(api, acme, goods.agent, {"reason": reason})).status_code == 400
    assert (await mute(api, acme, goods.agent, {"why": "?"})).status_code == 400


async def test_the_roster_lists_what_an_agent_holds_and_how_it_is_connected(api, parts: HttpParts, acme, stock, clock):
    goods = await stock(acme)
    async with parts.db.tenant(acme.id) as session:
        held = await session.get_one(Task, goods.task)
        (await session.get_one(Agent, goods.agent_id)).icon = ":wrench:"
        session.add(
            AgentSession(
                tenant_id=acme.id,
                agent_id=goods.agent_id,
                instance="one",
                gateway="gw-1",
                sid="s",
                skills=["review"],
                capacity=2,
                version="0.1",
                connected_at=clock.now() - timedelta(hours=1),
                last_seen_at=clock.now(),
            )
        )
    (agent,) = (await api.get("/v1/agents", headers=acme.headers)).json()["items"]
    assert agent["icon"] == ":wrench:"
    assert agent["current_tasks"] == [{"id": str(goods.task), "title": held.title, "state": "working"}]
    (session,) = agent["sessions"]
    assert (session["gateway"], session["skills"]) == ("gw-1", ["review"])
    assert session["connected_at"] == (clock.now() - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    async with parts.db.tenant(acme.id) as session:
        task = await session.get_one(Task, goods.task)
        task.state, task.finished_at = "completed", clock.now()
    (agent,) = (await api.get("/v1/agents", headers=acme.headers)).json()["items"]
    assert agent["current_tasks"] == []
