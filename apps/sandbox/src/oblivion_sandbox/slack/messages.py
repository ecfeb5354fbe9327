"""Messages of a channel: storing, threading, and how they look to whoever reads."""

from bisect import bisect_left, insort
from collections import defaultdict

from oblivion_sandbox import seed
from oblivion_sandbox.effects import Ledger
from oblivion_sandbox.jsontypes import JsonObject
from oblivion_sandbox.slack.state import SEED_TIME, SlackState

BOT_PROFILE: JsonObject = {
    "id": seed.SLACK_BOT_ID,
    "deleted": False,
    "name": seed.SLACK_BOT_NAME,
    "updated": SEED_TIME,
    "app_id": seed.SLACK_APP_ID,
    "icons": {
        "image_36": "https://a.slack-edge.com/80588/img/plugins/app/bot_36.png",
        "image_48": "https://a.slack-edge.com/80588/img/plugins/app/bot_48.png",
        "image_72": "https://a.slack-edge.com/80588/img/plugins/app/service_72.png",
    },
    "team_id": seed.SLACK_TEAM_ID,
}


class Messages:
    """All messages, with an index of threads. A message's identity is (channel, ts)."""

    def __init__(self, state: SlackState, ledger: Ledger[JsonObject]) -> None:
        self._messages = state.messages
        self._ledger = ledger
        self._order: defaultdict[str, list[str]] = defaultdict(list)
        self._threads: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for channel_id, messages in self._messages.items():
            for message in messages.values():
                self._index(channel_id, message)
                self._ledger.put(channel_id, message["ts"], message)

    def find(self, channel_id: str, ts: str) -> JsonObject | None:
        """The stored message itself."""
        return self._messages.get(channel_id, {}).get(ts)

    def put(self, channel_id: str, message: JsonObject) -> None:
        """Store a new message, or replace the one with its ts."""
        known = self.find(channel_id, message["ts"]) is not None
        self._messages.setdefault(channel_id, {})[message["ts"]] = message
        if message.get("subtype") == "tombstone":
            self._ledger.delete(channel_id, message["ts"])
        else:
            self._ledger.put(channel_id, message["ts"], message)
        if not known:
            self._index(channel_id, message)

    def remove(self, channel_id: str, ts: str) -> None:
        """Delete a message that exists."""
        message = self._messages[channel_id].pop(ts)
        self._ledger.delete(channel_id, ts)
        self._order[channel_id].remove(ts)
        root = root_ts(message)
        if root != ts:
            self._threads[channel_id, root].remove(ts)

    def timeline(self, channel_id: str) -> list[str]:
        """All timestamps of a channel, oldest first."""
        return self._order[channel_id]

    def replies(self, channel_id: str, ts: str) -> list[str]:
        """Timestamps of a thread's replies, oldest first."""
        return self._threads[channel_id, ts]

    def shown(self, channel_id: str, message: JsonObject, *, metadata: bool = False) -> JsonObject:
        """A message as reads and events show it: thread figures on a root, metadata only on demand."""
        shown = {key: value for key, value in message.items() if metadata or key != "metadata"}
        replies = self._threads.get((channel_id, str(message["ts"])), [])
        if not replies:
            return shown
        authors = [
            str(reply.get("user") or reply.get("bot_id"))
            for reply in map(self._messages[channel_id].__getitem__, replies)
        ]
        users = list(dict.fromkeys(authors))
        return shown | {
            "thread_ts": message["ts"],
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "latest_reply": replies[-1],
            "reply_users": users[:5],
            "is_locked": False,
            "subscribed": False,
        }

    def _index(self, channel_id: str, message: JsonObject) -> None:
        ts, root = str(message["ts"]), root_ts(message)
        insort(self._order[channel_id], ts)
        if root != ts:
            insort(self._threads[channel_id, root], ts)


def root_ts(message: JsonObject) -> str:
    """The ts of the thread a message belongs to: its own, unless it is a reply."""
    return str(message.get("thread_ts") or message["ts"])


def is_reply(message: JsonObject) -> bool:
    """Whether a message stands in a thread below its root."""
    return root_ts(message) != message["ts"]


def between(timeline: list[str], oldest: str, latest: str, inclusive: bool) -> list[str]:
    """The part of a timeline within two timestamps; an empty `latest` means now."""
    start = bisect_left(timeline, oldest) if oldest else 0
    if oldest and not inclusive and start < len(timeline) and timeline[start] == oldest:
        start += 1
    end = bisect_left(timeline, latest) if latest else len(timeline)
    if latest and inclusive and end < len(timeline) and timeline[end] == latest:
        end += 1
    return timeline[start:end]
