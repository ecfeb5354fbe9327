"""A process that must be restarted says so; one that only lacks a dependency does not."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.chaos import chaos_proxy
from support.waiting import eventually
from support.world import running_world

from nexus.kit.embedded import EmbeddedValkey, free_port

LOOPS = {
    "canary",
    "worker.inbox", "worker.deliveries", "worker.dispatch", "worker.reap",
    "gateway.pump", "gateway.sweep", "gateway.touch", "gateway.show", "gateway.farewell",
    "gateway.standing", "gateway.admin.send", "gateway.admin.sweep", "gateway.admin.standing",
}  # fmt: skip


async def test_every_loop_is_watched_and_the_one_that_hangs_is_named(database_url: str, redis_url: str) -> None:
    async with running_world(database_url, redis_url) as world, httpx.AsyncClient(base_url=world.url) as client:
        await eventually(lambda: not world.nexus.pulses.stalled(0.0).keys() ^ LOOPS, "all loops have begun")
        assert (await client.get("/livez")).status_code == 200
        assert world.worker is not None
        cured = asyncio.Event()

        async def hang(*_given: Any) -> int:
            await cured.wait()
            return 0

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world.worker._claims, "reap", hang)
            patch.setattr("nexus.kit.pulse.Pulses.stalled.__defaults__", (8.0,))
            answer = await eventually(lambda: _stuck(client), "a loop that hangs is noticed", 40)
        assert [reason.split()[2] for reason in answer.json()["reasons"]] == ["worker.reap"]
        cured.set()
        await eventually(lambda: not world.nexus.pulses.stalled(8.0))


async def _stuck(client: httpx.AsyncClient) -> httpx.Response | None:
    answer = await client.get("/livez")
    return answer if answer.status_code == 503 else None


async def test_worker_answers_for_itself_and_stays_alive_without_redis(
    database_url: str, own_valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    async with chaos_proxy(own_valkey.url) as proxy:
        port = free_port()
        given = {
            "OBLIVION_DATABASE_URL": database_url,
            "OBLIVION_REDIS_URL": proxy.url(own_valkey.url),
            "OBLIVION_ENVIRONMENT": "development",
            "OBLIVION_HEALTH_PORT": str(port),
        }
        with (tmp_path / "worker.log").open("wb") as log:
            worker = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "nexus", "serve", "worker", env={**os.environ, **given}, stdout=log, stderr=log
            )  # fmt: skip
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:

                async def ready(redis: str) -> bool:
                    try:
                        found = (await client.get("/readyz")).json()
                    except httpx.TransportError:
                        return False
                    return found["ready"] and found["dependencies"]["redis"]["state"] == redis

                async def up(value: str) -> bool:
                    return f"oblivion_redis_up {value}" in (await client.get("/metrics")).text

                await eventually(lambda: ready("ok"), "the worker is ready", 50)
                await eventually(lambda: up("1.0"))
                proxy.half_open()
                await eventually(lambda: ready("degraded"))
                await eventually(lambda: up("0.0"))
                assert (await client.get("/livez")).status_code == 200
                await proxy.forward()
                await eventually(lambda: ready("ok"))
                worker.terminate()
                assert await asyncio.wait_for(worker.wait(), 30) == 0, (tmp_path / "worker.log").read_text()
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
