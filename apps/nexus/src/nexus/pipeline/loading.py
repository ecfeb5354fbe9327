"""What deliveries are about, read at the moment at which they leave; for many of one tenant in a few statements."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.cards import card_views
from nexus.pipeline.errors import Deferred, PipelineError, Rejected, Superseded
from nexus.pipeline.facts import (
    AddComment,
    AddNote,
    CardView,
    EditComment,
    EditNote,
    EditReply,
    Intent,
    PostCard,
    PostMute,
    PostQuestion,
    PostReply,
    UpdateCard,
    UpdateMute,
    UpdateQuestion,
)
from nexus.pipeline.mutes import mute_view, notice_key
from nexus.pipeline.ports import Outgoing
from nexus.pipeline.questions import effect_key, question_view
from nexus.store.bulk import one_of
from nexus.store.tables import Delivery, Message, TaskMapping

_OUT = "('sending', 'done')"
"""One in doubt may be out."""

_OVERTAKEN = """
    SELECT mine.id FROM deliveries mine
    WHERE mine.id = ANY(CAST(:ids AS uuid[])) AND EXISTS (
        SELECT FROM deliveries younger
        WHERE younger.conversation_id = mine.conversation_id AND younger.stream_key = mine.stream_key
          AND younger.kind = mine.kind AND younger.state IN {out} AND younger.order_key > mine.order_key OFFSET 0)
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a sink is given, but for the address of a message that only the vendor knows."""

    outgoing: Outgoing
    conversation: TaskMapping


@dataclass(frozen=True, slots=True)
class _Known:
    conversations: dict[UUID, TaskMapping]
    messages: dict[UUID, Message]
    cards: dict[UUID, CardView]
    overtaken: frozenset[UUID]
    """Replies and comments of which something younger is out already: they will be marked as late."""


async def load(session: AsyncSession, asked: Sequence[tuple[Any, Intent]]) -> list[Loaded | PipelineError]:
    """For each claimed row with its intent what it is about, or why there is nothing to send or not yet."""
    known = await _known(session, asked)
    loaded: list[Loaded | PipelineError] = []
    for row, intent in asked:
        try:
            loaded.append(await _load_one(session, row, intent, known))
        except PipelineError as objection:
            loaded.append(objection)
    return loaded


async def _known(session: AsyncSession, asked: Sequence[tuple[Any, Intent]]) -> _Known:
    conversations = await session.scalars(
        select(TaskMapping).where(one_of(TaskMapping.id, {row.conversation_id for row, _ in asked}))
    )
    by_id = {one.id: one for one in conversations}
    message_ids = {row.message_id for row, _ in asked if row.message_id}
    messages: list[Message] = []
    if message_ids:
        messages += (await session.scalars(select(Message).where(one_of(Message.id, message_ids)))).all()
    drawn = {row.conversation_id for row, intent in asked if isinstance(intent, PostCard | UpdateCard)}
    said = [row.id for row, intent in asked if isinstance(intent, PostReply | AddComment)]
    return _Known(
        conversations=by_id,
        messages={one.id: one for one in messages},
        cards=await card_views(session, [by_id[each] for each in drawn]) if drawn else {},
        overtaken=await _overtaken(session, said) if said else frozenset(),
    )


async def _overtaken(session: AsyncSession, delivery_ids: Sequence[UUID]) -> frozenset[UUID]:
    found = await session.execute(text(_OVERTAKEN.format(out=_OUT)), {"ids": delivery_ids})
    return frozenset(found.scalars())


async def _load_one(session: AsyncSession, row: Any, intent: Intent, known: _Known) -> Loaded:
    conversation = known.conversations[row.conversation_id]
    message = known.messages.get(row.message_id)
    if conversation.root_ts is None and not isinstance(intent, PostCard | AddComment | EditComment):
        # A note needs it too: its proof is the address of the thread.
        await _check_root(session, row)
    if row.id in known.overtaken and isinstance(intent, PostReply | AddComment):
        intent = replace(intent, late_at=message.occurred_at if message else row.created_at)
    twin_id = message.twin_id if message else None
    if isinstance(intent, EditReply | EditComment):
        if twin_id is None:
            await _check_twin(session, row)
        elif message is not None and await _was_late(session, row):
            intent = replace(intent, late_at=message.occurred_at)
    question = mute = None
    if isinstance(intent, PostQuestion | UpdateQuestion | AddNote | EditNote):
        question = await question_view(session, UUID(intent.question_id))
    if isinstance(intent, UpdateQuestion | EditNote):
        twin_id = await _put(session, row, effect_key(intent.question_id), "the question")
    if isinstance(intent, PostMute | UpdateMute):
        mute = await mute_view(session, UUID(intent.mute_id), conversation.id)
    if isinstance(intent, UpdateMute):
        twin_id = await _put(session, row, notice_key(intent.mute_id, conversation.id), "the notice")
    outgoing = Outgoing(
        id=row.id,
        intent=intent,
        attempted_at=row.attempted_at,
        root_ts=conversation.root_ts,
        item_id=conversation.item_id,
        twin_id=twin_id,
        card=known.cards[conversation.id] if isinstance(intent, PostCard | UpdateCard) else None,
        permalink=message.permalink if message else None,
        question=question,
        mute=mute,
    )
    return Loaded(outgoing, conversation)


async def _check_root(session: AsyncSession, row: Any) -> None:
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


async def _check_twin(session: AsyncSession, row: Any) -> None:
    original = await session.scalar(
        select(Delivery).where(
            Delivery.conversation_id == row.conversation_id,
            Delivery.message_id == row.message_id,
            Delivery.kind.in_(("reply", "comment")),
        )
    )
    if original is None or original.state in ("dead", "superseded"):
        raise Rejected("What this edit belongs to was never posted. Replay that first.")
    raise Deferred("what this edit belongs to is not posted yet", after_seconds=0.5)


async def _was_late(session: AsyncSession, row: Any) -> bool:
    """Whether the message that is changed bears the mark of being late."""
    marked_late = await session.scalar(
        select(Delivery.id)
        .where(Delivery.conversation_id == row.conversation_id, Delivery.message_id == row.message_id)
        .where(Delivery.kind.in_(("reply", "comment")), Delivery.payload["late_at"].astext.is_not(None))
    )
    return marked_late is not None


async def _put(session: AsyncSession, row: Any, key: str, what: str) -> str:
    """The id of the message or comment that is to be changed: the effect of this key."""
    first = await session.scalar(
        select(Delivery).where(
            Delivery.sink == row.sink, Delivery.connection_id == row.connection_id, Delivery.effect_key == key
        )
    )
    if first is None or first.state in ("dead", "superseded"):
        raise Superseded(f"{what} was never put there")
    if first.state != "done":
        raise Deferred(f"{what} is not put there yet", after_seconds=0.5)
    return str(first.external_id)
