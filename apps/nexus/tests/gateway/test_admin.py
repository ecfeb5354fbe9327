"""`/admin` as a dashboard meets it: who may watch, and that they miss nothing of what happens."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from gateway.agent_sockets import (
    BOUND_SECONDS,
    Account,
    AgentSocket,
    another_gateway,
    connected,
    raw,
    refusal,
)
from gateway.dashboards import (
    NAMESPACE,
    Dashboard,
    Person,
    another_tenant,
    events,
    marked,
    person,
    watching,
)
from gateway.work import wish
from redis.asyncio import Redis
from socketio.exceptions import ConnectionError as Refused
from support.waiting import eventually
from support.world import World
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from nexus.auth.tokens import AUDIENCE, Tokens
from nexus.gateway import admin, admissions, sockets
from oblivion_protocol import ADMIN_READ
from oblivion_protocol.admin import MAX_FEED_LINES, FeedLine, Presence, Stats, TaskChanged

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def mark() -> str:
    return f" #{secrets.token_hex(4)}: "


@pytest_asyncio.fixture(loop_scope="module")
async def viewer(shared_world: World) -> Person:
    return await person(shared_world)


class _Past:
    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=1)


# --- who may watch ---


@pytest.mark.parametrize("token", [None, "", "garbage", "a.b.c"])
async def test_what_is_no_token_is_refused_as_unauthorized(shared_world: World, token: str | None) -> None:
    assert await refusal(shared_world.url, token, NAMESPACE) == "unauthorized"


async def test_expired_ticket_is_refused_as_token_expired(shared_world: World, viewer: Person) -> None:
    past = Tokens(shared_world.nexus.keys, shared_world.nexus.tokens.issuer, _Past())
    expired = await past.issue_for(viewer.email, viewer.client_id, viewer.tenant_id, [ADMIN_READ], "nexus:admin-socket")
    assert await refusal(shared_world.url, expired.access_token, NAMESPACE) == "token_expired"


async def test_token_that_may_not_read_is_refused_as_forbidden(shared_world: World, account: Account) -> None:
    assert await refusal(shared_world.url, account.token, NAMESPACE) == "forbidden"


async def test_ticket_opens_the_feed_and_nothing_else(shared_world: World, viewer: Person) -> None:
    ticket = await viewer.ticket()
    assert await refusal(shared_world.url, ticket, NAMESPACE) is None
    assert await refusal(shared_world.url, ticket, "/agents") == "unauthorized"
    async with httpx.AsyncClient(base_url=shared_world.url) as client:
        answer = await client.get("/v1/tasks", headers={"Authorization": f"Bearer {ticket}"})
    assert answer.status_code == 401


async def test_token_of_a_program_opens_the_feed_as_well(shared_world: World, viewer: Person) -> None:
    client_id, _ = await shared_world.nexus.clients.create(shared_world.tenant_id, "program", [ADMIN_READ])
    issued = await shared_world.nexus.tokens.issue(client_id, shared_world.tenant_id, [ADMIN_READ])
    assert await refusal(shared_world.url, issued.access_token, NAMESPACE) is None
    assert await refusal(shared_world.url, await viewer.ticket(AUDIENCE), NAMESPACE) is None


async def test_who_was_removed_is_not_let_in_and_is_sent_away(
    shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admissions, "STANDING_SECONDS", 0.1)
    leaving, by_client = await person(shared_world), await person(shared_world)
    async with (
        another_gateway(shared_world.nexus) as gateway,
        watching(gateway.url, leaving) as first,
        watching(gateway.url, by_client) as second,
    ):
        await shared_world.nexus.members.put(shared_world.tenant_id, "boss@example.com", "admin", actor="test")
        await shared_world.nexus.members.remove(shared_world.tenant_id, leaving.email, actor="test")
        await first.gone()
        await shared_world.nexus.clients.revoke(shared_world.tenant_id, by_client.client_id)
        await second.gone()
        for who in (leaving, by_client):
            assert await refusal(gateway.url, await who.ticket(), NAMESPACE) == "unauthorized"


@pytest.mark.parametrize(
    ("origin", "told"),
    [("https://evil.example", "forbidden"), ("null", "forbidden"), ("", "forbidden"), (None, None), ("itself", None)],
)
async def test_only_pages_that_may_do_so_open_a_socket(
    shared_world: World, viewer: Person, origin: str | None, told: str | None
) -> None:
    page = shared_world.url if origin == "itself" else origin
    dashboard = Dashboard(shared_world.url, await viewer.ticket())
    try:
        await dashboard.client.connect(
            shared_world.url, headers={} if page is None else {"Origin": page}, auth={"token": await viewer.ticket()},
            transports=["websocket"], namespaces=[NAMESPACE], wait_timeout=BOUND_SECONDS,
        )  # fmt: skip
        await dashboard.close()
    except Refused:
        assert dashboard.refusal == told
    else:
        assert told is None


async def test_socket_outlives_its_ticket_only_with_another_one_of_the_same_person(
    shared_world: World, viewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "TICKET_SECONDS", 3.0)
    async with watching(shared_world.url, viewer) as renews, watching(shared_world.url, viewer) as ignores:
        monkeypatch.setattr(admin, "TICKET_SECONDS", 300.0)
        (asked, *_) = await eventually(lambda: renews.of("auth.refresh"))
        assert 0 <= asked["expires_in"] <= 3
        stranger = await person(shared_world)
        assert (await renews.call("auth.refresh", {"token": await stranger.ticket()}))["code"] == "invalid"
        assert (await renews.call("auth.refresh", {"token": "garbage"}))["code"] == "invalid"
        assert await renews.call("auth.refresh", {"token": await viewer.ticket()}) == {"ok": True}
        await ignores.gone()
        assert not renews.closed.is_set()
        assert (await renews.subscribe()).ok


# --- what is seen ---


async def test_a_task_is_seen_from_the_webhook_to_the_agents_result(
    shared_world: World, account: Account, viewer: Person
) -> None:
    async with watching(shared_world.url, viewer) as dashboard:
        await dashboard.subscribe()
        async with connected(shared_world.url, account) as agent:
            title = await wish(shared_world, account)
            task = await agent.offered()
            assert (await agent.command("task.accept", task))["ok"]
            assert (await agent.command("task.complete", task, result="a word that nobody else must read"))["ok"]

            def about_it(line: FeedLine) -> bool:
                return line.task_id == task["task_id"]

            await dashboard.sees(lambda line: about_it(line) and line.kind == "task.complete", "the result")
            posted = await dashboard.sees(
                lambda line: about_it(line) and line.message == "Card to Slack: sent", "the card is out"
            )
            await dashboard.sees(lambda line: line.kind == "agent.online" and line.agent == account.name)
            assert {"webhook.done", "task.submitted", "task.offered", "task.accept"} <= {
                line.kind for line in dashboard.lines.values() if about_it(line)
            }
            assert "webhook.received" in dashboard.kinds(), "although nobody knows yet what it is about"
            assert (posted.source, posted.data["title"]) == ("slack", title)
            completed = await eventually(
                lambda: [one for one in _tasks(dashboard, task) if one.state == "completed"], "its state", BOUND_SECONDS
            )
            assert (completed[0].mirror, completed[0].agent) == ("mirrored", account.name)
            assert "nobody else must read" not in str(dashboard.events)

            def is_online() -> bool:
                latest = Presence.model_validate(dashboard.of("presence")[-1])
                return [one.online for one in latest.agents if one.name == account.name] == [True]

            await eventually(is_online, "the roster tells of it", BOUND_SECONDS)
        await dashboard.sees(lambda line: line.kind == "agent.offline" and line.agent == account.name)
        stats = await eventually(lambda: dashboard.of("stats"), "figures")
        assert Stats.model_validate(stats[-1]).dead == 0
        assert all(line.tenant_id == str(shared_world.tenant_id) for line in dashboard.lines.values())


async def test_lines_come_in_order_and_in_batches_that_a_browser_can_take(
    shared_world: World, viewer: Person, mark: str
) -> None:
    async with watching(shared_world.url, viewer) as dashboard:
        await dashboard.subscribe(kinds=["webhook.ignored"])
        await events(shared_world, 700, mark)
        await eventually(lambda: len(marked(dashboard, mark)) == 700, "all of them", BOUND_SECONDS)
        assert max(dashboard.batches) <= MAX_FEED_LINES
        for batch in dashboard.of("feed"):
            order = [(line["ts"], line["id"]) for line in batch["lines"]]
            assert order == sorted(order)


async def test_filters_hold_for_the_past_and_for_what_comes(shared_world: World, viewer: Person, mark: str) -> None:
    await events(shared_world, 3, mark + "before ")
    async with watching(shared_world.url, viewer) as dashboard:
        await dashboard.subscribe(tail=500, q=mark.upper())
        await events(shared_world, 2, mark + "after ")
        expected = ["after 1", "after 2", "before 1", "before 2", "before 3"]
        await eventually(lambda: marked(dashboard, mark) == expected, "both")
        assert dashboard.kinds() == {"webhook.ignored"}
        await dashboard.subscribe(levels=["error"])
        await events(shared_world, 1, mark + "unseen ")
        await dashboard.subscribe(tail=1)
        await eventually(lambda: "unseen 1" in marked(dashboard, mark), "once it is wanted")


async def test_the_tail_is_what_was_asked_for(shared_world: World, viewer: Person, mark: str) -> None:
    await events(shared_world, 30, mark)
    async with watching(shared_world.url, viewer) as dashboard:
        await dashboard.subscribe(tail=10)
        await eventually(lambda: len(dashboard.lines) == 10, "ten lines")


async def test_who_has_not_subscribed_sees_how_things_are_and_no_lines(
    shared_world: World, viewer: Person, mark: str
) -> None:
    async with watching(shared_world.url, viewer) as dashboard:
        await events(shared_world, 1, mark)
        await eventually(lambda: len(dashboard.of("stats")) >= 2 and dashboard.of("presence"), "figures", 10)
        assert dashboard.of("feed") == []


# --- nothing is missed ---


async def test_after_a_reconnect_every_line_is_there_once_also_those_that_commit_late(
    shared_world: World, viewer: Person, mark: str
) -> None:
    async with watching(shared_world.url, viewer) as first:
        await first.subscribe()
        await events(shared_world, 5, mark + "seen ")
        await eventually(lambda: len(marked(first, mark)) == 5, "the first ones")
        async with shared_world.nexus.db.tenant(shared_world.tenant_id) as slow:
            await events(shared_world, 3, mark + "late ", session=slow)
            await events(shared_world, 5, mark + "in between ")
            await eventually(lambda: len(marked(first, mark)) == 10, "those in between")
            cursor = first.cursor
            await first.close()
    await events(shared_world, 5, mark + "away ")
    async with watching(shared_world.url, viewer) as second:
        second.lines = dict(first.lines)
        answer = await second.resume(cursor)
        assert not answer.truncated
        await events(shared_world, 2, mark + "live ")
        await eventually(lambda: len(marked(second, mark)) == 20, "all of them", BOUND_SECONDS)
        assert len(of_webhooks(second)) == 2 * 20, "and nothing else"


async def test_another_gateway_goes_on_where_one_has_ended_although_redis_was_emptied(
    shared_world: World, viewer: Person, mark: str
) -> None:
    async with another_gateway(shared_world.nexus) as before, watching(before.url, viewer) as first:
        await first.subscribe()
        await events(shared_world, 4, mark)
        await eventually(lambda: len(marked(first, mark)) == 4, "the first ones")
        await before.gateway.drain(0)
        await eventually(lambda: first.of("server.draining"), "told to come back")
        cursor = first.cursor
    await events(shared_world, 3, mark + "meanwhile ")
    assert shared_world.nexus.settings.redis_url is not None
    redis = Redis.from_url(shared_world.nexus.settings.redis_url.get_secret_value())
    await redis.flushall()
    await redis.aclose()
    async with another_gateway(shared_world.nexus) as after, watching(after.url, viewer) as second:
        second.lines = dict(first.lines)
        await second.resume(cursor)
        await events(shared_world, 2, mark + "live ")
        await eventually(lambda: len(marked(second, mark)) == 9, "all of them", BOUND_SECONDS)
        assert len(of_webhooks(second)) == 2 * 9


async def test_more_than_can_be_sent_again_is_cut_and_that_is_said(
    shared_world: World, viewer: Person, mark: str
) -> None:
    async with watching(shared_world.url, viewer) as dashboard:
        cursor = (await dashboard.subscribe()).cursor
    await eventually(lambda: not shared_world.gateway.sockets.within(NAMESPACE), "it is gone")
    await events(shared_world, 2600, mark)
    async with watching(shared_world.url, viewer) as late:
        assert (await late.resume(cursor)).truncated
        await eventually(lambda: len(late.lines) >= 5000, "the newest", 30)
        assert "2600" in marked(late, mark)


async def test_another_tenant_sees_nothing_of_it(shared_world: World, viewer: Person, mark: str) -> None:
    foreign = await person(shared_world, tenant_id=await another_tenant(shared_world))
    async with (
        watching(shared_world.url, viewer) as own,
        watching(shared_world.url, foreign) as other,
    ):
        cursor = (await own.subscribe()).cursor
        await other.subscribe(tail=500)
        await events(shared_world, 3, mark)
        await eventually(lambda: len(marked(own, mark)) == 3, "the tenant's own")
        await other.resume(cursor)
        await eventually(lambda: len(other.of("stats")) >= 2, "some looks later")
        # Its own member and client were made a moment ago, and that is all there is.
        assert {line.tenant_id for line in other.lines.values()} <= {str(foreign.tenant_id)}
        assert other.kinds() <= {"audit.client.create", "audit.member.add"}
        assert {json.dumps(one["agents"]) for one in other.of("presence")} == {"[]"}
        assert other.of("task") == []


async def test_one_loop_reads_for_all_who_watch_and_ends_with_the_last(shared_world: World, viewer: Person) -> None:
    async with another_gateway(shared_world.nexus) as serving:
        watched = serving.gateway._admin._watched
        async with watching(serving.url, viewer) as one, watching(serving.url, viewer) as two:
            await one.subscribe()
            await two.subscribe()
            ((_, loop),) = watched.values()
        await eventually(lambda: not watched, "nobody watches any more")
        await eventually(loop.done, "and nobody reads")


async def test_page_that_reads_nothing_is_cut_off_and_others_are_served(
    shared_world: World, viewer: Person, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin, "SEND_SECONDS", 0.01)
    monkeypatch.setattr(admin, "SLOW_SECONDS", 0.5)
    for name in ("PING_SECONDS", "PONG_SECONDS"):
        monkeypatch.setattr(sockets, name, 1000)  # it would answer none, either, and that must not be the reason
    async with (
        another_gateway(shared_world.nexus) as serving,
        watching(serving.url, viewer) as lively,
        lazy(serving.url) as page,
    ):
        await page.send(f"40{NAMESPACE}," + json.dumps({"token": await viewer.ticket()}))
        await page.send(f'42{NAMESPACE},0["subscribe",{{}}]')
        await lively.subscribe()
        within = serving.gateway.sockets.within
        await eventually(lambda: len(within(NAMESPACE)) == 2, "both are here")
        for round_ in range(5):
            await events(shared_world, 150, f"{mark}{round_} ", padding=7000)
        await eventually(lambda: len(within(NAMESPACE)) == 1, "the lazy one is gone", 20)
        await eventually(lambda: len(marked(lively, mark)) == 5 * 150, "the lively one has everything", 20)
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(BOUND_SECONDS):
                while True:
                    await page.recv()


@asynccontextmanager
async def lazy(url: str) -> AsyncGenerator[ClientConnection]:
    """A WebSocket whose peer takes next to nothing from the wire unless it is asked to."""
    address = urlsplit(url)
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setblocking(False)
    await asyncio.get_running_loop().sock_connect(peer, (address.hostname, address.port))
    engine = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
    async with connect(engine, sock=peer, close_timeout=0.1, max_queue=1, compression=None) as opened:
        yield opened


# --- sockets of both kinds in one house ---


async def test_dashboard_that_answers_pings_stays_and_one_that_does_not_is_gone(
    shared_world: World, viewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "PING_SECONDS", 0.5)
    monkeypatch.setattr(sockets, "PONG_SECONDS", 1000)
    monkeypatch.setattr(sockets, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(sockets, "HELLO_SECONDS", 0.3)
    async with (
        another_gateway(shared_world.nexus) as serving,
        watching(serving.url, viewer) as lively,
        raw(serving.url) as silent,
    ):
        await silent.send(f"40{NAMESPACE}," + json.dumps({"token": await viewer.ticket()}))
        await silent.receive("40")
        within = serving.gateway.sockets.within
        assert len(within(NAMESPACE)) == 2
        await eventually(lambda: len(within(NAMESPACE)) == 1, "the silent one is gone", 5)
        await eventually(lambda: len(lively.of("stats")) >= 2, "and the other one goes on", 10)
        assert not lively.closed.is_set()


async def test_agent_and_dashboard_may_share_a_connection(
    shared_world: World, account: Account, viewer: Person
) -> None:
    both = AgentSocket(shared_world.url, None)
    await both.client.connect(
        shared_world.url, auth={"token": account.token}, transports=["websocket"], namespaces=["/agents"]
    )
    answer = await both.client.call("hello", {"instance": "one"}, namespace="/agents", timeout=BOUND_SECONDS)
    assert answer["ok"]
    assert (await both.client.call("ack", {"seq": 0}, namespace="/agents", timeout=BOUND_SECONDS)) == {"ok": True}
    await both.close()


# --- bad input ---


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("subscribe", {"tail": 501}),
        ("subscribe", {"tail": -1}),
        ("subscribe", {"filters": {"levels": ["shout"]}}),
        ("subscribe", {"filters": {"q": "x" * 201}}),
        ("subscribe", "everything"),
        ("subscribe", {"filters": {"kinds": ["k"] * 51}}),
        ("resume", {}),
        ("resume", None),
        ("resume", {"since": "yesterday"}),
        ("resume", {"since": "2026-03-01T12:00:00"}),
        ("resume", {"since": "0001-01-01T00:00:00Z~1"}),
        ("resume", {"since": "x" * 201}),
        ("subscribe", {"filters": {"q": "x" * 200_000}}),
    ],
)
async def test_what_cannot_be_is_refused_in_words_and_the_socket_lives(
    shared_world: World, viewer: Person, event: str, data: Any
) -> None:
    async with watching(shared_world.url, viewer) as dashboard:
        answer = await dashboard.call(event, data)
        assert (answer["ok"], answer["code"]) == (False, "invalid")
        assert answer["detail"]
        assert (await dashboard.subscribe()).ok


async def test_task_that_is_none_and_text_that_is_sql_find_nothing(
    shared_world: World, viewer: Person, mark: str
) -> None:
    await events(shared_world, 1, mark)
    async with watching(shared_world.url, viewer) as dashboard:
        for filters in ({"task_id": "no uuid"}, {"q": "' OR true --"}, {"kinds": ["%"]}, {"sources": ["*"]}):
            await dashboard.subscribe(tail=500, **filters)
        await eventually(lambda: len(dashboard.of("stats")) >= 2, "some looks later")
        assert dashboard.lines == {}


def of_webhooks(dashboard: Dashboard) -> list[FeedLine]:
    return [line for line in dashboard.lines.values() if line.kind.startswith("webhook.")]


def _tasks(dashboard: Dashboard, task: dict[str, Any]) -> list[TaskChanged]:
    seen = map(TaskChanged.model_validate, dashboard.of("task"))
    return [one for one in seen if one.id == task["task_id"]]
