"""The way out: one claimed delivery to its sink, looked up first when it may have happened already (I3)."""

from dataclasses import replace
from typing import Any

from sqlalchemy import exists, select, update

from nexus.kit.logging import get_logger
from nexus.kit.retry import full_jitter_seconds
from nexus.pipeline.cards import card_view
from nexus.pipeline.claims import Claims, LostClaim
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Deferred, Rejected, Retryable, Superseded, Unsure
from nexus.pipeline.facts import AddComment, EditComment, EditReply, PostCard, PostReply, UpdateCard
from nexus.pipeline.outbox import load_intent
from nexus.pipeline.ports import Outgoing, Receipt
from nexus.store.database import Database, is_unavailable
from nexus.store.tables import Delivery, Message, Task, TaskMapping

log = get_logger(__name__)

MAX_ATTEMPTS = 12


class Deliverer:
    """Carries out claimed deliveries."""

    def __init__(self, db: Database, connections: Connections, claims: Claims) -> None:
        self._db = db
        self._connections = connections
        self._claims = claims

    async def deliver(self, row: Any) -> str:
        """Sends one delivery and settles it; returns `done`, `retry`, `superseded` or `dead`.

        Raises LostClaim when another worker has taken the row over, and whatever the database raises while
        it is away: the row then stays claimed until its lease ends.
        """
        # What the row goes back to when a step fails: `undone` if the step says that it did not happen,
        # `unclear` if nobody can tell. Only from the moment of sending do the two differ from before.
        undone = unclear = row.prior
        try:
            sink = await self._connections.sink(row.connection_id)
            outgoing = await self._load(row)
            receipt = await sink.find(outgoing) if row.prior == "sending" else None
            if receipt is None:
                undone = unclear = "pending"
                await self._check_wanted(row)
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
            return await self._again(row, unclear, Retryable(error.reason))
        except Superseded as error:
            async with self._db.tenant(row.tenant_id) as session:
                await self._claims.settle(session, "deliveries", row.id, state="superseded", reason=error.reason)
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
                await self._check_root(session, row)
            if isinstance(intent, PostReply) and await session.scalar(
                select(
                    exists().where(
                        Delivery.stream_key == row.stream_key,
                        Delivery.kind == "reply",
                        Delivery.state == "done",
                        Delivery.order_key > row.order_key,
                    )
                )
            ):
                intent = replace(intent, late_at=message.occurred_at if message else row.created_at)
            twin_id = message.twin_id if message else None
            if isinstance(intent, EditReply | EditComment) and twin_id is None:
                await self._check_twin(session, row)
            card = await card_view(session, conversation) if isinstance(intent, PostCard | UpdateCard) else None
            root_ts, item_id = conversation.root_ts, conversation.item_id
            permalink, chat_id = (message.permalink if message else None), conversation.chat_connection_id
        if isinstance(intent, AddComment | EditComment) and permalink is None and chat_id is not None:
            permalink = await self._permalink(row, intent)
        return Outgoing(
            id=row.id,
            intent=intent,
            attempted_at=row.attempted_at,
            root_ts=root_ts,
            item_id=item_id,
            twin_id=twin_id,
            card=card,
            permalink=permalink,
        )

    async def _check_wanted(self, row: Any) -> None:
        """After a Stop nothing of the task has an effect any more, not even what was tried before it."""
        if row.task_id is None:
            return
        async with self._db.tenant(row.tenant_id) as session:
            task = await session.get(Task, row.task_id)
        if task is not None and task.state == "canceled":
            raise Superseded(task.reason or "the task was stopped")

    async def _check_root(self, session: Any, row: Any) -> None:
        card = await session.scalar(
            select(Delivery).where(Delivery.conversation_id == row.conversation_id, Delivery.kind == "card")
        )
        if card is not None and card.state == "dead" and row.kind == "card_update":
            raise Superseded("the card was not posted; when it is replayed it shows the newest state")
        if card is not None and card.state == "dead":
            raise Rejected(f"The card of this conversation was not posted ({card.reason}). Replay the card first.")
        raise Deferred("the card of this conversation is not posted yet", after_seconds=0.5)

    async def _check_twin(self, session: Any, row: Any) -> None:
        original = await session.scalar(
            select(Delivery).where(Delivery.message_id == row.message_id, Delivery.kind.in_(("reply", "comment")))
        )
        if original is None or original.state in ("dead", "superseded"):
            raise Rejected("What this edit belongs to was never posted. Replay that first.")
        raise Deferred("what this edit belongs to is not posted yet", after_seconds=0.5)

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
            match outgoing.intent:
                case PostCard():
                    await session.execute(
                        update(TaskMapping)
                        .where(TaskMapping.id == row.conversation_id)
                        .values(root_ts=receipt.external_id)
                    )
                case PostReply() | AddComment() if row.message_id is not None:
                    await session.execute(
                        update(Message).where(Message.id == row.message_id).values(twin_id=receipt.external_id)
                    )
                case _:
                    pass
            await self._claims.settle(session, "deliveries", row.id, state="done", external_id=receipt.external_id)

    async def _again(self, row: Any, state: str, error: Retryable, *, counted: bool = True) -> str:
        if counted and row.attempts >= MAX_ATTEMPTS:
            return await self._dead(row, f"gave up after {row.attempts} tries: {error.reason}")
        wait = error.after_seconds
        if wait is None:
            wait = full_jitter_seconds(row.attempts, base_seconds=0.5)
        await self._claims.release(
            "deliveries", row.id, state=state, after_seconds=wait, reason=error.reason, counted=counted
        )
        return "retry"

    async def _dead(self, row: Any, reason: str) -> str:
        async with self._db.tenant(row.tenant_id) as session:
            await self._claims.settle(session, "deliveries", row.id, state="dead", reason=reason)
        log.error("delivery.dead", delivery_id=str(row.id), sink=row.sink, kind=row.kind, reason=reason)
        return "dead"
