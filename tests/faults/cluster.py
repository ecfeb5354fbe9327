"""An Oblivion of real processes that a scenario may hurt: `async with running_cluster(...) as cluster`."""

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import seen
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from supervisor import Supervisor

from nexus.bootstrap import open_nexus
from nexus.cli.admin import tenant_named
from nexus.cli.processes import end_with_parent
from nexus.drill.checker import Seen
from nexus.drill.load import ClickUpHook, SlackHook
from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey, free_port
from nexus.settings import Settings
from nexus.store.database import driver_url
from nexus.store.migrate import upgrade
from oblivion_protocol import ADMIN_READ, ADMIN_WRITE
from oblivion_sandbox import seed as sandbox_seed

LINKS = (
    (sandbox_seed.CLICKUP_LIST_INBOX, sandbox_seed.SLACK_CHANNEL_AI_SQUAD),
    (sandbox_seed.CLICKUP_LIST_WEBSITE, sandbox_seed.SLACK_CHANNEL_WEBSITE),
    (sandbox_seed.CLICKUP_LIST_RELIABILITY, sandbox_seed.SLACK_CHANNEL_AI_SQUAD),
)
"""Lists and the channels that they are linked to: all that a fresh sandbox has."""
CHANNELS = 2
SANDBOX_SETTINGS: Mapping[str, Any] = {
    "slack_post_per_second": 0,
    "clickup_requests_per_minute": 0,
    "clickup_retry_base_seconds": 0.2,
    "slack_retry_seconds": [0.1, 0.5, 1.0, 2.0, 4.0, 8.0],
}
"""No limits, and no long waits before a webhook is sent again."""
READY_SECONDS = 60.0
POLL_SECONDS = 0.05
LOOK_SECONDS = 0.2
"""Between looks at a system under load: each look is a load, too."""

Conversation = tuple[str, str, str]
"""(item id, channel id, ts of the card)."""
Through = Callable[[str], Awaitable[str]]
"""Told the URL of a server, says the URL under which Nexus shall reach it: that of a proxy, for example."""
Starter = Callable[[Supervisor, Mapping[str, str]], Awaitable[str]]
"""Told the addresses and secrets, starts gateways and workers, says under which URL they are reached."""


