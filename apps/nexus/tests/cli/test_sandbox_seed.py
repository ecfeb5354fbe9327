"""`oblivion sandbox-seed`: a Nexus that runs is made ready for a first try, as often as one likes."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.world import listening, serving
from typer.testing import CliRunner, Result

from nexus.bootstrap import open_nexus
from nexus.cli import app
from nexus.cli.state import credentials_of, state_from
from nexus.kit.embedded import free_port
from nexus.settings import Settings
from oblivion_sandbox import Running, running_sandbox, seed

CLIENTS = ("admin", "demo_agent", "agent", "observer")


async def oblivion(*arguments: str, given: str = "") -> Result:
    """The command in a thread of its own: it brings its event loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, arguments, input=given)


@pytest.fixture
def environment(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_DATABASE_URL", database_url)
    monkeypatch.setenv("OBLIVION_REDIS_URL", redis_url)
    monkeypatch.setenv("OBLIVION_SECRET_KEY", "a secret key that is long enough for production")
    monkeypatch.setenv("OBLIVION_ENVIRONMENT", "development")


async def state_of(box: Running) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=box.url, trust_env=False) as client:
        return (await client.get("/_control/state")).json()


@pytest.mark.usefixtures("environment")
async def test_a_running_nexus_is_made_ready_and_again_with_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener, url = listening()
    monkeypatch.setenv("OBLIVION_PUBLIC_URL", url)
    async with running_sandbox() as box, open_nexus(Settings()) as nexus, serving(nexus, listener):
        command = ("sandbox-seed", "--sandbox-url", box.url)
        made = await oblivion(*command)
        assert made.exit_code == 0, made.exception
        first: dict[str, str] = json.loads(made.stdout)
        assert first["clickup_list_id"] == seed.CLICKUP_LIST_INBOX
        assert all(first[f"{client}_client_id"] and first[f"{client}_client_secret"] for client in CLIENTS)
        state = await state_of(box)
        assert [hook["endpoint"] for hook in state["clickup"]["webhooks"]] == [f"{url}/webhooks/clickup"]
        assert state["slack"]["app"]["events_url"] == f"{url}/webhooks/slack"
        assert state["slack"]["app"]["interactivity_url"] == f"{url}/webhooks/slack/interactive"

        again = await oblivion(*command, "--credentials", "-", given=made.stdout)
        assert json.loads(again.stdout) == first, "credentials that work are not made anew"
        kept = tmp_path / "seed.json"
        kept.write_text(made.stdout)
        again = await oblivion(*command, "--credentials", str(kept))
        assert json.loads(again.stdout) == first
        assert len((await state_of(box))["clickup"]["webhooks"]) == 1

        forgotten = await oblivion(*command, "--credentials", "-")
        renewed: dict[str, str] = json.loads(forgotten.stdout)
        assert renewed["agent_client_id"] == first["agent_client_id"], "the same agent, not a second one"
        assert renewed["agent_client_secret"] != first["agent_client_secret"]
        for client in CLIENTS:
            id_, secret = renewed[f"{client}_client_id"], renewed[f"{client}_client_secret"]
            assert await nexus.clients.authenticate(id_, secret) is not None, client


@pytest.mark.usefixtures("environment")
async def test_what_is_in_the_way_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    away = await oblivion("sandbox-seed", "--sandbox-url", nobody)
    assert f"The sandbox at {nobody} does not answer" in str(away.exception)
    garbled = await oblivion("sandbox-seed", "--sandbox-url", nobody, "--credentials", "-", given="AGENT_ID=x")
    assert "not what this command has printed" in str(garbled.exception)
    missing = await oblivion("sandbox-seed", "--sandbox-url", nobody, "--credentials", "/nonexistent")
    assert "/nonexistent cannot be read" in str(missing.exception)
    monkeypatch.setenv("OBLIVION_ENVIRONMENT", "production")
    refused = await oblivion("sandbox-seed", "--sandbox-url", nobody)
    assert "this is a production installation" in str(refused.exception)


@pytest.mark.usefixtures("environment")
async def test_a_nexus_that_the_sandbox_may_not_call_is_not_called_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBLIVION_PUBLIC_URL", "http://api.oblivion.local")
    async with running_sandbox() as box:
        refused = await oblivion("sandbox-seed", "--sandbox-url", box.url)
    assert refused.exit_code == 1
    assert "on this machine" in str(refused.exception), refused.exception


def test_credentials_survive_the_way_out_and_in() -> None:
    known = {f"{client}_client_{part}": f"{client}-{part}" for client in CLIENTS for part in ("id", "secret")}
    assert credentials_of(state_from(known)) == known
    assert credentials_of(state_from({}))["admin_client_id"] == ""
