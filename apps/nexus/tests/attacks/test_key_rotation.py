"""The signing key is rotated all the time, and nobody who may come in notices."""

import asyncio
import itertools
import os
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from attacks.conftest import DEFAULT_SCALE, Figures
from attacks.processes import Process, process, tenant
from gateway.agent_sockets import AgentSocket, refusal
from support.standins import HeldClock

from nexus.auth.keys import JWKS_SECONDS, PUBLISHED_SECONDS, SigningKeys
from nexus.auth.tokens import Tokens
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.store.database import Database

PROCESSES = 3
CLIENTS = 6
VERIFIERS = 20
LOGIN_SECONDS = 2.0
"""How often each client logs in: a client may have 60 tokens a minute."""


@pytest.fixture
async def servers(database_url: str, redis_url: str) -> AsyncGenerator[list[Process]]:
    """Three gateways; each has its own copy of the keys, and reads them when it has to."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(process(database_url, redis_url)) for _ in range(PROCESSES)]


async def test_rotating_without_a_pause_fails_no_valid_request(
    servers: list[Process], size: Callable[[int], int], dice: random.Random, figures: Figures
) -> None:
    """Sixty rotations, one every 10 s; below full size fewer and one a second, which is harder: more in a token's life.

    Each new key signs at once: the time for which it is usually published would hide what the processes do.
    """
    rotations = size(60)
    pause_seconds = 10.0 if float(os.environ.get("ATTACKS_SCALE", DEFAULT_SCALE)) >= 1 else 1.0
    nexus = servers[0].nexus
    tenant_id = await tenant(nexus)
    agents = [await nexus.directory.create(tenant_id, f"agent-{number}") for number in range(CLIENTS)]
    admins = [await nexus.clients.create(tenant_id, f"admin-{number}", ["admin:read"]) for number in range(CLIENTS)]
    done, failed = Counter[str](), list[str]()
    over = asyncio.Event()

    def anywhere() -> str:
        return dice.choice(servers).url

    async def login(client: httpx.AsyncClient, client_id: str, secret: str) -> str | None:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = await client.post(f"{anywhere()}/auth/token", data=form)
        done["logins"] += 1
        if answer.status_code != 200:
            failed.append(f"login: {answer.status_code} {answer.text}")
            return None
        return answer.json()["access_token"]

    async def until(deadline: float) -> None:
        try:
            await asyncio.wait_for(over.wait(), max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            return

    async def administer(client_id: str, secret: str) -> None:
        """Calls with its latest token and with its first one, which is old by some keys."""
        first: str | None = None
        async with httpx.AsyncClient(timeout=30) as client:
            while not over.is_set():
                deadline = time.monotonic() + LOGIN_SECONDS
                token = await login(client, client_id, secret)
                first = first or token
                for held, _ in itertools.product((token, first), servers):
                    answer = await client.get(f"{anywhere()}/v1/tenants", headers={"Authorization": f"Bearer {held}"})
                    done["calls"] += 1
                    if answer.status_code != 200:
                        failed.append(f"call: {answer.status_code} {answer.text}")
                await until(deadline)

    async def connect(client_id: str, secret: str) -> None:
        """Comes in anew each time, and renews the token of a socket that stays."""
        async with httpx.AsyncClient(timeout=30) as client:
            token = await login(client, client_id, secret)
            stays = await AgentSocket(anywhere(), token).open()
            await stays.hello(client_id)
            while not over.is_set():
                deadline = time.monotonic() + LOGIN_SECONDS
                token = await login(client, client_id, secret)
                told = await refusal(anywhere(), token)
                done["handshakes"] += 1
                if told is not None:
                    failed.append(f"handshake: {told}")
                answer = await stays.call("auth.refresh", {"token": token})
                done["refreshes"] += 1
                if answer != {"ok": True}:
                    failed.append(f"refresh: {answer}")
                await until(deadline)
            if stays.closed.is_set():
                failed.append("a socket was closed")
            await stays.close()

    at_work = [asyncio.create_task(administer(*one)) for one in admins]
    at_work += [asyncio.create_task(connect(one.client_id, one.client_secret)) for one in agents]
    await asyncio.wait(at_work, timeout=LOGIN_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
    kids = set[str]()
    for _ in range(rotations):
        rotator = dice.choice(servers).nexus.keys
        kids.add((await rotator.rotate(published_seconds=0)).kid)
        await asyncio.sleep(pause_seconds)  # the pace of the attack
    over.set()
    broken = [one for one in await asyncio.gather(*at_work, return_exceptions=True) if one is not None]
    failed.extend(map(repr, broken))
    figures.keep(
        "key rotation",
        rotations=len(kids),
        seconds_between=pause_seconds,
        processes=PROCESSES,
        **done,
        failed=len(failed),
    )
    assert len(kids) == rotations and min(done[what] for what in ("logins", "calls", "handshakes", "refreshes")) > 0
    assert failed == []


async def test_a_verifier_that_keeps_the_jwks_for_a_minute_never_meets_an_unknown_key(
    database_url: str, dice: random.Random, figures: Figures
) -> None:
    """Ten minutes of a held clock, a rotation every 10 s as the command does it: all sixty at every size."""
    db, clock, sealer = Database(database_url), HeldClock(), Sealer(["k" * 40])
    processes = [SigningKeys(db, sealer, clock) for _ in range(PROCESSES)]
    tokens = [Tokens(keys, "https://nexus.example", clock) for keys in processes]
    await processes[0].ensure()
    copies: list[tuple[float, set[str]]] = [(-dice.uniform(0, JWKS_SECONDS), set[str]()) for _ in range(VERIFIERS)]
    at, rotated, verified, signers, unknown = 0.0, 0, 0, set[str](), list[tuple[float, str]]()
    while at < 600 + PUBLISHED_SECONDS + 10:
        if rotated < 60 and at >= 10 * rotated:
            await dice.choice(processes).rotate()
            rotated += 1
        for number, (fetched_at, _) in enumerate(copies):
            if at - fetched_at >= JWKS_SECONDS or at == 0.0:
                jwks = await dice.choice(processes).jwks()
                copies[number] = fetched_at if at == 0.0 else at, {key["kid"] for key in jwks["keys"]}
        for keys in processes:
            kid, _ = await keys.current()
            signers.add(kid)
            verified += VERIFIERS
            unknown += [(at, kid) for _, known in copies if kid not in known]
        step = dice.uniform(0.3, 1.7)
        clock.advance(step)
        at += step
    token = await tokens[0].issue("c", new_id(), ["agent"])
    await tokens[1].verify(token.access_token)
    figures.keep("key rotation, external verifier", rotations=60, keys_that_signed=len(signers), tokens=verified,
                 unknown=len(unknown))  # fmt: skip
    await db.aclose()
    assert len(signers) == 61
    assert unknown == []
