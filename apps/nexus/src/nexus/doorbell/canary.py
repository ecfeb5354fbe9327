"""Proves every few seconds that this process still hears rings, and cures it when it does not.

Nothing depends on rings, and so nothing else would notice: a deaf process is only slower, for ever. Through pub/sub
the canary is sent to this process itself. The queue is shared by all workers, where any of them may take a canary;
so a consumer is deaf when jobs wait and it hears none, or when it has stopped asking for them.
"""

import asyncio
import time
from typing import Any

from nexus.doorbell.connections import COMMANDS, Outage, drop_idle, is_away
from nexus.doorbell.hearing import CANARY_JOB, CONSUMER, IDLE_WAIT_SECONDS, LISTENER, Consumer, Listener
from nexus.doorbell.kept import Kept
from nexus.doorbell.ringer import QUEUE, Ringer
from nexus.kit.logging import get_logger
from nexus.kit.pulse import Pulses

log = get_logger(__name__)

CANARY_SECONDS = 3.0
CLOSE_LOOK_SECONDS = 1.0
"""Between looks while something is wrong."""
LOOK_TIMEOUT_SECONDS = 3.0
INCURABLE_SECONDS = 15.0
"""Deaf for so long although it was begun anew several times: only a restart of the process is left."""
NOT_ASKING_SECONDS = IDLE_WAIT_SECONDS + 5.0
_WAITING = f"bull:{QUEUE}:wait"
_META = f"bull:{QUEUE}:meta"


class Ear:
    """One part that should hear, and since when it does not."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.fresh = True
        """Begun a moment ago: not to be judged yet."""
        self._deaf_since: float | None = None

    @property
    def well(self) -> bool:
        """Whether there is nothing to look after."""
        return self._deaf_since is None and not self.fresh

    def renew(self) -> None:
        """Begins it anew."""
        self.fresh = True
        self.kept.renew()

    def forgive(self) -> None:
        """What it did not hear was not its fault, nor is what it may miss until the next look."""
        self._deaf_since, self.fresh = None, True

    def judge(self, hears: bool, now: float) -> None:
        """Takes the finding of one look."""
        if self.fresh:
            self.fresh = False
        elif not hears:
            if self._deaf_since is None:
                self._deaf_since = now
                log.warning("doorbell.deaf", part=self.kept.name, doing="beginning it anew")
            self.renew()
        elif self._deaf_since is not None:
            self._deaf_since = None
            log.info("doorbell.hears_again", part=self.kept.name)

    def complaint(self, now: float) -> str:
        """A sentence when nothing has cured it; empty otherwise."""
        if self._deaf_since is None or now - self._deaf_since < INCURABLE_SECONDS:
            return ""
        return (
            f"The {self.kept.name} of the doorbell has heard nothing for {now - self._deaf_since:.0f} s although Redis "
            "answers and it was begun anew; restart this process."
        )


class Canary:
    """Looks every few seconds, at the cost of one round trip and, in a worker that hears no job, one job."""

    def __init__(
        self,
        redis: Any,
        queue: Any,
        own_channel: str,
        listener: tuple[Listener, Kept],
        consumer: tuple[Consumer, Kept],
        ringer: Ringer,
        outage: Outage,
        pulses: Pulses,
    ) -> None:
        self._redis = redis
        self._queue = queue
        self._own_channel = own_channel
        self._listener, self._consumer = listener[0], consumer[0]
        self._listener_ear, self._consumer_ear = Ear(listener[1]), Ear(consumer[1])
        self._ears = (self._listener_ear, self._consumer_ear)
        self._ringer = ringer
        self._outage = outage
        self._pulses = pulses
        self._number = 0
        self._published = ""
        self._jobs_heard = 0
        self._expects_job = False
        self._was_away = False
        self.redis_up = False
        """Whether Redis answered the latest look."""

    def complaint(self) -> str:
        """Why only a restart of this process will make it hear again; empty when there is no such reason."""
        now = time.monotonic()
        return " ".join(filter(None, (ear.complaint(now) for ear in self._ears)))

    async def run(self) -> None:
        """Looks until cancelled."""
        with self._pulses.loop("canary") as turn:
            while True:
                turn()
                try:
                    async with asyncio.timeout(LOOK_TIMEOUT_SECONDS):
                        await self._look()
                except Exception as error:
                    await self._failed(error)
                well = self.redis_up and all(ear.well for ear in self._ears if ear.kept.running)
                await asyncio.sleep(CANARY_SECONDS if well else CLOSE_LOOK_SECONDS)  # the period of the look

    async def _look(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.llen(_WAITING)
            pipeline.hexists(_META, "paused")
            pipeline.delete(self._own_channel)  # changes nothing, and a server that may not be written to refuses it
            waiting, paused, _ = await pipeline.execute()
        self._ringer.waiting_jobs = waiting
        self._outage.over(COMMANDS)
        if self.redis_up:
            self._judge(waiting, bool(paused))
        else:
            self.redis_up = True
            self._after_outage()
        await self._send(bool(paused))
        self._outage.settle()

    async def _failed(self, error: Exception) -> None:
        self._outage.failed(COMMANDS, error)
        self._published, self._expects_job = "", False
        for ear in self._ears:
            ear.forgive()
        if is_away(error):
            self.redis_up, self._was_away = False, True
            await drop_idle(self._redis)
            await drop_idle(self._queue.client)

    def _after_outage(self) -> None:
        for ear in self._ears:
            if self._was_away:
                # What was connected before may hang on a connection that nobody will ever answer.
                ear.renew()

    def _judge(self, waiting: int, paused: bool) -> None:
        now = time.monotonic()
        if LISTENER in self._outage.parts:
            self._listener_ear.forgive()  # it says itself that it is not let in
        else:
            self._listener_ear.judge(self._listener.canary_heard == self._published or not self._published, now)
        heard, self._jobs_heard = self._consumer.jobs_heard != self._jobs_heard, self._consumer.jobs_heard
        if CONSUMER in self._outage.parts or not self._consumer_ear.kept.running:
            self._consumer_ear.forgive()
        else:
            asks = now - self._consumer.asked_at <= NOT_ASKING_SECONDS
            takes = heard or paused or not (self._expects_job and waiting)
            self._consumer_ear.judge(asks and takes, now)
        self._expects_job = waiting > 0

    async def _send(self, paused: bool) -> None:
        self._published = ""
        if not self._listener_ear.fresh:  # it is not there yet
            self._number += 1
            await self._redis.publish(self._own_channel, str(self._number))
            self._published = str(self._number)
        if self._consumer_ear.kept.running and not self._expects_job and not paused:
            once = {"jobId": self._own_channel.replace(":", "-"), "removeOnComplete": True, "removeOnFail": True}
            await self._queue.add(CANARY_JOB, {}, once)
            self._expects_job = True
