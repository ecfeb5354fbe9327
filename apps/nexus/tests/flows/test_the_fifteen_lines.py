"""The agent at the beginning of docs/write-an-agent.md, as it stands there: a process beside a real Oblivion.

Whatever is killed while a question waits, and whoever is away when it is answered: every task has one card, one
question of each kind, one result, and nothing twice in Slack or ClickUp.
"""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cli.installation import Installation, running_up
from sqlalchemy import text
from support.waiting import eventually

from nexus.store.database import Database
from oblivion_sandbox import seed

REPOSITORY = Path(__file__).parents[4]
GUIDE = REPOSITORY / "docs/write-an-agent.md"
SDK_README = REPOSITORY / "packages/sdk-python/README.md"
BLOCK = re.compile(r"<!-- file: fixer\.py -->\n```python\n(.*?)```\n", re.DOTALL)

QUESTION = "❓ Which branch?"
APPROVAL = "🔐 May I: Push to release"
RESULT = "Fixed in …"
PATIENCE_SECONDS = 40
DENIED = "Stopped: the push was not approved."
CLICKUP_TASK = f"/list/{seed.CLICKUP_LIST_INBOX}/task"
UNSETTLED = (
    "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending') + "
    "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending'))"
)
pytestmark = pytest.mark.timeout(240)


def the_fifteen_lines() -> str:
    """The agent of the guide."""
    (block,) = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    return block


