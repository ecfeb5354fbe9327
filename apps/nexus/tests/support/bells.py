"""One process's doorbell behind a proxy, and another process that rings."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from nexus.doorbell import Bells
from nexus.doorbell.bells import TOPICS
from nexus.kit.embedded import EmbeddedValkey
from nexus.kit.pulse import Pulses
from support.chaos import ChaosProxy, chaos_proxy
from support.waiting import eventually


@dataclass
class Post:
    """What a test holds in its hands."""

    valkey: EmbeddedValkey
    proxy: ChaosProxy
    bells: Bells
    """Of the process under test: a worker, that reaches Redis by the proxy."""
    elsewhere: Bells
    """Of another process, whose way to Redis is undisturbed."""
    pulses: Pulses
    heard: Counter[str] = field(default_factory=Counter[str])
    tasks: tuple["asyncio.Task[None]", ...] = ()

    async def hears(self, seconds: float = 15.0) -> None:
        """Returns once a ring from elsewhere is heard by pub/sub and another by the queue."""
        before = self.heard.copy()

        def both() -> bool:
            self.elsewhere.ring("agents")
            self._ring_by_queue_alone()
            return self.heard["agents"] > before["agents"] and self.heard["inbox"] > before["inbox"]

        await eventually(both, "rings from elsewhere are heard", seconds)

    def _ring_by_queue_alone(self) -> None:
        """What `ring_inbox` does without its publishing: that would be heard whatever becomes of the queue."""
        ringer = self.elsewhere._ringer
        if ringer._is_open():
            ringer._inbox_ids.append(str(uuid4()))
            ringer._send()

    @asynccontextmanager
    async def redis(self) -> AsyncGenerator[Any]:
        """An operator's connection."""
        client: Any = Redis.from_url(self.valkey.url, decode_responses=True)
        try:
            yield client
        finally:
            await client.aclose()


@asynccontextmanager
async def doorbell(valkey: EmbeddedValkey, *, consume: bool = True) -> AsyncGenerator[Post]:
    """Returns when rings are heard; stops everything afterwards."""
    async with chaos_proxy(valkey.url) as proxy:
        pulses = Pulses()
        bells, elsewhere = Bells(proxy.url(valkey.url), pulses), Bells(valkey.url, Pulses())
        elsewhere._outage.failed = lambda _part, _error: None  # what it logs is not asked for
        post = Post(valkey, proxy, bells, elsewhere, pulses)
        for topic in TOPICS:
            bells.on(topic, lambda topic=topic: post.heard.update([topic]))
        works = [bells.listen(), *([bells.consume()] if consume else [])]
        post.tasks = tuple(asyncio.ensure_future(work) for work in works)
        try:
            if consume:
                await post.hears()
            yield post
        finally:
            for task in post.tasks:
                task.cancel()
            await asyncio.gather(*post.tasks, return_exceptions=True)
            await asyncio.gather(bells.aclose(), elsewhere.aclose())
