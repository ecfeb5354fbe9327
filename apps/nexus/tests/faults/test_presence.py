"""A Redis that says nothing does not hold up agents that come and go."""

import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from support.chaos import chaos_proxy

from nexus.doorbell import redis_client
from nexus.gateway import presence
from nexus.gateway.presence import Presence
from nexus.gateway.sessions import LiveSession
from nexus.kit.embedded import EmbeddedValkey
from nexus.tasks.commands import Caller

AGENTS = 200


async def test_two_hundred_agents_who_come_and_go_share_one_connection_and_one_wait(
    own_valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = [LiveSession(f"sid-{number}", Caller(uuid4(), uuid4(), "one", 1)) for number in range(AGENTS)]
    async with chaos_proxy(own_valkey.url) as proxy:
        shown = Presence(redis_client(proxy.url(own_valkey.url)), "gateway")
        await shown.show(sessions[:1])
        proxy.half_open()
        opened = proxy.opened
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(shown.show([session]) for session in sessions))
        for session in sessions:
            await shown.hide(session)
        assert loop.time() - began < presence.PAUSE_SECONDS  # one after the other it would be minutes
        assert proxy.opened - opened <= 2
        await proxy.forward()
        monkeypatch.setattr(shown, "_quiet_until", 0.0)
        await shown.show(sessions)
    redis = Redis.from_url(own_valkey.url)
    assert len(await redis.keys("obl:presence:*")) == AGENTS
    await redis.aclose()
