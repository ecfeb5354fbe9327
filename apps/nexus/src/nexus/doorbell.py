"""Redis as a doorbell: rings that wake others, and nothing that anybody relies on.

Inbox rows ring through the BullMQ queue `webhook-processing` (a job carries inbox ids, so that every BullMQ
dashboard shows what comes in); everything else rings through one pub/sub channel. A lost ring costs at most the
second until the next sweep.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from bullmq import Queue, Worker
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from nexus.kit.batching import NaturalBatcher
from nexus.kit.logging import get_logger

log = get_logger(__name__)

QUEUE = "webhook-processing"
CHANNEL = "obl:rings"
TOPICS = ("inbox", "deliveries", "dispatch", "agents")
RING_TIMEOUT_SECONDS = 1.0
KEPT_JOBS = 1000
# Longer than any blocking wait of BullMQ (10 s): redis-py's default of 5 s would cut an idle wait short.
BLOCKING_TIMEOUT_SECONDS = 30.0
RECONNECT_SECONDS = 1.0


def redis_client(url: str, *, timeout_seconds: float = RING_TIMEOUT_SECONDS, retries: int = 0) -> Redis:
    """A client that fails fast instead of making its caller wait."""
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
        url,
        decode_responses=True,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=RING_TIMEOUT_SECONDS,
        health_check_interval=10,
        retry=Retry(NoBackoff(), retries),
    )


class Bells:
    """Wakes the loops of this process and, by Redis, those of others."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._redis: Any = redis_client(redis_url)
        self._queue: Any = Queue(QUEUE, {"connection": redis_client(redis_url), "prefix": "bull"})
        self._listeners: dict[str, list[Callable[[], None]]] = {topic: [] for topic in TOPICS}
        self._jobs: NaturalBatcher[list[str], None] = NaturalBatcher(self._add_jobs)
        self._rings: NaturalBatcher[str, None] = NaturalBatcher(self._publish)
        self._tasks: set[asyncio.Task[None]] = set()
        self.rings_lost = 0

    def on(self, topic: str, wake: Callable[[], None]) -> None:
        """Calls `wake` for every ring of a topic, local or remote."""
        self._listeners[topic].append(wake)

    def ring_inbox(self, inbox_ids: Sequence[UUID]) -> None:
        """Adds a job to the queue; wakes workers of this process at once."""
        self._wake("inbox")
        self._background(self._jobs.submit([str(inbox_id) for inbox_id in inbox_ids]))

    def ring(self, topic: str) -> None:
        """Wakes everybody who waits for a topic."""
        self._wake(topic)
        self._background(self._rings.submit(topic))

    async def ping(self) -> None:
        """Raises when Redis does not answer."""
        await self._redis.ping()

    async def listen(self) -> None:
        """Hears the rings of other processes; runs until cancelled and reconnects by itself."""
        while True:
            client: Any = redis_client(self._url, timeout_seconds=BLOCKING_TIMEOUT_SECONDS)
            try:
                async with client.pubsub() as subscription:
                    await subscription.subscribe(CHANNEL)
                    while True:
                        # A bound on the wait makes redis-py check that the connection still answers.
                        message: dict[str, Any] | None = await subscription.get_message(
                            ignore_subscribe_messages=True, timeout=5.0
                        )
                        if message is not None and message["data"] in self._listeners:
                            self._wake(message["data"])
            except Exception as error:
                log.warning("redis.lost", listener=CHANNEL, error=error)
                await asyncio.sleep(RECONNECT_SECONDS)
            finally:
                with contextlib.suppress(Exception):
                    await client.aclose()

    async def consume(self) -> None:
        """Works off the queue's jobs: each is only a ring. Runs until cancelled and survives the loss of Redis."""
        while True:
            options: Any = {
                "connection": redis_client(self._url, timeout_seconds=BLOCKING_TIMEOUT_SECONDS),
                "prefix": "bull",
                "autorun": False,
                "concurrency": 20,
                "runRetryDelay": 1000,
                "removeOnComplete": {"count": KEPT_JOBS},
                "removeOnFail": {"count": KEPT_JOBS},
            }
            processor: Any = self._hear_job
            worker = Worker(QUEUE, processor, options)
            try:
                await worker.run()
                log.warning("queue.worker_ended", queue=QUEUE)
            except Exception as error:
                log.warning("redis.lost", queue=QUEUE, error=error)
            finally:
                with contextlib.suppress(Exception):
                    await worker.close(force=True)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def aclose(self) -> None:
        """Gives rings under way a moment, then closes the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=RING_TIMEOUT_SECONDS)
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(Exception):
            await self._queue.close()
        with contextlib.suppress(Exception):
            await self._redis.aclose()

    async def _hear_job(self, _job: Any, _token: str) -> None:
        self._wake("inbox")

    def _wake(self, topic: str) -> None:
        for wake in self._listeners[topic]:
            wake()

    async def _add_jobs(self, batch: Sequence[list[str]]) -> Sequence[None]:
        data = {"inbox_ids": [inbox_id for ids in batch for inbox_id in ids]}
        kept: Any = {"removeOnComplete": {"count": KEPT_JOBS}, "removeOnFail": {"count": KEPT_JOBS}}
        async with asyncio.timeout(RING_TIMEOUT_SECONDS):
            await self._queue.add("inbox", data, kept)
        return [None] * len(batch)

    async def _publish(self, batch: Sequence[str]) -> Sequence[None]:
        async with asyncio.timeout(RING_TIMEOUT_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
            for topic in set(batch):
                pipeline.publish(CHANNEL, topic)
            await pipeline.execute()
        return [None] * len(batch)

    def _background(self, ring: Any) -> None:
        task = asyncio.ensure_future(self._quietly(ring))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, ring: Any) -> None:
        try:
            await ring
        except Exception as error:
            self.rings_lost += 1
            log.debug("ring.lost", error=error)
