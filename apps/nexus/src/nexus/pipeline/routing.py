"""From a stored event to what it causes: parse, ask the vendor what is needed, then decide in one transaction.

Events of one tenant that only look at items share that transaction with those that come at the same moment.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.batching import KeyedBatcher
from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.kit.trace import handed_on, nobodys
from nexus.pipeline.claims import Claims, End, LostClaim
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
from nexus.pipeline.items import Items, Look, Outcome
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.outbox import SOURCE_STREAM
from nexus.pipeline.ports import Chat, Connected, Tracker, Unreadable
from nexus.pipeline.sync import ANSWER_ACTION, SYNC_ACTION, Sync
from nexus.pipeline.sync_rules import SYNC_REACTION
from nexus.pipeline.tries import told_sql
from nexus.store.database import Database, is_unavailable
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
Decision = Outcome | Look | Step
"""What is to be decided about one fact: nothing any more, about an item as it is now, or something of its own."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A claimed event for which all was asked that vendors can tell."""

    row: Any
    decisions: Sequence[Decision]
    covered: Sequence[UUID]
    """Events that wait behind it and say no more than it does."""

    @property
    def shares(self) -> bool:
        """Whether it can be decided together with others."""
        return not any(callable(each) for each in self.decisions)


class Router:
    """Turns inbox rows into tasks and deliveries."""

    def __init__(
        self,
        db: Database,
        connections: Connections,
        items: Items,
        mirror: Mirror,
        sync: Sync,
        claims: Claims,
        clock: Clock,
    ) -> None:
        self._db = db
        self._connections = connections
        self._items = items
        self._mirror = mirror
        self._sync = sync
        self._claims = claims
        self._echoes = Echoes(db, connections)
        self.clock = clock
        self._sharing: KeyedBatcher[UUID, _Prepared, str] = KeyedBatcher(self._decide_together, is_fatal=is_unavailable)

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
        decisions = [await self._prepare(connected, fact, row) for fact in facts]
        prepared = _Prepared(row, decisions, covered)
        if prepared.shares:
            return await self._sharing.submit(row.tenant_id, prepared)
        async with self._db.tenant(row.tenant_id) as session:
            session.info[SOURCE_STREAM] = row.stream_key
            outcomes = [await self._decide(session, each) for each in decisions]
            return (await self._settle(session, [(prepared, outcomes)]))[0]

    async def _decide_together(self, tenant_id: UUID, events: Sequence[_Prepared]) -> list[str]:
        """Decides about events that only look at items, and settles them; returns their states."""
        looks = [each for event in events for each in event.decisions if isinstance(each, Look)]
        with nobodys():
            async with self._db.tenant(tenant_id, planned_once=True) as session:
                seen = iter(await self._items.changed(session, looks) if looks else ())
                return await self._settle(
                    session,
                    [
                        (event, [next(seen) if isinstance(each, Look) else cast("Outcome", each)
                                 for each in event.decisions])
                        for event in events
                    ],
                )  # fmt: skip

    async def _decide(self, session: AsyncSession, decision: Decision) -> Outcome:
        if isinstance(decision, Look):
            return (await self._items.changed(session, [decision]))[0]
        return await decision(session) if callable(decision) else decision

    async def _settle(self, session: AsyncSession, decided: Sequence[tuple[_Prepared, Sequence[Outcome]]]) -> list[str]:
        """Settles events with what was decided. Raises LostClaim, which must roll everything back."""
        ends: list[End] = []
        for event, outcomes in decided:
            conversation_id = next((found for found, _ in outcomes if found is not None), None)
            reasons = [reason for _, reason in outcomes if reason is not None]
            if event.covered:
                together = ": ".join((f"seen together with event {event.row.id}", *reasons))
                about = {"ids": event.covered, "reason": together, "about": conversation_id}
                await session.execute(_COVERED, about)
            state = "done" if len(reasons) < len(outcomes) else "ignored"
            ends.append(End(event.row, state, "; ".join(reasons) or None, conversation_id))
        settled = await self._claims.settle_all(session, "inbox", ends)
        for end in ends:
            if end.row.id not in settled:
                raise LostClaim(str(end.row.id))
        return [end.state for end in ends]

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

    async def _prepare(self, connected: Connected, fact: Fact, row: Any) -> Decision:
        """Asks the vendor whatever the fact needs, outside of any transaction."""
        mirror, sync, trace = self._mirror, self._sync, row.traceparent
        match fact:
            case Ignored(reason):
                return None, reason
            case ItemChanged(item_id):
                item = await (await self._tracker(connected)).fetch_item(item_id)
                if item is None:
                    return lambda session: self._gone(session, connected, item_id)
                return Look(connected, item, row.stream_key, handed_on(trace))
            case ItemDeleted(item_id):
                return lambda session: self._gone(session, connected, item_id)
            case CommentPosted():
                return lambda session: mirror.commented(session, connected, fact, trace)
            case MessagePosted():
                if not await self._is_ours(connected, fact):
                    return None, "not in a mirrored thread"
                posted = cast("MessagePosted", await sync.readable(connected, fact))
                return lambda session: sync.posted(session, connected, posted, trace)
            case MessageEdited():
                if not await self._is_ours(connected, fact):
                    return None, "not in a mirrored thread"
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
                    return None, "not a person's message"
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
