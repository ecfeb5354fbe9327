"""What people say in one conversation, in order, and how it reaches Nexus: late, and out of order."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cluster import Cluster, Conversation

from nexus.drill.load import Webhook, ts_of

STEP_SECONDS = 1.5
"""Between two events of one conversation at their source. Slack tells the time of an edit in whole seconds."""
EDIT_SHARE = 0.3
SLACK_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Said:
    """One message or comment, and every text that it ever had, oldest first."""

    key: str
    source: str
    external_id: str
    texts: tuple[str, ...]
    said_at: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event and when it is sent: seconds from the beginning."""

    webhook: Webhook
    seconds: float
    edit: bool


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that happens in one conversation."""

    arrivals: tuple[Arrival, ...]
    said: tuple[Said, ...]
    messages: tuple[dict[str, str], ...]
    """Those of Slack, for `/_control/slack/messages`."""


class Author:
    """Writes stories; the seed decides everything but the time of day."""

    def __init__(self, cluster: Cluster, ends_at: float) -> None:
        self._cluster = cluster
        self._ends_at = ends_at
        self._random = random.Random(f"story {cluster.seed}")
        self._numbers = iter(range(1, 10**6))

    def story(self, conversation: Conversation, events: int, begins: float, delay_seconds: float) -> Story:
        """`events` events, sent from second `begins` on, each delayed by chance by up to `delay_seconds`."""
        said: list[Said] = []
        arrivals: list[Arrival] = []
        messages: list[dict[str, str]] = []
        start = self._ends_at - events * STEP_SECONDS
        for number in range(events):
            at = start + number * STEP_SECONDS
            edit = bool(said) and self._random.random() < EDIT_SHARE
            if edit:
                chosen = self._random.randrange(len(said))
                said[chosen] = replace(said[chosen], texts=(*said[chosen].texts, f"version {len(said[chosen].texts)}"))
                webhook = self._edited(conversation, said[chosen], at)
            else:
                webhook, one = self._new(conversation, at)
                said.append(one)
                if one.source == "slack":
                    messages.append(_message(self._cluster, conversation, one))
            seconds = begins + number * delay_seconds / 4 + self._random.uniform(0, delay_seconds)
            arrivals.append(Arrival(webhook, seconds, edit))
        return Story(tuple(arrivals), tuple(said), tuple(messages))

    def _new(self, conversation: Conversation, at: float) -> tuple[Webhook, Said]:
        key = f"K{self._cluster.seed}-{next(self._numbers):06}"
        item_id, channel_id, root_ts = conversation
        if self._random.random() < SLACK_SHARE:
            at += int(key[-6:]) / 1_000_000  # no two messages of one channel have the same ts
            webhook = self._cluster.slack_hook.reply(key, item_id, channel_id, root_ts, at, "version 0")
            return webhook, Said(key, "slack", ts_of(at), ("version 0",), at)
        webhook = self._cluster.hook.comment(key, item_id, at, "version 0")
        comment = json.loads(webhook.body)["history_items"][0]["comment"]
        return webhook, Said(key, "clickup", comment["id"], ("version 0",), at)

    def _edited(self, conversation: Conversation, said: Said, at: float) -> Webhook:
        text = f"{said.key} {said.texts[-1]}"
        if said.source == "clickup":
            return self._comment_edited(conversation, said, text, at)
        return self._message_edited(conversation, said, text, at)

    def _comment_edited(self, conversation: Conversation, said: Said, text: str, at: float) -> Webhook:
        """`taskCommentUpdated`: the history item of the first post, dated with the edit."""
        posted = self._cluster.hook.comment(said.key, conversation[0], said.said_at)
        body: dict[str, Any] = json.loads(posted.body)
        body["event"] = "taskCommentUpdated"
        (item,) = body["history_items"]
        item["date"] = str(round(at * 1000))
        item["comment"]["comment"] = [{"text": text, "attributes": None}]
        item["comment"]["text_content"] = text + "\n"
        return replace(posted, key=_edit_key(said), body=json.dumps(body).encode())

    def _message_edited(self, conversation: Conversation, said: Said, text: str, at: float) -> Webhook:
        item_id, channel_id, root_ts = conversation
        posted = self._cluster.slack_hook.reply(said.key, item_id, channel_id, root_ts, said.said_at, "version 0")
        body: dict[str, Any] = json.loads(posted.body)
        before = {name: body["event"][name] for name in ("type", "user", "text", "ts", "thread_ts", "team")}
        after = before | {"text": f"!sync {text}", "edited": {"user": before["user"], "ts": f"{int(at)}.000000"}}
        body["event"] = {
            "type": "message",
            "subtype": "message_changed",
            "channel": channel_id,
            "channel_type": "channel",
            "ts": ts_of(at),
            "event_ts": ts_of(at),
            "hidden": True,
            "message": after,
            "previous_message": before | {"text": f"!sync {said.key} {said.texts[-2]}"},
        }
        body["event_id"] = "Ev" + hashlib.sha256(f"{text} {at}".encode()).hexdigest()[:12].upper()
        return replace(posted, key=_edit_key(said), body=json.dumps(body).encode())


def _edit_key(said: Said) -> str:
    """Of an event that has no effect of its own: it only changes one."""
    return f"edit {len(said.texts) - 1} of {said.key}"


def _message(cluster: Cluster, conversation: Conversation, said: Said) -> dict[str, str]:
    return {
        "type": "message",
        "channel": conversation[1],
        "ts": said.external_id,
        "thread_ts": conversation[2],
        "user": cluster.slack_hook.user_id,
        "text": f"!sync {said.key} version 0",
    }


def by_time(stories: Sequence[Story]) -> Iterator[Arrival]:
    """All events in the order in which they are sent."""
    return iter(sorted((arrival for story in stories for arrival in story.arrivals), key=lambda each: each.seconds))
