"""Slow clients and bombs against a gateway process, while others work: how much slower is it for these?"""

import asyncio
import hashlib
import hmac
import json
import os
import resource
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from attacks.conftest import Figures
from support.waiting import eventually

from nexus.kit.embedded import free_port
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.settings import DEVELOPMENT_SECRET_KEY
from nexus.store.database import Database
from nexus.store.tables import Connection, Tenant, WebhookKey

pytestmark = pytest.mark.timeout(600)

SLOW_CLIENTS, BOMBS = 2_000, 10_000
MAX_GROWTH_MB = 64
MAX_RATIO = 2.0
GOOD_CLIENTS = 4
PAUSE_SECONDS = 0.02
WEBHOOK, SECRET = "wh-good", "signed by this"


@dataclass
class GatewayProcess:
    """`oblivion serve gateway`."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_mb(self) -> float:
        """What it has in memory at this moment."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")


@dataclass
class Traffic:
    """What good clients met."""

    millis: list[float] = field(default_factory=list[float])
    failures: Counter[str] = field(default_factory=Counter[str])

    def percentile(self, share: float) -> float:
        return sorted(self.millis)[min(len(self.millis) - 1, int(share * len(self.millis)))]


@pytest.fixture
async def gateway(database_url: str, redis_url: str, tmp_path: Path) -> AsyncGenerator[GatewayProcess]:
    """A gateway that is ready, with one webhook that it knows."""
    await _prepare(database_url)
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OBLIVION_")},
        "OBLIVION_DATABASE_URL": database_url, "OBLIVION_REDIS_URL": redis_url, "OBLIVION_ENVIRONMENT": "development",
        "OBLIVION_SEARCH_DIRECTORY": str(tmp_path / "search"), "OBLIVION_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    log = (tmp_path / "gateway.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "nexus", "serve", "gateway", "--port", str(port), env=environment, stdout=log, stderr=log
    )
    made = GatewayProcess(port, process.pid)
    try:
        async with httpx.AsyncClient(base_url=made.url, trust_env=False) as client:

            async def ready() -> bool:
                assert process.returncode is None, (tmp_path / "gateway.log").read_text()[-2000:]
                with suppress(httpx.HTTPError):
                    return (await client.get("/readyz")).status_code == 200
                return False

            await eventually(ready, "the gateway is ready", 60)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 20)
        if process.returncode is None:
            process.kill()
            await process.wait()
        log.close()
        print((tmp_path / "gateway.log").read_text()[-3000:])


async def _prepare(database_url: str) -> None:
    db, sealer = Database(database_url), Sealer([DEVELOPMENT_SECRET_KEY])
    async with db.system() as session:
        tenant = Tenant(id=new_id(), name="good")
        session.add(tenant)
        await session.flush()
        connection = Connection(
            id=new_id(), tenant_id=tenant.id, vendor="clickup", workspace_id="1", name="good",
            sealed=sealer.seal({"token": "t"}), facts={},
        )  # fmt: skip
        session.add(connection)
        await session.flush()
        session.add(
            WebhookKey(
                id=new_id(), tenant_id=tenant.id, connection_id=connection.id, source="clickup", key=WEBHOOK,
                sealed=sealer.seal({"secret": SECRET}),
            )
        )  # fmt: skip
    await db.aclose()


