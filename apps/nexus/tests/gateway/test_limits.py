"""What one agent may not do to the others, and what the loss of Redis may not do to anybody."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from engineio import packet
from gateway.agent_sockets import Account, AgentSocket, another_gateway, connected, deaf, raw, register
from gateway.work import state_is, wish
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World, running_world
from websockets.exceptions import ConnectionClosed

from nexus.bootstrap import open_nexus
from nexus.gateway import sockets, turns
from nexus.kit.embedded import EmbeddedValkey
from oblivion_protocol import MAX_MESSAGE_BYTES

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _event(size_bytes: int) -> str:
    empty = '42/agents,1["ack",{"seq":0,"pad":""}]'
    return empty.replace('""', '"' + "x" * (size_bytes - len(empty)) + '"')


async def test_message_over_100_kib_is_refused_and_the_connection_survives(
    shared_world: World, account: Account
) -> None:
    async with raw(shared_world.url) as greedy:
        await greedy.enter(account.token)
        await greedy.send(_event(MAX_MESSAGE_BYTES))
        assert json.loads((await greedy.receive("43/agents,1"))[len("43/agents,1") :]) == [{"ok": True}]
        await greedy.send(_event(MAX_MESSAGE_BYTES + 1))
        (refused,) = json.loads((await greedy.receive("43/agents,1"))[len("43/agents,1") :])
        assert (refused["ok"], refused["code"]) == (False, "invalid")
        assert str(MAX_MESSAGE_BYTES) in refused["detail"]
        await greedy.send(_event(200))
        assert json.loads((await greedy.receive("43/agents,1"))[len("43/agents,1") :]) == [{"ok": True}]


async def test_message_over_a_mebibyte_closes_its_socket_and_no_other(shared_world: World, account: Account) -> None:
    neighbour = await register(shared_world)
    async with connected(shared_world.url, neighbour) as other, raw(shared_world.url) as greedy:
        await greedy.enter(account.token)
        await greedy.send(_event(sockets.MAX_READ_BYTES + 1))
        assert await greedy.closed(3)
        assert await other.call("ack", {"seq": 0}) == {"ok": True}
    await eventually(lambda: shared_world.gateway.online == 0)


async def test_flood_is_refused_in_words_and_the_connection_survives(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_WAITING", 20)
    async with connected(shared_world.url, account) as agent:
        answers = await asyncio.gather(*(agent.call("ack", {"seq": 0}) for _ in range(200)))
        refused = [one for one in answers if not one["ok"]]
        assert {one["code"] for one in refused} == {"rate_limited"}
        assert len(answers) - len(refused) >= 20
        assert await agent.call("ack", {"seq": 0}) == {"ok": True}


async def test_message_that_exceeds_100_kib_by_its_binary_parts_is_not_taken(
    shared_world: World, account: Account
) -> None:
    parts = 3
    async with raw(shared_world.url) as greedy:
        await greedy.enter(account.token)
        places = [{"_placeholder": True, "num": number} for number in range(parts)]
        await greedy.send(f"45{parts}-/agents,1" + json.dumps(["ack", {"seq": 0, "parts": places}]))
        for _ in range(parts):
            await greedy.send(b"x" * (MAX_MESSAGE_BYTES - 1))
        with contextlib.suppress(ConnectionClosed):  # closing the socket is as good as ignoring the message
            await greedy.send('42/agents,2["ack",{"seq":0}]')
            assert (await greedy.receive("43/agents,")).startswith("43/agents,2"), "three parts as long as allowed"


@pytest.mark.parametrize(
    "packet",
    ["", "42/agents,", "42/agents,{", '42/agents,"hello"', "42/agents,[]", "42/agents,[7]", "42/agents," + "[" * 90_000,
     "42/agents,99999999999999999999[]", "451-/agents,[]", "44/agents", "49", "8", "\x00", b"\x00\xff"],
)  # fmt: skip
async def test_packet_that_makes_no_sense_harms_nobody_else_and_its_sender_can_come_back_at_once(
    shared_world: World, account: Account, packet: str | bytes
) -> None:
    neighbour = await register(shared_world)
    async with connected(shared_world.url, neighbour) as other, raw(shared_world.url) as confused:
        await confused.enter(account.token)
        await confused.send(packet)
        assert await other.call("ack", {"seq": 0}) == {"ok": True}
        async with connected(shared_world.url, account, "raw") as again:
            assert await again.call("ack", {"seq": 0}) == {"ok": True}


@pytest.mark.parametrize("packet", ["", "x", "\x00", "nonsense"])
async def test_socket_whose_packets_cannot_be_read_is_offline_at_once(
    shared_world: World, account: Account, packet: str
) -> None:
    async with raw(shared_world.url) as confused:
        await confused.enter(account.token)
        assert shared_world.gateway.online == 1
        await confused.send(packet)
        await eventually(lambda: shared_world.gateway.online == 0, "no ghost until the next ping is missed", 3)

        async def closed() -> bool:
            rows = await shared_world.rows(
                "SELECT closed_at FROM agent_sessions WHERE agent_id = :agent", agent=account.agent_id
            )
            return all(row.closed_at is not None for row in rows)

        await eventually(closed, "and nobody offers it work", 3)
        assert await confused.closed(3)


async def test_stranger_that_reads_nothing_cannot_hold_up_the_sweep(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "HELLO_SECONDS", 0.3)
    async with another_gateway(shared_world.nexus) as serving, deaf(serving.url):
        transports = serving.gateway.sio.eio.sockets
        await eventually(lambda: transports)
        (transport,) = transports.values()
        for _ in range(40):  # more than the buffers between the two of us take
            await transport.send(packet.Packet(packet.MESSAGE, "x" * 500_000))
        for _ in range(2):
            mute = await AgentSocket(serving.url, account.token).open()
            await mute.gone(5)


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncGenerator[EmbeddedValkey]:
    """A Valkey that may be killed."""
    server = EmbeddedValkey(tmp_path / "valkey", persistent=False)
    server.start()
    yield server
    server.stop(immediate=True)


@pytest.mark.asyncio(loop_scope="function")
async def test_without_redis_webhooks_are_taken_and_offers_arrive_by_the_sweep(
    database_url: str, own_redis: EmbeddedValkey, quick: None
) -> None:
    """The agents' gateway is another process than the worker: no ring of one reaches the other."""
    async with running_world(database_url, own_redis.url) as world, open_nexus(world.nexus.settings) as elsewhere:
        await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
        account = await register(world)
        async with another_gateway(elsewhere) as gateway, connected(gateway.url, account, "before") as before:
            own_redis.stop(immediate=True)
            deliveries = world.box.sandbox.core.recorder.deliveries
            taken = len(deliveries)
            await wish(world, account)
            task = await before.offered()
            assert {one.status for one in list(deliveries)[taken:]} == {200}
            assert (await before.command("task.reject", task))["ok"]
            async with connected(gateway.url, account, "during") as during:
                task = await during.offered()
                for name in ("task.accept", "task.complete"):
                    assert (await during.command(name, task))["ok"]
                assert await state_is(world, task, "completed")
