"""Commands on their way to Nexus: in order per task, each until it is answered."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import ValidationError

from oblivion._backoff import FullJitter
from oblivion._socket import Frame, size_bytes
from oblivion.errors import CommandRefused, InvalidCommand, MessageTooLarge, NotFound, StaleEpoch, Unreachable
from oblivion_protocol import (
    MAX_MESSAGE_BYTES,
    TASK_COMMANDS,
    Accepted,
    Holding,
    Refused,
    TaskCommand,
    TaskHeartbeat,
)

log = logging.getLogger("oblivion")

ENVELOPE_BYTES = 128
"""Room for what Socket.IO puts around a frame: namespace, event name, acknowledgement id."""

_NAMES = {model: name for name, model in TASK_COMMANDS.items()}


class Link(Protocol):
    """What the outbox needs of a connection."""

    async def ready(self) -> None:
        """Returns when commands can be sent."""
        ...

    async def call(self, name: str, frame: Frame) -> object:
        """Sends a command and returns its answer, or raises `Unreachable`."""
        ...


@dataclass(slots=True)
class _Entry:
    name: str
    frame: Frame
    answer: asyncio.Future[Accepted]
    latest_only: bool


@dataclass(slots=True, eq=False)
class _Lane:
    """What one task has to say: the first entry is being sent, the others wait."""

    entries: deque[_Entry] = field(default_factory=deque[_Entry])
    worker: asyncio.Task[None] | None = None


class Outbox:
    """Sends each task's commands in order, the same `event_id` again after a cut, until Nexus answers."""

    def __init__(self, link: Link, backoff: Callable[[], FullJitter], on_lost: Callable[[Holding, str], None]) -> None:
        self._link = link
        self._backoff = backoff
        self._on_lost = on_lost
        self._lanes: dict[Holding, _Lane] = {}

    def post(self, command: TaskCommand, *, latest_only: bool = False) -> asyncio.Future[Accepted]:
        """Queues a command; the future gets its answer or raises `CommandRefused`.

        With `latest_only` the command replaces one of its kind that still waits at the end of the queue.
        Raises `MessageTooLarge` at once. Whoever may be canceled while waiting shields the future.
        """
        name = _NAMES[type(command)]
        frame = command.model_dump(mode="json", exclude_none=True)
        size = size_bytes(frame) + ENVELOPE_BYTES
        if size > MAX_MESSAGE_BYTES:
            raise MessageTooLarge(
                f"{name} is {size} bytes, the limit is {MAX_MESSAGE_BYTES}. Shorten it, or link to it."
            )
        key = Holding(task_id=command.task_id, epoch=command.epoch)
        lane = self._lanes.setdefault(key, _Lane())
        if latest_only and len(lane.entries) > 1 and lane.entries[-1].latest_only and lane.entries[-1].name == name:
            lane.entries[-1].frame = frame
            return lane.entries[-1].answer
        entry = _Entry(name, frame, asyncio.get_running_loop().create_future(), latest_only)
        lane.entries.append(entry)
        if lane.worker is None:
            lane.worker = asyncio.create_task(self._work(key, lane), name=f"outbox-{key.task_id}")
        return entry.answer

    def drop(self, key: Holding, reason: str) -> None:
        """Forgets what waits for a task that is no longer ours; who waits for it gets `StaleEpoch`."""
        lane = self._lanes.pop(key, None)
        if lane is None:
            return
        if lane.worker is not None:
            lane.worker.cancel()
        for entry in lane.entries:
            _fail(entry, StaleEpoch("stale_epoch", reason))

    async def renew(self, heartbeat: TaskHeartbeat) -> None:
        """Sends one heartbeat past the queue. One that gets lost is made up for by the next."""
        key = Holding(task_id=heartbeat.task_id, epoch=heartbeat.epoch)
        try:
            _accepted(await self._link.call(_NAMES[TaskHeartbeat], heartbeat.model_dump(mode="json")))
        except (StaleEpoch, NotFound) as refused:
            self._on_lost(key, refused.detail)
        except (Unreachable, CommandRefused, _RateLimitedError) as error:
            log.warning("heartbeat.missed task=%s error=%s", key.task_id, error or type(error).__name__)

    async def online(self) -> None:
        """Returns when commands can be sent."""
        await self._link.ready()

    async def flushed(self) -> None:
        """Returns when every command was answered or dropped."""
        while workers := [lane.worker for lane in self._lanes.values() if lane.worker is not None]:
            await asyncio.wait(workers)

    async def close(self) -> None:
        """Drops everything."""
        workers = [lane.worker for lane in self._lanes.values() if lane.worker is not None]
        for key in list(self._lanes):
            self.drop(key, "the agent stopped")
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, key: Holding, lane: _Lane) -> None:
        while lane.entries:
            entry = lane.entries[0]
            try:
                answer = await self._deliver(entry)
            except (StaleEpoch, NotFound) as refused:
                del self._lanes[key]
                # The handler is canceled first, so that it never sees an error about which it can do nothing.
                self._on_lost(key, refused.detail)
                for left in lane.entries:
                    _fail(left, refused)
                return
            except CommandRefused as refused:
                log.warning("command.refused name=%s task=%s error=%s", entry.name, key.task_id, refused)
                _fail(entry, refused)
            else:
                if not entry.answer.done():
                    entry.answer.set_result(answer)
            lane.entries.popleft()
        del self._lanes[key]

    async def _deliver(self, entry: _Entry) -> Accepted:
        backoff = self._backoff()
        while True:
            await self._link.ready()
            try:
                return _accepted(await self._link.call(entry.name, entry.frame))
            except Unreachable as error:
                log.info("command.resend name=%s error=%s", entry.name, error)
            except _RateLimitedError:
                seconds = backoff.next_seconds()
                log.warning("command.rate_limited name=%s wait_seconds=%.1f", entry.name, seconds)
                await asyncio.sleep(seconds)


def _fail(entry: _Entry, error: CommandRefused) -> None:
    if not entry.answer.done():
        entry.answer.set_exception(error)
        # Nobody may be waiting any more; that is no error of the loop.
        entry.answer.exception()


class _RateLimitedError(Exception):
    pass


def _accepted(answer: object) -> Accepted:
    """The answer of a command, or the error that it stands for."""
    try:
        return Accepted.model_validate(answer)
    except ValidationError:
        pass
    try:
        refused = Refused.model_validate(answer)
    except ValidationError as error:
        raise InvalidCommand("invalid", f"Nexus answered something unreadable: {answer!r:.200}") from error
    match refused.code:
        case "muted":
            return Accepted(held=True)
        case "rate_limited":
            raise _RateLimitedError
        case "stale_epoch":
            raise StaleEpoch(refused.code, refused.detail)
        case "not_found":
            raise NotFound(refused.code, refused.detail)
        case "invalid":
            raise InvalidCommand(refused.code, refused.detail)
