"""Does the main job once, from outside, and judges what people see: `tools/main_job.py --sandbox URL`.

Somebody writes a task for the squad into the sandbox's ClickUp; a card appears in its Slack; an agent does the task; a
reply that begins with `!sync` becomes a comment on the task. The same for `make up` and for `make cluster-up`.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx

from oblivion_sandbox import seed

ALIAS = "@AI_Squad"
TRIES_ARE_SECONDS_APART = 0.25


class Sandbox:
    """What a person can do and see there."""

    def __init__(self, url: str) -> None:
        base = url.rstrip("/")
        clickup = {"Authorization": seed.CLICKUP_TOKEN_DANA}
        slack = {"Authorization": f"Bearer {seed.SLACK_TOKEN_DANA}"}
        self._clickup = httpx.Client(base_url=f"{base}/clickup/api/v2/", headers=clickup, timeout=20)
        self._slack = httpx.Client(base_url=f"{base}/slack/api/", headers=slack, timeout=20)

    def write_task(self, title: str, list_id: str) -> str:
        """A new task for the squad; its id."""
        body = {"name": title, "markdown_description": f"{ALIAS} fix_bug please"}
        return str(self._clickup.post(f"list/{list_id}/task", json=body).raise_for_status().json()["id"])

    def comments(self, task_id: str) -> list[str]:
        """What stands below the task."""
        found = self._clickup.get(f"task/{task_id}/comment").raise_for_status().json()["comments"]
        return [one["comment_text"] for one in found]

    def card(self, title: str, channel: str) -> str | None:
        """The place of a task's card, once there is one."""
        messages = self._ask("conversations.history", channel=channel, limit="100")["messages"]
        return next((one["ts"] for one in messages if one.get("bot_id") and title in one["text"]), None)

    def thread(self, root: str, channel: str) -> list[str]:
        """What stands below a card."""
        messages = self._ask("conversations.replies", channel=channel, ts=root, limit="100")["messages"]
        return [one["text"] for one in messages[1:]]

    def reply(self, root: str, channel: str, said: str) -> None:
        """Somebody writes below a card."""
        body = {"channel": channel, "thread_ts": root, "text": said}
        answer = self._slack.post("chat.postMessage", json=body).raise_for_status().json()
        if not answer["ok"]:
            raise SystemExit(f"Slack would not take a reply: {answer['error']}")

    def _ask(self, method: str, **query: str) -> dict[str, Any]:
        answer = self._slack.get(method, params=query).raise_for_status().json()
        if not answer["ok"]:
            raise SystemExit(f"Slack refused {method}: {answer['error']}")
        return answer


def until(look: Callable[[], Any], what: str, patience_seconds: float) -> Any:
    """What `look` finds, once it finds something. A vendor that does not answer yet is asked again."""
    began = time.monotonic()
    trouble = "nothing was seen"
    while time.monotonic() - began < patience_seconds:
        try:
            if found := look():
                sys.stdout.write(f"{what:<44}{time.monotonic() - began:6.1f} s\n")
                sys.stdout.flush()
                return found
        except httpx.HTTPError as error:
            trouble = f"{type(error).__name__}: {error}"
        time.sleep(TRIES_ARE_SECONDS_APART)
    raise SystemExit(f"Not within {patience_seconds:.0f} s: {what} ({trouble})")


def main() -> None:
    """Ends with 0 when the job was done."""
    parser = argparse.ArgumentParser(description="Does the main job once and judges what people see.")
    parser.add_argument("--sandbox", default="http://127.0.0.1:8002", help="where the sandbox is")
    parser.add_argument("--list", default=seed.CLICKUP_LIST_INBOX, help="the list that is linked")
    parser.add_argument("--channel", default=seed.SLACK_CHANNEL_AI_SQUAD, help="the channel that it is linked to")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds for each step")
    given = parser.parse_args()
    box = Sandbox(given.sandbox)
    title = f"Export loses a row {secrets.token_hex(4)}"

    task = until(lambda: box.write_task(title, given.list), "a task in ClickUp", given.patience)
    card = until(lambda: box.card(title, given.channel), "a card in Slack", given.patience)
    until(
        lambda: any(text.startswith("Done") for text in box.thread(card, given.channel)),
        "the agent's result in the thread",
        given.patience,
    )
    word = secrets.token_hex(4)
    box.reply(card, given.channel, f"!sync agreed {word}")
    until(lambda: any(word in text for text in box.comments(task)), "the reply as a comment in ClickUp", given.patience)


if __name__ == "__main__":
    main()
