"""The way out: one claimed delivery to its sink, looked up first when it may have happened already (I3)."""

import time
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.kit.logging import get_logger
from nexus.kit.retry import full_jitter_seconds
from nexus.pipeline.cards import card_view
from nexus.pipeline.circuit import asking
from nexus.pipeline.claim_sql import HOLDS
from nexus.pipeline.claims import HOLD_SECONDS, Claims, LostClaim
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Superseded, Unsure
from nexus.pipeline.facts import (
    AddComment,
    AddNote,
    EditComment,
    EditNote,
    EditReply,
    PostCard,
    PostMute,
    PostQuestion,
    PostReply,
    UpdateCard,
    UpdateMute,
    UpdateQuestion,
)
from nexus.pipeline.meter import DeliveryOutcome
from nexus.pipeline.mutes import mute_view, notice_key
from nexus.pipeline.outbox import load_intent
from nexus.pipeline.ports import Outgoing, RateLimit, Receipt
from nexus.pipeline.questions import effect_key, marked, question_view
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import Delivery, Message, Task, TaskMapping

log = get_logger(__name__)

MAX_ATTEMPTS = 12

# The generic cell rate algorithm: `next_at` is when the last turn that was given out is over, and turns may be
# taken up to `ahead` seconds early, which makes the burst.
_TAKE_TURN = text("""
    INSERT INTO paces (id, tenant_id, connection_id, key, next_at)
    VALUES (:id, :tenant, :connection, :key, clock_timestamp() + make_interval(secs => :interval))
    ON CONFLICT (connection_id, key) DO UPDATE
        SET next_at = greatest(paces.next_at, clock_timestamp()) + make_interval(secs => :interval)
    RETURNING next_at - make_interval(secs => :interval) - make_interval(secs => :ahead) AS slot_at,
              extract(epoch FROM next_at - clock_timestamp())::float8 - :interval - :ahead AS wait_seconds
""")


# The claim has asked the same; but a machine may be slow, and seconds may lie between a claim and its request.
# A worker that stood still does not know yet that its lock is gone, and that somebody else has sent it.
_AT_LAST = text(f"""
    SELECT EXISTS (SELECT FROM deliveries mine
                   WHERE mine.id = :id AND mine.claimed_by = :worker AND mine.attempts = :attempts) AS still_mine,
           EXISTS (SELECT FROM deliveries older WHERE older.stream_key = :stream
                   AND older.state IN ('pending', 'sending') AND (older.order_key, older.id) < (:order, :id))
        OR EXISTS (SELECT FROM inbox older WHERE older.stream_key = :source AND older.state = 'pending'
                   AND older.occurred_at < to_timestamp(:order / 1000000.0)
                   AND {HOLDS}) AS something_older
""")  # noqa: S608 - a constant; every value is bound


class _NotItsTurn(Deferred):
    """The vendor takes no more at the moment; a turn of its own waits for this delivery."""

    def __init__(self, limit: RateLimit, slot_at: datetime, after_seconds: float) -> None:
        super().__init__(f"waits for its turn: {limit.per_second:g} a second", after_seconds=after_seconds)
        self.slot_at = slot_at


