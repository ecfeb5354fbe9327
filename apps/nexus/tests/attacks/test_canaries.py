"""Canaries in every setting and every input of real processes: in no log, metric, error, Redis key or answer."""

import asyncio
import hashlib
import hmac
import json
import os
import secrets
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from attacks.conftest import Figures
from cluster import Cluster, running_cluster
from gateway.agent_sockets import AgentSocket, frame, refusal
from redis.asyncio import Redis
from support.waiting import eventually

from nexus.bootstrap import open_nexus
from oblivion_sandbox.seed import CLICKUP_LIST_INBOX

pytestmark = pytest.mark.timeout(300)

WANTED = 50
ADMIN_PAGES = (
    "/v1/tenants", "/v1/connections", "/v1/agents", "/v1/keys", "/v1/audit", "/v1/deliveries", "/v1/integrations",
    "/v1/aliases", "/v1/mappings", "/v1/tasks", "/v1/overview", "/v1/me", "/readyz", "/livez", "/openapi.json",
    "/.well-known/jwks.json", "/.well-known/oauth-authorization-server",
)  # fmt: skip
SECRET_TABLES = (
    "connections", "webhook_keys", "api_keys", "api_key_secrets", "audit_log", "signing_keys", "agents", "tenants",
)  # fmt: skip
OURS = ("gateway", "worker")


@dataclass
class Cage:
    """Canaries by where they were let in. None has the shape of a credential: nothing is masked by its looks."""

    secrets: dict[str, str] = field(default_factory=dict[str, str])
    """Nobody may see them anywhere."""
    words: dict[str, str] = field(default_factory=dict[str, str])
    """What people and agents wrote: operators see it in the dashboard on purpose, and nobody anywhere else."""

    def secret(self, place: str) -> str:
        return self.secrets.setdefault(place, f"canary{len(self.secrets):02}x{secrets.token_hex(8)}")

    def word(self, place: str) -> str:
        return self.words.setdefault(place, f"canary{len(self.words):02}w{secrets.token_hex(8)}")

    def found(self, text: str, *, words: bool = True) -> list[str]:
        """Places whose canary is in a text."""
        caged = self.secrets | (self.words if words else {})
        return [place for place, canary in caged.items() if canary in text or canary.encode().hex() in text]


@asynccontextmanager
async def watched(url: str) -> AsyncGenerator[list[str]]:
    """Every command that the Redis server is sent meanwhile."""
    client, heard = Redis.from_url(url), list[str]()

    async def listen() -> None:
        async with client.monitor() as monitor:
            async for command in monitor.listen():
                heard.append(str(command["command"]))

    listening = asyncio.create_task(listen())
    try:
        yield heard
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await client.aclose()


async def kept(url: str) -> str:
    """Everything that the Redis server holds."""
    client = Redis.from_url(url)
    found: list[str] = []
    async for key in client.scan_iter():
        found.append(f"{key!r} {await client.dump(key)!r}")
        match await client.type(key):
            case b"string":
                found.append(repr(await client.get(key)))
            case b"hash":
                found.append(repr(await client.hgetall(key)))
            case b"list":
                found.append(repr(await client.lrange(key, 0, -1)))
            case b"set":
                found.append(repr(await client.smembers(key)))
            case b"zset":
                found.append(repr(await client.zrange(key, 0, -1)))
            case b"stream":
                found.append(repr(await client.xrange(key)))
            case _:
                pass
    await client.aclose()
    return "\n".join(found)


