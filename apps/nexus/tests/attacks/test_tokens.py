"""Five hundred attack tokens at four doors: none is let in, and none makes a server error."""

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attacks.conftest import Figures
from attacks.forging import Attack, Forger
from attacks.processes import Process, process, tenant
from gateway.agent_sockets import refusal
from support.servers import TEMPLATE, statement, url_of

from nexus.auth.keys import SigningKeys
from nexus.auth.roles import ROLE_SCOPES
from nexus.auth.tokens import Tokens
from nexus.kit.embedded import EmbeddedPostgres
from nexus.kit.ids import new_id
from nexus.kit.sealing import Sealer
from nexus.store.database import Database
from oblivion_protocol import ADMIN_READ, AGENT

ACCEPTED, REFUSED, BROKEN = "accepted", "refused", "server error"
MANY = 10**6
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}},
}


class _Past:
    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(minutes=14)


@pytest.fixture
async def another_database_url(postgres: EmbeddedPostgres) -> AsyncGenerator[str]:
    """Another installation's."""
    name = f"test_{secrets.token_hex(6)}"
    await statement(postgres.url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield url_of(postgres, name)
    await statement(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


async def knock(server: Process, door: str, token: str) -> str:
    """What a door does with a token."""
    if door in ("agents", "admin"):
        told = await refusal(server.url, token, f"/{door}")
        return ACCEPTED if told is None else REFUSED if told in ("unauthorized", "token_expired", "forbidden") else told
    header = b"Bearer " + token.encode(errors="surrogatepass")
    async with server.client() as client:
        if door == "api":
            answer = await client.get("/v1/tenants", headers=[(b"authorization", header)])
        else:
            accept = (b"accept", b"application/json, text/event-stream")
            answer = await client.post("/mcp", headers=[(b"authorization", header), accept], json=INITIALIZE)
    if answer.status_code >= 500:
        return BROKEN
    return REFUSED if answer.status_code in (401, 403) else f"{ACCEPTED} ({answer.status_code})"


async def issued_and_ended(server: Process, tenant_id: Any, database: Any) -> list[Attack]:
    """Tokens that we did issue, and that are over, or for another door."""
    nexus, found = server.nexus, list[Attack]()
    issue = nexus.tokens.issue

    async def agent(name: str) -> tuple[Any, str]:
        made = await nexus.directory.create(tenant_id, name)
        return made, (await issue(made.client_id, tenant_id, [AGENT], made.agent_id)).access_token

    gone, token = await agent("revoked")
    await nexus.directory.revoke(tenant_id, gone.name)
    found.append(Attack("revoked agent", token))
    _, token = await agent("token-revoked")
    await nexus.standing.revoke(await nexus.tokens.verify(token), actor="test")
    found.append(Attack("revoked token", token))
    here, token = await agent("here")
    found.append(Attack("an agent's at an admin's door", token, ("admin",)))
    admin, _ = await nexus.clients.create(tenant_id, "admin", [ADMIN_READ])
    token = (await issue(admin, tenant_id, [ADMIN_READ])).access_token
    found.append(Attack("an admin's at an agent's door", token, ("agents", "mcp")))
    ended, _ = await nexus.clients.create(tenant_id, "ended", [ADMIN_READ])
    token = (await issue(ended, tenant_id, [ADMIN_READ])).access_token
    await nexus.clients.revoke(tenant_id, ended)
    found.append(Attack("revoked client", token))
    observer, _ = await nexus.clients.create(tenant_id, "observer", ["delegate"])
    token = (await issue(observer, tenant_id, ["delegate"])).access_token
    found.append(Attack("the dashboard's own", token))
    await nexus.members.put(tenant_id, "boss@example.com", "admin", actor="test")
    for email, audience, doors in (
        ("ann@example.com", "nexus:admin-socket", ("api", "mcp", "agents")),
        ("ann@example.com", "nexus", ("mcp", "agents")),
        ("gone@example.com", "nexus", ("api", "mcp", "agents", "admin")),
        ("gone@example.com", "nexus:admin-socket", ("api", "mcp", "agents", "admin")),
        ("nobody@example.com", "nexus:admin-socket", ("api", "mcp", "agents", "admin")),
    ):
        if not email.startswith("nobody"):
            await nexus.members.put(tenant_id, email, "viewer", actor="test")
        given: Any = audience
        token = (await nexus.tokens.issue_for(email, observer, tenant_id, ROLE_SCOPES["viewer"], given)).access_token
        if email.startswith("gone"):
            await nexus.members.remove(tenant_id, email, actor="test")
        found.append(Attack(f"{email} for {audience}", token, doors))
    late = Tokens(nexus.keys, nexus.tokens.issuer, _Past(), ttl_seconds=60)
    found.append(Attack("expired", (await late.issue(here.client_id, tenant_id, [AGENT], here.agent_id)).access_token))
    # Another installation: the same issuer and claims, and a key of its own.
    foreign = SigningKeys(database, Sealer(["another installation"]), nexus.clock)
    for tenant_there in (tenant_id, new_id()):
        elsewhere = Tokens(foreign, nexus.tokens.issuer, nexus.clock)
        token = await elsewhere.issue(here.client_id, tenant_there, [AGENT], here.agent_id)
        found.append(Attack("foreign key", token.access_token))
    # Ours, for a tenant in which this client is not.
    token = (await issue(here.client_id, await tenant(nexus, "rival"), [AGENT], here.agent_id)).access_token
    found.append(Attack("another tenant", token))
    return found


async def test_no_attack_token_opens_any_door(
    database_url: str,
    redis_url: str,
    another_database_url: str,
    size: Callable[[int], int],
    dice: random.Random,
    figures: Figures,
) -> None:
    elsewhere = Database(another_database_url)
    async with process(database_url, redis_url, requests_per_minute=MANY) as server:
        nexus = server.nexus
        tenant_id = await tenant(nexus)
        made = await nexus.directory.create(tenant_id, "honest")
        admin, _ = await nexus.clients.create(tenant_id, "honest admin", [ADMIN_READ])
        kid, private = await nexus.keys.current()
        now = int(nexus.clock.now().timestamp())

        def forger(client_id: str, scope: str, **more: Any) -> Forger:
            claims = {"iss": nexus.tokens.issuer, "aud": "nexus", "sub": client_id, "client_id": client_id, "iat": now,
                      "exp": now + 900, "jti": "forged", "scope": scope, "tenant_id": str(tenant_id)}  # fmt: skip
            return Forger(kid, private, claims | more)

        of_agent = forger(made.client_id, AGENT, agent_id=str(made.agent_id))
        of_admin = forger(admin, ADMIN_READ, agent_id=str(made.agent_id))
        ended = await issued_and_ended(server, tenant_id, elsewhere)
        # An agent's token is no use for the API and the feed anyway; there the same forgeries are an admin's.
        forged = list(zip(of_agent.all(), of_admin.all(), strict=True))
        assert len(forged) + len(ended) >= 500
        for door, token in (
            ("agents", of_agent.good()), ("mcp", of_agent.good()), ("api", of_admin.good()), ("admin", of_admin.good()),
        ):  # fmt: skip
            assert (await knock(server, door, token)).startswith(ACCEPTED), f"{door}: the forger's own token is good"

        chosen = dice.sample(forged, max(0, size(500) - len(ended)))
        tries = [(one.kind, door, one.token) for one in ended for door in one.doors] + [
            (one.kind, door, (theirs if door in ("api", "admin") else one).token)
            for one, theirs in chosen
            for door in one.doors
        ]
        bad: list[tuple[str, str, str]] = []
        slots = asyncio.Semaphore(8)

        async def attack(kind: str, door: str, token: str) -> None:
            async with slots:
                outcome = await knock(server, door, token)
            if outcome != REFUSED:
                bad.append((kind, door, f"{outcome}: {token[:300]!r}"))

        await asyncio.gather(*(attack(*one) for one in tries))
        for door, token in (("agents", of_agent.good()), ("api", of_admin.good())):
            assert (await knock(server, door, token)).startswith(ACCEPTED), f"{door}: and it still is afterwards"
        figures.keep(
            "attack tokens",
            tokens=len(ended) + len(chosen),
            tries=len(tries),
            kinds=len({kind for kind, _, _ in tries}),
            accepted=sum(ACCEPTED in what for _, _, what in bad),
            server_errors=sum(ACCEPTED not in what for _, _, what in bad),
        )
        await elsewhere.aclose()
        assert bad == []
