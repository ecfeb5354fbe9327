"""From a stored event to what it causes: parse, ask the vendor what is needed, then decide in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.pipeline.claims import Claims
from nexus.pipeline.connections import Connections
from nexus.pipeline.echoes import Echoes
from nexus.pipeline.errors import Rejected
from nexus.pipeline.facts import (
    ButtonPressed,
    CommentPosted,
    ConnectionBroken,
    Echo,
    Fact,
    Ignored,
    ItemChanged,
    ItemDeleted,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Person,
    ReactionAdded,
)
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.outbox import SOURCE_STREAM
from nexus.pipeline.ports import Chat, Connected, Tracker, Unreadable
from nexus.pipeline.sync import ANSWER_ACTION, SYNC_ACTION, Outcome, Sync
from nexus.pipeline.sync_rules import SYNC_REACTION
from nexus.pipeline.tries import told_sql
from nexus.store.database import Database
from nexus.store.tables import Connection

log = get_logger(__name__)

MAX_COVERED = 50
_WAITING = text("""
    SELECT id, body, content_type FROM inbox
    WHERE stream_key = :stream AND state = 'pending' AND claimed_by IS NULL ORDER BY occurred_at, id LIMIT :limit
""")
_COVER = """
    UPDATE inbox SET state = 'ignored', reason = :reason, conversation_id = :about, settled_at = clock_timestamp(),
                     {told}
    WHERE id = ANY(:ids) AND state = 'pending' AND claimed_by IS NULL