@dataclass
class Cluster:
    """Where everything is, and what may be done to it."""

    gateway_urls: list[str]
    sandbox_url: str
    database_url: str
    """PostgreSQL itself, whatever stands between it and Nexus."""
    redis_url: str
    """The Valkey itself, likewise."""
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    directory: Path
    seed: int
    settings: Settings
    """For `nexus.bootstrap.open_nexus`, straight to the database."""
    supervisor: Supervisor
    sandbox: httpx.AsyncClient
    """The sandbox's control API: paths begin with `/_control/`."""
    world: dict[str, Any]
    """The answer of `/_control/world`."""
    tenant_id: UUID
    hook: ClickUpHook
    """The webhook that Nexus has registered at ClickUp."""
    slack_hook: SlackHook
    """The Slack app whose events Nexus takes."""
    _engine: AsyncEngine
    _made: list[Conversation] = field(default_factory=list[Conversation])

    # --- faults ---

    async def kill(self, name: str) -> float:
        """SIGKILL for `worker-0`, `gateway-1`, …; it is started again at once. The monotonic time of the signal."""
        while True:
            try:
                os.kill(await self.supervisor.pid(name), signal.SIGKILL)
                return time.monotonic()
            except ProcessLookupError:  # it has died by itself just now
                await asyncio.sleep(0)

    async def pause(self, name: str) -> None:
        """SIGSTOP: it lives, keeps its connections and says nothing. Takes `postgres` and `valkey`, too."""
        os.kill(await self._pid(name), signal.SIGSTOP)

    async def resume(self, name: str) -> None:
        """SIGCONT."""
        os.kill(await self._pid(name), signal.SIGCONT)

    async def stop(self, name: str) -> None:
        """SIGTERM, and it is not started again; returns when it is gone."""
        await self.supervisor.stop(name)

    async def start(self, name: str) -> None:
        """Starts what was stopped; returns when the process exists, not when it is ready (see `ready`)."""
        await self.supervisor.start(name)

    async def ready(self, seconds: float = READY_SECONDS) -> None:
        """Returns when every gateway says that it is ready."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:

            async def look() -> bool:
                with suppress(httpx.HTTPError):
                    answers = [await client.get(f"{url}/readyz") for url in self.gateway_urls]
                    return all(answer.status_code == 200 for answer in answers)
                return False

            await self._eventually(look, "gateways are ready", seconds)

    async def _pid(self, name: str) -> int:
        servers = {"postgres": self.postgres, "valkey": self.valkey}
        return servers[name].pid if name in servers else await self.supervisor.pid(name)

    # --- people ---

    async def conversations(self, count: int, channels: int = 1, *, seconds: float = 180.0) -> list[Conversation]:
        """Makes tasks as a person would, in lists of `channels` (1 or 2) channels; returns when their cards stand."""
        assert 1 <= channels <= CHANNELS
        lists = [list_id for list_id, _ in LINKS[:channels]]
        slots = asyncio.Semaphore(8)

        async def make(number: int) -> str:
            async with slots:
                answer = await people.post(
                    f"/list/{lists[number % len(lists)]}/task",
                    json={"name": f"Task {number} {secrets.token_hex(3)}", "markdown_description": "@AI_Squad fix_bug"},
                )
                return answer.raise_for_status().json()["id"]

        async with self.clickup() as people:
            made = await asyncio.gather(*(make(number) for number in range(count)))
        found: dict[str, Conversation] = {}

        async def look() -> bool:
            rows = await self.rows(
                "SELECT item_id, channel_id, root_ts FROM task_mappings WHERE root_ts IS NOT NULL "
                "AND item_id = ANY(:made)",
                made=made,
            )
            found.update({row.item_id: (row.item_id, row.channel_id, row.root_ts) for row in rows})
            return len(found) == count

        await self._eventually(look, f"{count} cards", seconds, lambda: f"{len(found)} stand")
        self._made += (conversations := [found[item_id] for item_id in made])
        return conversations

    def clickup(self) -> httpx.AsyncClient:
        """ClickUp's API as a person."""
        return httpx.AsyncClient(
            base_url=self.world["clickup"]["api_url"],
            headers={"Authorization": self.world["clickup_human_token"]},
            timeout=30,
            trust_env=False,
        )

    def slack(self) -> httpx.AsyncClient:
        """Slack's API as a person."""
        return httpx.AsyncClient(
            base_url=self.world["slack"]["api_url"],
            headers={"Authorization": f"Bearer {self.world['slack_human_token']}"},
            timeout=30,
            trust_env=False,
        )

    async def admin(self) -> httpx.AsyncClient:
        """Nexus's API with all rights in the tenant: a client that is not open yet."""
        async with open_nexus(self.settings) as nexus:
            name = f"admin-{secrets.token_hex(3)}"
            client_id, secret = await nexus.clients.create(self.tenant_id, name, [ADMIN_READ, ADMIN_WRITE])
        asked = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        async with httpx.AsyncClient(base_url=self.gateway_urls[0], timeout=30, trust_env=False) as asking:
            token = (await asking.post("/auth/token", data=asked)).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=self.gateway_urls[0], headers=headers, timeout=30, trust_env=False)

    async def replay_dead(self) -> int:
        """Has all dead letters tried again, as an operator would; how many there were."""
        count = 0
        async with await self.admin() as admin:
            while True:
                answer = await admin.post("/v1/deliveries/replay", json={"all": True})
                told = answer.raise_for_status().json()
                count += len(told["items"])
                if not told["remaining"]:
                    return count

    # --- what came of it ---

    async def rows(self, sql: str, **parameters: Any) -> list[Any]:
        """What the database says, as its superuser. Raises while it is away."""
        async with self._engine.connect() as connection:
            return list((await connection.execute(text(sql), parameters)).all())

    async def settled(self, seconds: float) -> float:
        """Returns once nothing is on its way: not in inbox and outbox, not in the sandbox. The monotonic time."""
        left = ""

        async def look() -> bool:
            nonlocal left
            under_way = (await self.sandbox.get("/_control/state")).json()["under_way"]
            with suppress(Exception):  # the database may be away
                ((inbox, deliveries),) = await self.rows(
                    "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending'), "
                    "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending'))"
                )
                left = f"{inbox} events, {deliveries} deliveries and {under_way} in the sandbox are left"
                return inbox == deliveries == under_way == 0
            return False

        await self._eventually(look, "everything is settled", seconds, lambda: left)
        return time.monotonic()

    async def seen_in_slack(self, *, calls: bool = False) -> list[Seen]:
        """Every message of ours that holds a key, in the threads of all conversations that `conversations` made.

        With `calls`, `call_at` is known (costs a reading of all recorded calls).
        """
        called = await seen.slack_calls(self.sandbox) if calls else {}
        async with self.slack() as slack:
            return await seen.in_slack(slack, self._made, called)

    async def seen_in_clickup(self) -> list[Seen]:
        """Every comment of ours that holds a key, on all tasks that `conversations` made."""
        async with self.clickup() as clickup:
            return await seen.in_clickup(clickup, self._made)

    async def dead(self) -> dict[str, str]:
        """Keys of events and deliveries that were given up → why."""
        rows = await self.rows(
            "SELECT convert_from(body, 'UTF8') AS said, reason FROM inbox WHERE state = 'dead' UNION ALL "
            "SELECT payload::text, reason FROM deliveries WHERE state = 'dead'"
        )
        return {seen.key_or(row.said, f"row {number}"): row.reason or "" for number, row in enumerate(rows)}

    async def healed(self) -> int:
        """How many second effects Nexus has seen by their echoes and taken back."""
        ((count,),) = await self.rows("SELECT coalesce(sum(healed), 0)::int FROM deliveries")
        return count

    async def _eventually(
        self, look: Callable[[], Awaitable[bool]], what: str, seconds: float, state: Callable[[], str] = lambda: ""
    ) -> None:
        deadline = time.monotonic() + seconds
        while not await look():
            assert time.monotonic() < deadline, (
                f"not within {seconds:g} s: {what}; {state()}\n{self.supervisor.tails()}"
            )
            await asyncio.sleep(LOOK_SECONDS)  # polling other processes


