"""Sends events to the hub: in order by default, or with the faults that were asked for."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from oblivion_sandbox.faults import Faults
from oblivion_sandbox.record import Delivery, Recorder, Vendor

NO_ANSWER_SECONDS = 60
"""Above every vendor's own limit, which `post` is given."""
LANE_PATIENCE_SECONDS = 0.5
"""A delivery that takes longer no longer holds back the ones behind it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one POST to the hub."""

    status: int | None
    outcome: str
    """`ok`, `http_error`, `timeout` or `connection_failed`."""
    ms: float
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """An event on its way to one receiver; `deliver` does all its attempts."""

    vendor: Vendor
    event: str
    id: str
    url: str
    body: bytes
    deliver: Callable[[], Awaitable[None]]
    webhook_id: str | None = None


@dataclass(slots=True)
class _Lane:
    waiting: deque[Parcel] = field(default_factory=deque[Parcel])
    held: list[Parcel] = field(default_factory=list[Parcel])
    running: bool = False


class Outgoing:
    """One lane per ordering key. Deliveries of a lane start in order; their retries hold nobody back."""

    def __init__(self, faults: Faults, recorder: Recorder) -> None:
        self._faults = faults
        self._recorder = recorder
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    @property
    def under_way(self) -> int:
        """How much background work is not finished; 0 when every event was delivered or given up."""
        return len(self._tasks)

    def submit(self, lane_key: str, parcel: Parcel) -> None:
        """Queue an event, on a running loop. A fault rule may lose, delay, double or hold it back."""
        lane = self._lanes.setdefault(lane_key, _Lane())
        rule = self._faults.for_delivery(parcel.vendor, parcel.event)
        match None if rule is None else rule.fault:
            case "drop":
                self.record(parcel, 0, Answer(None, "drop", 0.0, {}, b""))
                return
            case "delay" if rule is not None:
                self.spawn(self._later(parcel, rule.seconds))
                return
            case "reorder" if rule is not None:
                lane.held.append(parcel)
                self.spawn(self._release(lane, parcel, rule.seconds))
                return
            case "duplicate":
                lane.waiting.extend((parcel, parcel))
            case _:
                lane.waiting.append(parcel)
        lane.waiting.extend(lane.held)
        lane.held.clear()
        if not lane.running:
            lane.running = True
            self.spawn(self._run(lane))

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_seconds: float) -> Answer:
        """One attempt; never raises for what the receiver does."""
        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, timeout=NO_ANSWER_SECONDS)
        started = time.perf_counter()

        def answer(status: int | None, outcome: str, response: httpx.Response | None = None) -> Answer:
            ms = (time.perf_counter() - started) * 1000
            return Answer(
                status,
                outcome,
                ms,
                response.headers if response else {},
                response.content if response else b"",
            )

        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._client.post(url, content=body, headers=dict(headers))
        except TimeoutError:
            return answer(None, "timeout")
        except (httpx.HTTPError, httpx.InvalidURL):
            return answer(None, "connection_failed")
        return answer(response.status_code, "ok" if response.is_success else "http_error", response)

    def record(self, parcel: Parcel, attempt: int, answer: Answer) -> None:
        """Note an attempt, or that a fault kept the event back (`attempt` 0)."""
        self._recorder.add_delivery(
            Delivery(
                self._recorder.next_n(),
                time.time(),
                parcel.vendor,
                parcel.event,
                parcel.id,
                parcel.url,
                attempt,
                answer.status,
                round(answer.ms, 3),
                answer.outcome,
                parcel.body.decode(),
                parcel.webhook_id,
            )
        )

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something in the background until `close`."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def forget(self) -> None:
        """Give up everything still under way."""
        for task in tuple(self._tasks):
            task.cancel()
        self._lanes.clear()

    async def close(self) -> None:
        """Stop at once."""
        tasks = tuple(self._tasks)
        self.forget()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            with suppress(RuntimeError):  # a client of an event loop that is gone
                await self._client.aclose()
            self._client = None

    async def _run(self, lane: _Lane) -> None:
        while lane.waiting:
            await self._start(lane.waiting.popleft())
        lane.running = False

    async def _start(self, parcel: Parcel) -> None:
        async def deliver() -> None:
            await parcel.deliver()

        await asyncio.wait({self.spawn(deliver())}, timeout=LANE_PATIENCE_SECONDS)

    async def _later(self, parcel: Parcel, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await parcel.deliver()

    async def _release(self, lane: _Lane, parcel: Parcel, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if parcel in lane.held:
            lane.held.remove(parcel)
            await parcel.deliver()