async def test_no_canary_is_seen_outside_of_where_it_was_let_in(postgres_directory: Path, figures: Figures) -> None:
    cage, told = Cage(), list[str]()
    settings = configured(cage, postgres_directory)

    async def with_password(url: str) -> str:
        """As the operator's Redis has one."""
        client = Redis.from_url(url)
        await client.acl_setuser("oblivion", enabled=True, passwords=f"+{cage.secret('redis password')}",
                                 categories=["+@all"], keys=["*"], channels=["*"])  # fmt: skip
        await client.aclose()
        return url.replace("redis://", f"redis://oblivion:{cage.secret('redis password')}@")

    async def database(url: str) -> str:
        return url.replace("postgres@", f"postgres:{cage.secret('database password')}@")

    async with running_cluster(
        1, 1, directory=postgres_directory, seed=1, redis_url=with_password, database_url_for_nexus=database,
        extra_env=settings,
    ) as cluster:  # fmt: skip
        cage.secrets |= {
            "clickup token": cluster.world["clickup"]["token"],
            "clickup webhook secret": cluster.hook.secret,
            "slack bot token": cluster.world["slack"]["bot_token"],
            "slack signing secret": cluster.world["slack"]["signing_secret"],
        }
        async with watched(cluster.redis_url) as heard:
            await work(cluster, cage)
            async with await cluster.admin() as admin:
                answers = await asked(admin, cage)
                told += await refused(cluster, admin, cage)
                await cluster.settled(60)
                shown = [await admin.get(path) for path in ADMIN_PAGES]
                assert [page.status_code for page in shown].count(200) >= len(shown) - 4, shown
                pages = [page.text for page in shown]
                for row in await cluster.rows("SELECT id FROM tasks"):
                    pages += [
                        (await admin.get(f"/v1/{what}")).text for what in (f"tasks/{row.id}", f"explain/{row.id}")
                    ]
            metrics = [(await admin_free(url, "/metrics")) for url in cluster.gateway_urls]
        held = await kept(cluster.redis_url)
        tables = [
            row.body
            for table in SECRET_TABLES
            for row in await cluster.rows(f"SELECT row_to_json(t)::text AS body FROM {table} t")
        ]
        logs = {path.name: path.read_text(errors="replace") for path in traces(postgres_directory)}
        commands = [path / "cmdline" for path in Path("/proc").glob("[0-9]*")]  # noqa: ASYNC240 - no disk is read
        titles = "\n".join(await asyncio.to_thread(lambda: [read(path) for path in commands]))
    told += await failing(cage)
    leaks = {
        "logs_and_traces": [f"{name}: {one}" for name, text in logs.items() for one in cage.found(text)],
        "metrics": [one for text in metrics for one in cage.found(text)],
        "errors": [one for text in told for one in cage.found(text)],
        "redis": [one for text in (held, *heard) for one in cage.found(text)],
        "observer": [one for text in (*pages, *answers) for one in cage.found(text, words=False)],
        "tables_in_the_open": [one for text in tables for one in cage.found(text, words=False)],
        "process_titles": cage.found(titles),
    }
    figures.keep(
        "Canaries in every setting and input",
        canaries=len(cage.secrets) + len(cage.words),
        log_lines=sum(text.count("\n") for name, text in logs.items() if name.startswith(OURS)),
        errors=len(told),
        redis_commands=len(heard),
        answers=len(pages) + len(answers),
        **{f"in_{name}": len(found) for name, found in leaks.items()},
    )
    assert leaks == {name: [] for name in leaks}
    assert len(cage.secrets) + len(cage.words) >= WANTED
    assert any(name.startswith("gateway") and '"event"' in text for name, text in logs.items()), "logs are JSON"
    assert heard and held, "Redis was used"
    assert len(tables) >= 5


def configured(cage: Cage, directory: Path) -> dict[str, str]:
    """Every setting that is a secret, some of them as files."""
    file = directory / "secret-key"
    directory.mkdir(parents=True, exist_ok=True)
    file.write_text(cage.secret("secret key, as a file") + secrets.token_hex(16))
    return {
        "OBLIVION_LOG_FORMAT": "json",
        "OBLIVION_LOG_LEVEL": "DEBUG",
        "OBLIVION_EMBEDDINGS_URL": f"http://oblivion:{cage.secret('embeddings password')}@127.0.0.1:9/v1",
        "OBLIVION_EMBEDDINGS_API_KEY": cage.secret("embeddings key"),
        "LANGFUSE_SECRET_KEY": cage.secret("langfuse key"),
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={cage.secret('otlp header')}",
        "GITHUB_TOKEN": cage.secret("github token"),
        "AGENT_SECRET": cage.secret("agent secret in the environment"),
    }


