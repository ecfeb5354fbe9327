"""Reads the feed out of the tables that the work itself is done in.

Rows are committed in another order than that of their `changed_at`, so "what is newer than the last one" would miss
some. A position therefore also knows which transactions were not over when it was taken: their rows, and those of
later ones, are what has been written since, however old their `changed_at` is (as long as a transaction may take).
See docs/decisions/0014.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.feed.filters import is_open, wanted
from nexus.feed.lines import audit_line, delivery_lines, session_lines, task_line, webhook_lines
from nexus.feed.roster import ONLINE_WITHIN
from oblivion_protocol.admin import MAX_RESUMED_LINES, FeedFilters, FeedLine

LATE = timedelta(seconds=60)
"""How long a row may be written before its transaction commits. PostgreSQL ends a statement of ours after 15 s, and
a transaction in which nothing happens after 30 s."""
_SEARCHED_ROWS = 2000
"""How many rows of each table are looked at for the tail of a feed that is filtered."""

_SLICE_ROWS = 100
_FIRST_YEAR, _LAST_YEAR = 2000, 9000

_NOW = text("""
    SELECT clock_timestamp() AS at,
           CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) % 4294967296 AS oldest
""")

# `age` counts transactions and survives their numbers' wrapping around; one that is negative is of another cluster.
_WRITTEN_SINCE = """(CAST(:oldest AS bigint) IS NULL
    OR age({row}.xmin) <= age(CAST(CAST(CAST(:oldest AS bigint) AS text) AS xid))
    OR age(CAST(CAST(CAST(:oldest AS bigint) AS text) AS xid)) < 0)"""
_ABOUT = """
    LEFT JOIN task_mappings c ON c.id = r.conversation_id
    LEFT JOIN LATERAL (SELECT t.id FROM tasks t WHERE t.conversation_id = c.id
                       ORDER BY t.created_at DESC LIMIT 1) latest ON true
"""
_WEBHOOKS = """
    SELECT r.*, c.title, latest.id AS task_id FROM (
        SELECT i.id, i.tenant_id, i.source, i.created_at, i.changed_at, i.history, i.conversation_id
        FROM inbox i WHERE i.changed_at > :since AND {written_since}
          AND (CAST(:conversation AS uuid) IS NULL OR i.conversation_id = CAST(:conversation AS uuid))
        ORDER BY i.changed_at DESC LIMIT :limit) r {about}
"""
_DELIVERIES = """
    SELECT r.*, c.title, coalesce(r.own_task_id, latest.id) AS task_id FROM (
        SELECT d.id, d.tenant_id, d.sink, d.kind, d.created_at, d.changed_at, d.history, d.conversation_id,
               d.task_id AS own_task_id
        FROM deliveries d WHERE d.changed_at > :since AND {written_since}
          AND (CAST(:conversation AS uuid) IS NULL OR d.conversation_id = CAST(:conversation AS uuid))
        ORDER BY d.changed_at DESC LIMIT :limit) r {about}
"""
# Who sent a command is who was offered the task under its epoch: the task may have passed on since.
_EVENTS = """
    SELECT r.*, t.title, t.conversation_id, (
        SELECT a.name FROM agents a WHERE CAST(a.id AS text) = coalesce(r.data ->> 'agent_id', (
            SELECT o.data ->> 'agent_id' FROM task_events o
            WHERE o.task_id = r.task_id AND o.kind = 'task.offered' AND o.epoch = r.epoch LIMIT 1))) AS agent
    FROM (SELECT e.id, e.tenant_id, e.created_at AS changed_at, e.kind, e.data, e.epoch, e.task_id
          FROM task_events e
          WHERE e.created_at > :since AND {written_since}
            AND (CAST(:conversation AS uuid) IS NULL OR e.task_id IN (
                SELECT own.id FROM tasks own WHERE own.conversation_id = CAST(:conversation AS uuid)))
          ORDER BY e.created_at DESC LIMIT :limit) r
    JOIN tasks t ON t.id = r.task_id
"""
_ACTS = """
    SELECT a.id, a.tenant_id, a.created_at AS changed_at, a.actor, a.action, a.object, a.data
    FROM audit_log a WHERE a.created_at > :since AND {written_since} ORDER BY a.created_at DESC LIMIT :limit
"""
# A process that is lost writes nothing, so there is no telling by who wrote what; the open ones are few.
_SESSIONS = """
    SELECT s.id, s.tenant_id, s.session_epoch, s.instance, s.version, s.connected_at, s.last_seen_at, s.closed_at,
           a.name AS agent
    FROM agent_sessions s JOIN agents a ON a.id = s.agent_id
    WHERE s.closed_at IS NULL OR s.closed_at > :since
    ORDER BY coalesce(s.closed_at, s.last_seen_at) DESC LIMIT :limit
"""
_CONVERSATION = text("""
    SELECT conversation_id FROM tasks WHERE id = :wanted UNION SELECT id FROM task_mappings WHERE id = :wanted
