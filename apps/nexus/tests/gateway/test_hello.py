"""The first frame of a connection, and which of several connections speaks for a process."""

import asyncio
from typing import Any

import pytest
from gateway.agent_sockets import Account, AgentSocket, another_gateway, connected, owe, raw, register
from gateway.work import wish
from support.waiting import eventually
from support.world import World

from nexus.gateway import server, sockets
from nexus.gateway.sessions import Opened, Sessions
from oblivion_protocol import HelloAnswer

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_HELLO: list[Any] = [
    None,
    "hello",
    [],
    {},
    {"instance": ""},
    {"instance": "x" * 129},
    {"instance": 7},
    {"instance": "one", "last_seq": -1},
    {"instance": "one", "capacity": 1001},
    {"instance": "one", "skills": ["no spaces"]},
    {"instance": "one", "skills": ["s"] * 101},
    {"instance": "one", "holding": [{"task_id": "t", "epoch": 0}]},
]
NOT_COMMANDS: list[tuple[str, Any]] = [
    ("ack", None),
    ("ack", {"seq": -1}),
    ("ack", {"seq": "many"}),
    ("auth.refresh", {"token": ""}),
    ("task.accept", None),
    ("task.accept", {"task_id": "t", "epoch": 1}),
    ("task.complete", {"task_id": "t", "epoch": 0, "event_id": "e"}),
    ("task.complete", {"task_id": "t", "epoch": 1, "event_id": "e", "result": "x" * 40_001}),
    ("task.message", {"task_id": "t", "epoch": 1, "event_id": "e", "text": ""}),
]


async def test_hello_is_answered_with_what_the_process_must_know(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account, None) as agent:
        answer = await agent.hello(unknown_field="is ignored")
    welcome = HelloAnswer.model_validate(answer)
    assert (welcome.agent_id, welcome.session_epoch) == (str(account.agent_id), 1)
    assert (welcome.lease_seconds, welcome.heartbeat_seconds) == (60, 20)
    assert (welcome.confirmed, welcome.revoked, welcome.replayed) == ([], [], 0)


async def test_frames_that_do_not_parse_are_answered_invalid_and_the_connection_survives(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account, None) as agent:
        for wrong in NOT_HELLO:
            answer = await agent.call("hello", wrong)
            assert (answer["ok"], answer["code"]) == (False, "invalid"), wrong
            assert answer["detail"]
        await agent.hello()
        for name, wrong in NOT_COMMANDS:
            answer = await agent.call(name, wrong)
            assert (answer["ok"], answer["code"]) == (False, "invalid"), (name, wrong)
        await agent.emit("no.such.event", {"of": "a newer agent"})
        assert await agent.call("ack", {"seq": 0}) == {"ok": True}
        assert not agent.closed.is_set()


async def test_commands_before_hello_are_invalid(shared_world: World, account: Account) -> None:
    command = {"task_id": "t", "epoch": 1, "event_id": "e"}
    async with connected(shared_world.url, account, None) as agent:
        for name, data in (("ack", {"seq": 0}), ("task.accept", command), ("task.heartbeat", command)):
            assert await agent.call(name, data) == {"ok": False, "code": "invalid", "detail": "say hello first"}


