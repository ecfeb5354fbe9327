"""Those who flood, guess or lie about where they come from are slowed down, and nobody else is."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from attacks.conftest import Figures
from attacks.processes import Process, process, tenant

from nexus.kit.embedded import EmbeddedValkey
from nexus.kit.limiting import LOCAL_SHARE

PROXY, STRANGER = "10.0.0.7", "203.0.113.9"
WIDE = {"trusted_proxies": "10.0.0.0/8"}


def some_address(dice: random.Random) -> str:
    """Anything that may stand in X-Forwarded-For, a lie included."""
    kind = dice.randrange(6)
    if kind == 0:
        return ":".join(f"{dice.randrange(65536):x}" for _ in range(8))
    if kind == 1:
        return dice.choice(["unknown", "localhost", "", "127.0.0.1", "::1", "10.0.0.1", "999.1.1.1", "'; --", "é", "_"])
    if kind == 2:
        return f"{dice.randrange(1, 224)}.{dice.randrange(256)}.{dice.randrange(256)}.1:{dice.randrange(65536)}"
    return ".".join(str(dice.randrange(1, 255)) for _ in range(4))


async def test_ten_thousand_spoofed_addresses_are_one_caller(
    database_url: str, redis_url: str, size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    tries = size(10_000)
    allowed = tries // 10
    answers: dict[str, Counter[int]] = {"through the proxy": Counter(), "past the proxy": Counter()}
    async with (
        process(database_url, redis_url, requests_per_minute=allowed, **WIDE) as server,
        server.client(PROXY) as through,
        server.client("203.0.113.10") as past,
    ):
        slots, took = asyncio.Semaphore(16), dict[str, float]()

        async def come(client: httpx.AsyncClient, way: str, suffix: str) -> None:
            lies = [some_address(dice) for _ in range(dice.randrange(1, 4))]
            written = ", ".join([*lies, suffix] if suffix else lies)
            async with slots:
                answer = await client.get("/v1/tenants", headers=[(b"x-forwarded-for", written.encode())])
            answers[way][answer.status_code] += 1

        for client, way, suffix in ((through, "through the proxy", STRANGER), (past, "past the proxy", "")):
            began = time.monotonic()
            await asyncio.gather(*(come(client, way, suffix) for _ in range(tries)))
            took[way] = time.monotonic() - began
        other = await through.get("/v1/tenants", headers={"X-Forwarded-For": "198.51.100.77"})
    figures.keep(
        "spoofed addresses", tries=2 * tries, allowed_a_minute=allowed, minutes=round(sum(took.values()) / 60, 1),
        **{f"passed {way}": seen[401] for way, seen in answers.items()},
        server_errors=sum(seen[status] for seen in answers.values() for status in seen if status >= 500),
    )  # fmt: skip
    for way, seen in answers.items():
        assert set(seen) == {401, 429}
        # One limit for all of them in each minute that it took; addresses of their own would have let all of them pass.
        assert allowed <= seen[401] <= allowed * (2 + took[way] / 60)
    assert other.status_code == 401, "another address has its own count"


async def test_guessing_is_answered_with_wait_while_the_right_secret_passes(
    database_url: str, redis_url: str, size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    guesses = size(2_000)
    async with process(database_url, redis_url) as one, process(database_url, redis_url) as two:
        tenant_id = await tenant(one.nexus)
        client_id, secret = await one.nexus.clients.create(tenant_id, "target", ["admin:read"])
        seen: Counter[int] = Counter()
        passed: list[int] = []
        waits: list[int] = []

        async def ask(server: Process, with_secret: str) -> httpx.Response:
            form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": with_secret}
            async with server.client() as client:
                return await client.post("/auth/token", data=form)

        for number in range(guesses):
            answer = await ask(dice.choice([one, two]), f"obl_sk_{dice.getrandbits(256):064x}")
            seen[answer.status_code] += 1
            if answer.status_code == 429:
                waits.append(int(answer.headers["retry-after"]))
            if number % max(1, guesses // 20) == 0:
                passed.append((await ask(dice.choice([one, two]), secret)).status_code)
    figures.keep(
        "brute force", guesses=guesses, processes=2, answered_401=seen[401], answered_429=seen[429],
        right_secret_tried=len(passed), right_secret_refused=sum(status != 200 for status in passed),
    )  # fmt: skip
    assert set(seen) == {401, 429} and 10 <= seen[401] <= 30
    assert waits and all(1 <= seconds <= 60 for seconds in waits)
    assert set(passed) == {200}


async def test_limits_hold_when_redis_is_killed_midway(
    database_url: str, tmp_path: Path, size: Callable[[int], int], figures: Figures
) -> None:
    limit = 300 if size(1000) >= 1000 else 60
    redis = EmbeddedValkey(tmp_path, persistent=False)
    redis.start()
    passed: dict[str, int] = {}
    other: dict[str, int] = {}
    try:
        async with (
            process(database_url, redis.url, requests_per_minute=limit) as one,
            process(database_url, redis.url, requests_per_minute=limit) as two,
        ):
            nexus = one.nexus
            tenant_id = await tenant(nexus)

            async def headers(name: str) -> dict[str, str]:
                client_id, _ = await nexus.clients.create(tenant_id, name, ["admin:read"])
                token = await nexus.tokens.issue(client_id, tenant_id, ["admin:read"])
                return {"Authorization": f"Bearer {token.access_token}"}

            async def calls(number: int, given: dict[str, str]) -> Counter[int]:
                seen: Counter[int] = Counter()
                async with one.client(headers=given) as here, two.client(headers=given) as there:
                    for turn in range(number):
                        seen[(await (here, there)[turn % 2].get("/v1/tenants")).status_code] += 1
                assert set(seen) <= {200, 429}, "no request fails because Redis does"
                return seen

            greedy = await headers("greedy")
            for phase, act in (("Redis up", None), ("Redis killed", redis.stop), ("Redis back", redis.start)):
                if act is not None:
                    act()
                if phase == "Redis back":
                    await _shared_again(one, two)
                passed[phase] = (await calls(4 * limit, greedy))[200]
                other[phase] = (await calls(4, await headers(phase)))[200]
    finally:
        redis.stop()
    figures.keep(
        "limits without Redis", limit=limit, **{f"passed with {phase}": number for phase, number in passed.items()},
        others_let_in=sum(other.values()),
    )  # fmt: skip
    assert set(other.values()) == {4}, "never shut: who has not used up its limit is served"
    # Never open. A window that slides lets go of a few while it is filled, a process that waited 50 ms for Redis goes
    # by its share for a second, and an empty Redis has forgotten.
    assert limit <= passed["Redis up"] <= 2 * limit
    assert 2 * (limit // LOCAL_SHARE) <= passed["Redis killed"] <= 1.5 * 2 * (limit // LOCAL_SHARE) + 2
    assert limit <= passed["Redis back"] <= 2 * limit


async def _shared_again(*servers: Any) -> None:
    """Returns once every process has found Redis again; each looks once a second, when somebody comes."""
    async with asyncio.timeout(20):
        for server in servers:
            while not server.nexus.limiter.shared:
                async with server.client("192.0.2.1") as client:
                    await client.get("/v1/tenants")
                await asyncio.sleep(0.1)  # nothing announces it
