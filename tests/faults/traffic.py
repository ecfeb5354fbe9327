"""The load of most scenarios: comments that become replies in Slack, and replies that become comments in ClickUp."""

import asyncio
import random
import time
from collections.abc import Sequence

from cluster import Cluster, Conversation

from nexus.drill.load import Webhook, ts_of

STEP_SECONDS = 0.001
"""Between two events at their source: ClickUp counts in milliseconds."""
_IMPORTS_AT_ONCE = 8


class Traffic:
    """Makes webhooks with consecutive keys and increasing source times, spread over conversations by the seed."""

    def __init__(self, cluster: Cluster, conversations: Sequence[Conversation]) -> None:
        self._cluster = cluster
        self._conversations = conversations
        self._random = random.Random(f"traffic {cluster.seed}")
        self._made = 0
        # A little off the full millisecond, where no message has the ts of another.
        self._start = int(time.time()) + 0.000137

    async def webhooks(self, count: int, *, sync_share: float = 0.1) -> list[Webhook]:
        """The next ones, in source order. Of these, `sync_share` (0 to 1) go from Slack to ClickUp."""
        made: list[Webhook] = []
        messages: list[dict[str, str]] = []
        for _ in range(count):
            self._made += 1
            key = f"K{self._cluster.seed}-{self._made:06}"
            at = self._start + self._made * STEP_SECONDS
            item_id, channel_id, root_ts = self._random.choice(self._conversations)
            if self._random.random() >= sync_share:
                made.append(self._cluster.hook.comment(key, item_id, at))
                continue
            made.append(self._cluster.slack_hook.reply(key, item_id, channel_id, root_ts, at))
            messages.append(
                {
                    "type": "message",
                    "channel": channel_id,
                    "ts": ts_of(at),
                    "thread_ts": root_ts,
                    "user": self._cluster.slack_hook.user_id,
                    "text": f"!sync {key}",
                }
            )
        await self._write(messages)
        return made

    async def _write(self, messages: Sequence[dict[str, str]]) -> None:
        """The messages stand in Slack, without an event about them: that one is ours to send."""
        slots = asyncio.Semaphore(_IMPORTS_AT_ONCE)

        async def write(message: dict[str, str]) -> None:
            async with slots:
                (await self._cluster.sandbox.post("/_control/slack/messages", json=message)).raise_for_status()

        await asyncio.gather(*(write(message) for message in messages))