@asynccontextmanager
async def running_cluster(
    gateways: int = 1,
    workers: int = 1,
    *,
    directory: Path,
    seed: int,
    posts_per_second: float = 500,
    redis_url: str | Through | None = None,
    database_url_for_nexus: str | Through | None = None,
    worker_argv: Sequence[str] | None = None,
    sandbox_settings: Mapping[str, Any] | None = None,
    extra_env: Mapping[str, str] | None = None,
    nexus: Starter | None = None,
) -> AsyncGenerator[Cluster]:
    """Starts PostgreSQL, Valkey, a sandbox, gateways and workers, connects and links them, and ends them all.

    Processes are called `gateway-0` …, `worker-0` … and `sandbox`; their logs are in `directory`/logs.
    `redis_url` and `database_url_for_nexus` say under which address Nexus reaches its servers, when that is not
    their own. `worker_argv` are arguments of Python that run another kind of worker, such as a script's path.
    `sandbox_settings` are added to `SANDBOX_SETTINGS`, `extra_env` to the environment of gateways and workers.
    `nexus` starts gateways and workers in a way of its own; there are no others then.
    """
    # Started in this thread: they end when it does, in whatever way.
    postgres = EmbeddedPostgres(directory / "postgres", before_exec=end_with_parent)
    valkey = EmbeddedValkey(directory / "valkey", persistent=False, before_exec=end_with_parent)
    supervisor = Supervisor(directory / "logs")
    async with AsyncExitStack() as stack:
        # Looked up when it is time: a scenario may have started another server of the same name.
        stack.callback(lambda: _continue_and_stop(postgres, valkey))
        opening = asyncio.create_task(supervisor.open())
        stack.push_async_callback(supervisor.close)
        postgres.start()
        valkey.start()
        await upgrade(postgres.url)
        await opening
        gateways, workers = (0, 0) if nexus is not None else (gateways, workers)
        ports = [free_port() for _ in range(gateways + 1)]
        sandbox_url, *gateway_urls = [f"http://127.0.0.1:{port}" for port in ports]
        given: dict[str, Any] = {"environment": "development"}
        if nexus is not None:
            given["secret_key"] = secrets.token_urlsafe(48)
            told = {
                "OBLIVION_DATABASE_URL": postgres.url,
                "OBLIVION_REDIS_URL": valkey.url,
                "OBLIVION_SECRET_KEY": given["secret_key"],
            }
            gateway_urls = [await nexus(supervisor, told)]
        given["public_url"] = gateway_urls[0]
        settings = Settings.model_validate({**given, "database_url": postgres.url, "redis_url": valkey.url})
        environment = {
            "OBLIVION_DATABASE_URL": await _through(database_url_for_nexus, postgres.url),
            "OBLIVION_REDIS_URL": await _through(redis_url, valkey.url),
            "OBLIVION_PUBLIC_URL": gateway_urls[0],
            "OBLIVION_ENVIRONMENT": "development",
            **(extra_env or {}),
        }
        await supervisor.run("sandbox", ["-m", "oblivion_sandbox", "--port", str(ports[0])], {}, again=False)
        for number, port in enumerate(ports[1:]):
            arguments = ["-m", "nexus", "serve", "gateway", "--port", str(port)]
            await supervisor.run(f"gateway-{number}", arguments, environment)
        sandbox = await stack.enter_async_context(httpx.AsyncClient(base_url=sandbox_url, timeout=60, trust_env=False))
        engine = create_async_engine(driver_url(postgres.url), pool_size=4, pool_pre_ping=True)
        stack.push_async_callback(engine.dispose)
        try:
            world, tenant_id = await _connected(
                sandbox, settings, posts_per_second, {**SANDBOX_SETTINGS, **(sandbox_settings or {})}
            )
            cluster = Cluster(
                gateway_urls=gateway_urls,
                sandbox_url=sandbox_url,
                database_url=postgres.url,
                redis_url=valkey.url,
                postgres=postgres,
                valkey=valkey,
                directory=directory,
                seed=seed,
                settings=settings,
                supervisor=supervisor,
                sandbox=sandbox,
                world=world,
                tenant_id=tenant_id,
                hook=await _hook(world),
                slack_hook=SlackHook(
                    world["slack"]["app_id"], sandbox_seed.SLACK_TEAM_ID, world["slack"]["signing_secret"]
                ),
                _engine=engine,
            )
            for number in range(workers):
                arguments = worker_argv or ["-m", "nexus", "serve", "worker"]
                await supervisor.run(f"worker-{number}", arguments, environment)
            await cluster.ready()
            yield cluster
        except BaseException:
            sys.stderr.write(f"\n{supervisor.tails()}\n")
            raise


