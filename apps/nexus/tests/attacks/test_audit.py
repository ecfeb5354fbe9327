"""Every administrative act is in the audit log, over HTTP and in the shell: one that is not fails here."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from attacks.conftest import Figures
from attacks.tenants import Prey, filled
from support.world import CHANNEL_ID, LIST_ID, running_world
from typer.core import TyperGroup

from nexus.cli import COMMANDS, app, imported
from nexus.cli.admin import ACTOR
from nexus.http.app import create_routes
from nexus.settings import DEVELOPMENT_SECRET_KEY

pytestmark = pytest.mark.timeout(120)

NO_ACTS: dict[str, str] = {
    "POST /v1/connections/{connection_id}/test": "looks at the vendor and changes nothing of what anybody set",
    "db upgrade": "is the schema's, which knows no tenant; Alembic keeps its own record",
    "up": "runs a trial of its own, by the acts below",
    "serve": "runs a process",
    "doctor": "looks",
    "drill": "acts on a trial, over its vendors",
    "openapi": "prints",
    "sandbox-seed": "fills a trial, by the acts below",
    "agent list": "looks",
    "member list": "looks",
    "deliveries list": "looks",
    "keys status": "looks",
    "trace": "looks",
    "search status": "looks",
    "search reindex": "makes an index anew of what there is",
    "search evaluate": "measures",
}
"""What changes nothing that an administrator answers for, and why."""


@pytest.fixture
async def prey(
    database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Prey]:
    """A tenant with something in every table."""
    environment = {
        "SEARCH_DIRECTORY": str(tmp_path), "DATABASE_URL": database_url, "REDIS_URL": redis_url,
        "ENVIRONMENT": "development", "SECRET_KEY": DEVELOPMENT_SECRET_KEY, "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(f"OBLIVION_{name}", value)
    async with running_world(database_url, redis_url) as world:
        yield await filled(world)


async def written_by(prey: Prey, actor: str) -> list[tuple[str, str]]:
    """(action, object) of everything that this one did, oldest first."""
    query = "SELECT action, object FROM audit_log WHERE actor = :actor ORDER BY created_at, id"
    return [(row.action, row.object) for row in await prey.world.rows(query, actor=actor)]


def mutating() -> set[str]:
    """Every operation of the API that may change something."""
    return {
        f"{method.upper()} {path}"
        for path, operations in create_routes("test").openapi()["paths"].items()
        for method in operations
        if method != "get" and path.startswith("/v1/")
    }


async def http_acts(prey: Prey) -> list[tuple[str, str, Any, str]]:
    """(operation, address, body, action) in an order in which all of them succeed."""
    async with httpx.AsyncClient(base_url=prey.world.box.url) as control:
        slack = (await control.get("/_control/world")).json()["slack"]
    rows = prey.rows
    agent = next(name for name in prey.values("agents", "name") if name.startswith("spare"))
    mapping = prey.values("project_mappings", "id")[0]
    key = next(row["client_id"] for row in rows["api_keys"] if row["name"].startswith("ci "))
    dead = {
        table: next(row["id"] for row in rows[table] if row["state"] == "dead") for table in ("deliveries", "inbox")
    }
    alias, task = "night_shift", prey.task["task_id"]
    tracker = next(row["id"] for row in rows["connections"] if row["vendor"] == "clickup")
    return [
        ("POST /v1/connections", "", {"vendor": "slack", "credentials": slack}, "connection.connect"),
        ("POST /v1/agents", "", {"name": "new-one"}, "agent.create"),
        ("PATCH /v1/agents/{name}", agent, {"messages_per_minute": 3}, "agent.change"),
        ("POST /v1/agents/{name}/rotate", agent, {}, "client.rotate"),
        ("POST /v1/agents/{name}/mute", agent, {"reason": "loud"}, "agent.mute"),
        ("POST /v1/agents/{name}/unmute", agent, None, "agent.unmute"),
        ("POST /v1/aliases", "", {"alias": alias, "agent": agent}, "alias.add"),
        ("DELETE /v1/aliases/{alias}", alias, None, "alias.remove"),
        ("PATCH /v1/mappings/{mapping_id}", mapping, {"sync_rule": "all"}, "mapping.change"),
        ("POST /v1/tasks/{task_id}/reassign", task, {"agent": None}, "task.reassign"),
        ("POST /v1/tasks/{task_id}/cancel", task, None, "task.cancel"),
        ("POST /v1/deliveries/{delivery_id}/replay", dead["deliveries"], None, "delivery.replay"),
        ("POST /v1/deliveries/replay", "", {"ids": [dead["inbox"]]}, "delivery.replay"),
        ("PUT /v1/members/{email}", "new@example.com", {"role": "viewer"}, "member.add"),
        ("DELETE /v1/members/{email}", "new@example.com", None, "member.remove"),
        ("POST /v1/keys", "", {"name": "more", "scopes": ["admin:read"]}, "client.create"),
        ("POST /v1/keys/{client_id}/rotate", key, {}, "client.rotate"),
        ("DELETE /v1/keys/{client_id}", key, None, "client.revoke"),
        ("DELETE /v1/mappings/{mapping_id}", mapping, None, "mapping.unlink"),
        ("POST /v1/mappings", "", {"list_id": LIST_ID, "channel_id": CHANNEL_ID}, "mapping.link"),
        ("DELETE /v1/agents/{name}", agent, None, "agent.revoke"),
        ("DELETE /v1/connections/{connection_id}", f"{tracker}?force=true", None, "connection.disconnect"),
    ]


async def test_every_act_over_http_is_written_down(prey: Prey, figures: Figures) -> None:
    missing: list[str] = []
    acts = await http_acts(prey)
    admin = await prey.world.admin()
    async with admin:
        me = (await admin.get("/v1/me")).json()
        actor = me.get("actor") or me["client_id"]
        for operation, place, body, action in acts:
            method, path = operation.split(" ")
            address = path.partition("{")[0] + place + path.partition("}")[2] if "{" in path else path
            before = len(await written_by(prey, actor))
            answer = await admin.request(method, address, json=body)
            assert answer.status_code < 300, f"{operation}: {answer.status_code} {answer.text}"
            found = (await written_by(prey, actor))[before:]
            if not any(name == action and target for name, target in found):
                missing.append(f"{operation} wrote {found}, not {action}")
    tried = {operation for operation, *_ in acts}
    figures.keep(
        "Acts over HTTP in the audit log", acts=len(acts), exceptions=len(mutating() - tried), missing=len(missing)
    )
    assert missing == []
    assert mutating() - tried - NO_ACTS.keys() == set(), "an operation that nobody looked at: give it an entry above"


def commands(group: Any = None, path: str = "") -> Iterator[str]:
    """Every command of the shell."""
    if group is None:
        for name in COMMANDS:
            yield from commands(imported(name), name)
    elif isinstance(group, TyperGroup):
        for name, command in group.commands.items():
            yield from commands(command, f"{path} {name}")
    else:
        yield path


async def test_every_act_in_the_shell_is_written_down(
    prey: Prey, figures: Figures, capfd: pytest.CaptureFixture[str]
) -> None:
    async with httpx.AsyncClient(base_url=prey.world.box.url) as control:
        slack = (await control.get("/_control/world")).json()["slack"]
    mapping = prey.values("project_mappings", "id")[0]
    admin = await prey.world.admin()
    async with admin:
        assert (await admin.delete(f"/v1/mappings/{mapping}")).status_code == 204
    credentials = [part for name, value in slack.items() for part in ("--set", f"{name}={value}")]
    acts: list[tuple[str, list[str], str]] = [
        ("agent create", ["newcomer"], "agent.create"),
        ("agent rotate", ["newcomer"], "client.rotate"),
        ("agent limit", ["newcomer", "3"], "agent.change"),
        ("agent revoke", ["newcomer"], "agent.revoke"),
        ("member add", ["new@example.com", "--role", "admin"], "member.add"),
        ("member remove", ["new@example.com"], "member.remove"),
        ("observer create", [], "client.create"),
        ("link", [LIST_ID, CHANNEL_ID], "mapping.link"),
        ("connect", ["slack", *credentials], "connection.connect"),
        ("deliveries replay", ["--all"], "delivery.replay"),
    ]
    missing: list[str] = []
    for command, arguments, action in acts:
        before = len(await written_by(prey, ACTOR))
        await shell(*command.split(" "), *arguments, "--tenant", "acme")
        found = (await written_by(prey, ACTOR))[before:]
        if not any(name == action and target for name, target in found):
            missing.append(f"oblivion {command} wrote {found}, not {action}")
    for command, action in (("rotate", "keys.rotate"), ("reseal", "keys.reseal")):  # of all tenants at once
        before = len(await written_by(prey, ACTOR))
        await shell("keys", command)
        if action not in {name for name, _ in (await written_by(prey, ACTOR))[before:]}:
            missing.append(f"oblivion keys {command} was not written down")
    before = len(await written_by(prey, ACTOR))
    await shell("agent", "create", "first", "--tenant", "founded")
    if ("tenant.create", "founded") not in (await written_by(prey, ACTOR))[before:]:
        missing.append("a tenant was made and nobody wrote it down")
    tried = {command for command, *_ in acts} | {"keys rotate", "keys reseal"}
    capfd.readouterr()  # the secrets that they print
    figures.keep("Acts in the shell in the audit log", acts=len(acts) + 3, missing=len(missing))
    assert missing == []
    assert set(commands()) - tried - NO_ACTS.keys() == set(), "a command that nobody looked at: give it an entry above"


async def shell(*arguments: str) -> None:
    """Runs a command in this process; it has an event loop of its own."""
    ended = await asyncio.to_thread(app, list(arguments), standalone_mode=False)
    assert ended in (None, 0), arguments
