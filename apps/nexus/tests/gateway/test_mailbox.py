"""Durable events: in order of `seq`, again until they are acknowledged, and never more than a process can bear."""

import json
from typing import Any

import pytest
from gateway.agent_sockets import Account, connected, owe
from support.waiting import eventually
from support.world import World

from nexus.gateway import sink

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def unacked(world: World, account: Account) -> list[int]:
    """What is still owed."""
    rows = await world.rows(
        "SELECT seq FROM agent_messages WHERE agent_id = :agent AND acked_at IS NULL ORDER BY seq",
        agent=account.agent_id,
    )
    return [row.seq for row in rows]


async def test_events_come_in_order_and_again_until_they_are_acknowledged(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, "a", "b", "c")
        await eventually(lambda: len(agent.events) >= 6, "everything twice")
        assert agent.seqs()[:6] == [1, 2, 3, 1, 2, 3]
        assert [data["reason"] for data in agent.of("agent.muted")[:3]] == ["a", "b", "c"]
        assert len({data["delivery_id"] for data in agent.of("agent.muted")}) == 3
        assert await agent.call("ack", {"seq": 2}) == {"ok": True}
        heard = len(agent.events)
        await eventually(lambda: len(agent.events) >= heard + 2, "what is left, twice")
        assert set(agent.seqs()[heard:]) == {3}
        await agent.call("ack", {"seq": 3})
        assert await unacked(shared_world, account) == []


async def test_acknowledged_events_are_not_sent_again(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "RESEND_SECONDS", 0.1)
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, "a")
        await eventually(agent.seqs)
        await agent.call("ack", {"seq": 1})
        heard = len(agent.events)
        await owe(shared_world, account, "b")
        await eventually(lambda: len(agent.events) >= heard + 3, "the next one, three times")
        assert set(agent.seqs()[heard:]) == {2}


async def test_event_that_is_acknowledged_while_the_gateway_is_sending_is_not_sent_again(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round below has read both events from the database; the acknowledgement arrives before it is through."""
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, "a", "b")
        await eventually(lambda: agent.seqs() == [1, 2])
        emit = shared_world.gateway._sink._emit
        heard: list[int] = []

        async def overtaken(sid: str, event: str, payload: dict[str, Any]) -> None:
            await emit(sid, event, payload)
            if payload["seq"] == 1 and not heard:
                await agent.call("ack", {"seq": 2})
                heard.append(len(agent.events))

        monkeypatch.setattr(shared_world.gateway._sink, "_emit", overtaken)
        await eventually(lambda: heard)
        await owe(shared_world, account, "c")
        await eventually(lambda: 3 in agent.seqs())
        assert 2 not in agent.seqs()[heard[0] :]


async def test_acknowledgement_is_cumulative(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, "a", "b", "c", "d")
        await eventually(lambda: len(agent.events) >= 4)
        await agent.call("ack", {"seq": 3})
        assert await unacked(shared_world, account) == [4]
        await agent.call("ack", {"seq": 1})
        assert await unacked(shared_world, account) == [4]


async def test_reconnect_replays_exactly_what_was_not_acknowledged_in_order(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "RESEND_SECONDS", 60)
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, "a", "b", "c")
        await eventually(lambda: len(agent.events) == 3)
        await agent.call("ack", {"seq": 1})
    await owe(shared_world, account, "d")
    async with connected(shared_world.url, account, None) as agent:
        answer = await agent.hello(last_seq=1)
        assert answer["replayed"] == 3
        await owe(shared_world, account, "e")
        await eventually(lambda: 5 in agent.seqs())
        assert agent.seqs() == [2, 3, 4, 5]
        assert [data["reason"] for data in agent.of("agent.muted")] == ["b", "c", "d", "e"]


async def test_what_hello_says_was_read_is_not_replayed_even_if_its_acknowledgement_was_lost(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "RESEND_SECONDS", 60)
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, "a", "b", "c")
        await eventually(lambda: len(agent.events) == 3)
    async with connected(shared_world.url, account, None) as agent:
        answer = await agent.hello(last_seq=2)
        await eventually(lambda: 3 in agent.seqs())
        assert answer["replayed"] == len(agent.events) == 1, agent.seqs()


async def test_events_of_one_process_are_not_acknowledged_by_another(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account, "one"), connected(shared_world.url, account, "two") as two:
        await owe(shared_world, account, "for one", instance="one")
        await owe(shared_world, account, "for two", instance="two")
        await eventually(two.seqs)
        await two.call("ack", {"seq": 2})
        assert await unacked(shared_world, account) == [1]


async def test_event_for_all_processes_reaches_each_of_them(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account, "one") as one, connected(shared_world.url, account, "two") as two:
        await owe(shared_world, account, "for all", instance=None)
        await eventually(lambda: one.seqs() and two.seqs())


async def test_process_that_takes_nothing_over_is_sent_64_events_and_no_more(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "RESEND_SECONDS", 60)
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, *(f"note {number}" for number in range(70)))
        await eventually(lambda: len(agent.events) >= 64)
        await _pumped(shared_world)
        assert agent.seqs() == list(range(1, 65))
        await agent.call("ack", {"seq": 4})
        await eventually(lambda: len(agent.events) >= 68)
        await _pumped(shared_world)
        assert agent.seqs() == list(range(1, 69))


async def test_process_that_takes_nothing_over_is_sent_one_mebibyte_and_no_more(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "RESEND_SECONDS", 60)
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, *("x" * 39_000 for _ in range(40)))
        await eventually(lambda: len(agent.events) >= 20)
        await _pumped(shared_world)
        on_the_way = sum(len(json.dumps(data)) for _, data in agent.events)
        assert on_the_way <= 1024 * 1024, f"{len(agent.events)} events of {on_the_way} bytes"
        await agent.call("ack", {"seq": 20})
        await eventually(lambda: 40 in agent.seqs())


async def _pumped(world: World) -> None:
    """Returns when the gateway has looked twice at what is due."""
    looks = 0
    pump = world.gateway._sink.pump

    async def counted(sessions):
        nonlocal looks
        sent = await pump(sessions)
        looks += 1
        return sent

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.gateway._sink, "pump", counted)
        await eventually(lambda: looks >= 2)


async def test_small_event_does_not_overtake_a_large_one_that_has_to_wait(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One acknowledgement says that everything before it was read: what is skipped would be lost."""
    monkeypatch.setattr(sink, "MAX_UNACKED_BYTES", 3000)
    async with connected(shared_world.url, account) as agent:
        await owe(shared_world, account, "a" * 1500, "b" * 2000, "c")
        await eventually(lambda: len(agent.seqs()) >= 3, "the first one again and again")
        assert set(agent.seqs()) == {1}
        await agent.call("ack", {"seq": 1})
        await eventually(lambda: 3 in agent.seqs(), "what waited")
        assert agent.seqs()[agent.seqs().index(2) :][:2] == [2, 3]
