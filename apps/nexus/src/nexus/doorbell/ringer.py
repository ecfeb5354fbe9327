"""Rings that leave this process: coalesced, one command under way at a time, dropped while Redis is away."""

import asyncio
from collections.abc import Sequence
from typing import Any

from nexus.doorbell.connections import COMMANDS, RING_TIMEOUT_SECONDS, Outage, drop_idle, is_away

QUEUE = "webhook-processing"
CHANNEL = "obl:rings"
KEPT_JOBS = 1000
MAX_WAITING_JOBS = 10_000
"""With no worker to take them, jobs must not fill Redis: a ring that nobody hears is of no use later."""
MAX_PENDING_IDS = 10_000
MAX_IDS_IN_JOB = 500
QUIET_SECONDS = 1.0
"""After a failure Redis is left alone for so long; the sweep of the others is as quick."""


class Ringer:
    """Sends rings in the background. Its methods never wait, never raise, and keep little, whatever Redis does."""

    def __init__(self, redis: Any, queue: Any, outage: Outage) -> None:
        self._redis = redis
        self._queue = queue
        self._outage = outage
        self._topics: set[str] = set()
        self._inbox_ids: list[str] = []
        self._quiet_until = 0.0
        self._sending: asyncio.Task[None] | None = None
        self.waiting_jobs = 0
        """How many jobs nobody has taken, as far as is known."""
        self.lost = 0
        """Rings that did not get out."""

    def ring(self, topic: str) -> None:
        """Publishes a topic."""
        if self._is_open():
            self._topics.add(topic)
            self._send()

    def ring_inbox(self, inbox_ids: Sequence[str]) -> None:
        """Publishes that there are events, which is heard at once, and adds a job with their ids, which stays."""
        if len(self._inbox_ids) + len(inbox_ids) > MAX_PENDING_IDS or self.waiting_jobs > MAX_WAITING_JOBS:
            self.lost += 1
        elif self._is_open():
            self._inbox_ids += inbox_ids
            self._topics.add("inbox")
            self._send()

    async def aclose(self) -> None:
        """Gives what is under way a moment."""
        if self._sending is not None:
            await asyncio.wait({self._sending}, timeout=RING_TIMEOUT_SECONDS)
            self._sending.cancel()

    def _is_open(self) -> bool:
        if asyncio.get_running_loop().time() >= self._quiet_until:
            return True
        self.lost += 1
        return False

    def _send(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        while self._topics or self._inbox_ids:
            topics, self._topics = self._topics, set()
            ids, self._inbox_ids = self._inbox_ids[:MAX_IDS_IN_JOB], self._inbox_ids[MAX_IDS_IN_JOB:]
            try:
                async with asyncio.timeout(RING_TIMEOUT_SECONDS):
                    await self._send_some(topics, ids)
            except Exception as error:
                self.lost += len(topics | self._topics) + bool(ids) + bool(self._inbox_ids)
                self._topics.clear()
                self._inbox_ids.clear()
                self._quiet_until = asyncio.get_running_loop().time() + QUIET_SECONDS
                self._outage.failed(COMMANDS, error)
                if is_away(error):
                    await drop_idle(self._redis)
                    await drop_idle(self._queue.client)
                return

    async def _send_some(self, topics: set[str], ids: list[str]) -> None:
        if topics:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for topic in topics:
                    pipeline.publish(CHANNEL, topic)
                await pipeline.execute()
        if ids:
            kept = {"removeOnComplete": {"count": KEPT_JOBS}, "removeOnFail": {"count": KEPT_JOBS}}
            await self._queue.add("inbox", {"inbox_ids": ids}, kept)
