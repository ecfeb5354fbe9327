"""The reconciler: sees to it that events reach us, and reads back what did not (1.5 of the delivery promise).

Vendors give up on an event after a few tries and never send it again, and ClickUp turns a whole webhook off without
a word. So each connection is looked at about twice a minute by one process; what changed is read back when events
may have been missed, and every ten minutes anyway.
"""

import asyncio
import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import func, select, text, update

from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Deferred, PipelineError, Rejected
from nexus.pipeline.inbox import Inbox, StoreUnavailable
from nexus.pipeline.ports import (
    Chat,
    ChatHistory,
    Connected,
    Rereadable,
    Tracker,
    TrackerHistory,
    Watch,
    Watched,
)
from nexus.pipeline.rereading import ChatReader, Reader, Sweep, TrackerReader
from nexus.pipeline.subscriptions import Subscriptions
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import Connection, InboxEvent

log = get_logger(__name__)

WATCH_SECONDS = 30.0
SWEEP_SECONDS = 600.0
OVERLAP = timedelta(minutes=5)
"""How far a sweep reaches back before what is known to be seen: clocks differ, and events may be under way."""
OLD_KEY_LIFE = timedelta(days=1)
"""How long events of a webhook that was replaced are taken."""
BROKEN = "broken"
"""Our access is gone; `broken_reason` of the connection says what to do."""
_LAST_EVENT_REACH = timedelta(days=1)
_LANES = 4
_MAX_PAUSE_SECONDS = 5.0
_AWAY_PERIODS = 3
"""Nobody has looked for so many periods: Nexus or PostgreSQL was away."""

_CLAIM = text("""
    WITH due AS (
        SELECT id, checked_at AS before FROM connections
        WHERE vendor = ANY(:vendors)
          AND (checked_at IS NULL OR checked_at < clock_timestamp() - make_interval(secs => :period))
        ORDER BY checked_at NULLS FIRST LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE connections SET checked_at = clock_timestamp() FROM due WHERE connections.id = due.id
    RETURNING connections.id, due.before, connections.checked_at AS now
""")


