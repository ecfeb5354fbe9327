"""Who is there: in Redis for dashboards, in the roster for operators; and how soon the silent are gone."""

import asyncio
import contextlib
import time
from typing import Any

import pytest
from gateway.agent_sockets import Account, another_gateway, connected, raw
from redis.asyncio import Redis
from support.waiting import eventually
from support.world import World
from websockets.exceptions import ConnectionClosed, InvalidStatus

from nexus.gateway import sockets
from nexus.gateway.presence import PREFIX, TTL_SECONDS, Presence
from nexus.gateway.sessions import LiveSession
from nexus.tasks.commands import Caller

pytestmark = pytest.mark.asyncio(loop_scope="module")

TENTH = 0.1
GONE_SECONDS = 30 * TENTH
"""The promise is 30 s. The tests below run with every period at a tenth of its length, so 3 s stand for 30 s."""


class _Shown:
    """What another program reads in Redis about one agent."""

    def __init__(self, world: World, account: Account) -> None:
        assert world.nexus.settings.redis_url is not None
        self.redis: Any = Redis.from_url(world.nexus.settings.redis_url.get_secret_value(), decode_responses=True)
        self._pattern = f"obl:presence:{world.tenant_id}:{account.agent_id}:*"

    async def keys(self) -> list[str]:
        return [key async for key in self.redis.scan_iter(self._pattern)]

    async def __aenter__(self) -> "_Shown":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.redis.aclose()


async def test_connected_process_is_shown_in_redis_with_a_short_life_and_vanishes_when_it_leaves(
    shared_world: World, account: Account
) -> None:
    async with _Shown(shared_world, account) as shown:
        async with connected(shared_world.url, account, "one"), connected(shared_world.url, account, "two"):
            keys = await shown.keys()
            assert sorted(key.rsplit(":", 1)[1] for key in keys) == ["one", "two"]
            for key in keys:
                assert 0 < await shown.redis.ttl(key) <= TTL_SECONDS <= 30
        await eventually(_none(shown), "no key is left")


def _none(shown: _Shown) -> Any:
    async def look() -> bool:
        return not await shown.keys()

    return look


async def test_presence_comes_back_after_redis_was_emptied(shared_world: World, account: Account) -> None:
    async with _Shown(shared_world, account) as shown, connected(shared_world.url, account):
        await shown.redis.flushall()
        await eventually(shown.keys, "shown again by the next sweep")


async def test_older_connection_that_leaves_late_does_not_hide_the_one_that_took_over(
    shared_world: World, account: Account
) -> None:
    async with _Shown(shared_world, account) as shown:
        presence = Presence(shown.redis, "gateway-a"), Presence(shown.redis, "gateway-b")
        caller = Caller(shared_world.tenant_id, account.agent_id, "one", 1)
        older, newer = LiveSession("sid-a", caller), LiveSession("sid-b", caller)
        await presence[0].show([older])
        await presence[1].show([newer])
        await presence[0].hide(older)
        (key,) = await shown.keys()
        assert key.startswith(PREFIX)
        await presence[1].hide(newer)
        assert await shown.keys() == []


async def test_roster_shows_an_agent_online_and_then_offline(shared_world: World, account: Account) -> None:
    admin = await shared_world.admin()

    async def row() -> dict[str, Any]:
        answer = await admin.get("/v1/agents", params={"limit": 200})
        assert answer.status_code == 200, answer.text
        return next(one for one in answer.json()["items"] if one["name"] == account.name)

    async def offline() -> bool:
        return not (await row())["online"]

    async with admin:
        assert await offline()
        async with connected(shared_world.url, account, capacity=3):
            seen = await row()
            assert (seen["online"], seen["capacity"], seen["load"]) == (True, 3, 0)
            assert [one["instance"] for one in seen["sessions"]] == ["one"]
        await eventually(offline)


async def test_silent_socket_is_gone_within_30_seconds(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PING_SECONDS", "PONG_SECONDS", "SILENT_SECONDS"):
        monkeypatch.setattr(sockets, name, getattr(sockets, name) * TENTH)
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 5 * TENTH)
    async with (
        another_gateway(shared_world.nexus) as quick,
        _Shown(shared_world, account) as shown,
        raw(quick.url) as agent,
    ):
        await agent.enter(account.token)
        await agent.receive("2")
        await agent.send("3")  # its last sign of life
        assert quick.gateway.online == 1
        await eventually(lambda: quick.gateway.online == 0, "gone", GONE_SECONDS)
        await eventually(_none(shown), "gone from Redis too", 1)


async def test_socket_that_sends_but_answers_no_ping_is_gone_within_30_seconds(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PING_SECONDS", "PONG_SECONDS", "SILENT_SECONDS"):
        monkeypatch.setattr(sockets, name, getattr(sockets, name) * TENTH)
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 5 * TENTH)
    async with another_gateway(shared_world.nexus) as quick, raw(quick.url) as chatty:
        await chatty.enter(account.token)

        async def gone() -> bool:
            with contextlib.suppress(ConnectionClosed):
                await chatty.send('42/agents,["ack",{"seq":0}]')
            return quick.gateway.online == 0 and not quick.gateway.sio.eio.sockets

        await eventually(gone, "gone", GONE_SECONDS)


