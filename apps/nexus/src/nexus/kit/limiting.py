"""How often somebody may do something: counted in Redis by all processes together, or here while Redis is away.

A sliding window of two counters: the present window's, and the last one's by the share of it that is still in sight.
"""

import asyncio
import contextlib
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from nexus.kit.logging import get_logger

log = get_logger(__name__)

PREFIX = "obl:limit"
REDIS_SECONDS = 0.05
"""How long anybody waits for Redis."""
AWAY_SECONDS = 1.0
"""How long nobody asks a Redis that has failed."""
LOCAL_SHARE = 3
"""While Redis is away each process allows so many times less: as many processes allow together what one limit says."""
MAX_LOCAL = 10_000
"""Who is remembered here at a time; beyond it who came first is forgotten."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many times in so many seconds."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one try."""

    limit: Limit
    """The one that was applied: a share of the limit while Redis is away."""
    allowed: bool
    remaining: int
    wait_seconds: float
    """Until one more is allowed; 0 when it is now."""
    window_seconds: float
    """Until the present window ends."""


@dataclass(frozen=True, slots=True)
class Window:
    """Two counters, and for how many seconds the previous one is still in sight."""

    previous: int
    current: int
    left_seconds: float


class Limiter:
    """Counts by whatever strings name somebody. Fails neither open nor shut."""

    def __init__(
        self,
        redis_url: str,
        *,
        prefix: str = PREFIX,
        steady: Callable[[], float] = time.monotonic,
        redis_seconds: float = REDIS_SECONDS,
    ) -> None:
        self._steady = steady
        self._redis_seconds = redis_seconds
        self._pool: Any = ConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]
            redis_url, socket_connect_timeout=redis_seconds, retry=Retry(NoBackoff(), 0)
        )
        options: Any = {"connection_pool": self._pool}
        self._storage = RedisStorage(redis_url, implementation="redispy", key_prefix=prefix, **options)
        self._shared = SlidingWindowCounterRateLimiter(self._storage)
        self._here: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        """Key → number of its window, and both counters."""
        self._away_until: float | None = None

    @property
    def shared(self) -> bool:
        """Whether Redis counts."""
        return self._away_until is None

    async def hit(self, limit: Limit, *who: str) -> Verdict:
        """Counts one try, if it is allowed. Never raises, and waits for Redis no longer than `REDIS_SECONDS`."""
        key = hashlib.sha256("\0".join(who).encode(errors="surrogatepass")).hexdigest()[:32]
        now = self._steady()
        if self._away_until is None or now >= self._away_until:
            if self._away_until is not None:
                self._away_until = now + AWAY_SECONDS  # one looks whether it is back; the others go on as they do
            began = self._steady()
            try:
                async with asyncio.timeout(self._redis_seconds):
                    verdict = await self._hit_shared(limit, key)
            except (RedisError, OSError, TimeoutError) as error:
                if not self._was_late_itself(error, began):
                    await self._lost(error)
            else:
                self._found()
                return verdict
        return self._hit_here(limit, key)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._pool.aclose()

    async def _hit_shared(self, limit: Limit, key: str) -> Verdict:
        item = RateLimitItemPerSecond(limit.amount, limit.seconds, namespace=limit.name)
        allowed = await self._shared.hit(item, key)
        previous, previous_left, current, current_left = await self._storage.get_sliding_window(
            item.key_for(key), limit.seconds
        )
        left = previous_left if previous else max(0.0, current_left - limit.seconds)
        return judged(limit, allowed, Window(previous, current, left))

    def _hit_here(self, limit: Limit, key: str) -> Verdict:
        share = Limit(limit.name, max(1, limit.amount // LOCAL_SHARE), limit.seconds)
        now = self._steady()
        number, name = int(now // limit.seconds), f"{limit.name} {key}"
        left = limit.seconds - now % limit.seconds
        then, previous, current = self._here.get(name, (number, 0, 0))
        if then != number:
            previous, current = (current if then == number - 1 else 0), 0
        allowed = math.floor(previous * left / limit.seconds) + current < share.amount
        current += allowed
        self._here[name] = (number, previous, current)
        self._here.move_to_end(name)
        if len(self._here) > MAX_LOCAL:
            self._here.popitem(last=False)
        return judged(share, allowed, Window(previous, current, left))

    def _was_late_itself(self, error: Exception, began: float) -> bool:
        """Whether this process stood still for so long that the time-out says nothing of Redis."""
        late = self._steady() - began > 2 * self._redis_seconds
        return late and isinstance(error, TimeoutError) and self._away_until is None

    async def _lost(self, error: Exception) -> None:
        if self._away_until is None:
            log.warning("limits.local", reason="Redis is away", error=error)
        self._away_until = self._steady() + AWAY_SECONDS
        # The other connections lead to the same silence; whoever comes next shall not wait for each of them.
        with contextlib.suppress(RedisError, OSError):
            await self._pool.disconnect(inuse_connections=False)

    def _found(self) -> None:
        if self._away_until is not None:
            log.info("limits.shared", reason="Redis is back")
            self._away_until = None  # what was counted here stays: a Redis that comes and goes gives no new share


def judged(limit: Limit, allowed: bool, window: Window) -> Verdict:
    """What the counters say after a try. Pure."""
    seen = math.floor(window.previous * window.left_seconds / limit.seconds) + window.current
    remaining = max(0, limit.amount - seen)
    wait = 0.0 if remaining else _wait_seconds(limit, window)
    return Verdict(limit, allowed, remaining, wait, window.left_seconds)


def _wait_seconds(limit: Limit, window: Window) -> float:
    """Until so much of the last window is out of sight that one more fits."""
    free = limit.amount - window.current
    if free > 0:
        return max(0.0, window.left_seconds - limit.seconds * free / max(1, window.previous))
    # The present window has to become the last one first.
    return window.left_seconds + max(0.0, limit.seconds * (1 - limit.amount / window.current))