def python(file: Path, environment: dict[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Runs a file in its folder."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, file.name], cwd=file.parent, env=environment, stdout=output, stderr=subprocess.STDOUT
        )


@dataclass
class Stage:
    """A whole installation, people in front of it, and the agent's processes."""

    up: Installation
    alias: str
    file: Path
    environment: dict[str, str]
    clickup: httpx.AsyncClient
    slack: httpx.AsyncClient
    control: httpx.AsyncClient
    db: Database
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list["subprocess.Popen[bytes]"])

    # --- processes ---

    async def start_agent(self) -> "subprocess.Popen[bytes]":
        """`python fixer.py` with the environment that an operator gives it; returns once it has said that it runs."""
        log = self.file.with_name(f"fixer-{len(self.processes)}.log")
        process = python(self.file, self.environment, log)
        self.processes.append(process)
        await eventually(lambda: "agent.start" in log.read_text(), "the agent runs")
        return process

    def end_agents(self) -> None:
        """Ends what still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    @property
    def logs(self) -> str:
        """What the agent's processes have said."""
        return "\n".join(path.read_text() for path in sorted(self.file.parent.glob("*.log")))

    async def kill_nexus(self) -> None:
        """SIGKILL for the gateway and the worker. `oblivion up` starts them again."""
        for part in ("gateway", "worker"):
            pid = self.up.pid(part)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await eventually(lambda part=part, pid=pid: self.up.pid(part) not in (None, pid), f"{part} runs again")

    async def nexus_ready(self) -> None:
        """Returns once Nexus answers."""

        async def ready() -> bool:
            try:
                async with httpx.AsyncClient() as client:
                    return (await client.get(f"{self.up.running['nexus_url']}/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

        await eventually(ready, "Nexus is ready again", PATIENCE_SECONDS)

    # --- people ---

    async def ask_for(self, title: str) -> "Story":
        """Somebody writes a task for the agent; returns when its question stands in the thread."""
        body = {"name": title, "markdown_description": f"@{self.alias} fix_bug It happens every day."}
        answer = await self.clickup.post(CLICKUP_TASK, json=body)
        answer.raise_for_status()
        story = Story(self, title, answer.json()["id"])
        await story.message(QUESTION)
        return story

    async def messages(self, method: str, **parameters: str) -> list[dict[str, Any]]:
        """What Slack shows to a person."""
        answer = await self.slack.get(method, params={"channel": seed.SLACK_CHANNEL_AI_SQUAD, **parameters})
        return answer.raise_for_status().json()["messages"]

    async def settled(self) -> None:
        """Returns once nothing is on its way any more."""

        async def idle() -> bool:
            async with self.db.engine.connect() as connection:
                return (await connection.execute(text(UNSETTLED))).scalar_one() == 0

        await eventually(idle, "everything settled", PATIENCE_SECONDS)


@dataclass
class Story:
    """One task, as people see it."""

    stage: Stage
    title: str
    item_id: str

    async def thread(self) -> list[dict[str, Any]]:
        """The card and everything below it; nothing until there is a card."""
        history = await self.stage.messages("conversations.history", limit="100")
        roots = [one for one in history if one.get("bot_id") and self.title in one["text"]]
        assert len(roots) <= 1, "two cards"
        return await self.stage.messages("conversations.replies", ts=roots[0]["ts"], limit="100") if roots else []

    async def message(self, beginning: str) -> dict[str, Any]:
        """The message below the card that begins so; waits for it."""

        async def look() -> list[dict[str, Any]]:
            return [one for one in (await self.thread())[1:] if one["text"].startswith(beginning)]

        try:
            found: list[dict[str, Any]] = await eventually(look, f"{beginning!r} in the thread", PATIENCE_SECONDS)
        except AssertionError as never:
            never.add_note(f"thread: {[one['text'] for one in await self.thread()]}\n{self.stage.logs}")
            raise
        return found[0]

    async def press(self, beginning: str, label: str) -> None:
        """Somebody presses a button of the message that begins so; returns when the answer is kept."""
        asked = await self.message(beginning)
        button = next(one for one in buttons(asked) if one["text"]["text"] == label)
        body = {"channel": seed.SLACK_CHANNEL_AI_SQUAD, "ts": asked["ts"], "action_id": button["action_id"]}
        answer = (await self.stage.control.post("/slack/press", json=body)).raise_for_status().json()
        assert answer["ok"], answer

        async def gone() -> bool:
            return not buttons(await self.message(beginning))

        await eventually(gone, f"the buttons of {beginning!r} go away", PATIENCE_SECONDS)

    async def ends_with(self, result: str) -> None:
        """One card, one question, one request for approval, one result; each once in both tools, none taken back."""
        await self.message(result)
        await self.stage.settled()
        card, *replies = await self.thread()
        assert [one["text"] for one in replies] == [QUESTION, APPROVAL, result]
        assert not [button for one in replies for button in buttons(one)]
        effects = (await self.stage.control.get("/slack/effects")).json()["effects"]
        ours = [one for one in effects if one["bot"] and card["ts"] in (one["ts"], one["thread_ts"])]
        assert sorted(one["ts"] for one in ours) == sorted(one["ts"] for one in (card, *replies))
        assert not [one for one in ours if one["deleted"]]
        comments = (await self.stage.control.get("/clickup/effects")).json()["effects"]
        noted = [one for one in comments if one["bot"] and one["task_id"] == self.item_id]
        for said in ("Which branch?", "Push to release"):
            assert len([one for one in noted if said in one["text"]]) == 1, noted
        assert len(noted) == 2
        assert not [one for one in noted if one["deleted"]]
        async with self.stage.db.system() as session:
            query = "SELECT state FROM tasks WHERE title = :title"
            states = (await session.execute(text(query), {"title": self.title})).scalars()
            assert list(states) == ["completed"]


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for block in message["blocks"] if block["type"] == "actions" for one in block["elements"]]


@pytest.fixture(scope="module")
def up() -> Generator[Installation]:
    with running_up() as installation:
        yield installation


def registered(up: Installation, name: str) -> dict[str, str]:
    """What an operator gives to the author of an agent: it answers to its own name."""
    running = up.running
    with httpx.Client(base_url=running["nexus_url"], timeout=20) as nexus:
        login = (running["admin_client_id"], running["admin_client_secret"])
        token = nexus.post("/auth/token", data={"grant_type": "client_credentials"}, auth=login).json()["access_token"]
        made = nexus.post(
            "/v1/agents", json={"name": name, "aliases": [name]}, headers={"Authorization": f"Bearer {token}"}
        )
    agent = made.raise_for_status().json()
    return {
        "OBLIVION_URI": running["nexus_url"],
        "AGENT_ID": agent["client_id"],
        "AGENT_SECRET": agent["client_secret"],
        "AGENT_INSTANCE": "fixer-1",
    }


@pytest.fixture
async def stage(up: Installation, tmp_path: Path) -> AsyncGenerator[Stage]:
    running = up.running
    alias = f"fixer-{secrets.token_hex(3)}"
    file = tmp_path / "fixer.py"
    file.write_text(the_fifteen_lines(), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "OBLIVION_JOURNAL": str(tmp_path / "journal"),
        **registered(up, alias),
    }
    people = {"clickup": running["clickup_token"], "slack": f"Bearer {running['slack_human_token']}"}
    async with (
        httpx.AsyncClient(
            base_url=running["clickup_api_url"], headers={"Authorization": people["clickup"]}, timeout=20
        ) as clickup,
        httpx.AsyncClient(
            base_url=running["slack_api_url"], headers={"Authorization": people["slack"]}, timeout=20
        ) as slack,
        httpx.AsyncClient(base_url=f"{running['sandbox_url']}/_control", timeout=20) as control,
    ):
        db = Database(running["database_url"])
        stage = Stage(up, alias, file, environment, clickup, slack, control, db)
        try:
            yield stage
        finally:
            stage.end_agents()
            await db.aclose()


def test_the_guide_and_the_readme_show_the_same_agent_and_it_has_at_most_fifteen_lines() -> None:
    shown = the_fifteen_lines()
    assert f"```python\n{shown}```" in SDK_README.read_text(encoding="utf-8")
    assert len([line for line in shown.splitlines() if line.strip()]) <= 15


async def test_straight_through_with_buttons(stage: Stage) -> None:
    await stage.start_agent()
    story = await stage.ask_for("Straight through")
    await story.press(QUESTION, "release")
    await story.press(APPROVAL, "Approve")
    await story.ends_with(RESULT)


async def test_a_denied_push_is_not_done_and_the_thread_says_so(stage: Stage) -> None:
    await stage.start_agent()
    story = await stage.ask_for("Denied")
    await story.press(QUESTION, "release")
    await story.press(APPROVAL, "Deny")
    await story.ends_with(DENIED)


async def test_an_answer_given_while_no_agent_lives_is_found_by_the_next_process(stage: Stage) -> None:
    first = await stage.start_agent()
    story = await stage.ask_for("Killed agent")
    first.kill()
    first.wait()
    await story.press(QUESTION, "release")
    await stage.start_agent()
    await story.press(APPROVAL, "Approve")
    await story.ends_with(RESULT)


async def test_an_answer_reaches_the_agent_although_nexus_was_killed_while_the_question_waited(stage: Stage) -> None:
    await stage.start_agent()
    story = await stage.ask_for("Killed Nexus")
    await stage.kill_nexus()
    await stage.nexus_ready()
    await story.press(QUESTION, "release")
    await story.press(APPROVAL, "Approve")
    await story.ends_with(RESULT)


async def test_both_sides_start_anew_and_the_question_still_waits_for_its_answer(stage: Stage) -> None:
    first = await stage.start_agent()
    story = await stage.ask_for("Killed both")
    first.kill()
    first.wait()
    await stage.kill_nexus()
    await stage.start_agent()
    await stage.nexus_ready()
    await story.press(QUESTION, "release")
    await story.press(APPROVAL, "Approve")
    await story.ends_with(RESULT)
