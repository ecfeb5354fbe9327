"""A real `oblivion up` from the main workspace, and this agent beside it, both as processes."""

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

REPOSITORY = Path(__file__).resolve().parents[3]
NEXUS_PYTHON = REPOSITORY / ".venv/bin/python"
LIST_ID, CHANNEL_ID = "901100200300", "C0A1B2C3D"
DANA = "U0DANA0001"
PEOPLE = {"clickup": "pk_81234567_DANA_SANDBOX", "slack": "xoxp-sandbox-dana"}
PATIENCE_SECONDS = 120.0


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("OBLIVION_", "AGENT_"))}


async def eventually(look: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.1)  # polling somebody else's state


@dataclass
class AgentProcess:
    """This agent, running against an installation."""

    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Asks it to end, and sees that it does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(45)
            finally:
                self.process.kill()


@dataclass
class Installation:
    directory: Path
    running: dict[str, Any]
    agents: list[AgentProcess] = field(default_factory=list[AgentProcess])

    def create_agent(self, name: str, alias: str) -> dict[str, str]:
        """Registers an agent, as an operator does; gives its credentials."""
        with httpx.Client(base_url=self.running["nexus_url"], timeout=20) as nexus:
            login = self.running["admin_client_id"], self.running["admin_client_secret"]
            answer = nexus.post("/auth/token", data={"grant_type": "client_credentials"}, auth=login)
            headers = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
            made = nexus.post("/v1/agents", json={"name": name, "aliases": [alias]}, headers=headers)
        created = made.raise_for_status().json()
        return {"AGENT_ID": created["client_id"], "AGENT_SECRET": created["client_secret"]}

    def start_agent(self, environ: dict[str, str]) -> AgentProcess:
        log_file = self.directory / f"agent-{len(self.agents)}.log"
        environment = {"PATH": os.environ["PATH"], "OBLIVION_URI": self.running["nexus_url"]} | environ
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "oblivion_reference_agent"],
                cwd=self.directory, env=environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.agents.append(AgentProcess(process, log_file))
        return self.agents[-1]

    # People

    def create_task(self, name: str, description: str) -> None:
        answer = httpx.post(
            f"{self.running['sandbox_url']}/clickup/api/v2/list/{LIST_ID}/task",
            json={"name": name, "markdown_description": description},
            headers={"Authorization": PEOPLE["clickup"]},
        )
        answer.raise_for_status()

    def _slack(self, method: str, **parameters: str) -> Any:
        answer = httpx.get(
            f"{self.running['sandbox_url']}/slack/api/{method}",
            params={"channel": CHANNEL_ID, "limit": "100", **parameters},
            headers={"Authorization": f"Bearer {PEOPLE['slack']}"},
        )
        return answer.raise_for_status().json()["messages"]

    def thread(self, title: str) -> list[dict[str, Any]]:
        """Everything in the thread about this task, the card included."""
        roots = [one for one in self._slack("conversations.history") if one.get("bot_id") and title in one["text"]]
        return self._slack("conversations.replies", ts=roots[0]["ts"]) if roots else []

    def thread_text(self, title: str) -> str:
        return json.dumps(self.thread(title), ensure_ascii=False)

    def button(self, title: str, label: str) -> tuple[str, dict[str, Any]] | None:
        """A button in a reply: the message's `ts`, and the button."""
        for message in self.thread(title)[1:]:
            for block in message.get("blocks", []):
                for element in block.get("elements", []):
                    if element.get("type") == "button" and label.lower() in element["text"]["text"].lower():
                        return message["ts"], element
        return None

    def press(self, ts: str, button: dict[str, Any]) -> None:
        body = {
            "channel": CHANNEL_ID,
            "ts": ts,
            "user": DANA,
            "action_id": button["action_id"],
            "value": button["value"],
        }
        httpx.post(f"{self.running['sandbox_url']}/_control/slack/press", json=body).raise_for_status()


def _port_base() -> int:
    for _ in range(100):
        base = random.randrange(20_000, 32_000, 10)
        try:
            for port in (base, base + 1, base + 2):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports")


@contextmanager
def running_installation() -> Generator[Installation]:
    # Not below pytest's directories: as root, PostgreSQL runs as another user, who cannot pass through them.
    with tempfile.TemporaryDirectory(prefix="oblivion-reference-") as name:
        directory = Path(name)
        ready = directory / ".oblivion/running.json"
        with (directory / "up.log").open("wb") as log:
            process = subprocess.Popen(
                [str(NEXUS_PYTHON), "-m", "nexus", "up", "--no-observer", "--port-base", str(_port_base())],
                cwd=directory, env=clean_environment(), stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        installation: Installation | None = None
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not ready.exists():
                assert process.poll() is None, (directory / "up.log").read_text()
                assert time.monotonic() < deadline, (directory / "up.log").read_text()
                time.sleep(0.1)
            installation = Installation(directory, json.loads(ready.read_text()))
            yield installation
        finally:
            for agent in installation.agents if installation else []:
                agent.kill()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
