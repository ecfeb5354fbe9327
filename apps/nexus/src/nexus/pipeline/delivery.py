"""The way out: one claimed delivery to its sink, looked up first when it may have happened already (I3).

Deliveries of one tenant that are on their way at the same moment share their transactions: what one of them reads or
writes, all do.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.batching import KeyedBatcher
from nexus.kit.logging import get_logger
from nexus.kit.retry import full_jitter_seconds
from nexus.pipeline.circuit import asking
from nexus.pipeline.claims import Claims, End, LostClaim
from nexus.pipeline.clearance import Departure, NotItsTurn, objections
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Deferred, PipelineError, Rejected, Retryable, Superseded, Unsure
from nexus.pipeline.facts import AddComment, AddNote, EditComment, EditNote, Intent, PostCard, PostReply
from nexus.pipeline.loading import Loaded, load
from nexus.pipeline.meter import DeliveryOutcome
from nexus.pipeline.outbox import load_intent
from nexus.pipeline.ports import Outgoing, Receipt, Sink
from nexus.pipeline.questions import marked
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import Message, TaskMapping

log = get_logger(__name__)

MAX_ATTEMPTS = 12

# Conversations are locked in the order of their ids, as everybody does who needs several.
_NOTE_ROOTS = text("""
    WITH locked AS (
        SELECT id FROM task_mappings WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE task_mappings SET root_ts = told.root_ts, updated_at = clock_timestamp()
    FROM locked JOIN unnest(CAST(:ids AS uuid[]), CAST(:roots AS text[])) AS told(id, root_ts) ON told.id = locked.id
    WHERE task_mappings.id = locked.id
""")
_NOTE_TWINS = text("""
    UPDATE messages SET twin_id = told.twin_id
    FROM unnest(CAST(:ids AS uuid[]), CAST(:twins AS text[])) AS told(id, twin_id)
    WHERE messages.id = ANY(CAST(:ids AS uuid[])) AND messages.id = told.id
""")


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A delivery that asks what it is about, and, if it may be `cleared` at once, whether it may leave."""

    departure: Departure
    intent: Intent
    cleared: bool

    @property
    def row(self) -> Any:
        return self.departure.row


@dataclass(frozen=True, slots=True)
class _Ready:
    outgoing: Outgoing
    conversation: TaskMapping
    cleared: bool


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A delivery whose effect exists."""

    row: Any
    intent: Intent
    external_id: str


class Deliverer:
    """Carries out claimed deliveries."""

    def __init__(self, db: Database, connections: Connections, claims: Claims) -> None:
        self._db = db
        self._connections = connections
        self._claims = claims
        self._blocked: dict[UUID, float] = {}
        self._preparing: KeyedBatcher[UUID, _Leaving, _Ready] = KeyedBatcher(
            self._prepare_together, is_fatal=is_unavailable
        )
        self._clearing: KeyedBatcher[UUID, Departure, None] = KeyedBatcher(
            self._clear_together, is_fatal=is_unavailable
        )
        self._settling: KeyedBatcher[UUID, _Arrived, None] = KeyedBatcher(
            self._settle_together, is_fatal=is_unavailable
        )

    def blocked(self) -> list[UUID]:
        """Connections whose vendor said that nothing need be tried at the moment."""
        now = time.monotonic()
        self._blocked = {connection: until for connection, until in self._blocked.items() if until > now}
        return [*self._blocked, *self._connections.circuits.resting()]

    async def deliver(self, row: Any) -> DeliveryOutcome:
        """Sends one delivery and settles it; returns `done`, `retry`, `superseded` or `dead`.

        Raises LostClaim when another worker has taken the row over, and whatever the database raises while
        it is away: the row then stays claimed until its lease ends.
        """
        # What the row goes back to when a step fails: `undone` if the step says that it did not happen,
        # `unclear` if nobody can tell. Only from the moment of sending do the two differ from before.
        undone = unclear = row.prior
        asking.set(str(row.id))
        try:
            sink = await self._connections.sink(row.connection_id)
            ready = await self._load(row, sink)
            receipt = Receipt(row.external_id) if row.external_id else None
            if receipt is None and row.prior == "sending":
                receipt = await sink.find(ready.outgoing)
            if receipt is None:
                undone = unclear = "pending"
                if not ready.cleared:
                    await self._clearing.submit(row.tenant_id, Departure(row, sink.limit(ready.outgoing.intent)))
                self._claims.check("deliveries", row)
                unclear = "sending"
                receipt = await sink.send(ready.outgoing)
            await self._settle(row, ready.outgoing, receipt)
        except LostClaim:
            raise
        except Deferred as error:
            return await self._again(row, undone, error, counted=False)
        except Retryable as error:
            return await self._again(row, undone, error)
        except Unsure as error:
            return await self._again(row, unclear, Retryable(error.reason), counted=error.counts)
        except Superseded as error:
            async with self._db.tenant(row.tenant_id) as session:
                await self._claims.settle(session, "deliveries", row, state="superseded", reason=error.reason)
            return "superseded"
        except Rejected as error:
            return await self._dead(row, error.reason)
        except Exception as error:
            if not is_unavailable(error):
                log.exception("delivery.failed", delivery_id=str(row.id), kind=row.kind)
            return await self._again(row, unclear, Retryable(f"{type(error).__name__} in {row.sink}"))
        return "done"

    async def _load(self, row: Any, sink: Sink) -> _Ready:
        """What is to be sent. It is cleared as well when nothing that takes time comes before it is sent."""
        intent = load_intent(row.kind, row.payload)
        at_once = row.prior == "pending" and row.external_id is None and not isinstance(intent, AddNote | EditNote)
        leaving = _Leaving(Departure(row, sink.limit(intent)), intent, cleared=at_once)
        ready = await self._preparing.submit(row.tenant_id, leaving)
        intent, conversation = ready.outgoing.intent, ready.conversation
        if isinstance(intent, AddNote | EditNote):
            permalink = await self._thread_mark(conversation, intent.question_id)
        elif isinstance(intent, AddComment | EditComment) and _lacks_address(ready.outgoing, conversation):
            permalink = await self._permalink(row, conversation, intent)
        else:
            return ready
        return replace(ready, outgoing=replace(ready.outgoing, permalink=permalink))

    async def _prepare_together(self, tenant_id: UUID, leaving: Sequence[_Leaving]) -> list[_Ready | Exception]:
        # A turn that a crash of the server undoes is one message too many in a second, and no wrong one.
        async with self._db.tenant(tenant_id, lasting=False, planned_once=True) as session:
            loaded = await load(session, [(one.row, one.intent) for one in leaving])
            at_once = [
                one.departure for one, found in zip(leaving, loaded, strict=True) if one.cleared and _is_whole(found)
            ]
            objected = await objections(session, at_once) if at_once else {}
        cleared = {departure.row.id for departure in at_once}
        return [
            found
            if isinstance(found, PipelineError)
            else objected.get(one.row.id) or _Ready(found.outgoing, found.conversation, one.row.id in cleared)
            for one, found in zip(leaving, loaded, strict=True)
        ]

    async def _clear_together(self, tenant_id: UUID, leaving: Sequence[Departure]) -> list[Exception | None]:
        async with self._db.tenant(tenant_id, lasting=False, planned_once=True) as session:
            objected = await objections(session, leaving)
        return [objected.get(one.row.id) for one in leaving]

    async def _thread_mark(self, conversation: TaskMapping, question_id: str) -> str:
        assert conversation.chat_connection_id is not None and conversation.channel_id is not None
        assert conversation.root_ts is not None  # or loading had deferred it
        chat = await self._connections.chat(conversation.chat_connection_id)
        return marked(await chat.permalink(conversation.channel_id, conversation.root_ts), question_id)

    async def _permalink(self, row: Any, conversation: TaskMapping, intent: AddComment | EditComment) -> str:
        assert conversation.chat_connection_id is not None
        chat = await self._connections.chat(conversation.chat_connection_id)
        permalink = await chat.permalink(intent.channel_id, intent.ts)
        async with self._db.tenant(row.tenant_id) as session:
            await session.execute(update(Message).where(Message.id == row.message_id).values(permalink=permalink))
        return permalink

    async def _settle(self, row: Any, outgoing: Outgoing, receipt: Receipt) -> None:
        await self._settling.submit(row.tenant_id, _Arrived(row, outgoing.intent, receipt.external_id))

    async def _settle_together(self, tenant_id: UUID, arrived: Sequence[_Arrived]) -> list[LostClaim | None]:
        async with self._db.tenant(tenant_id, planned_once=True) as session:
            ends = [End(one.row, "done", external_id=one.external_id, late_at=_late_at(one.intent)) for one in arrived]
            settled = await self._claims.settle_all(session, "deliveries", ends)
            ours = [one for one in arrived if one.row.id in settled]
            await _note_effects(session, ours, settled)
        return [None if one.row.id in settled else LostClaim(str(one.row.id)) for one in arrived]

    async def _again(self, row: Any, state: str, error: Retryable, *, counted: bool = True) -> DeliveryOutcome:
        if counted and row.attempts >= MAX_ATTEMPTS:
            return await self._dead(row, f"gave up after {row.attempts} tries: {error.reason}")
        wait = error.after_seconds
        if wait is None:
            wait = full_jitter_seconds(row.attempts, base_seconds=0.5)
        if isinstance(error, Deferred) and error.whole_connection:
            self._blocked[row.connection_id] = time.monotonic() + wait
        slot_at = error.slot_at if isinstance(error, NotItsTurn) else None
        await self._claims.release(
            "deliveries", row, state=state, after_seconds=wait, reason=error.reason, counted=counted, slot_at=slot_at
        )
        return "retry"

    async def _dead(self, row: Any, reason: str) -> DeliveryOutcome:
        async with self._db.tenant(row.tenant_id) as session:
            await self._claims.settle(session, "deliveries", row, state="dead", reason=reason)
        log.error("delivery.dead", delivery_id=str(row.id), sink=row.sink, kind=row.kind, reason=reason)
        return "dead"


async def _note_effects(
    session: AsyncSession, arrived: Sequence[_Arrived], external_ids: dict[UUID, str | None]
) -> None:
    """What others know effects by: a card is the root of its thread, a reply or comment is a message's twin."""
    roots = {one.row.conversation_id: external_ids[one.row.id] for one in arrived if isinstance(one.intent, PostCard)}
    twins = {
        one.row.message_id: external_ids[one.row.id]
        for one in arrived
        if isinstance(one.intent, PostReply | AddComment) and one.row.message_id is not None
    }
    if roots:
        await session.execute(_NOTE_ROOTS, {"ids": [*roots], "roots": [*roots.values()]})
    if twins:
        await session.execute(_NOTE_TWINS, {"ids": [*twins], "twins": [*twins.values()]})


def _late_at(intent: Intent) -> str | None:
    """The mark of being late that a new message bears."""
    if isinstance(intent, PostReply | AddComment) and intent.late_at is not None:
        return intent.late_at.isoformat()
    return None


def _lacks_address(outgoing: Outgoing, conversation: TaskMapping) -> bool:
    """Whether a comment waits for the address of the message that it mirrors, which only the vendor knows."""
    return outgoing.permalink is None and conversation.chat_connection_id is not None


def _is_whole(found: Loaded | PipelineError) -> bool:
    """Whether nothing that takes time comes before it is sent."""
    if isinstance(found, PipelineError):
        return False
    comment = isinstance(found.outgoing.intent, AddComment | EditComment)
    return not (comment and _lacks_address(found.outgoing, found.conversation))