class Reconciler:
    """Runs beside a worker; several processes share the connections among them."""

    def __init__(
        self,
        db: Database,
        connections: Connections,
        inbox: Inbox,
        subscriptions: Subscriptions,
        clock: Clock,
        public_url: str,
        *,
        watch_seconds: float = WATCH_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._db = db
        self._connections = connections
        self._inbox = inbox
        self._subscriptions = subscriptions
        self._clock = clock
        self._public_url = public_url
        self._watch_seconds = watch_seconds
        self._sweep_seconds = sweep_seconds
        self._met: set[UUID] = set()
        self._vendors = [
            integration.name
            for integration in connections.integrations.values()
            if isinstance(integration, Watched | Rereadable)
        ]
        self._away = False

    async def run(self) -> None:
        """Runs until cancelled."""
        await asyncio.gather(*(self._lane() for _ in range(_LANES)))

    async def run_once(self) -> int:
        """Looks at every connection that is due; returns how many there were. Raises when the database is away."""
        tended = 0
        while await self._tend_next():
            tended += 1
        return tended

    async def _lane(self) -> None:
        while True:
            try:
                await self.run_once()
                self._away = False
            except Exception as error:
                if not self._away:
                    log.warning("reconcile.stopped", error=error)
                self._away = True
            # The period of the look; there is no event to wait for.
            await asyncio.sleep(min(self._watch_seconds / 4, _MAX_PAUSE_SECONDS))

    async def _tend_next(self) -> bool:
        async with self._db.system() as session:
            due = (await session.execute(_CLAIM, {"vendors": self._vendors, "period": self._watch_seconds})).first()
            if due is None:
                return False
            row = await session.get(Connection, due.id)
        if row is not None:
            silence_seconds = None if due.before is None else (due.now - due.before).total_seconds()
            away = silence_seconds is None or silence_seconds > _AWAY_PERIODS * self._watch_seconds
            await self._tend(_Look(row, deepcopy(row.health), row.read_until, row.broken_reason), away=away)
        return True

    async def _tend(self, look: "_Look", *, away: bool) -> None:
        deadline = time.monotonic() + self._watch_seconds
        integration = self._connections.integrations[look.row.vendor]
        try:
            connected = self._connections.opened(look.row)
            look.health["missed"] = look.health.get("missed", False) or (away and look.read_until is not None)
            if isinstance(integration, Watched):
                await self._watch(look, integration, connected)
                if look.health["missed"]:
                    # Whatever happens to this process now, the next one knows that there is something to read.
                    await self._save(look)
            if isinstance(integration, Rereadable) and look.health.get("status") != BROKEN:
                await self._read_back(look, integration, connected, deadline)
            await self._note_last_event(look)
            look.say("fault", None)
        except Exception as error:
            if is_unavailable(error):
                raise
            look.say("fault", f"{type(error).__name__} while looking after it; see the log", error)
        self._met.add(look.row.id)
        await self._save(look)

    async def _note_last_event(self, look: "_Look") -> None:
        """The only proof that the way in is open: that something came by it."""
        known = look.health.get("last_event_at")
        since = datetime.fromisoformat(known) if known else self._clock.now() - _LAST_EVENT_REACH
        async with self._db.tenant(look.row.tenant_id) as session:
            last = await session.scalar(
                select(func.max(InboxEvent.created_at)).where(
                    InboxEvent.connection_id == look.row.id, InboxEvent.created_at > since
                )
            )
        if last is not None:
            look.health["last_event_at"] = last.isoformat()

    async def _watch(self, look: "_Look", integration: Watched, connected: Connected) -> None:
        with_hooks = await self._subscriptions.with_known(connected)
        try:
            found = await integration.watch(with_hooks, self._public_url)
        except Deferred:
            return
        except PipelineError as error:
            look.say("watch_error", str(error))
            return
        now = self._clock.now()
        await self._keep_hooks(look, connected, found, with_hooks.credentials["hooks"], now)
        status = BROKEN if found.access_lost else found.status
        was = look.health.get("status")
        if status != was:
            look.health["since"] = now.isoformat()
            log.info(
                "reconcile.status", vendor=connected.vendor, connection_id=str(connected.id), status=status, was=was
            )
        look.health |= {"status": status, "fail_count": found.fail_count}
        look.health["budget"] = None if found.budget is None else asdict(found.budget)
        if found.repaired:
            look.health["repaired_at"] = now.isoformat()
        if not found.sound and look.read_until is not None:
            look.health["missed"] = True
        if found.access_lost or was == BROKEN:
            look.broken_reason = found.problem
        look.say("watch_error", found.problem)

    async def _keep_hooks(
        self, look: "_Look", connected: Connected, found: Watch, known: Mapping[str, str], now: datetime
    ) -> None:
        """Stores new secrets at once. The old ones stay for a while: events that they sign may be under way."""
        if not found.hooks:
            return
        current = {hook.key for hook in found.hooks}
        old: dict[str, str] = look.health.get("old_keys", {})
        old = {key: old.get(key, now.isoformat()) for key in known if key not in current}
        over = [key for key, since in old.items() if now - datetime.fromisoformat(since) > OLD_KEY_LIFE]
        fresh = [hook for hook in found.hooks if known.get(hook.key) != hook.secret]
        if fresh or over:
            async with self._db.tenant(connected.tenant_id) as session:
                await self._subscriptions.store(session, connected, fresh)
                await self._subscriptions.drop(session, connected.id, over)
            self._connections.forget()
        look.health["old_keys"] = {key: since for key, since in old.items() if key not in over}

    async def _read_back(self, look: "_Look", integration: Rereadable, connected: Connected, deadline: float) -> None:
        now = self._clock.now()
        if look.read_until is None:
            look.read_until = now  # just connected: what was before is none of our business
            return
        reader = self._reader(integration, connected)
        try:
            if "sweep" in look.health:
                sweep = Sweep.of_json(look.health["sweep"])
            elif self._is_due(look, now):
                since = max(look.read_until - OVERLAP, look.row.created_at)
                sweep = Sweep(since, now, look.health["missed"], look.health.get("after", ""))
                await reader.begin(sweep)
                look.health["missed"] = False
            else:
                return
            finished = await self._carry_on(look, sweep, reader, deadline)
        except _Abandoned as error:
            # Begun anew at the next look.
            look.health.pop("sweep", None)
            look.health["missed"] = True
            look.say("read_error", str(error))
            return
        look.health |= {"sweep": sweep.as_json(), "after": sweep.after}
        if finished:
            del look.health["sweep"]
            look.read_until, look.health["swept_at"] = sweep.until, now.isoformat()
            look.say("read_error", sweep.problem or None)

    def _is_due(self, look: "_Look", now: datetime) -> bool:
        assert look.read_until is not None
        age_seconds = (now - look.read_until).total_seconds()
        new_here = look.row.id not in self._met and age_seconds > self._watch_seconds
        return look.health["missed"] or new_here or age_seconds >= self._sweep_seconds

    def _reader(self, integration: Rereadable, connected: Connected) -> Reader:
        vendor = self._connections.integrations[connected.vendor]
        live, history = vendor.open(connected), integration.history(connected)
        parts = (self._db, self._inbox, connected)
        if vendor.role == "tracker":
            return TrackerReader(*parts, cast("Tracker", live), cast("TrackerHistory", history))
        return ChatReader(*parts, cast("Chat", live), cast("ChatHistory", history), self._clock)

    async def _carry_on(self, look: "_Look", sweep: Sweep, reader: Reader, deadline: float) -> bool:
        """Does as much as the budget and the time allow; whether nothing is left. Raises _Abandoned."""
        while sweep.todo:
            left_seconds = deadline - time.monotonic()
            rest_seconds = reader.rest_seconds()
            if left_seconds <= rest_seconds:
                return False
            if rest_seconds > 0:
                await asyncio.sleep(rest_seconds)
                continue
            step = sweep.todo[0]
            try:
                sweep.todo[:1] = await reader.do(sweep, step)
            except Deferred:
                return False
            except Rejected as refused:
                if not reader.may_skip(step):
                    raise _Abandoned(refused.reason) from refused
                sweep.problem = refused.reason
                del sweep.todo[0]
            except (PipelineError, StoreUnavailable) as error:
                look.say("read_error", str(error) or "what was read back could not be stored")
                return False
            except Exception as error:
                if is_unavailable(error):
                    raise
                log.exception("reconcile.step_failed", step=step[0])
                if not reader.may_skip(step):
                    raise _Abandoned(f"{type(error).__name__} while reading back; see the log") from error
                # A step that we cannot do must not keep all others from being done.
                sweep.problem = f"{type(error).__name__} while reading back; see the log"
                del sweep.todo[0]
        return True

    async def _save(self, look: "_Look") -> None:
        row = look.row
        problems = (look.health.get(place) for place in ("watch_error", "read_error", "fault"))
        look.health["last_error"] = next(filter(None, problems), None)
        if look.health["last_error"] != row.health.get("last_error"):
            log.warning(
                "reconcile.trouble" if look.health["last_error"] else "reconcile.well_again",
                vendor=row.vendor, connection_id=str(row.id), reason=look.health["last_error"],
            )  # fmt: skip
        changes: dict[str, Any] = {}
        if look.health != row.health:
            changes["health"] = deepcopy(look.health)
        if look.read_until != row.read_until:
            changes["read_until"] = look.read_until
        if look.broken_reason != row.broken_reason:
            changes["broken_reason"] = look.broken_reason
        if not changes:
            return
        async with self._db.tenant(row.tenant_id) as session:
            await session.execute(update(Connection).where(Connection.id == row.id).values(**changes))
        row.health = changes.get("health", row.health)


class _Abandoned(Exception):
    """A sweep that cannot be finished; the text says why."""


@dataclass
class _Look:
    """One look at one connection, and what it changes about it."""

    row: Connection
    health: dict[str, Any]
    read_until: datetime | None
    broken_reason: str | None

    def say(self, place: str, problem: str | None, error: Exception | None = None) -> None:
        """Notes a problem, or that there is none; a bug of ours goes to the log as well, once."""
        if error is not None and self.health.get(place) != problem:
            log.error("reconcile.failed", connection_id=str(self.row.id), exc_info=error)
        self.health[place] = problem