"""
_COVERED = text(_COVER.format(told=told_sql("'ignored'", "CAST(:reason AS text)")))

Step = Callable[[AsyncSession], Awaitable[Outcome]]
"""What one fact does, once its transaction is open."""


class Router:
    """Turns inbox rows into tasks and deliveries."""

    def __init__(
        self, db: Database, connections: Connections, mirror: Mirror, sync: Sync, claims: Claims, clock: Clock
    ) -> None:
        self._db = db
        self._connections = connections
        self._mirror = mirror
        self._sync = sync
        self._claims = claims
        self._echoes = Echoes(db, connections)
        self.clock = clock

    async def handle(self, row: Any) -> str:
        """Carries out one claimed inbox row and settles it in the same transaction; returns its final state.

        Raises Retryable or Deferred when it must be tried again, Rejected when it never can be, LostClaim when
        another worker has it.
        """
        connected = await self._connections.get(row.connection_id)
        source = self._connections.integrations[connected.vendor].source
        try:
            facts = source.facts(row.body, row.content_type, connected)
        except Unreadable as error:
            raise Rejected(f"The event cannot be read: {error}") from error
        covered = await self._covered_by(row, connected, facts)
        steps = [await self._prepare(connected, fact, row.traceparent) for fact in facts]
        async with self._db.tenant(row.tenant_id) as session:
            session.info[SOURCE_STREAM] = row.stream_key
            outcomes = [await step(session) for step in steps]
            conversation_id = next((found for found, _ in outcomes if found is not None), None)
            reasons = [reason for _, reason in outcomes if reason is not None]
            if covered:
                together = ": ".join((f"seen together with event {row.id}", *reasons))
                await session.execute(_COVERED, {"ids": covered, "reason": together, "about": conversation_id})
            state = "done" if len(reasons) < len(outcomes) else "ignored"
            await self._claims.settle(
                session,
                "inbox",
                row,
                state=state,
                reason="; ".join(reasons) or None,
                conversation_id=conversation_id,
            )
        return state

    async def _covered_by(self, row: Any, connected: Connected, facts: list[Fact]) -> list[UUID]:
        """Events that wait behind this one and say no more than it does: look at the item. One look will do.

        Whether any did was seen when this one was claimed; what came later has a look of its own.

        Called before the look, so that it shows whatever they were about.
        """
        if not row.followed or not facts or not all(isinstance(fact, ItemChanged) for fact in facts):
            return []
        async with self._db.tenant(row.tenant_id) as session:
            waiting = (await session.execute(_WAITING, {"stream": row.stream_key, "limit": MAX_COVERED})).all()
        source = self._connections.integrations[connected.vendor].source
        covered: list[UUID] = []
        for other in waiting:
            try:
                others = source.facts(other.body, other.content_type, connected)
            except Unreadable:
                continue  # it will say so when its turn comes
            if others and all(fact in facts for fact in others):
                covered.append(other.id)
        return covered

    async def _prepare(self, connected: Connected, fact: Fact, trace: str | None) -> Step:
        """Asks the vendor whatever the fact needs, outside of any transaction."""
        mirror, sync = self._mirror, self._sync
        match fact:
            case Ignored(reason):
                return _nothing(None, reason)
            case ItemChanged(item_id):
                item = await (await self._tracker(connected)).fetch_item(item_id)
                if item is None:
                    return lambda session: self._gone(session, connected, item_id)
                return lambda session: mirror.item_changed(session, connected, item, trace)
            case ItemDeleted(item_id):
                return lambda session: self._gone(session, connected, item_id)
            case CommentPosted():
                return lambda session: mirror.commented(session, connected, fact, trace)
            case MessagePosted():
                if not await self._is_ours(connected, fact):
                    return _nothing(None, "not in a mirrored thread")
                posted = cast("MessagePosted", await sync.readable(connected, fact))
                return lambda session: sync.posted(session, connected, posted, trace)
            case MessageEdited():
                if not await self._is_ours(connected, fact):
                    return _nothing(None, "not in a mirrored thread")
                edited = cast("MessageEdited", await sync.readable(connected, fact))
                return lambda session: sync.edited(session, connected, edited, trace)
            case MessageDeleted():
                return lambda session: sync.deleted(session, connected, fact, trace)
            case ReactionAdded():
                original = await self._original(connected, fact)
                return lambda session: sync.reacted(session, connected, fact, original, trace)
            case ButtonPressed() if fact.action == SYNC_ACTION:
                asked = ReactionAdded(fact.channel_id, fact.value, SYNC_REACTION, fact.author, fact.at)
                original = await self._original(connected, asked)
                if original is None:
                    return _nothing(None, "not a person's message")
                return lambda session: sync.posted(session, connected, original, trace, sync=True)
            case ButtonPressed():
                pressed = replace(fact, author=await self._who(connected, fact))
                return lambda session: sync.pressed(session, connected, pressed)
            case Echo():
                removed = await self._echoes.take_back_if_doubled(connected, fact)
                return lambda session: self._echoes.note(session, connected, fact, removed=removed)
            case ConnectionBroken(reason):
                return lambda session: self._broken(session, connected, reason)

    async def _who(self, connected: Connected, fact: ButtonPressed) -> Person:
        """Who pressed a button, with all by which they may be listed as an approver."""
        chat = await self._chat(connected)
        name = fact.author.name or await chat.person_name(fact.author.id)
        answers = fact.action.startswith(ANSWER_ACTION)
        return Person(fact.author.id, name, await chat.handles(fact.author.id) if answers else frozenset())

    async def _original(self, connected: Connected, fact: ReactionAdded) -> MessagePosted | None:
        if fact.name != SYNC_REACTION:
            return None
        found = await (await self._chat(connected)).fetch_message(fact.channel_id, fact.ts)
        if not isinstance(found, MessagePosted):
            return None
        return cast("MessagePosted", await self._sync.readable(connected, found))

    async def _is_ours(self, connected: Connected, fact: MessagePosted | MessageEdited) -> bool:
        if fact.thread_ts is None:
            return False
        async with self._db.tenant(connected.tenant_id) as session:
            return await self._sync.in_a_mirrored_thread(session, connected, fact.channel_id, fact.thread_ts, fact.at)

    async def _gone(self, session: AsyncSession, connected: Connected, item_id: str) -> Outcome:
        found = await self._mirror.item_deleted(session, connected, item_id)
        return found, None if found else "the task is gone, or not visible to us, and was not mirrored"

    async def _broken(self, session: AsyncSession, connected: Connected, reason: str) -> Outcome:
        await session.execute(update(Connection).where(Connection.id == connected.id).values(broken_reason=reason))
        log.error("connection.broken", vendor=connected.vendor, connection_id=str(connected.id), reason=reason)
        return None, None

    async def _tracker(self, connected: Connected) -> Tracker:
        return await self._connections.tracker(connected.id)

    async def _chat(self, connected: Connected) -> Chat:
        return await self._connections.chat(connected.id)


def _nothing(conversation_id: UUID | None, reason: str) -> Step:
    async def step(_session: AsyncSession) -> Outcome:
        return conversation_id, reason

    return step