async def test_socket_that_never_says_hello_is_closed(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HELLO_SECONDS", 0.5)
    async with connected(shared_world.url, account, "polite") as polite:
        mute = await AgentSocket(shared_world.url, account.token).open()
        await mute.gone(3)
        assert not polite.closed.is_set()


async def test_socket_that_is_sent_away_but_stays_is_cut_off(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HELLO_SECONDS", 0.3)
    async with raw(shared_world.url) as stubborn:
        await stubborn.send('40/agents,{"token":"' + account.token + '"}')
        await stubborn.receive("41/agents")
        assert await stubborn.closed(3), "told to go, it keeps the connection for as long as it likes"


async def test_second_connection_of_a_process_takes_over_and_the_older_one_is_closed_at_once(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "TOUCH_SECONDS", 60)  # not by the sweep
    async with (
        another_gateway(shared_world.nexus) as serving,
        connected(serving.url, account) as older,
        connected(serving.url, account, None) as newer,
    ):
        assert (await newer.hello())["session_epoch"] == 2
        await older.gone()
        await owe(shared_world, account, "hello")
        await eventually(newer.seqs)
        assert older.seqs() == []
        assert serving.gateway.online == 1
        assert await newer.call("ack", {"seq": 1}) == {"ok": True}


async def test_of_two_hellos_at_the_same_time_the_one_that_postgresql_took_last_stays(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "TOUCH_SECONDS", 60)
    first_may_go_on, open_session = asyncio.Event(), Sessions.open

    async def slowly_at_first(self: Sessions, *arguments: Any) -> Opened:
        opened = await open_session(self, *arguments)
        if opened.session.caller.session_epoch == 1:
            await first_may_go_on.wait()
        return opened

    monkeypatch.setattr(Sessions, "open", slowly_at_first)
    async with (
        another_gateway(shared_world.nexus) as serving,
        connected(serving.url, account, None) as older,
        connected(serving.url, account, None) as newer,
    ):
        await older.emit("hello", {"instance": "one"})
        await eventually(
            lambda: shared_world.rows("SELECT 1 FROM agent_sessions WHERE agent_id = :a", a=account.agent_id)
        )
        assert (await newer.hello())["session_epoch"] == 2
        first_may_go_on.set()
        await older.gone()
        assert await newer.call("ack", {"seq": 0}) == {"ok": True}
        assert not newer.closed.is_set()


async def test_socket_that_goes_while_postgresql_takes_its_hello_leaves_no_ghost(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on, open_session = asyncio.Event(), Sessions.open

    async def slowly(self: Sessions, *arguments: Any) -> Opened:
        opened = await open_session(self, *arguments)
        await may_go_on.wait()
        return opened

    monkeypatch.setattr(Sessions, "open", slowly)

    async def open_rows() -> list[Any]:
        return await shared_world.rows(
            "SELECT 1 FROM agent_sessions WHERE agent_id = :a AND closed_at IS NULL", a=account.agent_id
        )

    async with connected(shared_world.url, account, None) as hasty:
        await hasty.emit("hello", {"instance": "one"})
        await eventually(open_rows)
    await asyncio.sleep(0.2)  # its connection is gone from the gateway's view
    may_go_on.set()

    async def none() -> bool:
        return not await open_rows()

    await eventually(none, "nobody is offered work who is not there", 5)
    assert shared_world.gateway.online == 0


async def test_processes_of_one_agent_live_side_by_side(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account, "one") as one, connected(shared_world.url, account, "two") as two:
        assert shared_world.gateway.online == 2
        await owe(shared_world, account, "hello", instance="two")
        await eventually(two.seqs)
        assert await one.call("ack", {"seq": 0}) == {"ok": True}
        assert one.events == []


async def test_same_instance_name_of_another_agent_takes_nothing_over(shared_world: World, account: Account) -> None:
    other = await register(shared_world)
    async with connected(shared_world.url, account) as one, connected(shared_world.url, other) as two:
        for agent in (one, two):
            assert await agent.call("ack", {"seq": 0}) == {"ok": True}


async def test_takeover_at_another_gateway_makes_the_older_connection_powerless_at_once(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "TOUCH_SECONDS", 60)  # at the other gateway: nothing but its own check helps
    async with another_gateway(shared_world.nexus) as elsewhere, connected(elsewhere.url, account) as older:
        monkeypatch.setattr(server, "TOUCH_SECONDS", 0.1)
        async with connected(shared_world.url, account) as newer:
            await owe(shared_world, account, "hello")
            await eventually(newer.seqs)
            await older.emit("ack", {"seq": newer.seqs()[-1]})
            await older.emit("task.heartbeat", {"task_id": str(account.agent_id), "epoch": 1, "event_id": "e"})
            await older.gone()
            (row,) = await shared_world.rows(
                "SELECT acked_at FROM agent_messages WHERE agent_id = :agent", agent=account.agent_id
            )
            assert row.acked_at is None, "an older connection acknowledged what the newer one may not have seen"
            assert not newer.closed.is_set()


async def test_takeover_at_another_gateway_closes_the_older_connection_within_seconds(
    shared_world: World, account: Account
) -> None:
    async with (
        another_gateway(shared_world.nexus) as elsewhere,
        connected(elsewhere.url, account) as older,
        connected(shared_world.url, account) as newer,
    ):
        await older.gone()
        assert not newer.closed.is_set()
        assert (await newer.hello())["session_epoch"] == 3


async def test_socket_that_renames_its_process_leaves_no_ghost_behind(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account, "before") as agent:
        await agent.hello("after")

        async def only_the_new_name() -> bool:
            rows = await shared_world.rows(
                "SELECT instance FROM agent_sessions WHERE agent_id = :agent AND closed_at IS NULL",
                agent=account.agent_id,
            )
            return [row.instance for row in rows] == ["after"]

        await eventually(only_the_new_name, "no work is offered to a process that is not there", 3)


async def test_process_that_comes_back_without_its_task_is_not_waited_for(
    shared_world: World, account: Account
) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        assert (await agent.command("task.accept", task))["ok"]
    async with connected(shared_world.url, account, holding=[]) as agent:
        again = await agent.offered()
        assert (again["task_id"], again["epoch"]) == (task["task_id"], 2)


async def test_process_that_does_not_say_what_it_holds_keeps_its_task(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account) as agent:
        await wish(shared_world, account)
        task = await agent.offered()
        assert (await agent.command("task.accept", task))["ok"]
    async with connected(shared_world.url, account) as agent:
        assert (await agent.command("task.heartbeat", task))["ok"]
