"""Signed webhooks, sent as their sources send them: again and again, until they are taken."""

import asyncio
import hashlib
import hmac
import json
import random
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp

from nexus.drill.checker import Accepted

KEY = re.compile(r"K[0-9a-z]+-\d{6}")
"""What a key looks like in a text: run and number."""
TIMEOUT_SECONDS = 10.0
_MAX_RETRY_SECONDS = 2.0
_FIRST_RETRY_SECONDS = 0.05

SourceName = Literal["clickup", "slack"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One event as its source sends it; the same bytes at every try."""

    key: str
    conversation: str
    at_source: float
    """Unix seconds."""
    source: SourceName
    body: bytes
    secret: str

    def headers(self, now: float) -> dict[str, str]:
        """Content type and signature; Slack's holds for five minutes from `now`, Unix seconds."""
        if self.source == "clickup":
            signature = hmac.new(self.secret.encode(), self.body, hashlib.sha256).hexdigest()
            return {"Content-Type": "application/json", "X-Signature": signature}
        timestamp = str(int(now))
        signed = b"v0:%b:%b" % (timestamp.encode(), self.body)
        signature = hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={signature}",
        }


@dataclass(frozen=True, slots=True)
class ClickUpHook:
    """A webhook of ClickUp's, and the person whose comments it tells of."""

    webhook_id: str
    secret: str
    user_id: int = 81234567
    user_name: str = "Dana Reyes"

    def comment(self, key: str, item_id: str, at_source: float, said: str = "") -> Webhook:
        """Somebody commented on a task: its effect is one reply in the task's thread. `at_source` counts in ms."""
        millis = round(at_source * 1000)
        # The event itself says everything, so nobody asks ClickUp for the comment, and it need not stand there.
        digits = str(int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big"))
        person: dict[str, Any] = {"id": self.user_id, "username": self.user_name}
        comment: dict[str, Any] = {
            "id": digits,
            "date": str(millis),
            "parent": item_id,
            "comment": [{"text": f"{key} {said}".strip(), "attributes": None}],
            "text_content": f"{key} {said}".strip() + "\n",
            "user": person,
        }
        item: dict[str, Any] = {
            "id": f"h{digits}",
            "type": 1,
            "date": str(millis),
            "field": "comment",
            "user": person,
            "before": None,
            "after": digits,
            "comment": comment,
        }
        body = {
            "event": "taskCommentPosted",
            "history_items": [item],
            "task_id": item_id,
            "webhook_id": self.webhook_id,
        }
        return Webhook(key, in_thread(item_id), millis / 1000, "clickup", json.dumps(body).encode(), self.secret)


@dataclass(frozen=True, slots=True)
class SlackHook:
    """A Slack app's events, and the person whose messages they tell of."""

    app_id: str
    team_id: str
    secret: str
    user_id: str = "U0DANA0001"

    def reply(self, key: str, item_id: str, channel_id: str, root_ts: str, at_source: float, said: str = "") -> Webhook:
        """Somebody wrote `!sync …` below a card: its effect is one comment on the task.

        The message must stand in Slack (see `ts_of`), for the comment carries its permalink.
        """
        ts = ts_of(at_source)
        event = {
            "type": "message",
            "user": self.user_id,
            "text": f"!sync {key} {said}".strip(),
            "ts": ts,
            "event_ts": ts,
            "thread_ts": root_ts,
            "channel": channel_id,
            "channel_type": "channel",
            "team": self.team_id,
        }
        body = {
            "type": "event_callback",
            "api_app_id": self.app_id,
            "team_id": self.team_id,
            "event_id": "Ev" + hashlib.sha256(key.encode()).hexdigest()[:12].upper(),
            "event_time": int(at_source),
            "event": event,
            "authorizations": [{"team_id": self.team_id, "is_bot": True}],
        }
        return Webhook(key, in_comments(item_id), float(ts), "slack", json.dumps(body).encode(), self.secret)


def in_thread(item_id: str) -> str:
    """The conversation that a task's thread is."""
    return f"thread:{item_id}"


def in_comments(item_id: str) -> str:
    """The conversation that a task's comments are."""
    return f"comments:{item_id}"


def ts_of(at: float) -> str:
    """A time (Unix seconds) as Slack writes it."""
    return f"{int(at)}.{round((at - int(at)) * 1_000_000) % 1_000_000:06}"


def key_in(said: str) -> str | None:
    """The key that a text holds."""
    found = KEY.search(said)
    return found.group() if found else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request."""

    key: str
    at: float
    """When it was due, Unix seconds."""
    seconds: float
    """Until the answer, or until it was given up. At a fixed rate it counts from when the request was due, so
    that a stall shows in all requests that it holds up."""
    status: int | None
    """None when there was no answer."""
    failure: str | None
    """Why there was none: the name of the error."""
    retry_after: str | None
    number: int
    """1 for the first try."""


@dataclass
class Sender:
    """Sends webhooks and keeps what came of each; may be used again for more of them.

    Order of sending is the order given, except for what concurrency and retries make of it.
    """

    urls: Sequence[str]
    """Base URLs of Nexus; each request goes to one of them at random."""
    seed: int = 0
    concurrency: int = 16
    per_second: float | None = None
    """Requests that are begun in a second, retries not counted; None = as fast as they are answered."""
    max_tries: int = 60
    timeout_seconds: float = TIMEOUT_SECONDS
    accepted: list[Accepted] = field(default_factory=list[Accepted])
    """By the first 200 of each key."""
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    unacknowledged: set[str] = field(default_factory=set[str])
    """Keys that have not been answered 200 yet, or were given up."""
    _random: random.Random = field(init=False)
    _known: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - dice that can be thrown again

    async def send(self, webhooks: Iterable[Webhook]) -> None:
        """Returns when each was answered 200 or given up after `max_tries`. A repeated webhook is sent again."""
        loop = asyncio.get_running_loop()
        slots = asyncio.Semaphore(self.concurrency)
        connector = aiohttp.TCPConnector(limit=self.concurrency)
        timeout = aiohttp.ClientTimeout(total=self.timeout_seconds)
        started, clock_ahead = loop.time(), time.time() - loop.time()
        async with (
            # It shares the machine with what it loads, and costs a third of what httpx does.
            aiohttp.ClientSession(connector=connector, timeout=timeout) as client,
            asyncio.TaskGroup() as group,
        ):
            for number, webhook in enumerate(webhooks):
                due = loop.time()
                if self.per_second is not None:
                    due = started + number / self.per_second
                    await asyncio.sleep(due - loop.time())
                await slots.acquire()
                task = group.create_task(self._until_taken(client, webhook, due + clock_ahead))
                task.add_done_callback(lambda _: slots.release())

    @property
    def statuses(self) -> Mapping[str, int]:
        """How often each status came; `none (the error's name)` where there was no answer."""
        counted: dict[str, int] = {}
        for attempt in self.attempts:
            name = f"none ({attempt.failure})" if attempt.status is None else str(attempt.status)
            counted[name] = counted.get(name, 0) + 1
        return counted

    @property
    def durations(self) -> list[float]:
        """Seconds of every request that was answered 200."""
        return [attempt.seconds for attempt in self.attempts if attempt.status == 200]

    async def _until_taken(self, client: aiohttp.ClientSession, webhook: Webhook, due: float) -> None:
        if webhook.key not in self._known:
            self.unacknowledged.add(webhook.key)
        for number in range(1, self.max_tries + 1):
            status, retry_after = await self._try(client, webhook, due, number)
            if status == 200:
                return
            wait = min(_MAX_RETRY_SECONDS, _FIRST_RETRY_SECONDS * 2 ** min(number, 10))
            if retry_after is not None and retry_after.isdigit():
                wait = min(_MAX_RETRY_SECONDS, float(retry_after))
            await asyncio.sleep(wait * self._random.uniform(0.5, 1.0))
            due = time.time()

    async def _try(
        self, client: aiohttp.ClientSession, webhook: Webhook, due: float, number: int
    ) -> tuple[int | None, str | None]:
        url = f"{self._random.choice(self.urls).rstrip('/')}/webhooks/{webhook.source}"
        status: int | None = None
        retry_after: str | None = None
        failure: str | None = None
        try:
            async with client.post(url, data=webhook.body, headers=webhook.headers(time.time())) as answer:
                await answer.read()  # only a complete answer counts
            status, retry_after = answer.status, answer.headers.get("retry-after")
        except (aiohttp.ClientError, TimeoutError) as error:
            failure = type(error).__name__  # whether it was taken nobody knows, so it is sent again
        now = time.time()
        self.attempts.append(Attempt(webhook.key, due, now - due, status, failure, retry_after, number))
        if status == 200:
            self.unacknowledged.discard(webhook.key)
            if webhook.key not in self._known:
                self._known.add(webhook.key)
                self.accepted.append(Accepted(webhook.key, webhook.conversation, webhook.at_source, now))
        return status, retry_after
