"""What one dashboard is to be sent: bounded, in batches, and no faster than it is read."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from nexus.feed.filters import wanted
from oblivion_protocol import MAX_MESSAGE_BYTES
from oblivion_protocol.admin import MAX_FEED_LINES, FeedFilters, FeedLine, Presence, Stats, TaskChanged

MAX_PENDING_LINES = 6000
"""More than `resume` brings; who is behind by more is cut off, and resumes."""
MAX_PENDING_TASKS = 1000
MAX_LINE_BYTES = 16 * 1024
CURSOR_SECONDS = 10.0
"""How often a dashboard that sees no lines is told up to where it has seen them all."""
_SLICE_LINES = 200
_FRAME_BYTES = MAX_MESSAGE_BYTES - 2048
"""What the lines of one message may have together: the rest is for what is around them."""


@dataclass(frozen=True, slots=True)
class ReadyLine:
    """A line as it goes over the wire, made once for all who get it."""

    line: FeedLine
    payload: dict[str, Any]
    size_bytes: int

    @classmethod
    def of(cls, line: FeedLine) -> "ReadyLine":
        """The data of a line that is too long is left out."""
        payload = line.model_dump(mode="json")
        size = len(orjson.dumps(payload))
        if size > MAX_LINE_BYTES:
            payload |= {"data": {"truncated": True}, "message": line.message[:1000]}
            size = len(orjson.dumps(payload))
        return cls(line, payload, size)


async def ready(lines: Sequence[FeedLine]) -> list[ReadyLine]:
    """Lines as they go over the wire; many of them do not hold up the rest of this process."""
    made: list[ReadyLine] = []
    for number, line in enumerate(lines, 1):
        made.append(ReadyLine.of(line))
        if number % _SLICE_LINES == 0:
            await asyncio.sleep(0)
    return made


@dataclass
class Outbox:
    """Of one socket. Tasks, the roster and figures are only ever the latest; lines are all that it asked for."""

    presence: Presence | None = None
    stats: Stats | None = None
    tasks: dict[str, TaskChanged] = field(default_factory=dict[str, TaskChanged])
    filters: FeedFilters | None = None
    """None until somebody subscribes: no lines are wanted."""
    overrun: bool = False
    """The peer reads more slowly than things happen, and something had to be left out: it has to begin anew."""
    _holding: bool = True
    _cursor: str = ""
    """Up to where everything has been handed out."""
    _told: str = ""
    _told_at: float = field(default_factory=time.monotonic)
    _chunks: deque[tuple[deque[ReadyLine], str]] = field(default_factory=deque[tuple[deque[ReadyLine], str]])
    _pending: int = 0

    def hold(self, filters: FeedFilters) -> None:
        """From now on lines are wanted; they wait for those from before, which are still being read."""
        self.filters, self._holding = filters, True
        self._chunks.clear()
        self._pending = 0

    def begin(self, lines: Sequence[ReadyLine], cursor: str, *, since: str) -> None:
        """The lines from before, which nothing may overtake; those that came meanwhile follow.

        `since` is where somebody begins again who has not got all of them.
        """
        known = {ready.line.id for ready in lines}
        meanwhile = [(deque(one for one in chunk if one.line.id not in known), till) for chunk, till in self._chunks]
        self._chunks = deque([(deque(lines), cursor), *meanwhile])
        self._pending = sum(len(chunk) for chunk, _ in self._chunks)
        self._cursor, self._holding = since, False

    def add(self, lines: Sequence[ReadyLine], cursor: str) -> None:
        """New lines, up to a cursor; those are kept that pass the filters."""
        if self.filters is None:
            return
        kept = deque(ready for ready in lines if wanted(ready.line, self.filters))
        self._pending += len(kept)
        self.overrun = self.overrun or self._pending > MAX_PENDING_LINES
        if not kept and self._chunks:
            self._chunks[-1] = (self._chunks[-1][0], cursor)
        else:
            self._chunks.append((kept, cursor))

    def change(self, tasks: Sequence[TaskChanged]) -> None:
        """Tasks that are not what they were."""
        self.tasks |= {task.id: task for task in tasks}
        self.overrun = self.overrun or len(self.tasks) > MAX_PENDING_TASKS

    def next_feed(self, now: float) -> dict[str, Any] | None:
        """The next message of lines, if there is reason for one."""
        if self._holding:
            return None
        batch: list[ReadyLine] = []
        size = 0
        while self._chunks:
            chunk, cursor = self._chunks[0]
            while chunk and len(batch) < MAX_FEED_LINES and size + chunk[0].size_bytes + 1 <= _FRAME_BYTES:
                size += chunk[0].size_bytes + 1
                batch.append(chunk.popleft())
            if chunk:
                break
            self._chunks.popleft()
            self._cursor = cursor
        self._pending -= len(batch)
        if not batch and (self._cursor == self._told or now - self._told_at < CURSOR_SECONDS):
            return None
        self._told, self._told_at = self._cursor, now
        batch.sort(key=lambda ready: (ready.line.ts, ready.line.id))
        return {"lines": [ready.payload for ready in batch], "cursor": self._cursor}