async def work(cluster: Cluster, cage: Cage) -> None:
    """A whole task, with a canary in everything that anybody writes."""
    async with open_nexus(cluster.settings) as nexus:
        made = await nexus.directory.create(cluster.tenant_id, "teller", (), ("Tellers",))
    cage.secrets["agent secret"] = made.client_secret
    token = await access_token(cluster, made.client_id, made.client_secret)
    cage.secrets["access token of the agent"] = token
    agent = await AgentSocket(cluster.gateway_urls[0], token).open()
    try:
        await agent.hello(skills=["fix_bug"])
        async with cluster.clickup() as people:
            item = await people.post(
                f"/list/{CLICKUP_LIST_INBOX}/task",
                json={
                    "name": f"Title {cage.word('title')}",
                    "markdown_description": f"@Tellers fix_bug {cage.word('body')}",
                },
            )
            task = await agent.offered()
            await agent.command("task.accept", task)

            async def card() -> list[Any]:
                return await cluster.rows(
                    "SELECT channel_id, root_ts FROM task_mappings WHERE item_id = :id AND root_ts IS NOT NULL",
                    id=item.json()["id"],
                )

            (row,) = await eventually(card, "the card stands", 60)
            comment = {"comment_text": cage.word("comment"), "notify_all": False}
            await people.post(f"/task/{item.json()['id']}/comment", json=comment)
        async with cluster.slack() as slack:
            reply = {"channel": row.channel_id, "thread_ts": row.root_ts, "text": f"!sync {cage.word('reply')}"}
            await slack.post("/chat.postMessage", json=reply)
        await agent.command("task.plan", task, steps=[{"title": cage.word("plan")}])
        await agent.command("task.progress", task, text=cage.word("progress"))
        await agent.command("task.message", task, text=cage.word("message"))
        asking = {"question": cage.word("question"), "options": [cage.word("option")]}
        await agent.command("task.ask", task, **asking)
        await agent.command("task.approve", task, action=cage.word("action"), approvers=[cage.word("approver")])
        made_of = {"name": cage.word("artifact"), "url": f"https://a.example/{cage.word('url')}"}
        await agent.call("task.artifact", frame(task) | made_of)
        await eventually(lambda: len(agent.of("context.updated")) >= 2, "the agent hears of it", 60)
        # What is wrong, too: nothing of it comes back.
        for name, data in (
            ("task.message", {"text": cage.word("message without a task")}),
            ("task.message", frame(task, text=[cage.word("message that is no text")])),
            ("task.message", frame(task | {"epoch": 7}, text=cage.word("message of another epoch"))),
            ("hello", {"instance": {"no": cage.word("hello that is none")}}),
            ("auth.refresh", {"token": cage.secret("refresh with a bad token")}),
        ):
            assert cage.found(str(await agent.call(name, data))) == []
        await agent.command("task.complete", task, result=cage.word("result"))
    finally:
        await agent.close()
    assert cage.found(str(await refusal(cluster.gateway_urls[0], cage.secret("handshake token")))) == []


