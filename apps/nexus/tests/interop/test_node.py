"""An agent and a queue reader in JavaScript, by the libraries that everybody uses there."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from gateway.dashboards import person
from support.waiting import eventually
from support.world import World

from oblivion_protocol import Feed, FeedAnswer, HelloAnswer, Presence, TaskAssigned, TaskChanged

pytestmark = pytest.mark.node

PROGRAMS = Path(__file__).parents[4] / "tests" / "interop"
BOUND_SECONDS = 30.0


@asynccontextmanager
async def node(program: str, *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A program under way; killed at the end, if it still runs."""
    process = await asyncio.create_subprocess_exec(
        "node", str(PROGRAMS / program), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, limit=2**20,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, list[dict[str, Any]], str]:
    """Its exit code, the JSON lines it printed, and what it complained about."""
    async with asyncio.timeout(BOUND_SECONDS):
        out, err = await process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


async def token(world: World) -> str:
    """What the agent's owner gets for the credentials."""
    client_id, secret = world.agents["fixer"]
    async with httpx.AsyncClient(base_url=world.url) as client:
        answer = await client.post(
            "/auth/token", data={"grant_type": "client_credentials", "scope": "agent"}, auth=(client_id, secret)
        )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def test_agent_in_javascript_takes_a_task_from_clickup_and_its_result_appears_in_slack(linked: World) -> None:
    async with node("agent.mjs", linked.url, await token(linked)) as agent:
        await eventually(lambda: linked.gateway.online, "the agent is online")
        await linked.create_task("Export loses a row", "@AI_Squad fix_bug")
        code, lines, complaints = await ended(agent)
    assert code == 0, (lines, complaints)
    answers = {line["to"]: line["answer"] for line in lines if "answer" in line}
    assert list(answers) == ["hello", "task.accept", "task.message", "task.complete"]
    assert all(answer["ok"] for answer in answers.values())
    HelloAnswer.model_validate(answers["hello"])
    offer, *again = [
        TaskAssigned.model_validate(line["data"]) for line in lines if line.get("event") == "task.assigned"
    ]
    assert all(one == offer for one in again), "at least once, and the same each time"
    assert (offer.type, offer.title) == ("fix_bug", "Export loses a row")
    root = await linked.root("Export loses a row")
    await linked.settled()
    assert await linked.said(root["ts"]) == ["Hello from an agent written in JavaScript.", "Done in JavaScript."]
    (task,) = await linked.rows("SELECT state FROM tasks")
    assert task.state == "completed"


async def test_agent_in_javascript_with_a_bad_token_is_told_so_and_gives_up(linked: World) -> None:
    async with node("agent.mjs", linked.url, "not-a-token") as agent:
        code, lines, complaints = await ended(agent)
    assert code == 2, (lines, complaints)
    assert lines == [{"event": "connect_error", "message": "unauthorized"}]


async def test_dashboard_in_javascript_watches_a_task_and_goes_on_where_another_one_was(linked: World) -> None:
    viewer = await person(linked)
    async with (
        node("admin.mjs", linked.url, await viewer.ticket()) as dashboard,
        node("agent.mjs", linked.url, await token(linked)) as agent,
    ):
        await eventually(lambda: linked.gateway.online and linked.gateway.sockets.within("/admin"), "both are here")
        await linked.create_task("Watched", "@AI_Squad fix_bug")
        code, lines, complaints = await ended(dashboard)
        assert code == 0, (lines, complaints)
        await ended(agent)
    (answer,) = [FeedAnswer.model_validate(line["answer"]) for line in lines if "answer" in line]
    feeds = [Feed.model_validate(line["data"]) for line in lines if line.get("event") == "feed"]
    ids = [one.id for feed in feeds for one in feed.lines]
    # A line whose transaction was not over at the last look may come again; clients drop what they know (decision 14).
    assert len(ids) - len(set(ids)) <= len(ids) // 10, "hardly any line twice"
    states = [TaskChanged.model_validate(line["data"]).state for line in lines if line.get("event") == "task"]
    assert "completed" in states
    rosters = [Presence.model_validate(line["data"]) for line in lines if line.get("event") == "presence"]
    assert any(agent.name == "fixer" for roster in rosters for agent in roster.agents)
    async with node("admin.mjs", linked.url, await viewer.ticket(), answer.cursor) as late:
        code, lines, complaints = await ended(late)
    assert code == 0, (lines, complaints)
    again = [one.id for line in lines if line.get("event") == "feed" for one in Feed.model_validate(line["data"]).lines]
    assert set(ids) - set(again) <= {*ids[:10]}, "all that came after the cursor, perhaps without the tail before it"


async def test_bullmq_program_sees_the_queue_and_its_jobs_name_rows_of_the_inbox(linked: World) -> None:
    await linked.create_task("Seen in the queue", "@AI_Squad fix_bug")
    await linked.root("Seen in the queue")
    await linked.settled()
    assert linked.nexus.settings.redis_url is not None
    redis = urlsplit(linked.nexus.settings.redis_url.get_secret_value())
    async with node("queue.mjs", str(redis.hostname), str(redis.port)) as reader:
        code, (seen,), complaints = await ended(reader)
    assert code == 0, complaints
    assert seen["jobs"] and sum(seen["counts"].values()) >= len(seen["jobs"])
    assert {job["state"] for job in seen["jobs"]} <= {"completed", "active", "waiting"}
    named = {inbox_id for job in seen["jobs"] for inbox_id in job["data"]["inbox_ids"]}
    assert named == {str(row.id) for row in await linked.rows("SELECT id FROM inbox")}


async def test_queue_reader_says_what_is_wrong_when_redis_is_away(unused_tcp_port: int) -> None:
    async with node("queue.mjs", "127.0.0.1", str(unused_tcp_port)) as reader:
        code, lines, complaints = await ended(reader)
    assert (code, lines) == (1, [])
    assert f"cannot read webhook-processing at 127.0.0.1:{unused_tcp_port}" in complaints