@asynccontextmanager
async def good_traffic(gateway: GatewayProcess) -> AsyncGenerator[Traffic]:
    """People and vendors at work: webhooks that are stored, questions to the API; every tenth on a new connection."""
    traffic, over = Traffic(), asyncio.Event()

    async def work() -> None:
        client = httpx.AsyncClient(base_url=gateway.url, timeout=30, trust_env=False, verify=False)
        number = 0
        while not over.is_set():
            number += 1
            if number % 10 == 0:
                await client.aclose()
                client = httpx.AsyncClient(base_url=gateway.url, timeout=30, trust_env=False, verify=False)
            started = time.perf_counter()
            try:
                answer = await (post_webhook(client) if number % 2 else client.get("/.well-known/jwks.json"))
                if answer.status_code != 200:
                    traffic.failures[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                traffic.failures[type(error).__name__] += 1
            traffic.millis.append(1000 * (time.perf_counter() - started))
            await asyncio.sleep(PAUSE_SECONDS)
        await client.aclose()

    working = [asyncio.create_task(work()) for _ in range(GOOD_CLIENTS)]
    yield traffic
    over.set()
    await asyncio.gather(*working)


async def post_webhook(client: httpx.AsyncClient) -> httpx.Response:
    items = [{"id": secrets.token_hex(8), "date": "1763800631523", "field": "status"}]
    event = {"event": "taskUpdated", "webhook_id": WEBHOOK, "task_id": "t1", "history_items": items}
    body = json.dumps(event).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return await client.post("/webhooks/clickup", content=body, headers={"X-Signature": signature})


async def peak_memory(gateway: GatewayProcess, over: asyncio.Event) -> float:
    """The most that it ever has, looked at all the time."""
    peak = 0.0
    while not over.is_set():
        peak = max(peak, gateway.memory_mb())
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), 0.1)
    return peak


async def attacked(port: int, gateway: GatewayProcess, slow: int, bombs: int, seconds: float) -> tuple[Traffic, Any]:
    """How good clients of the gateway fare while somebody at a port is attacked, and how the attackers did."""
    script = str(Path(__file__).with_name("slow_clients.py"))
    numbers = (str(one) for one in (port, slow, bombs, seconds))
    attackers = await asyncio.create_subprocess_exec(sys.executable, script, *numbers, stdout=asyncio.subprocess.PIPE)
    await asyncio.sleep(2)  # their interpreter has started
    async with good_traffic(gateway) as traffic:
        told, _ = await asyncio.wait_for(attackers.communicate(), seconds + 120)
    return traffic, json.loads(told)


async def test_slow_clients_and_bombs_cost_others_little(
    gateway: GatewayProcess, size: Callable[[int], int], figures: Figures
) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    slow, bombs = size(SLOW_CLIENTS), size(BOMBS)
    seconds = 8.0 if slow < SLOW_CLIENTS else 100.0
    async with good_traffic(gateway):  # everything is warm
        await asyncio.sleep(1.5)
    async with good_traffic(gateway) as calm:
        await asyncio.sleep(seconds / 3)
    # The attackers take their share of this machine's cores, which elsewhere they would not: so they attack twice.
    beside, _ = await attacked(0, gateway, slow, bombs, seconds)
    memory, over = gateway.memory_mb(), asyncio.Event()
    looking = asyncio.create_task(peak_memory(gateway, over))
    during, counts = await attacked(gateway.port, gateway, slow, bombs, seconds)
    over.set()
    growth = await looking - memory
    ratio = during.percentile(0.99) / max(calm.percentile(0.99), beside.percentile(0.99))
    withstood = sum(count for name, count in counts.items() if name.startswith("bomb: "))
    errors = sum(count for name, count in counts.items() if name.startswith("server error"))
    print(counts, during.failures)
    figures.keep(
        "Slow clients and bombs",
        slow_connections=counts["slow connections"],
        thrown_out=counts.get("slow ones thrown out", 0),
        bombs=withstood,
        server_errors=errors,
        good_requests=len(during.millis),
        failed=sum(during.failures.values()),
        p99_calm_millis=round(calm.percentile(0.99), 1),
        p99_while_another_is_attacked_millis=round(beside.percentile(0.99), 1),
        p99_during_millis=round(during.percentile(0.99), 1),
        ratio=round(ratio, 2),
        memory_mb=round(memory),
        memory_growth_mb=round(growth, 1),
    )
    assert counts["slow connections"] >= slow
    assert withstood == bombs and errors == 0
    assert not [name for name in counts if name.startswith(("bomb: no answer", "bomb: 2", "bomb: 3"))], counts
    assert during.failures == beside.failures == calm.failures == Counter()
    assert growth <= MAX_GROWTH_MB
    assert ratio <= MAX_RATIO
