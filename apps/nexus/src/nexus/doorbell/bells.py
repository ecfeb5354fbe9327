"""What the rest of the process knows of the doorbell."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from bullmq import Queue

from nexus.doorbell.canary import Canary
from nexus.doorbell.connections import Outage, RedisAway, redis_client
from nexus.doorbell.hearing import CONSUMER, LISTENER, Consumer, Listener
from nexus.doorbell.kept import Kept
from nexus.doorbell.ringer import QUEUE, Ringer
from nexus.kit.pulse import Pulses

TOPICS = ("inbox", "deliveries", "dispatch", "agents")


class Bells:
    """Wakes the loops of this process and, by Redis, those of others."""

    def __init__(self, redis_url: str, pulses: Pulses) -> None:
        self._redis: Any = redis_client(redis_url)
        self._queue: Any = Queue(QUEUE, {"connection": redis_client(redis_url), "prefix": "bull"})
        self._listeners: dict[str, list[Callable[[], None]]] = {topic: [] for topic in TOPICS}
        self._outage = Outage()
        self._ringer = Ringer(self._redis, self._queue, self._outage)
        own_channel = f"obl:canary:{secrets.token_hex(6)}"
        listener = Listener(redis_url, own_channel, self._wake, self._outage)
        consumer = Consumer(redis_url, lambda: self._wake("inbox"), self._outage)
        self._listening = Kept(LISTENER, listener.listen, self._outage.failed)
        self._consuming = Kept(CONSUMER, consumer.consume, self._outage.failed)
        self._canary = Canary(
            self._redis,
            self._queue,
            own_channel,
            (listener, self._listening),
            (consumer, self._consuming),
            self._ringer,
            self._outage,
            pulses,
        )
        self._looking = Kept("canary", self._canary.run, self._outage.failed)

    @property
    def rings_lost(self) -> int:
        """Rings that did not get out since the process began."""
        return self._ringer.lost

    @property
    def redis_up(self) -> bool:
        """Whether Redis answered when it was asked last, a few seconds ago."""
        return self._canary.redis_up

    def complaint(self) -> str:
        """Why only a restart of this process will make it hear rings again; empty when there is no such reason."""
        return self._canary.complaint()

    def on(self, topic: str, wake: Callable[[], None]) -> None:
        """Calls `wake` for every ring of a topic, local or remote."""
        self._listeners[topic].append(wake)

    def ring_inbox(self, inbox_ids: Sequence[UUID]) -> None:
        """Adds a job to the queue; wakes workers of this process at once."""
        self._wake("inbox")
        self._ringer.ring_inbox([str(inbox_id) for inbox_id in inbox_ids])

    def ring(self, topic: str) -> None:
        """Wakes everybody who waits for a topic."""
        self._wake(topic)
        self._ringer.ring(topic)

    async def ping(self) -> None:
        """Raises when Redis does not answer, or does not let every part of this process in."""
        await self._redis.ping()
        if parts := self._outage.parts:
            raise RedisAway(", ".join(sorted(parts)))

    async def listen(self) -> None:
        """Hears the rings of other processes, and proves it; runs until cancelled and cures itself."""
        await asyncio.gather(self._listening.run(), self._looking.run())

    async def consume(self) -> None:
        """Works off the queue's jobs: each is only a ring. Runs until cancelled and cures itself."""
        await self._consuming.run()

    async def aclose(self) -> None:
        """Gives rings under way a moment, then closes the connections."""
        await self._ringer.aclose()
        for close in (self._queue.close, self._redis.aclose):
            with contextlib.suppress(Exception):
                await close()

    def _wake(self, topic: str) -> None:
        for wake in self._listeners.get(topic, ()):
            wake()
