"""What stands in the sandbox's Slack and ClickUp at the end: the oracle of all scenarios."""

from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from nexus.drill.checker import Seen
from nexus.drill.load import in_comments, in_thread, key_in
from oblivion_sandbox import seed

_COMMENTS_PER_PAGE = 25


def key_or(said: str, other: str) -> str:
    """The key in a text, or else something to tell it by."""
    return key_in(said) or other


async def slack_calls(sandbox: httpx.AsyncClient) -> dict[str, float]:
    """Delivery id → when the first chat.postMessage that succeeded for it came in, Unix seconds."""
    query = {"vendor": "slack", "method": "chat.postMessage"}
    found: dict[str, float] = {}
    for call in (await sandbox.get("/_control/calls", params=query)).json()["calls"]:
        metadata: dict[str, Any] = (call["body"] or {}).get("metadata") or {}
        delivery_id = metadata.get("event_payload", {}).get("delivery_id")
        if delivery_id and call["error"] is None:
            found.setdefault(delivery_id, call["time"])
    return found


async def in_slack(
    slack: httpx.AsyncClient, conversations: Iterable[tuple[str, str, str]], called: Mapping[str, float]
) -> list[Seen]:
    """Our messages below the cards of conversations."""
    found: list[Seen] = []
    for item_id, channel_id, root_ts in conversations:
        for message in await thread(slack, channel_id, root_ts):
            key = key_in(message["text"])
            if key is None or not message.get("bot_id"):
                continue
            delivery_id = message.get("metadata", {}).get("event_payload", {}).get("delivery_id", "")
            found.append(
                Seen(
                    key,
                    in_thread(item_id),
                    float(message["ts"]),
                    late=_is_late(message),
                    call_at=called.get(delivery_id, 0.0),
                )
            )
    return found


async def thread(slack: httpx.AsyncClient, channel_id: str, root_ts: str) -> list[dict[str, Any]]:
    """All messages below a root, oldest first."""
    found: list[dict[str, Any]] = []
    query = {"channel": channel_id, "ts": root_ts, "limit": "1000", "include_all_metadata": "true"}
    while True:
        page = (await slack.get("conversations.replies", params=query)).raise_for_status().json()
        assert page["ok"], page
        found += [message for message in page["messages"] if message["ts"] != root_ts]
        cursor = page.get("response_metadata", {}).get("next_cursor")
        if not cursor:
            return found
        query["cursor"] = cursor


async def in_clickup(clickup: httpx.AsyncClient, conversations: Iterable[tuple[str, str, str]]) -> list[Seen]:
    """Our comments on the tasks of conversations."""
    found: list[Seen] = []
    for item_id, _, _ in conversations:
        ours = [each for each in await comments(clickup, item_id) if each["user"]["id"] == seed.CLICKUP_USER_BOT]
        for position, comment in enumerate(ours):
            if key := key_in(comment["comment_text"]):
                late = ", delivered late): " in comment["comment_text"].partition("\n")[0]
                found.append(Seen(key, in_comments(item_id), position, late, int(comment["date"]) / 1000))
    return found


async def comments(clickup: httpx.AsyncClient, item_id: str) -> list[dict[str, Any]]:
    """All comments on a task, oldest first."""
    found: list[dict[str, Any]] = []
    query: dict[str, str] = {}
    while True:
        page = (await clickup.get(f"/task/{item_id}/comment", params=query)).raise_for_status().json()["comments"]
        found += page
        if len(page) < _COMMENTS_PER_PAGE:
            return found[::-1]
        query = {"start": page[-1]["date"], "start_id": page[-1]["id"]}


def _is_late(message: Mapping[str, Any]) -> bool:
    first = (message.get("blocks") or [{}])[0]
    return first.get("type") == "context" and "delivered late" in str(first.get("elements"))
