"""Redis after a whole flow: rings and presence, and nothing that people wrote. A key that is on no list fails."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from attacks.conftest import Figures
from attacks.tenants import filled, own_servers, rival_of
from gateway.agent_sockets import connected
from redis.asyncio import Redis
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, running_world

from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey

pytestmark = pytest.mark.timeout(120)

KEYS: dict[str, str] = {
    r"bull:webhook-processing:[\w-]+(:\w+)?": "BullMQ's own; a job holds ids of inbox rows and nothing else",
    r"obl:presence:[0-9a-f-]{36}:[0-9a-f-]{36}:.+": "tenant, agent and process, for half a minute",
    r"obl:limit:\{?[a-z]+/[0-9a-f]{32}/\d+/\d+/second\}?(/-1)?": "who came how often: a hash, no name",
}
CHANNELS: dict[str, str] = {
    r"obl:rings": "a topic, such as `deliveries`: somebody should look",
    r"obl:canary:[0-9a-f]{12}": "a process that hears itself",
}
SAID = re.compile(r"inbox|deliveries|dispatch|agents|[0-9a-z.:-]{1,40}")
"""What is published: topics, and the canary's numbers."""


async def test_redis_holds_no_text_and_no_key_without_a_tenant_that_is_one_tenants(
    postgres: EmbeddedPostgres,
    valkey: EmbeddedValkey,
    figures: Figures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OBLIVION_SEARCH_DIRECTORY", str(tmp_path))
    async with own_servers(postgres, valkey) as (database_url, redis_url):
        await look_into_redis(database_url, redis_url, figures)


async def look_into_redis(database_url: str, redis_url: str, figures: Figures) -> None:
    redis: Any = Redis.from_url(redis_url, decode_responses=True)
    heard: list[dict[str, Any]] = []
    async with redis.pubsub() as listening, redis.monitor() as monitor:
        await listening.psubscribe("*")
        commands = Commands(monitor)
        async with running_world(database_url, redis_url) as world:
            prey = await filled(world)
            async with connected(world.url, (await rival_of(world)).agent), await world.admin() as admin:

                async def counted() -> bool:
                    assert (await admin.get("/v1/me")).is_success
                    return bool([key async for key in redis.scan_iter("obl:limit*")])

                await eventually(counted, "requests are counted in Redis, which has 50 ms for it")
                keys = {key async for key in redis.scan_iter(count=1000)}
                channels = set(await redis.pubsub_channels())
        while (message := await listening.get_message(timeout=0.2)) is not None:
            heard.append(message)
        told = await commands.read()
    await redis.aclose()
    stray = sorted(key for key in keys if not fits(key, KEYS)) + sorted(
        one for one in channels if not fits(one, CHANNELS)
    )
    published = [one for one in heard if one["type"] == "pmessage"]
    stray += [str(one) for one in published if not fits(one["channel"], CHANNELS) or not SAID.fullmatch(one["data"])]
    texts = [line for line in told if prey.canary in line or CHANNEL_ID in line or LIST_ID in line]
    figures.keep(
        "Redis after a whole flow",
        keys=len(keys),
        channels=len(channels),
        messages=len(published),
        commands=len(told),
        texts=len(texts),
        stray=len(stray),
    )
    assert len(told) > 50 and published and keys, "the test looked"
    assert stray == [], "a key or a channel that is not on the list above"
    assert texts == [], "what people wrote is nobody's business in Redis"


def fits(name: str, patterns: dict[str, str]) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in patterns)


class Commands:
    """Every command that Redis got, by MONITOR."""

    def __init__(self, monitor: Any) -> None:
        self._monitor = monitor

    async def read(self) -> list[str]:
        """All so far."""
        lines: list[str] = []
        while True:
            try:
                lines.append((await asyncio.wait_for(self._monitor.next_command(), 0.3))["command"])
            except TimeoutError:
                return lines
