"""The process: start, stop, what survives, what it refuses."""

import asyncio
import signal
import sys
import time

import httpx
import pytest

from oblivion_sandbox import Sandbox, running_sandbox, seed
from oblivion_sandbox.net import Reach, is_loopback_host, is_loopback_url

AUTH = {"Authorization": seed.CLICKUP_TOKEN_DANA}
SLACK_AUTH = {"Authorization": f"Bearer {seed.SLACK_TOKEN_DANA}"}


async def test_state_survives_a_restart_with_a_data_directory(tmp_path):
    async with running_sandbox(sandbox=Sandbox(data_dir=tmp_path)) as box, httpx.AsyncClient() as client:
        url = f"{box.clickup_api_url}/list/{seed.CLICKUP_LIST_INBOX}/task"
        task = (await client.post(url, headers=AUTH, json={"name": "kept"})).json()["id"]
        body = {"channel": seed.SLACK_CHANNEL_AI_SQUAD, "text": "kept"}
        root = (await client.post(f"{box.slack_api_url}chat.postMessage", headers=SLACK_AUTH, json=body)).json()["ts"]
        body |= {"thread_ts": root}
        await client.post(f"{box.slack_api_url}chat.postMessage", headers=SLACK_AUTH, json=body)
    async with running_sandbox(sandbox=Sandbox(data_dir=tmp_path)) as box, httpx.AsyncClient() as client:
        found = (await client.get(f"{box.clickup_api_url}/task/{task}", headers=AUTH)).json()
        assert found["name"] == "kept"
        query = {"channel": seed.SLACK_CHANNEL_AI_SQUAD, "ts": root}
        answer = await client.get(f"{box.slack_api_url}conversations.replies", headers=SLACK_AUTH, params=query)
        assert [each["text"] for each in answer.json()["messages"]] == ["kept", "kept"]


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "oblivion_sandbox", *arguments, stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_the_process_says_where_it_is_and_leaves_at_once_on_sigterm(tmp_path):
    ready = tmp_path / "ready"
    process = await start("--port", "0", "--ready-file", str(ready))
    assert process.stdout is not None
    async with asyncio.timeout(10):
        line = await process.stdout.readline()
        assert ready.read_text().strip().encode() in line
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{ready.read_text().strip()}/livez")).text == "ok"
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await process.wait()
    assert time.monotonic() - started < 2
    assert process.returncode == 0


async def test_only_this_machine_may_reach_it(tmp_path):
    process = await start("--host", "0.0.0.0", "--port", "0")
    async with asyncio.timeout(10):
        _, complaint = await process.communicate()
    assert process.returncode == 2
    assert b"not a loopback address" in complaint


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("https://localhost/x", True),
        ("http://nexus.localhost:1", True),
        ("http://[::1]:8000", True),
        ("http://127.0.0.1.example.com/", False),
        ("http://127.0.0.1@example.com/", False),
        ("ftp://127.0.0.1/", False),
        ("http://10.0.0.1/", False),
        ("http://[bad", False),
    ],
)
def test_which_endpoints_are_called(url, allowed):
    assert is_loopback_url(url) is allowed


def test_a_wildcard_address_is_not_loopback():
    assert not is_loopback_host("0.0.0.0")
    assert not is_loopback_host("::")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://nexus:8000/webhooks/slack", True),
        ("https://NEXUS/x", True),
        ("http://127.0.0.1:1/", True),
        ("http://nexus.example.com/", False),
        ("http://nexus@example.com/", False),
        ("http://10.0.0.1/", False),
        ("ftp://nexus/", False),
        ("http://[bad", False),
    ],
)
def test_a_named_host_is_called_and_no_other(url, allowed):
    assert Reach(targets=frozenset({"nexus"})).may_call(url) is allowed


def test_without_names_nobody_else_is_called():
    assert not Reach().may_call("http://nexus:8000/")
    assert not Reach().may_call("http:///x")


async def test_told_to_it_listens_elsewhere_calls_whom_it_may_and_says_where_it_is(tmp_path):
    ready = tmp_path / "ready"
    process = await start(
        "--host", "0.0.0.0", "--allow-remote", "--port", "0", "--ready-file", str(ready),
        "--public-url", "http://sandbox.example/", "--api-url", "http://sandbox:8002", "--allow-target", "Nexus",
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(10):
            assert await process.stdout.readline() == b"Sandbox    http://sandbox.example/\n"
        port = ready.read_text().strip().rpartition(":")[2]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            world = (await client.get("/_control/world")).json()
            assert world["clickup"]["api_url"] == "http://sandbox:8002/clickup/api/v2"
            assert world["slack"]["api_url"] == "http://sandbox:8002/slack/api/"
            task = (
                await client.post(
                    f"/clickup/api/v2/list/{seed.CLICKUP_LIST_INBOX}/task", headers=AUTH, json={"name": "x"}
                )
            ).json()
            assert task["url"] == f"http://sandbox.example/t/{task['id']}"
            hooks = f"/clickup/api/v2/team/{seed.CLICKUP_TEAM_ID}/webhook"
            there = await client.post(hooks, headers=AUTH, json={"endpoint": "http://nexus:8000/x", "events": "*"})
            assert there.status_code == 200, there.text
            elsewhere = await client.post(hooks, headers=AUTH, json={"endpoint": "http://other:8000/x", "events": "*"})
            assert elsewhere.status_code == 400 and elsewhere.json()["ECODE"] == "SANDBOX_001"
            app = await client.post("/_control/slack/app", json={"interactivity_url": "http://nexus:8000/x"})
            assert app.status_code == 200, app.text
            refused = await client.post("/_control/slack/app", json={"interactivity_url": "http://other:8000/x"})
            assert refused.status_code == 400 and "only, not http://other:8000/x" in refused.json()["error"]
    finally:
        process.terminate()
        await process.wait()


async def test_the_socket_is_opened_where_programs_call():
    reach = Reach("http://sandbox.example", "http://sandbox:8002", frozenset())
    async with running_sandbox(sandbox=Sandbox(reach=reach)) as box, httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{box.url}/_control/slack/app", json={"socket_mode": True})
        opened = await client.post(
            f"{box.slack_api_url}apps.connections.open", headers={"Authorization": f"Bearer {seed.SLACK_APP_TOKEN}"}
        )
        assert opened.json()["url"].startswith("ws://sandbox:8002/slack/link/?ticket=")
