"""Reads the feed, the roster and the figures of one tenant, once for all who watch it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from nexus.feed.changes import read_tasks
from nexus.feed.figures import read_figures
from nexus.feed.reading import LATE, Position, Reading, read_since, read_tail, where_now
from nexus.feed.roster import read_presence
from nexus.gateway.outbox import Outbox, ReadyLine, ready
from nexus.kit.logging import get_logger
from nexus.store.database import Database, is_unavailable
from oblivion_protocol.admin import AgentPresence, FeedAnswer, FeedFilters, Presence, Stats, TaskChanged

log = get_logger(__name__)

LOOK_SECONDS = 1.0
"""How often is looked at what no bell has announced."""
PAUSE_SECONDS = 0.25
"""How long between two looks at least, however often the bells ring."""
ROSTER_SECONDS = 1.0
FIGURES_SECONDS = 2.0
_KNOWN_TASKS = 5000


class Watching:
    """One loop, which runs for as long as somebody watches the tenant."""

    def __init__(self, tenant_id: UUID, db: Database, labels: Mapping[str, str]) -> None:
        self.wake = asyncio.Event()
        self.outboxes: dict[str, Outbox] = {}
        """By socket."""
        self._tenant_id = tenant_id
        self._db = db
        self._labels = labels
        self._position: Position | None = None
        self._seen: dict[str, datetime] = {}
        """Ids of lines that are told, for as long as they may be read again."""
        self._tasks: dict[str, TaskChanged] = {}
        self._presence: Presence | None = None
        self._roster_at = self._figures_at = float("-inf")
        self._away = False
        self._stopped = False

    def join(self, sid: str) -> None:
        """A dashboard that wants to know how things are."""
        self.outboxes[sid] = Outbox(presence=self._presence)
        self._figures_at = float("-inf")
        self.wake.set()

    async def subscribe(self, sid: str, filters: FeedFilters, tail: int) -> FeedAnswer:
        """Gives a socket the newest lines, and from now on every new one. Raises what the database raises."""
        async with self._beginning(sid, filters) as (outbox, session):
            reading = await read_tail(session, self._labels, filters, tail)
        cursor = reading.position.cursor
        outbox.begin(await ready(reading.lines), cursor, since=cursor)
        return FeedAnswer(cursor=cursor)

    async def resume(self, sid: str, since: Position, filters: FeedFilters | None) -> FeedAnswer:
        """Gives a socket what was written since, and from now on every new line. Raises what the database raises."""
        chosen = filters or self.outboxes[sid].filters or FeedFilters()
        async with self._beginning(sid, chosen) as (outbox, session):
            reading = await read_since(session, since, self._labels, chosen)
        outbox.begin(await ready(reading.lines), reading.position.cursor, since=since.cursor)
        return FeedAnswer(cursor=reading.position.cursor, truncated=reading.truncated)

    @asynccontextmanager
    async def _beginning(self, sid: str, filters: FeedFilters) -> AsyncGenerator[tuple[Outbox, AsyncSession]]:
        """First what is new is kept, then what was before is read: nothing falls in between."""
        outbox = self.outboxes[sid]
        async with self._db.tenant(self._tenant_id) as session:
            await self._start(session)
            outbox.hold(filters)
            yield outbox, session

    def stop(self) -> None:
        """Ends `run`, after the look that is under way."""
        self._stopped = True
        self.wake.set()

    async def run(self) -> None:
        """Looks at every ring, and each second anyway, until it is stopped."""
        while not self._stopped:
            self.wake.clear()
            found = False
            try:
                found = await self._look()
                self._away = False
            except Exception as error:
                self._complain(error)
            await asyncio.sleep(PAUSE_SECONDS)  # the pace; rings that come meanwhile are one ring
            if not found:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wake.wait(), LOOK_SECONDS - PAUSE_SECONDS)

    async def _start(self, session: AsyncSession) -> Position:
        """Where the feed goes on. What is there at the very beginning is told to who asks for it, and not as new."""
        if self._position is None:
            position = await where_now(session)
            before = await read_since(session, position, self._labels)
            self._seen |= {line.id: line.ts for line in before.lines}
            self._position = self._position or position
        return self._position

    async def _look(self) -> bool:
        """Whether there was something new."""
        async with self._db.tenant(self._tenant_id) as session:
            position = await self._start(session)
            reading = await read_since(session, position, self._labels)
            tasks = await read_tasks(session, reading.conversations)
            presence = await self._roster(session, reading.position.at)
            stats = await self._figures(session, reading.position.at)
        self._position = reading.position
        fresh = await self._fresh(reading)
        changed = [task for task in tasks if self._tasks.get(task.id) != task]
        self._tasks = dict([*self._tasks.items(), *((task.id, task) for task in changed)][-_KNOWN_TASKS:])
        for outbox in self.outboxes.values():
            outbox.add(fresh, reading.position.cursor)
            outbox.overrun = outbox.overrun or (reading.truncated and outbox.filters is not None)
            outbox.change(changed)
            outbox.presence, outbox.stats = presence or outbox.presence, stats or outbox.stats
        return bool(fresh or changed)

    async def _fresh(self, reading: Reading) -> list[ReadyLine]:
        fresh = [line for line in reading.lines if line.id not in self._seen]
        oldest = reading.position.at - 2 * LATE
        self._seen = {line_id: ts for line_id, ts in self._seen.items() if ts > oldest}
        self._seen |= {line.id: line.ts for line in fresh}
        return await ready(fresh)

    async def _roster(self, session: AsyncSession, now: datetime) -> Presence | None:
        """The roster, if it is not what it was."""
        if time.monotonic() - self._roster_at < ROSTER_SECONDS:
            return None
        self._roster_at = time.monotonic()
        before, self._presence = self._presence, Presence(agents=await read_presence(session, now))
        return None if before is not None and _as_seen(before) == _as_seen(self._presence) else self._presence

    async def _figures(self, session: AsyncSession, now: datetime) -> Stats | None:
        if time.monotonic() - self._figures_at < FIGURES_SECONDS:
            return None
        self._figures_at = time.monotonic()
        figures = await read_figures(session, now)
        agents = self._presence.agents if self._presence is not None else []
        return Stats(
            unanswered=figures.unanswered,
            waiting_tasks=figures.waiting_tasks,
            dead=figures.dead,
            agents_online=sum(agent.online for agent in agents),
            at=now,
        )

    def _complain(self, error: Exception) -> None:
        if not is_unavailable(error):
            log.error("feed.failed", tenant_id=str(self._tenant_id), exc_info=error)
        elif not self._away:
            log.warning("database.away", during="feed", error=error)
        self._away = True


def _as_seen(presence: Presence) -> list[AgentPresence]:
    """Without what changes every few seconds for everybody who is here."""
    return [agent.model_copy(update={"last_seen_at": None}) if agent.online else agent for agent in presence.agents]
