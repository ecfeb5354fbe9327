"""No tenant sees or touches what is another's: every route, socket event and tool, or the test fails."""

import random
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from attacks.conftest import Figures
from attacks.tenants import Prey, Rival, client, own_servers, prey_in, rival_of
from gateway.agent_sockets import AgentSocket, connected
from gateway.dashboards import Dashboard
from starlette.routing import Route
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID

from nexus.http.app import create_routes
from nexus.http.paging import encode_cursor
from nexus.kit.embedded import EmbeddedPostgres, EmbeddedValkey
from nexus.mcp.tools import TOOLS
from oblivion_protocol import TASK_COMMANDS

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module", autouse=True)
def index_of_these_tests(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """The search index lies in a folder of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OBLIVION_SEARCH_DIRECTORY", str(tmp_path_factory.mktemp("search")))
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def prey(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> AsyncGenerator[Prey]:
    """A tenant with something in every table; no test changes it."""
    async with own_servers(postgres, valkey) as (database_url, redis_url), prey_in(database_url, redis_url) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def rival(prey: Prey) -> Rival:
    """A tenant with good tokens that asks for the other's things."""
    return await rival_of(prey.world)


@pytest.fixture
def targets(prey: Prey, size: Callable[[int], int], dice: random.Random) -> list[str]:
    """Ids to ask for: one of each table, and by the attack's size of all others."""
    first = {row["id"] for rows in prey.rows.values() for row in rows[:1] if "id" in row}
    others = sorted(prey.ids - first)
    return sorted(first | {*dice.sample(others, min(len(others), size(len(others))))})


# --- routes ---

Call = tuple[str, str]
"""Method and path, with its parameters still in it."""

NOT_A_TENANTS: dict[Call, str] = {
    ("GET", "/livez"): "says that the process runs",
    ("GET", "/readyz"): "says which dependencies answer",
    ("GET", "/metrics"): "sums over all tenants, for the operator; its labels name no tenant",
    ("POST", "/auth/token"): "the tenant is that of the client, whose secret proves it",
    ("POST", "/auth/introspect"): "likewise",
    ("POST", "/auth/revoke"): "likewise; what a stranger's token asks for is tried in test_revocation.py",
    ("GET", "/.well-known/jwks.json"): "public keys, the same for everybody",
    ("GET", "/.well-known/oauth-authorization-server"): "public addresses, the same for everybody",
    ("GET", "/openapi.json"): "describes the API, the same for everybody",
    ("GET", "/docs"): "likewise",
    ("GET", "/docs/oauth2-redirect"): "likewise",
    ("GET", "/redoc"): "likewise",
}
"""Routes without a tenant, each with its reason."""

ECHOING = {("PUT", "/v1/members/{email}"), ("POST", "/v1/deliveries/replay"), ("POST", "/v1/agents")}
"""Repeat what they were asked in an answer that is no refusal: a person may be a member of both tenants and an alias
a word of both, and each id to replay is answered `not_found`."""


def in_path(prey: Prey, ids: list[str]) -> dict[str, list[str]]:
    """For each parameter in a path: what of the other tenant could stand there, and what should not."""
    return {
        "name": prey.values("agents", "name"),
        "alias": prey.values("agent_aliases", "alias"),
        "email": prey.values("members", "email"),
        "client_id": prey.values("api_keys", "client_id"),
        "vendor": ["clickup", "slack"],
        **dict.fromkeys(("mapping_id", "connection_id", "task_id", "delivery_id", "wanted"), ids),
    }


def in_query(prey: Prey) -> dict[str, list[str]]:
    """For each parameter of a query."""
    return {
        "cursor": [cursor_of(prey)],
        "limit": ["200"],
        "minutes": ["60"],
        "force": ["true"],
        "refresh": ["true"],
        "agent": prey.values("agents", "name"),
        "state": ["dead", "working"],
        "mirror": ["mirrored"],
        "list_id": [LIST_ID],
        "channel_id": [CHANNEL_ID],
        "waiting": ["true"],
        "q": [prey.canary],
        "origin": ["sent", "received"],
        "sink": ["slack", "clickup"],
        "fingerprint": ["0" * 16],
        "actor": prey.values("audit_log", "actor"),
        "action": ["agent"],
    }


def in_body(prey: Prey, rival: Rival) -> dict[Call, list[Any]]:
    """For each operation that takes a body: the other tenant's things in it."""
    new, agents = f"new-{secrets.token_hex(3)}", prey.values("agents", "name")
    alias = prey.values("agent_aliases", "alias")[0]
    return {
        ("POST", "/v1/connections"): [
            {"vendor": "slack", "credentials": {"bot_token": "xoxb-x", "api_url": prey.world.box.slack_api_url}}
        ],
        ("POST", "/v1/agents"): [{"name": new, "aliases": [alias]}],
        ("PATCH", "/v1/agents/{name}"): [{"messages_per_minute": 1}],
        ("POST", "/v1/agents/{name}/rotate"): [{"overlap_seconds": 0}],
        ("POST", "/v1/agents/{name}/mute"): [{"reason": "mine now"}],
        ("POST", "/v1/aliases"): [{"alias": alias, "agent": agent} for agent in agents],
        ("POST", "/v1/mappings"): [{"list_id": LIST_ID, "channel_id": CHANNEL_ID}],
        ("PATCH", "/v1/mappings/{mapping_id}"): [{"sync_rule": "all"}],
        ("POST", "/v1/tasks/{task_id}/reassign"): [{"agent": rival.agent.name}],
        ("POST", "/v1/deliveries/replay"): [{"ids": sorted(prey.ids)[:200]}, {"all": True}],
        ("PUT", "/v1/members/{email}"): [{"role": "admin"}],
        ("POST", "/v1/keys"): [{"name": new, "scopes": ["admin:read"]}],
        ("POST", "/v1/keys/{client_id}/rotate"): [{"overlap_seconds": 0}],
    }


def cursor_of(prey: Prey) -> str:
    """A place in the other tenant's list."""
    row = prey.rows["tasks"][0]
    return encode_cursor((datetime.fromisoformat(row["created_at"]), UUID(row["id"])))


def routes() -> dict[Call, dict[str, Any]]:
    """Every operation of the API, with its description where it has one."""
    app = create_routes("test")
    found: dict[Call, dict[str, Any]] = {
        (method.upper(), path): operation
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }
    for route in app.routes:
        if isinstance(route, Route):
            found |= {(method, route.path): {} for method in (route.methods or ()) if method != "HEAD"}
    return found


@dataclass
class Matrix:
    """What was asked, and what was wrong with the answers."""

    asked: int = 0
    covered: set[Call] = field(default_factory=set[Call])
    leaks: list[str] = field(default_factory=list[str])


async def test_no_route_shows_or_touches_anything_of_another_tenant(
    prey: Prey, rival: Rival, targets: list[str], figures: Figures
) -> None:
    before, matrix = await prey.as_it_is(), Matrix()
    places, queries, bodies = in_path(prey, targets), in_query(prey), in_body(prey, rival)
    async with client(prey.world) as api:
        # Those that repeat what they were told leave it in the rival's own lists: they come last.
        for call, operation in sorted(routes().items(), key=lambda one: one[0] in ECHOING):
            await ask_all_ways(api, call, operation, (places, queries, bodies), matrix, prey, rival)
    every = set(routes())
    figures.keep(
        "Tenant matrix, routes",
        covered=f"{100 * len(matrix.covered) / len(every):.0f} %",
        routes=len(every),
        requests=matrix.asked,
        leaks=len(matrix.leaks),
    )
    assert every - matrix.covered == set(), "a route that nobody attacked: give it an entry above"
    assert matrix.leaks == []
    assert await prey.as_it_is() == before


async def ask_all_ways(
    api: httpx.AsyncClient,
    call: Call,
    operation: dict[str, Any],
    values: tuple[dict[str, list[str]], dict[str, list[str]], dict[Call, list[Any]]],
    matrix: Matrix,
    prey: Prey,
    rival: Rival,
) -> None:
    (method, path), (places, queries, bodies) = call, values
    named = re.findall(r"{(\w+)}", path)
    unknown = [name for name in named if name not in places]
    unknown += [
        one["name"] for one in operation.get("parameters", ()) if one["in"] == "query" and one["name"] not in queries
    ]
    if unknown or ("requestBody" in operation and call not in bodies and call not in NOT_A_TENANTS):
        matrix.leaks.append(f"{call} has a parameter or a body that nobody attacks: {unknown}")
        return
    if call not in NOT_A_TENANTS and not path.startswith("/v1/"):
        return
    matrix.covered.add(call)
    params: list[dict[str, str]] = [{}]
    for one in operation.get("parameters", ()):
        if one["in"] == "query":
            params += [{one["name"]: value} for value in queries[one["name"]]]
    for filled_in, query, body in product(product(*(places[name] for name in named)), params, bodies.get(call, [None])):
        address = path
        for name, value in zip(named, filled_in, strict=True):
            address = address.replace(f"{{{name}}}", quote(value, safe=""))
        answer = await api.request(method, address, params=query, json=body, headers=rival.headers)
        matrix.asked += 1
        shown = answer.text + str(answer.headers)
        if answer.status_code >= 400 or call in ECHOING:
            for said in (*filled_in, *query.values(), *re.findall(r'[^"\s\[\],{}]+', str(body).replace("'", '"'))):
                shown = shown.replace(said, "")  # a refusal may name what was asked for
        aimed = bool(named) and "vendor" not in named and call not in ECHOING
        wrong = answer.status_code not in (403, 404) if aimed else answer.status_code >= 500
        if call == ("POST", "/v1/deliveries/replay") and {one["outcome"] for one in answer.json()["items"]} - {
            "not_found"
        }:
            wrong = True
        if wrong or prey.seen_in(shown):
            matrix.leaks.append(f"{method} {address} {query} {body} → {answer.status_code} {prey.seen_in(shown)}")


# --- sockets ---


def frames_of(prey: Prey, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """For each event that an agent may send: the other tenant's things in it."""
    more: dict[str, dict[str, Any]] = {
        "task.accept": {},
        "task.reject": {"reason": "mine"},
        "task.heartbeat": {},
        "task.plan": {"steps": [{"title": "mine"}]},
        "task.progress": {"text": "mine"},
        "task.message": {"text": "mine"},
        "task.ask": {"question": "mine?"},
        "task.approve": {"action": "mine"},
        "task.artifact": {"name": "mine", "url": "https://evil.example"},
        "task.complete": {"result": "mine"},
        "task.fail": {"error": "mine"},
    }
    tasks = {row["id"]: row["epoch"] for row in prey.rows["tasks"]}
    targets = [(one, tasks.get(one, 1)) for one in ids]
    frames: dict[str, list[dict[str, Any]]] = {
        name: [
            {"task_id": one, "epoch": max(1, epoch), "event_id": secrets.token_hex(8), **extra}
            for one, epoch in targets
        ]
        for name, extra in more.items()
    }
    instances = ["one", *prey.values("agent_sessions", "instance")]
    holding = [{"task_id": one, "epoch": max(1, epoch)} for one, epoch in targets]
    frames["hello"] = [{"instance": one, "skills": ["fix_bug"], "holding": holding, "last_seq": 0} for one in instances]
    frames["ack"] = [{"seq": seq} for seq in (0, 1, 10**6)]
    frames["auth.refresh"] = [{"token": prey.agent_token}]
    return frames


async def test_no_event_of_an_agent_reaches_a_task_of_another_tenant(
    prey: Prey, rival: Rival, targets: list[str], figures: Figures
) -> None:
    before, frames, leaks, sent = await prey.as_it_is(), frames_of(prey, targets), [], 0
    events = events_of(prey, "/agents")
    assert set(TASK_COMMANDS) < events
    async with connected(prey.world.url, rival.agent) as socket:
        for event in sorted(events & frames.keys()):
            for data in frames[event]:
                answer = await socket.call(event, data)
                sent += 1
                shown = str(answer)
                expected = answer["ok"] is (event in ("hello", "ack"))
                if event == "hello":
                    expected = expected and answer["agent_id"] == str(rival.agent.agent_id) and not answer["confirmed"]
                    expected = expected and len(answer["revoked"]) == len(data["holding"]) and answer["replayed"] == 0
                    shown = ""  # tells it which of its claims are void, by the ids that it claimed
                for said in data.values():
                    shown = shown.replace(str(said), "")
                if not expected or prey.seen_in(shown):
                    leaks.append(f"{event} {data} → {answer}")
        leaks += [f"was sent {one}" for one in socket.events if prey.seen_in(str(one))]
    figures.keep(
        "Tenant matrix, events of agents",
        covered=share(events, frames),
        events=len(events),
        frames=sent,
        leaks=len(leaks),
    )
    assert events - frames.keys() == set(), "an event that nobody attacked: give it an entry above"
    assert leaks == []
    assert await prey.as_it_is() == before


async def test_who_watches_sees_nothing_of_another_tenant(
    prey: Prey, rival: Rival, targets: list[str], figures: Figures
) -> None:
    filters: list[dict[str, Any]] = [{}, {"q": prey.canary}, *({"task_id": one} for one in targets)]
    frames: dict[str, list[dict[str, Any]]] = {
        "subscribe": [{"filters": one, "tail": 500} for one in filters],
        "resume": [{"since": prey.cursor, "filters": one} for one in filters],
        "auth.refresh": [{"token": prey.agent_token}],
    }
    events, leaks, sent = events_of(prey, "/admin"), [], 0
    dashboard = Dashboard(prey.world.url, rival.admin_token)
    await dashboard.open()
    try:
        for event in sorted(events & frames.keys()):
            for data in frames[event]:
                answer = await dashboard.call(event, data)
                sent += 1
                if answer["ok"] is (event == "auth.refresh"):
                    leaks.append(f"{event} {data} → {answer}")
        await dashboard.call("subscribe", {"tail": 500})
        # What happens now is another tenant's, too; the line of our own after it says that nothing is on its way.
        admin = await prey.world.admin()
        async with admin:
            for act in ("mute", "unmute"):
                answer = await admin.post(f"/v1/agents/{prey.values('agents', 'name')[-1]}/{act}")
                assert answer.status_code == 200, answer.text
        async with connected(prey.world.url, rival.agent, "two"):
            await dashboard.sees(lambda line: line.agent == rival.agent.name, "a line of its own")
            await eventually(lambda: dashboard.of("stats") and dashboard.of("presence"), "everything that it is sent")
    finally:
        await dashboard.close()
    leaks += [f"was sent {one}" for one in dashboard.events if prey.seen_in(str(one))]
    figures.keep(
        "Tenant matrix, events of who watches",
        covered=share(events, frames),
        events=len(events),
        frames=sent,
        received=len(dashboard.events),
        leaks=len(leaks),
    )
    assert events - frames.keys() == set(), "an event that nobody attacked: give it an entry above"
    assert leaks == []


async def test_no_token_of_one_namespace_opens_the_other(prey: Prey, rival: Rival) -> None:
    for token, namespace in ((rival.agent.token, "/admin"), (rival.admin_token, "/agents")):
        socket = AgentSocket(prey.world.url, token, namespace)
        with pytest.raises(Exception, match=r"forbidden|refused|namespaces"):
            await socket.open()
        assert socket.refusal == "forbidden"


def events_of(prey: Prey, namespace: str) -> set[str]:
    """Every event of a namespace that the server has a handler for."""
    return set(prey.world.gateway.sio.handlers[namespace]) - {"connect", "disconnect"}


def share(events: set[str], frames: dict[str, Any]) -> str:
    return f"{100 * len(events & frames.keys()) / len(events):.0f} %"


# --- MCP ---


async def test_no_tool_reaches_a_task_of_another_tenant(
    prey: Prey, rival: Rival, targets: list[str], figures: Figures
) -> None:
    texts: dict[str, dict[str, Any]] = {
        "accept": {},
        "reject": {},
        "heartbeat": {},
        "post_update": {"text": "mine"},
        "set_plan": {"steps": [{"title": "mine"}]},
        "ask_human": {"question": "mine?"},
        "request_approval": {"action": "mine"},
        "get_answer": {"question_id": prey.values("questions", "id")[0]},
        "complete": {},
        "fail": {"error": "mine"},
        "get_thread": {},
    }
    calls: dict[str, list[dict[str, Any]]] = {
        name: [{"task_id": one, "epoch": 1} | extra for one in targets] for name, extra in texts.items()
    }
    calls |= {"next_task": [{"wait_seconds": 0}], "search_history": [{"query": prey.canary}, {"query": "said"}]}
    before, leaks, made = await prey.as_it_is(), [], 0
    headers = {"Authorization": f"Bearer {rival.agent.token}", "Accept": "application/json, text/event-stream",
               "Oblivion-Instance": "one", "MCP-Protocol-Version": "2025-06-18"}  # fmt: skip
    async with client(prey.world) as api:
        for tool in sorted(TOOLS.keys() & calls.keys()):
            for arguments in calls[tool]:
                asked = {
                    "jsonrpc": "2.0",
                    "id": 1,
                    "method": "tools/call",
                    "params": {"name": tool, "arguments": arguments},
                }
                answer = await api.post("/mcp", json=asked, headers=headers)
                made += 1
                shown = answer.text
                for said in arguments.values():
                    shown = shown.replace(str(said), "")
                refused = tool in ("next_task", "search_history") or '"isError":true' in shown.replace(" ", "")
                if answer.status_code != 200 or not refused or prey.seen_in(shown):
                    leaks.append(f"{tool} {arguments} → {answer.status_code} {answer.text[:300]}")
    figures.keep(
        "Tenant matrix, MCP tools", covered=share(set(TOOLS), calls), tools=len(TOOLS), calls=made, leaks=len(leaks)
    )
    assert TOOLS.keys() - calls.keys() == set(), "a tool that nobody attacked: give it an entry above"
    assert leaks == []
    assert await prey.as_it_is() == before