class Deliverer:
    """Carries out claimed deliveries."""

    def __init__(self, db: Database, connections: Connections, claims: Claims) -> None:
        self._db = db
        self._connections = connections
        self._claims = claims
        self._blocked: dict[UUID, float] = {}

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
            outgoing = await self._load(row)
            receipt = Receipt(row.external_id) if row.external_id else None
            if receipt is None and row.prior == "sending":
                receipt = await sink.find(outgoing)
            if receipt is None:
                undone = unclear = "pending"
                await self._before_sending(row, sink.limit(outgoing.intent))
                self._claims.check("deliveries", row)
                unclear = "sending"
                receipt = await sink.send(outgoing)
            await self._settle(row, outgoing, receipt)
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

    async def _load(self, row: Any) -> Outgoing:
        intent = load_intent(row.kind, row.payload)
        async with self._db.tenant(row.tenant_id) as session:
            conversation = await session.get_one(TaskMapping, row.conversation_id)
            message = await session.get(Message, row.message_id) if row.message_id else None
            if conversation.root_ts is None and not isinstance(intent, PostCard | AddComment | EditComment):
                # A note needs it too: its proof is the address of the thread.
                await self._check_root(session, row)
            if isinstance(intent, PostReply | AddComment) and await session.scalar(
                select(
                    exists().where(
                        Delivery.stream_key == row.stream_key,
                        Delivery.kind == row.kind,
                        Delivery.state.in_(("sending", "done")),  # one in doubt may be out
                        Delivery.order_key > row.order_key,
                    )
                )
            ):
                intent = replace(intent, late_at=message.occurred_at if message else row.created_at)
            twin_id = message.twin_id if message else None
            if isinstance(intent, EditReply | EditComment):
                if twin_id is None:
                    await self._check_twin(session, row)
                elif message is not None and await self._was_late(session, row):
                    intent = replace(intent, late_at=message.occurred_at)
            card = await card_view(session, conversation) if isinstance(intent, PostCard | UpdateCard) else None
            question = None
            if isinstance(intent, PostQuestion | UpdateQuestion | AddNote | EditNote):
                question = await question_view(session, UUID(intent.question_id))
            if isinstance(intent, UpdateQuestion | EditNote):
                twin_id = await self._put(session, row, effect_key(intent.question_id), "the question")
            mute = None
            if isinstance(intent, PostMute | UpdateMute):
                mute = await mute_view(session, UUID(intent.mute_id), conversation.id)
            if isinstance(intent, UpdateMute):
                twin_id = await self._put(session, row, notice_key(intent.mute_id, conversation.id), "the notice")
            root_ts, item_id = conversation.root_ts, conversation.item_id
            permalink, chat_id = (message.permalink if message else None), conversation.chat_connection_id
        if isinstance(intent, AddComment | EditComment) and permalink is None and chat_id is not None:
            permalink = await self._permalink(row, intent)
        if isinstance(intent, AddNote | EditNote):
            permalink = await self._thread_mark(row, intent.question_id)
        return Outgoing(
            id=row.id,
            intent=intent,
            attempted_at=row.attempted_at,
            root_ts=root_ts,
            item_id=item_id,
            twin_id=twin_id,
            card=card,
            permalink=permalink,
            question=question,
            mute=mute,
        )

    async def _before_sending(self, row: Any, limit: RateLimit | None) -> None:
        """Raises Superseded when it is not wanted any more, and Deferred when it is not its turn."""
        # A turn that a crash of the server undoes is one message too many in a second, and no wrong one.
        async with self._db.tenant(row.tenant_id, lasting=False) as session:
            await self._check_wanted(session, row)
            await self._check_claim_and_order(session, row)
            turn = await self._take_turn(session, row, limit) if limit is not None else None
        if turn is not None:
            raise turn

    async def _check_wanted(self, session: AsyncSession, row: Any) -> None:
        """After a Stop nothing of the task has an effect any more, not even what was tried before it."""
        task = await session.get(Task, row.task_id) if row.task_id is not None else None
        if task is not None and task.state == "canceled":
            raise Superseded(task.reason or "the task was stopped")

    async def _check_claim_and_order(self, session: AsyncSession, row: Any) -> None:
        """Who has lost the claim sends nothing; what was accepted meanwhile and is older goes first."""
        about = {
            "worker": row.claimed_by,
            "attempts": row.attempts,
            "stream": row.stream_key,
            "order": row.order_key,
            "id": row.id,
            "source": row.source_stream,
            "hold": HOLD_SECONDS,
        }
        at_last = (await session.execute(_AT_LAST, about)).one()
        if not at_last.still_mine:
            raise LostClaim(str(row.id))
        if at_last.something_older:
            raise Deferred("something older has just come in", after_seconds=0)

    async def _take_turn(self, session: AsyncSession, row: Any, limit: RateLimit) -> _NotItsTurn | None:
        """Takes the next turn under a limit, for all processes together; None when it is now.

        A row that has to wait keeps its turn, so each waits once, whoever comes meanwhile.
        """
        if row.slot_at is not None:
            return None
        interval_seconds = 1 / limit.per_second
        about = {
            "id": new_id(),
            "tenant": row.tenant_id,
            "connection": row.connection_id,
            "key": limit.key,
            "interval": interval_seconds,
            "ahead": (limit.burst - 1) * interval_seconds,
        }
        turn = (await session.execute(_TAKE_TURN, about)).one()
        return _NotItsTurn(limit, turn.slot_at, turn.wait_seconds) if turn.wait_seconds > 0 else None

    async def _check_root(self, session: Any, row: Any) -> None:
        card = await session.scalar(
            select(Delivery).where(Delivery.conversation_id == row.conversation_id, Delivery.kind == "card")
        )
        if card is not None and card.state == "dead" and row.kind == "card_update":
            raise Superseded("the card was not posted; when it is replayed it shows the newest state")
        if card is not None and card.state == "dead":
            raise Rejected(f"The card of this conversation was not posted ({card.reason}). Replay the card first.")
        if card is None:
            raise Rejected("This conversation has no card, so there is no thread. Link its list, then replay.")
        raise Deferred("the card of this conversation is not posted yet", after_seconds=0.5)

    async def _check_twin(self, session: Any, row: Any) -> None:
        original = await session.scalar(
            select(Delivery).where(Delivery.message_id == row.message_id, Delivery.kind.in_(("reply", "comment")))
        )
        if original is None or original.state in ("dead", "superseded"):
            raise Rejected("What this edit belongs to was never posted. Replay that first.")
        raise Deferred("what this edit belongs to is not posted yet", after_seconds=0.5)

    async def _was_late(self, session: Any, row: Any) -> bool:
        """Whether the message that is changed bears the mark of being late."""
        marked_late = await session.scalar(
            select(Delivery.id)
            .where(Delivery.message_id == row.message_id, Delivery.kind.in_(("reply", "comment")))
            .where(Delivery.payload["late_at"].astext.is_not(None))
        )
        return marked_late is not None

    async def _put(self, session: Any, row: Any, key: str, what: str) -> str:
        """The id of the message or comment that is to be changed: the effect of this key."""
        first = await session.scalar(
            select(Delivery).where(Delivery.connection_id == row.connection_id, Delivery.effect_key == key)
        )
        if first is None or first.state in ("dead", "superseded"):
            raise Superseded(f"{what} was never put there")
        if first.state != "done":
            raise Deferred(f"{what} is not put there yet", after_seconds=0.5)
        return str(first.external_id)

    async def _thread_mark(self, row: Any, question_id: str) -> str:
        async with self._db.tenant(row.tenant_id) as session:
            conversation = await session.get_one(TaskMapping, row.conversation_id)
        assert conversation.chat_connection_id is not None and conversation.channel_id is not None
        assert conversation.root_ts is not None  # or `_check_root` had deferred it
        chat = await self._connections.chat(conversation.chat_connection_id)
        return marked(await chat.permalink(conversation.channel_id, conversation.root_ts), question_id)

    async def _permalink(self, row: Any, intent: AddComment | EditComment) -> str:
        async with self._db.tenant(row.tenant_id) as session:
            conversation = await session.get_one(TaskMapping, row.conversation_id)
        assert conversation.chat_connection_id is not None
        chat = await self._connections.chat(conversation.chat_connection_id)
        permalink = await chat.permalink(intent.channel_id, intent.ts)
        async with self._db.tenant(row.tenant_id) as session:
            await session.execute(update(Message).where(Message.id == row.message_id).values(permalink=permalink))
        return permalink

    async def _settle(self, row: Any, outgoing: Outgoing, receipt: Receipt) -> None:
        async with self._db.tenant(row.tenant_id) as session:
            # An echo may have told of the effect of an earlier try: that one counts, and ours is taken back
            # when its own echo comes.
            echoed = await session.scalar(
                select(Delivery.external_id).where(Delivery.id == row.id).with_for_update(key_share=True)
            )
            external_id = echoed or receipt.external_id
            match outgoing.intent:
                case PostCard():
                    await session.execute(
                        update(TaskMapping).where(TaskMapping.id == row.conversation_id).values(root_ts=external_id)
                    )
                case PostReply(late_at=late_at) | AddComment(late_at=late_at) if row.message_id is not None:
                    await session.execute(
                        update(Message).where(Message.id == row.message_id).values(twin_id=external_id)
                    )
                    if late_at is not None:
                        await session.execute(
                            update(Delivery)
                            .where(Delivery.id == row.id)
                            .values(payload={**row.payload, "late_at": late_at.isoformat()})
                        )
                case _:
                    pass
            await self._claims.settle(session, "deliveries", row, state="done", external_id=external_id)

    async def _again(self, row: Any, state: str, error: Retryable, *, counted: bool = True) -> DeliveryOutcome:
        if counted and row.attempts >= MAX_ATTEMPTS:
            return await self._dead(row, f"gave up after {row.attempts} tries: {error.reason}")
        wait = error.after_seconds
        if wait is None:
            wait = full_jitter_seconds(row.attempts, base_seconds=0.5)
        if isinstance(error, Deferred) and error.whole_connection:
            self._blocked[row.connection_id] = time.monotonic() + wait
        slot_at = error.slot_at if isinstance(error, _NotItsTurn) else None
        await self._claims.release(
            "deliveries", row, state=state, after_seconds=wait, reason=error.reason, counted=counted, slot_at=slot_at
        )
        return "retry"

    async def _dead(self, row: Any, reason: str) -> DeliveryOutcome:
        async with self._db.tenant(row.tenant_id) as session:
            await self._claims.settle(session, "deliveries", row, state="dead", reason=reason)
        log.error("delivery.dead", delivery_id=str(row.id), sink=row.sink, kind=row.kind, reason=reason)
        return "dead"
