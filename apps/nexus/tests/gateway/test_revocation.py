"""What is revoked is disconnected from every gateway within five seconds, with Redis and without."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gateway.agent_sockets import Account, another_gateway, connected, refusal, register
from gateway.dashboards import NAMESPACE as ADMIN
from gateway.dashboards import person, watching
from support.oauth import basic
from support.world import World, running_world

from nexus.kit.embedded import EmbeddedValkey

BOUND_SECONDS = 5.0


@dataclass
class Installation:
    """Two gateways of one installation, and the Redis that they share."""

    world: World
    urls: tuple[str, str]
    redis: EmbeddedValkey


@pytest.fixture
async def installation(database_url: str, tmp_path: Path) -> AsyncGenerator[Installation]:
    """At the pace of production: nothing is quickened here."""
    redis = EmbeddedValkey(tmp_path, persistent=False)
    redis.start()
    try:
        async with running_world(database_url, redis.url) as world, another_gateway(world.nexus) as second:
            yield Installation(world, (world.url, second.url), redis)
    finally:
        redis.stop()


async def by_jti(installation: Installation, account: Account, secret: str) -> None:
    async with httpx.AsyncClient(base_url=installation.world.url) as client:
        answer = await client.post(
            "/auth/revoke", data={"token": account.token}, headers=basic(account.client_id, secret)
        )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("redis", ["up", "killed"])
async def test_whatever_is_revoked_is_gone_from_both_gateways_within_five_seconds(
    installation: Installation, redis: str
) -> None:
    world, nexus = installation.world, installation.world.nexus
    tenant_id = world.tenant_id
    of_agent, of_client, of_token, stays = [await register(world) for _ in range(4)]
    secret = (await nexus.directory.rotate(tenant_id, of_token.name)).client_secret
    await nexus.members.put(tenant_id, "boss@example.com", "admin", actor="test")
    leaves, remains = await person(world), await person(world)
    (first, second) = installation.urls
    async with (
        connected(first, of_agent, "one") as a1,
        connected(second, of_agent, "two") as a2,
        connected(first, of_client, "one") as c1,
        connected(second, of_client, "two") as c2,
        connected(first, of_token, "one") as t1,
        connected(second, of_token, "two") as t2,
        watching(first, leaves) as m1,
        watching(second, leaves) as m2,
        connected(first, stays, "one") as s1,
        connected(second, stays, "two") as s2,
        watching(second, remains) as r2,
    ):
        if redis == "killed":
            installation.redis.stop()
        began = time.monotonic()
        await nexus.directory.revoke(tenant_id, of_agent.name)
        await nexus.clients.revoke(tenant_id, of_client.client_id)
        await by_jti(installation, of_token, secret)
        await nexus.members.remove(tenant_id, leaves.email, actor="test")
        took: dict[str, float] = {}
        doomed = {"agent": (a1, a2), "client": (c1, c2), "token": (t1, t2), "member": (m1, m2)}
        for what, sockets in doomed.items():
            for socket in sockets:
                await socket.gone(BOUND_SECONDS)
            took[what] = time.monotonic() - began
        print(f"\nRedis {redis}: " + " · ".join(f"{what} {seconds:.2f} s" for what, seconds in took.items()))
        assert max(took.values()) <= BOUND_SECONDS
        assert not any(socket.closed.is_set() for socket in (s1, s2, r2)), "nobody else is disconnected"
        for url in installation.urls:
            for account in (of_agent, of_client, of_token):
                assert await refusal(url, account.token) == "unauthorized"
            assert await refusal(url, await leaves.ticket(), ADMIN) == "unauthorized"
            assert await refusal(url, await remains.ticket(), ADMIN) is None
