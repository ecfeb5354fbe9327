"""Who is let in, and what the others are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from gateway.agent_sockets import Account, AgentSocket, connected, raw, refusal, register
from socketio.exceptions import ConnectionError as Refused
from support.waiting import eventually
from support.world import World

from nexus.auth.tokens import Tokens
from nexus.gateway import sockets
from oblivion_protocol import ADMIN_READ, ADMIN_WRITE, AGENT

pytestmark = pytest.mark.asyncio(loop_scope="module")


class _Past:
    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)


async def _token(world: World, account: Account, **more: int) -> str:
    issuer = Tokens(world.nexus.keys, world.nexus.tokens.issuer, world.nexus.clock, **more)
    return (await issuer.issue(account.client_id, world.tenant_id, [AGENT], account.agent_id)).access_token


@pytest.mark.parametrize("token", [None, "", "garbage", "a.b.c", "ключ", "x" * 9000])
async def test_what_is_no_token_is_refused_as_unauthorized(shared_world: World, token: str | None) -> None:
    assert await refusal(shared_world.url, token) == "unauthorized"


async def test_changed_token_is_refused_as_unauthorized(shared_world: World, account: Account) -> None:
    head, body, signature = account.token.split(".")
    changed = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    assert await refusal(shared_world.url, f"{head}.{body}.{changed}") == "unauthorized"


async def test_expired_token_is_refused_as_token_expired(shared_world: World, account: Account) -> None:
    past = Tokens(shared_world.nexus.keys, shared_world.nexus.tokens.issuer, _Past())
    expired = await past.issue("client", shared_world.tenant_id, [AGENT], account.agent_id)
    assert await refusal(shared_world.url, expired.access_token) == "token_expired"


async def test_tokens_that_are_not_an_agents_are_refused_as_forbidden(shared_world: World, account: Account) -> None:
    issue, tenant = shared_world.nexus.tokens.issue, shared_world.tenant_id
    for admin in (
        await issue(account.client_id, tenant, [ADMIN_READ, ADMIN_WRITE]),
        await issue(account.client_id, tenant, [ADMIN_READ], account.agent_id),
        await issue(account.client_id, tenant, [AGENT]),
    ):
        assert await refusal(shared_world.url, admin.access_token) == "forbidden"
    assert await refusal(shared_world.url, account.token) is None


async def test_polling_transport_is_refused(shared_world: World) -> None:
    async with httpx.AsyncClient(base_url=shared_world.url) as client:
        answer = await client.get("/socket.io/", params={"EIO": "4", "transport": "polling"})
    assert answer.status_code == 400
    assert "sid" not in answer.text


@pytest.mark.parametrize("namespace", ["/", "/nothing", "/agents/deeper"])
async def test_other_namespaces_are_refused_even_with_a_good_token(
    shared_world: World, account: Account, namespace: str
) -> None:
    assert await refusal(shared_world.url, account.token, namespace) == "Unable to connect"


async def test_refused_client_that_stays_is_cut_off(shared_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HELLO_SECONDS", 0.3)
    async with raw(shared_world.url) as stranger:
        await stranger.send('40/agents,{"token":"garbage"}')
        assert "unauthorized" in await stranger.receive("44")
        assert await stranger.closed(3), "a stranger keeps a connection for as long as it likes"


async def test_client_that_never_shows_a_token_is_cut_off(shared_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "HELLO_SECONDS", 0.3)
    async with raw(shared_world.url) as stranger:
        assert await stranger.closed(3), "a stranger keeps a connection for as long as it likes"


async def test_socket_outlives_its_token_only_if_the_token_is_renewed(shared_world: World, account: Account) -> None:
    short = replace(account, token=await _token(shared_world, account, ttl_seconds=3))
    async with (
        connected(shared_world.url, short, "renews") as renews,
        connected(shared_world.url, short, "ignores") as ignores,
    ):
        (asked, *_) = await eventually(lambda: renews.of("auth.refresh"))
        assert 0 <= asked["expires_in"] <= 3
        stranger = (await register(shared_world)).token
        assert (await renews.call("auth.refresh", {"token": stranger}))["code"] == "invalid"
        assert (await renews.call("auth.refresh", {"token": "garbage"}))["code"] == "invalid"
        assert await renews.call("auth.refresh", {"token": account.token}) == {"ok": True}
        await ignores.gone()
        assert not renews.closed.is_set()
        await renews.hello("renews")


async def test_revoked_agent_is_cut_off_and_not_let_in_again(shared_world: World, account: Account) -> None:
    async with connected(shared_world.url, account) as agent:
        await shared_world.nexus.directory.revoke(shared_world.tenant_id, account.name)
        await agent.gone()
    assert await refusal(shared_world.url, account.token) == "unauthorized"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "itself"])
async def test_no_page_of_a_browser_connects_as_an_agent(shared_world: World, account: Account, origin: str) -> None:
    agent = AgentSocket(shared_world.url, account.token)
    with pytest.raises(Refused):
        await agent.client.connect(
            shared_world.url, headers={"Origin": shared_world.url if origin == "itself" else origin},
            auth={"token": account.token}, transports=["websocket"], namespaces=["/agents"], wait_timeout=10,
        )  # fmt: skip
    assert agent.refusal == "forbidden"
