"""`oblivion member` and `oblivion observer`, and what `oblivion up` keeps and makes of it."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from nexus.bootstrap import open_nexus
from nexus.cli.local import seed_identities
from nexus.cli.state import LocalState, load_state, save_state
from nexus.settings import Settings

SECRET_KEY = "a secret key that is long enough for production"

SHELL = """
import contextlib, io, json, sys
from nexus.cli import run
for sys.argv in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = run()
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


async def oblivion(environment: dict[str, str], *commands: str) -> list[tuple[int, str, str]]:
    """(exit code, standard output, standard error) of each command; one process for all, as a start takes seconds."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OBLIVION_", "AGENT_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SHELL, json.dumps([["oblivion", *command.split()] for command in commands]),
        env=clean | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [tuple(json.loads(line)) for line in out.splitlines()]


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "OBLIVION_DATABASE_URL": database_url,
        "OBLIVION_REDIS_URL": redis_url,
        "OBLIVION_SECRET_KEY": SECRET_KEY,
    }


@pytest.fixture
def settings(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Settings()


async def test_members_are_added_changed_listed_and_removed(environment: dict[str, str]) -> None:
    empty, added, _, changed, same, listed, removed, again, left = await oblivion(
        environment,
        "observer create",
        "member add Ann@Example.com --role admin",
        "member add vera@example.com --role viewer",
        "member add vera@example.com --role operator",
        "member add vera@example.com --role operator",
        "member list",
        "member remove VERA@example.com",
        "member remove vera@example.com",
        "member list",
    )
    assert empty[0] == 0
    assert added == (0, "ann@example.com is admin\n", "")
    assert changed[1] == "vera@example.com is operator now, no longer viewer\n"
    assert same[1] == "vera@example.com is operator\n"
    assert [line.split() for line in listed[1].splitlines()[1:]] == [
        ["ann@example.com", "admin", "never"],
        ["vera@example.com", "operator", "never"],
    ]
    assert removed[0] == 0 and removed[1].startswith("vera@example.com is no member any more")
    assert again[0] == 1 and "vera@example.com is no member." in again[2]
    assert "ann" in left[1] and "vera" not in left[1]


async def test_what_cannot_be_done_is_said_in_a_sentence(environment: dict[str, str]) -> None:
    nobody, none, _, *refused = await oblivion(
        environment,
        "member list",
        "member list --tenant elsewhere",
        "member add ann@example.com --role admin",
        "member remove ann@example.com",
        "member add ann@example.com --role viewer",
        "member add ann --role viewer",
        "member add bob@example.com --role root",
        "member add bob@example.com",
    )
    for found in (nobody, none):
        assert found[0] == 1 and "There is no tenant" in found[2]
    said = ("the last admin", "the last admin", "no e-mail address", "'root'", "--role")
    for found, code, sentence in zip(refused, (1, 1, 1, 2, 2), said, strict=True):
        assert found[0] == code and sentence in found[2], found


async def test_the_dashboards_credentials_are_printed_once_and_act_for_people(
    environment: dict[str, str], settings: Settings
) -> None:
    made, members = await oblivion(environment, "observer create", "member list")
    printed = re.fullmatch(r"OBSERVER_CLIENT_ID=(obs_observer_\S+)\nOBSERVER_CLIENT_SECRET=(obl_sk_\S{43})\n", made[1])
    assert made[0] == 0 and printed is not None, made
    assert printed[2] not in made[2]
    assert "oblivion member add EMAIL --role admin" in members[1], "how to go on"
    async with open_nexus(settings) as nexus:
        client = await nexus.clients.authenticate(printed[1], printed[2])
    assert client is not None and client.scopes == ("delegate",)


async def test_a_local_installation_has_three_members_and_a_dashboard(settings: Settings) -> None:
    state = LocalState()
    async with open_nexus(settings) as nexus:
        tenant_id = await seed_identities(nexus, state)
        admin = await nexus.clients.authenticate(state.admin.client_id, state.admin.client_secret)
        observer = await nexus.clients.authenticate(state.observer.client_id, state.observer.client_secret)
        assert admin is not None and "delegate" not in admin.scopes
        assert observer is not None and observer.scopes == ("delegate",)
        assert {row.email: row.role for row in await nexus.members.listed(tenant_id)} == {
            "admin@local.test": "admin",
            "operator@local.test": "operator",
            "viewer@local.test": "viewer",
        }
        await nexus.members.put(tenant_id, "viewer@local.test", "admin", actor="test")
        await nexus.members.remove(tenant_id, "operator@local.test", actor="test")
        before = LocalState(**vars(state))
        await seed_identities(nexus, state)
        assert state == before, "nothing is made twice"
        assert {row.email: row.role for row in await nexus.members.listed(tenant_id)} == {
            "admin@local.test": "admin",
            "viewer@local.test": "admin",
            "operator@local.test": "operator",
        }


def test_what_an_older_release_kept_is_good_and_what_it_did_not_keep_is_new(tmp_path: Path) -> None:
    kept = tmp_path / "state.json"
    client = {"client_id": "adm_x", "client_secret": "obl_sk_x"}
    kept.write_text(json.dumps({"secret_key": "k" * 48, "admin": client, "demo": client, "spare": client}))
    state = load_state(kept)
    assert (state.secret_key, state.admin.client_id, state.spare.client_secret) == ("k" * 48, "adm_x", "obl_sk_x")
    assert state.observer.client_id == "" and len(state.auth_secret) >= 32
    save_state(kept, state)
    assert load_state(kept) == state
    assert kept.stat().st_mode & 0o777 == 0o600


def test_what_a_newer_release_kept_besides_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "state.json"
    save_state(kept, LocalState())
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"tomorrow": {"client_id": "x"}}))
    assert load_state(kept).secret_key