async def access_token(cluster: Cluster, client_id: str, secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    async with httpx.AsyncClient(base_url=cluster.gateway_urls[0]) as api:
        return (await api.post("/auth/token", data=form)).raise_for_status().json()["access_token"]


async def asked(admin: httpx.AsyncClient, cage: Cage) -> list[str]:
    """What an operator does that makes secrets; each is shown once, to him, and is in no later answer."""
    answers: list[str] = []
    made = (await admin.post("/v1/agents", json={"name": "fresh", "aliases": ["fresh"]})).json()
    if secret := made.get("client_secret"):
        cage.secrets["secret of a new agent"] = secret
    answers.append((await admin.get(f"/v1/search?q={cage.word('search')}&access_token={cage.secret('query')}")).text)
    return answers


async def refused(cluster: Cluster, admin: httpx.AsyncClient, cage: Cage) -> list[str]:
    """Everything that is refused, with the canary in what was wrong; what was said about it."""
    answers: list[httpx.Response] = []
    grant = {"grant_type": "client_credentials"}
    async with httpx.AsyncClient(base_url=cluster.gateway_urls[0], timeout=30) as api:
        answers += [
            await api.post("/auth/token", data=grant | {"client_id": "x", "client_secret": cage.secret("form")}),
            await api.post("/auth/token", data=grant, auth=("x", cage.secret("basic"))),
            await api.post("/auth/token", json=grant | {"client_id": "x", "client_secret": cage.secret("json")}),
            await api.post("/auth/token", data={"grant_type": cage.secret("grant type"), "client_id": "x"}),
            await api.post("/auth/token", content=f"{{{cage.secret('broken json')}", headers=JSON),
            await api.post("/auth/revoke", data={"token": cage.secret("revoke")}),
            await api.post("/auth/introspect", data={"token": cage.secret("introspect")}),
            await api.get("/v1/tasks", headers={"Authorization": f"Bearer {cage.secret('bearer')}"}),
            await api.get("/v1/tasks", headers={"Cookie": f"session={cage.secret('cookie')}"}),
            await api.get("/v1/tasks", headers={"X-Api-Key": cage.secret("api key header")}),
            await api.get(f"/v1/{cage.secret('path')}"),
            await api.post("/mcp", json={}, headers={"Authorization": f"Bearer {cage.secret('mcp bearer')}"}),
        ]
        for source, header in (("clickup", "X-Signature"), ("slack", "X-Slack-Signature")):
            body = json.dumps({"webhook_id": cluster.hook.webhook_id, "token": cage.secret(f"{source} body, unsigned")})
            signed = {header: cage.secret(f"{source} signature"), "X-Slack-Request-Timestamp": "1", **JSON}
            answers.append(await api.post(f"/webhooks/{source}", content=body, headers=signed))
        nonsense = {"webhook_id": cluster.hook.webhook_id, "event": cage.word("event that nobody knows")}
        for body in (f"{{not json {cage.secret('signed, and no json')}", json.dumps(nonsense)):
            answers.append(await api.post("/webhooks/clickup", content=body, headers=JSON | signed_by(cluster, body)))
    wrong: dict[str, dict[str, str]] = {
        "clickup": {
            "token": cage.secret("clickup token that is refused"),
            "api_url": cluster.world["clickup"]["api_url"],
        },
        "slack": {
            "bot_token": cage.secret("slack token that is refused"),
            "signing_secret": cage.secret("signing secret that is refused"),
            "api_url": cluster.world["slack"]["api_url"],
        },
    }
    for vendor, credentials in wrong.items():
        answers.append(await admin.post("/v1/connections", json={"vendor": vendor, "credentials": credentials}))
        away = credentials | {"api_url": "http://127.0.0.1:9"}
        answers.append(await admin.post("/v1/connections", json={"vendor": vendor, "credentials": away}))
    answers += [
        await admin.post("/v1/connections", json={"vendor": "slack", "credentials": [cage.secret("credentials list")]}),
        await admin.post("/v1/connections", json={"vendor": cage.secret("vendor"), "credentials": {}}),
        await admin.post("/v1/agents", json={"name": ["no", cage.secret("agent name")]}),
        await admin.post("/v1/mappings", content=cage.secret("body that is no json"), headers=JSON),
        await admin.get("/v1/tasks", params={"cursor": cage.secret("cursor")}),
    ]
    assert all(answer.status_code < 500 or answer.status_code == 503 for answer in answers), answers
    return [f"{answer.text} {answer.headers}" for answer in answers if not answer.is_success]


JSON = {"Content-Type": "application/json"}


def signed_by(cluster: Cluster, body: str) -> dict[str, str]:
    """The header by which ClickUp signs it."""
    return {"X-Signature": hmac.new(cluster.hook.secret.encode(), body.encode(), hashlib.sha256).hexdigest()}


async def failing(cage: Cage) -> list[str]:
    """Processes that cannot start, and what they print about it."""
    away = f"postgresql://oblivion:{cage.secret('password of a database that is away')}@127.0.0.1:9/oblivion"
    bad_redis = f"redis://:{cage.secret('password of a redis that is away')}@127.0.0.1:9/0"
    told: list[str] = []
    for arguments in (("doctor",), ("db", "upgrade")):
        environment = {
            **os.environ,
            "OBLIVION_DATABASE_URL": away,
            "OBLIVION_REDIS_URL": bad_redis,
            "OBLIVION_SECRET_KEY": cage.secret("secret key in the environment") + secrets.token_hex(16),
            "OBLIVION_LOG_FORMAT": "json",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "nexus", *arguments, env=environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(), 60)
        except TimeoutError:
            process.kill()
            out, _ = await process.communicate()
        assert process.returncode != 0
        told.append(out.decode())
    return told


def traces(directory: Path) -> list[Path]:
    """Logs of our processes, and whatever else they have written down: spans in files, too."""
    found = [path for path in directory.rglob("*") if path.is_file()]
    stores = (directory / "postgres", directory / "valkey")
    return [
        path
        for path in found
        if not any(path.is_relative_to(store) for store in stores)
        and not path.name.startswith(("sandbox", "secret-key"))
    ]


def read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


async def admin_free(url: str, path: str) -> str:
    async with httpx.AsyncClient(base_url=url) as api:
        return (await api.get(path)).text
