"""What hears rings: a subscription to the channel, and a consumer of the queue. Each is one attempt that ends
with the error that ended it; `Kept` begins the next."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from bullmq import Worker
from redis.exceptions import ReadOnlyError

from nexus.doorbell.connections import Outage, drop_idle, is_away, redis_client
from nexus.doorbell.kept import END_SECONDS
from nexus.doorbell.ringer import CHANNEL, KEPT_JOBS, QUEUE
from nexus.kit.logging import get_logger

log = get_logger(__name__)

CANARY_JOB = "canary"
READ_SECONDS = 5.0
IDLE_WAIT_SECONDS = 5
"""How long an idle consumer blocks in Redis before it asks again: BullMQ's `drainDelay`."""
BLOCKING_TIMEOUT_SECONDS = 12.0
"""Longer than any blocking wait of BullMQ (10 s): redis-py's own default would cut an idle wait short."""
CONCURRENCY = 4
_RETRY_MILLISECONDS = 1000

LISTENER = "listener"
CONSUMER = "consumer"


class Listener:
    """Subscribes to the rings of all, and to a channel of this process's own for its canary."""

    def __init__(self, url: str, own_channel: str, heard: Callable[[str], None], outage: Outage) -> None:
        self._url = url
        self._own_channel = own_channel
        self._heard = heard
        self._outage = outage
        self.canary_heard = ""
        """The latest message on the own channel."""

    async def listen(self) -> None:
        """Hears until the connection fails; raises what ended it."""
        # The time limit is for connecting; reading has its own bound, and silence is normal.
        client: Any = redis_client(self._url)
        try:
            async with client.pubsub() as subscription:
                await subscription.subscribe(CHANNEL, self._own_channel)
                while True:
                    message: dict[str, Any] | None = await subscription.get_message(timeout=READ_SECONDS)
                    if message is not None:
                        self._take(message)
        finally:
            with contextlib.suppress(Exception):
                await client.aclose()

    def _take(self, message: dict[str, Any]) -> None:
        # Only the server's own word for it says that the subscription stands; sending the command says nothing.
        self._outage.over(LISTENER)
        if message["type"] != "message":
            return
        if message["channel"] == self._own_channel:
            self.canary_heard = message["data"]
        else:
            self._heard(message["data"])


class Consumer:
    """Works off the queue's jobs: each is only a ring."""

    def __init__(self, url: str, heard: Callable[[], None], outage: Outage) -> None:
        self._url = url
        self._heard = heard
        self._outage = outage
        self.jobs_heard = 0
        self.asked_at = 0.0
        """When it has asked the queue for a job last, in monotonic seconds: idle or busy, it keeps asking."""

    async def consume(self) -> None:
        """Hears until BullMQ's worker gives up; raises what ended it."""
        self.asked_at = time.monotonic()
        options: Any = {
            "connection": redis_client(self._url, timeout_seconds=BLOCKING_TIMEOUT_SECONDS),
            "prefix": "bull",
            "autorun": False,
            "concurrency": CONCURRENCY,
            "drainDelay": IDLE_WAIT_SECONDS,
            "runRetryDelay": _RETRY_MILLISECONDS,
            "removeOnComplete": {"count": KEPT_JOBS},
            "removeOnFail": {"count": KEPT_JOBS},
        }
        worker: Any = _Watched(self, self._outage, self._hear, options)
        worker.on("error", self._swallowed)
        try:
            await worker.run()
        finally:
            # Not awaited directly: it holds on to its connections for as long as the other side says nothing.
            closing = asyncio.ensure_future(worker.close(force=True))
            await asyncio.wait({closing}, timeout=END_SECONDS / 2)

    async def _hear(self, job: Any, _token: str) -> None:
        self.jobs_heard += 1
        if job.name != CANARY_JOB:
            self._heard()

    def _swallowed(self, error: Exception, *job: object) -> None:
        """BullMQ keeps such an error to itself and goes on."""
        if job and not is_away(error):
            # The job is gone from Redis, which was emptied meanwhile; its ring was heard all the same.
            log.debug("job.not_settled", error=error)
        else:
            self._outage.failed(CONSUMER, error)


class _Watched(Worker):
    """BullMQ's worker, whose asking for jobs can be seen from outside."""

    def __init__(self, seen: Consumer, outage: Outage, processor: Any, options: Any) -> None:
        super().__init__(QUEUE, processor, options)  # pyright: ignore[reportUnknownMemberType]
        self._seen = seen
        self._outage = outage

    async def getNextJob(self, token: str) -> Any:  # noqa: N802 - BullMQ's name
        """Asks for a job; BullMQ retries in silence whatever this raises of a connection."""
        self._seen.asked_at = time.monotonic()
        try:
            job: Any = await super().getNextJob(token)
        except Exception as error:
            self._outage.failed(CONSUMER, error)
            if isinstance(error, ReadOnlyError):
                await drop_idle(self.client)
            raise
        self._outage.over(CONSUMER)
        return job