async def _connected(
    sandbox: httpx.AsyncClient, settings: Settings, posts_per_second: float, sandbox_settings: Mapping[str, Any]
) -> tuple[dict[str, Any], UUID]:
    """Connects Nexus to the sandbox as an operator would."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with suppress(httpx.TransportError):
            world: dict[str, Any] = (await sandbox.get("/_control/world")).json()
            break
        assert time.monotonic() < deadline, "the sandbox did not start"
        await asyncio.sleep(POLL_SECONDS)  # start-up polling; no event tells us
    (await sandbox.post("/_control/settings", json=dict(sandbox_settings))).raise_for_status()
    async with open_nexus(settings) as nexus:
        await nexus.keys.ensure()
        tenant_id = await tenant_named(nexus, "acme", create=True)
        slack = {**world["slack"], "posts_per_second": posts_per_second}
        await nexus.onboarding.connect(tenant_id, "slack", slack, "test")
        await nexus.onboarding.connect(tenant_id, "clickup", world["clickup"], "test")
        await nexus.directory.create(tenant_id, "fixer", ("fix_bug",), ("AI_Squad",))
        for list_id, channel_id in LINKS:
            await nexus.links.link(tenant_id, list_id, channel_id, actor="test")
    base = settings.public_url
    hooks = {"events_url": f"{base}/webhooks/slack", "interactivity_url": f"{base}/webhooks/slack/interactive"}
    while True:
        answer = (await sandbox.post("/_control/slack/app", json=hooks)).raise_for_status().json()
        if answer["verification"]["ok"]:
            return world, tenant_id
        assert time.monotonic() < deadline, f"the gateway did not start: {answer}"
        await asyncio.sleep(POLL_SECONDS)  # likewise


async def _hook(world: Mapping[str, Any]) -> ClickUpHook:
    headers = {"Authorization": world["clickup"]["token"]}
    async with httpx.AsyncClient(base_url=world["clickup"]["api_url"], headers=headers, trust_env=False) as client:
        answer = await client.get(f"/team/{world['clickup']['team_id']}/webhook")
    (hook,) = answer.raise_for_status().json()["webhooks"]
    return ClickUpHook(hook["id"], hook["secret"])


async def _through(given: str | Through | None, url: str) -> str:
    if given is None or isinstance(given, str):
        return given or url
    return await given(url)


def _continue_and_stop(*servers: EmbeddedPostgres | EmbeddedValkey) -> None:
    for server in servers:
        with suppress(ProcessLookupError, AssertionError):
            os.kill(server.pid, signal.SIGCONT)
        server.stop(immediate=True)