@pytest.mark.parametrize("step_seconds", [3600, -3600])
async def test_step_of_the_machines_clock_drops_nobody_and_keeps_nobody(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch, step_seconds: float
) -> None:
    for name in ("PING_SECONDS", "PONG_SECONDS", "SILENT_SECONDS"):
        monkeypatch.setattr(sockets, name, getattr(sockets, name) * TENTH)
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 5 * TENTH)
    time_of_day = time.time
    async with (
        another_gateway(shared_world.nexus) as quick,
        raw(quick.url) as silent,
        raw(quick.url) as slow,
        connected(quick.url, account, "lively") as lively,
    ):
        await silent.enter(account.token, "silent")
        await slow.enter(account.token, "slow")
        await slow.receive("2")
        monkeypatch.setattr(time, "time", lambda: time_of_day() + step_seconds)
        await slow.send('42/agents,1["ack",{"seq":0}]')
        await slow.receive("43/agents,1")  # although an hour seems to have passed since it was pinged
        await slow.send("3")
        assert quick.gateway.online == 3
        await eventually(lambda: quick.gateway.online == 1, "the silent ones are gone", GONE_SECONDS)
        assert await lively.call("ack", {"seq": 0}) == {"ok": True}
        assert not lively.closed.is_set()


async def test_gateway_that_was_stopped_for_a_while_blames_nobody_for_it(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(sockets, "PING_SECONDS", 0.2)
    monkeypatch.setattr(sockets, "PONG_SECONDS", 1000)
    monkeypatch.setattr(sockets, "SILENT_SECONDS", 2.5)
    monkeypatch.setattr(sockets, "SLEPT_SECONDS", 1.0)
    async with another_gateway(shared_world.nexus) as serving, raw(serving.url) as agent:
        await agent.enter(account.token)
        await agent.receive("2")  # it would answer, but nobody is there to read it
        await asyncio.sleep(0.3)  # a sweep has seen it
        # No more than it takes: timers that are set meanwhile come so much later.
        monkeypatch.setattr(time, "monotonic", lambda steady=time.monotonic: steady() + 3)
        await asyncio.sleep(0.3)  # some sweeps
        await agent.send("3")
        await agent.receive("2")
        assert serving.gateway.online == 1


async def test_silent_socket_is_gone_within_30_seconds_even_if_engine_io_does_not_notice(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engine.IO gives up on who sends nothing at all; what counts is the sweep."""
    for name in ("PING_SECONDS", "SILENT_SECONDS"):
        monkeypatch.setattr(sockets, name, getattr(sockets, name) * TENTH)
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 5 * TENTH)
    monkeypatch.setattr(sockets, "PONG_SECONDS", 1000)
    async with another_gateway(shared_world.nexus) as quick, raw(quick.url) as agent:
        await agent.enter(account.token)
        await agent.receive("2")
        await agent.send("3")  # its last sign of life
        await eventually(lambda: quick.gateway.online == 0, "gone", GONE_SECONDS)


async def test_answered_ping_ends_the_silence_and_the_next_one_begins_another(
    shared_world: World, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PING_SECONDS", 0.2)
    monkeypatch.setattr(sockets, "PONG_SECONDS", 1000)
    monkeypatch.setattr(sockets, "SWEEP_SECONDS", 1000)  # the test looks instead, at instants of its own
    async with another_gateway(shared_world.nexus) as serving, raw(serving.url) as agent:
        await agent.enter(account.token)
        look = serving.gateway.sockets.unanswered_pings
        for begin in (0.0, 100.0):
            await agent.receive("2")
            assert look(begin) == look(begin + sockets.SILENT_SECONDS) == []
            assert len(look(begin + sockets.SILENT_SECONDS + 0.1)) == 1
            await agent.send("3")
            await eventually(lambda: not look(1000.0), "the answer has arrived")


async def test_draining_gateway_tells_each_agent_when_to_come_back_and_takes_no_new_one(
    shared_world: World, account: Account
) -> None:
    async with (
        another_gateway(shared_world.nexus) as leaving,
        connected(leaving.url, account, "one") as one,
        connected(leaving.url, account, "two") as two,
    ):
        await leaving.gateway.drain(4.0)
        await eventually(lambda: one.of("server.draining") and two.of("server.draining"))
        assert sorted(agent.of("server.draining")[0]["reconnect_after_seconds"] for agent in (one, two)) == [2.0, 4.0]
        assert leaving.gateway.draining
        assert await one.call("ack", {"seq": 0}) == {"ok": True}
        with pytest.raises(InvalidStatus) as refused:
            async with raw(leaving.url):
                pass
        assert refused.value.response.status_code == 503, "not a refusal of its token: it is to come back"
        assert refused.value.response.headers["Retry-After"]


async def test_socket_that_is_half_in_when_draining_begins_is_cut_and_not_refused(
    shared_world: World, account: Account
) -> None:
    async with another_gateway(shared_world.nexus) as leaving, raw(leaving.url) as late:
        await leaving.gateway.drain(0)
        await late.send('40/agents,{"token":"' + account.token + '"}')
        with pytest.raises(ConnectionClosed):
            await late.receive("44")