""")


def _query(template: str, row: str) -> TextClause:
    return text(template.format(written_since=_WRITTEN_SINCE.format(row=row), about=_ABOUT))


_OF_ONE = {
    "webhooks": _query(_WEBHOOKS, "i"),
    "deliveries": _query(_DELIVERIES, "d"),
    "events": _query(_EVENTS, "e"),
}
"""What can be asked about one conversation as well."""
_OF_ALL = {"acts": _query(_ACTS, "a"), "sessions": text(_SESSIONS)}


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where the feed has been read."""

    at: datetime
    oldest: int | None
    """The oldest transaction that was not over then; None when that is not known."""

    @property
    def cursor(self) -> str:
        """For a client to keep."""
        return f"{self.at.isoformat()}~{'' if self.oldest is None else self.oldest}"

    @classmethod
    def of(cls, cursor: str) -> Self:
        """From a client, who may also name an instant of its own. Raises ValueError."""
        instant, _, oldest = cursor.partition("~")
        at = datetime.fromisoformat(instant)
        if at.tzinfo is None or not _FIRST_YEAR <= at.year < _LAST_YEAR:
            raise ValueError("an instant needs its time zone, and a year of our time")
        if oldest and not (oldest.isascii() and oldest.isdigit() and int(oldest) < 2**32):
            raise ValueError("no transaction")
        return cls(at.astimezone(UTC), int(oldest) if oldest else None)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look has found."""

    lines: list[FeedLine]
    """In the order of (`ts`, `id`)."""
    position: Position
    conversations: set[UUID]
    """Those about which there is something new."""
    truncated: bool = False
    """There was more than may be read: the oldest is missing."""


async def where_now(session: AsyncSession) -> Position:
    """The position from which nothing that is written from now on is missed."""
    now = (await session.execute(_NOW)).one()
    return Position(now.at, now.oldest)


async def read_since(
    session: AsyncSession,
    since: Position,
    labels: Mapping[str, str],
    filters: FeedFilters | None = None,
    limit: int = MAX_RESUMED_LINES,
) -> Reading:
    """Everything of the session's tenant that was written since, and perhaps some that was known before."""
    reach = since.at - LATE
    return await _read(session, labels, filters or FeedFilters(), reach, since.oldest, limit, limit + 1)


async def read_tail(session: AsyncSession, labels: Mapping[str, str], filters: FeedFilters, limit: int) -> Reading:
    """The newest lines; with filters, of what was written not too long ago."""
    rows = limit if is_open(filters) else max(limit, _SEARCHED_ROWS)
    return await _read(session, labels, filters, datetime.fromtimestamp(0, UTC), None, limit, rows)


async def _read(
    session: AsyncSession,
    labels: Mapping[str, str],
    filters: FeedFilters,
    since: datetime,
    oldest: int | None,
    limit: int,
    rows_limit: int,
) -> Reading:
    position = await where_now(session)
    if limit == 0:
        return Reading([], position, set())
    conversation = None
    if filters.task_id is not None:
        conversation = await _conversation_of(session, filters.task_id)
        if conversation is None:
            return Reading([], position, set())
    about = {"since": since, "oldest": oldest, "limit": rows_limit}
    found = {
        what: (await session.execute(query, about | {"conversation": conversation})).all()
        for what, query in _OF_ONE.items()
    }
    if conversation is None:
        found |= {what: (await session.execute(query, about)).all() for what, query in _OF_ALL.items()}
    kept = [
        line
        for row in found.get("sessions", ())
        for line in session_lines(row, position.at, ONLINE_WITHIN)
        if line.ts > since and wanted(line, filters)
    ]
    newest_first = sorted(
        ((row.changed_at, what, row) for what in (*_OF_ONE, "acts") for row in found.get(what, ())),
        key=lambda change: change[0],
        reverse=True,
    )
    complete = True
    for number, (changed_at, what, row) in enumerate(newest_first):
        if number % _SLICE_ROWS == 0:
            await asyncio.sleep(0)  # thousands of lines must not hold up the webhooks of this process
            if sum(line.ts > changed_at for line in kept) >= limit:
                complete = False
                break
        kept += (line for line in _lines_of(what, row, labels) if line.ts > since and wanted(line, filters))
    kept.sort(key=lambda line: (line.ts, line.id))
    return Reading(
        lines=kept[-limit:],
        position=position,
        conversations={row.conversation_id for what in _OF_ONE for row in found[what]} - {None},
        truncated=not complete or len(kept) > limit or any(len(rows) == rows_limit for rows in found.values()),
    )


def _lines_of(what: str, row: Any, labels: Mapping[str, str]) -> Iterable[FeedLine]:
    match what:
        case "webhooks":
            return webhook_lines(row, labels)
        case "deliveries":
            return delivery_lines(row, labels)
        case "events":
            return (task_line(row),)
        case _:
            return (audit_line(row),)


async def _conversation_of(session: AsyncSession, wanted_id: str) -> UUID | None:
    """By the id of a task or of a conversation; None when the tenant has no such thing."""
    try:
        found: UUID | None = await session.scalar(_CONVERSATION, {"wanted": UUID(wanted_id)})
    except ValueError:
        return None
    return found
