"""What was said about a task, in both tools, by people, agents and Oblivion."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.paging import Position
from nexus.http.said import (
    Effect,
    Place,
    answer_id,
    origin,
    question_of,
    shown_text,
    sighting,
    spoken,
    why_not_commented,
    with_answers,
)
from nexus.pipeline.facts import AddNote, EditNote, PostQuestion, PostReply, UpdateQuestion
from nexus.pipeline.outbox import QUIET_KINDS, load_intent
from nexus.store.tables import Delivery, Message, ProjectMapping, Question, Task, TaskEvent, TaskMapping
from oblivion_protocol.operating import ConversationEntry

_OUTCOMES = ("task.complete", "task.fail")
_NO_CHANNEL = "The list was linked to no channel when it was said."


async def read_conversation(
    session: AsyncSession, conversation: TaskMapping, after: Position | None, limit: int
) -> list[ConversationEntry]:
    """The oldest `limit` entries after a position."""
    effects = await _effects(session, conversation)
    tracker = Place(conversation.tracker, conversation.url)
    chat = Place(conversation.chat) if conversation.chat is not None else None
    said = [
        await _root(session, conversation, effects, tracker, chat),
        *await _messages(session, conversation, effects, tracker, chat),
        *await _spoken(session, conversation, effects, tracker, chat),
    ]
    asked, answers = await _questions(session, conversation, effects, tracker, chat)
    entries = with_answers([*said, *asked], answers)
    if after is not None:
        entries = [one for one in entries if (one.at, UUID(one.id)) > after]
    return entries[:limit]


async def _effects(session: AsyncSession, conversation: TaskMapping) -> list[Effect]:
    rows = await session.execute(
        select(
            Delivery.id,
            Delivery.kind,
            Delivery.sink,
            Delivery.state,
            Delivery.reason,
            Delivery.order_key,
            Delivery.created_at,
            Delivery.effect_key,
            Delivery.payload,
            Delivery.message_id,
        ).where(Delivery.conversation_id == conversation.id, Delivery.kind.not_in(QUIET_KINDS))
    )
    return [
        Effect(row_id, kind, sink, state, reason, (order, row_id), at, key, load_intent(kind, payload), message_id)
        for row_id, kind, sink, state, reason, order, at, key, payload, message_id in rows
    ]


async def _root(
    session: AsyncSession,
    conversation: TaskMapping,
    effects: Sequence[Effect],
    tracker: Place,
    chat: Place | None,
) -> ConversationEntry:
    described = await session.scalar(
        select(Message.text)
        .where(Message.conversation_id == conversation.id, Message.source == f"{conversation.tracker}.description")
        .order_by(Message.occurred_at)
        .limit(1)
    )
    card = [one for one in effects if one.kind == "card"]
    return ConversationEntry(
        id=str(conversation.id),
        at=conversation.created_at,
        author=conversation.requested_by or "somebody",
        author_kind="person",
        kind="root",
        text="\n\n".join(filter(None, (conversation.title, described))),
        seen_in=[origin(tracker), *([sighting(chat, card, "The list is linked to no channel.")] if chat else [])],
        edited_at=None,
        deleted_at=conversation.closed_at,
    )


async def _messages(
    session: AsyncSession,
    conversation: TaskMapping,
    effects: Sequence[Effect],
    tracker: Place,
    chat: Place | None,
) -> list[ConversationEntry]:
    by_message: defaultdict[UUID, list[Effect]] = defaultdict(list)
    for effect in effects:
        if effect.message_id is not None:
            by_message[effect.message_id].append(effect)
    mapping = await session.get(ProjectMapping, conversation.project_mapping_id)
    unsynced = why_not_commented(mapping.sync_rule if mapping else None, mapping.sync_keyword if mapping else "")
    # What a task was opened with repeats the description or a message: only sources without a suffix were said.
    rows = await session.scalars(
        select(Message).where(
            Message.conversation_id == conversation.id, Message.source.in_([conversation.tracker, conversation.chat])
        )
    )
    entries: list[ConversationEntry] = []
    for row in rows:
        mine = by_message[row.id]
        if row.source == conversation.tracker:
            seen = [origin(tracker), *([sighting(chat, mine, _NO_CHANNEL)] if chat else [])]
        else:
            seen = [origin(Place(row.source, row.permalink)), sighting(tracker, mine, unsynced)]
        entries.append(
            ConversationEntry(
                id=str(row.id),
                at=row.occurred_at,
                author=row.author_name,
                author_kind="person",
                kind="message",
                text=shown_text(row.text),
                seen_in=seen,
                edited_at=row.edited_at,
                deleted_at=row.deleted_at,
            )
        )
    return entries


async def _spoken(
    session: AsyncSession,
    conversation: TaskMapping,
    effects: Sequence[Effect],
    tracker: Place,
    chat: Place | None,
) -> list[ConversationEntry]:
    """What was written to the thread and is no person's message."""
    rows = await session.execute(
        select(TaskEvent.task_id, TaskEvent.event_id)
        .join(Task, Task.id == TaskEvent.task_id)
        .where(Task.conversation_id == conversation.id, TaskEvent.kind.in_(_OUTCOMES))
    )
    outcomes = frozenset(f"task:{task_id}:{event_id}" for task_id, event_id in rows)
    places = [*([chat] if chat else []), tracker]
    return [
        spoken(effect, effect.intent, places, outcomes)
        for effect in effects
        if isinstance(effect.intent, PostReply) and effect.message_id is None
    ]


async def _questions(
    session: AsyncSession,
    conversation: TaskMapping,
    effects: Sequence[Effect],
    tracker: Place,
    chat: Place | None,
) -> tuple[list[ConversationEntry], list[ConversationEntry]]:
    """Questions of agents, and the answers to them."""
    rows = await session.scalars(
        select(Question).join(Task, Task.id == Question.task_id).where(Task.conversation_id == conversation.id)
    )
    places = [*([chat] if chat else []), tracker]
    asked: list[ConversationEntry] = []
    answers: list[ConversationEntry] = []
    for row in rows:
        mine = [one for one in effects if question_of(one.intent) == str(row.id)]
        put = [one for one in mine if isinstance(one.intent, PostQuestion | AddNote)]
        names = [one.intent.speaker.name for one in put if isinstance(one.intent, PostQuestion)]
        options = f"\n{' · '.join(row.options)}" if row.options else ""
        asked.append(
            ConversationEntry(
                id=str(row.id),
                at=row.created_at,
                author=next(filter(None, names), "an agent"),
                author_kind="agent",
                kind="question",
                text=row.prompt + options,
                seen_in=[sighting(place, put, _NO_CHANNEL) for place in places],
                edited_at=None,
                deleted_at=row.answered_at if row.state == "withdrawn" else None,
            )
        )
        if row.state == "answered" and row.answered_at is not None:
            settled = [one for one in mine if isinstance(one.intent, UpdateQuestion | EditNote)]
            answers.append(
                ConversationEntry(
                    id=answer_id(row.id),
                    at=row.answered_at,
                    author=row.answered_by or "somebody",
                    author_kind="person",
                    kind="answer",
                    text=row.answer or "",
                    seen_in=[sighting(place, settled, _NO_CHANNEL) for place in places],
                    edited_at=None,
                    deleted_at=None,
                )
            )
    return asked, answers
