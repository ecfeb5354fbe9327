"""Times the way from an empty folder to a task that a new agent has done, beside an `oblivion up` that runs.

    make up                                  # in another terminal
    .venv/bin/python tools/first_agent.py    # --ready-file PATH if it does not run in this directory

Does what docs/write-an-agent.md says: `oblivion-agent new`, `make test`, `make run`, a task in the sandbox's ClickUp, a
button in its Slack. Packages come from this checkout, what they need from the package index.
"""

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ALIAS = "@AI_Squad"
ANSWER = "main"
PATIENCE_SECONDS = 300.0


class People:
    """Those who write tasks and press buttons."""

    def __init__(self, running: dict[str, Any]) -> None:
        self._running = running
        self._channel = running["slack_channel_id"]

    def write_task(self, title: str) -> None:
        """A new task for the squad."""
        answer = httpx.post(
            f"{self._running['clickup_api_url'].rstrip('/')}/list/{self._running['clickup_list_id']}/task",
            json={"name": title, "markdown_description": f"{ALIAS} please"},
            headers={"Authorization": self._running["clickup_token"]},
        )
        answer.raise_for_status()

    def thread(self, title: str) -> list[dict[str, Any]]:
        """The card of a task and what stands below it; nothing while there is no card."""
        roots = [one for one in self._slack("conversations.history") if one.get("bot_id") and title in one["text"]]
        return self._slack("conversations.replies", ts=roots[0]["ts"]) if roots else []

    def press(self, title: str, label: str) -> bool:
        """Presses a button below the card, if it is there."""
        for message in self.thread(title)[1:]:
            for block in message["blocks"]:
                for button in block.get("elements", []):
                    if button.get("type") == "button" and button["text"]["text"] == label:
                        body = {"channel": self._channel, "ts": message["ts"], "action_id": button["action_id"]}
                        url = f"{self._running['sandbox_url']}/_control/slack/press"
                        httpx.post(url, json=body, timeout=20).raise_for_status()
                        return True
        return False

    def _slack(self, method: str, **parameters: str) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{self._running['slack_api_url'].rstrip('/')}/{method}",
            params={"channel": self._channel, "limit": "100", **parameters},
            headers={"Authorization": f"Bearer {self._running['slack_human_token']}"},
        )
        return answer.raise_for_status().json()["messages"]


def until(look: Callable[[], Any], what: str) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"Never: {what}")
        time.sleep(0.05)


@contextmanager
def timed(name: str, spent: dict[str, float]) -> Generator[None]:
    """Adds a line to the report."""
    begun = time.monotonic()
    yield
    spent[name] = time.monotonic() - begun
    sys.stdout.write(f"{name:<42}{spent[name]:7.1f} s\n")
    sys.stdout.flush()


def main() -> None:
    """Goes the way once and reports."""
    parser = argparse.ArgumentParser(description="Times the way from an empty folder to a task that is done.")
    parser.add_argument("--ready-file", type=Path, default=Path(".oblivion/running.json"))
    ready = parser.parse_args().ready_file.absolute()
    if not ready.is_file():
        raise SystemExit(f"There is no {ready}. Start `make up` first, or name its file with --ready-file.")
    people = People(json.loads(ready.read_text(encoding="utf-8")))
    title = f"My first task {secrets.token_hex(3)}"
    spent: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="first-agent-") as name:
        folder = Path(name) / "hello"
        make = ["make", f"PYTHON={sys.executable}"]
        environment = {**os.environ, "OBLIVION_READY_FILE": str(ready), "OBLIVION_JOURNAL": str(Path(name) / "journal")}
        with timed("oblivion-agent new hello", spent):
            command = [str(Path(sys.executable).parent / "oblivion-agent"), "new", "hello"]
            subprocess.run(command, cwd=name, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        with timed("make test", spent):
            subprocess.run([*make, "test"], cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        log_file = Path(name) / "run.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603
                [*make, "run"],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            with timed("make run, until it is connected", spent):
                until(lambda: "connection.open" in log_file.read_text(), f"connected; {log_file.read_text()}")
            with timed("a task, a question, a button, the result", spent):
                people.write_task(title)
                until(lambda: people.press(title, ANSWER), "a question with buttons")
                done = f"Done on {ANSWER}: {title}"
                until(lambda: done in [one["text"] for one in people.thread(title)], "the result")
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
    sys.stdout.write(f"{'together':<42}{sum(spent.values()):7.1f} s\n")


if __name__ == "__main__":
    main()
