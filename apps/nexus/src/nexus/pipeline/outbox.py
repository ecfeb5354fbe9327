"""Writing deliveries: one row for each effect that the outside world is owed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.kit.trace import handed_on
from nexus.pipeline.facts import (
    AddComment,
    AddNote,
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
from nexus.store.bulk import insert_new
from nexus.store.tables import Delivery, TaskMapping

CARD_UPDATE_INTERVAL_SECONDS = 1.0
"""At most one edit a second of one card; the latest state wins."""

SOURCE_STREAM = "source_stream"
"""In a session's `info`: the stream of the event that is being handled in it."""

QUIET_KINDS = ("card_update", "mute_update")
"""Redrawings, which wait on purpose: they say nothing about how fast people are answered."""

MUTE_UPDATE_INTERVAL_SECONDS = 5.0
"""How often a notice counts what waits: a flood is no reason for a flood of edits."""

_THREAD = "thread"
"""The stream of a conversation in which a card and the replies to it follow one another."""

_INTENTS: dict[str, type[Any]] = {
    "card": PostCard,
    "card_update": UpdateCard,
    "reply": PostReply,
    "reply_edit": EditReply,
    "comment": AddComment,
    "comment_edit": EditComment,
    "question": PostQuestion,
    "question_update": UpdateQuestion,
    "mute": PostMute,
    "mute_update": UpdateMute,
    "note": AddNote,
    "note_edit": EditNote,
}
_KINDS = {intent: kind for kind, intent in _INTENTS.items()}
_ANY = TypeAdapter(dict[str, Any])
_ADAPTERS: dict[str, TypeAdapter[Any]] = {kind: TypeAdapter(intent) for kind, intent in _INTENTS.items()}


# What is pending and nobody has begun with will show what is so when it leaves: a redrawing, or the card itself. It is
# locked, so that nobody begins with it before this transaction is seen; what cannot be locked may have begun.
_REDRAW = text("""
    WITH due AS (
        SELECT d.stream_key, d.kind FROM deliveries d
        WHERE d.stream_key = ANY(CAST(:streams AS text[]) || CAST(:threads AS text[]))
          AND d.state = 'pending' AND d.claimed_by IS NULL AND d.kind IN ('card', 'card_update', 'mute_update')
        FOR UPDATE SKIP LOCKED
    )
    INSERT INTO deliveries (id, tenant_id, sink, connection_id, conversation_id, kind, effect_key, stream_key,
                            order_key, payload, traceparent, available_at)
    SELECT stale.id, stale.tenant_id, stale.sink, stale.connection_id, stale.conversation_id, stale.kind,
           stale.effect_key, stale.stream_key, stale.order_key, CAST(stale.payload AS jsonb), stale.traceparent,
           greatest(clock_timestamp(), coalesce((
               SELECT max(drawn.settled_at) FROM deliveries drawn
               WHERE drawn.conversation_id = stale.conversation_id AND drawn.stream_key = stale.stream_key
                 AND drawn.state = 'done'
           ), '-infinity') + make_interval(secs => :gap))
    FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:sinks AS text[]), CAST(:connections AS uuid[]),
                CAST(:conversations AS uuid[]), CAST(:kinds AS text[]), CAST(:effects AS text[]),
                CAST(:streams AS text[]), CAST(:threads AS text[]), CAST(:order_keys AS bigint[]),
                CAST(:payloads AS text[]), CAST(:traceparents AS text[]))
        AS stale(id, tenant_id, sink, connection_id, conversation_id, kind, effect_key, stream_key, thread, order_key,
                 payload, traceparent)
    WHERE NOT EXISTS (
        SELECT FROM due WHERE due.stream_key = stale.stream_key
                           OR (due.kind = 'card' AND stale.kind = 'card_update' AND due.stream_key = stale.thread))
""")


def load_intent(kind: str, payload: dict[str, Any]) -> Intent:
    """An intent as it was stored."""
    return _ADAPTERS[kind].validate_python(payload)


def dump_intent(intent: Intent) -> tuple[str, dict[str, Any]]:
    """(kind, payload) of an intent, as it is stored."""
    kind = _KINDS[type(intent)]
    return kind, _ADAPTERS[kind].dump_python(intent, mode="json")


def micros(at: datetime) -> int:
    """Source time as an order key: Unix time in microseconds."""
    return int(at.timestamp() * 1_000_000)


@dataclass(frozen=True, slots=True)
class Owed:
    """One effect that is owed to the outside world about a conversation, which must be mapped."""

    conversation: TaskMapping
    intent: Intent
    effect_key: str
    order_key: int
    task_id: UUID | None = None
    message_id: UUID | None = None
    source_stream: str | None = None
    """The stream of the event that it came by: what is older there goes first."""
    traceparent: str | None = None


async def enqueue(
    session: AsyncSession,
    conversation: TaskMapping,
    intent: Intent,
    *,
    effect_key: str,
    order_key: int,
    task_id: UUID | None = None,
    message_id: UUID | None = None,
    traceparent: str | None = None,
) -> bool:
    """Owes one effect, once: False when this `effect_key` is owed or done already."""
    stream = session.info.get(SOURCE_STREAM)
    owed = Owed(conversation, intent, effect_key, order_key, task_id, message_id, stream, traceparent)
    return len(await insert_new(session, Delivery, [delivery_row(owed)])) == 1


def delivery_row(owed: Owed) -> dict[str, Any]:
    """The row of `deliveries` by which an effect is owed. A unique key has it owed once.

    The card and the replies of a conversation form one stream, the card first; comments form another; edits
    follow what they edit.
    """
    conversation, intent = owed.conversation, owed.intent
    kind, payload = dump_intent(intent)
    if isinstance(intent, AddComment | EditComment | AddNote | EditNote):
        sink, connection_id = conversation.tracker, conversation.tracker_connection_id
    else:
        assert conversation.chat is not None and conversation.chat_connection_id is not None
        sink, connection_id = conversation.chat, conversation.chat_connection_id
    stream = "card" if isinstance(intent, UpdateCard) else _THREAD
    return {
        "id": new_id(),
        "tenant_id": conversation.tenant_id,
        "sink": sink,
        "connection_id": connection_id,
        "conversation_id": conversation.id,
        "task_id": owed.task_id,
        "message_id": owed.message_id,
        "kind": kind,
        "effect_key": owed.effect_key,
        "stream_key": f"{conversation.id}:{sink}:{stream}",
        "order_key": owed.order_key,
        "source_stream": owed.source_stream,
        "payload": payload,
        "traceparent": handed_on(owed.traceparent),
    }


async def refresh_card(session: AsyncSession, conversation: TaskMapping) -> None:
    """Has the card redrawn soon. Requests that come before it is redrawn are one request."""
    await refresh_cards(session, [(conversation, None)])


async def refresh_cards(session: AsyncSession, stale: Sequence[tuple[TaskMapping, str | None]]) -> None:
    """The same for many, each with the traceparent of what has changed it."""
    await _redraw(
        session,
        [
            _Redrawing(conversation, UpdateCard(conversation.channel_id), "card", traceparent)
            for conversation, traceparent in stale
            if conversation.channel_id is not None
        ],
        CARD_UPDATE_INTERVAL_SECONDS,
    )


async def refresh_mute(session: AsyncSession, conversation: TaskMapping, mute_id: UUID) -> None:
    """The same for the notice that the agent is silenced."""
    if conversation.channel_id is not None:
        notice = UpdateMute(conversation.channel_id, str(mute_id))
        await _redraw(session, [_Redrawing(conversation, notice, f"mute:{mute_id}")], MUTE_UPDATE_INTERVAL_SECONDS)


@dataclass(frozen=True, slots=True)
class _Redrawing:
    conversation: TaskMapping
    intent: UpdateCard | UpdateMute
    stream: str
    traceparent: str | None = None

    def row(self) -> dict[str, Any]:
        kind, payload = dump_intent(self.intent)
        row_id, about = new_id(), self.conversation
        return {
            "ids": row_id,
            "tenants": about.tenant_id,
            "sinks": about.chat,
            "connections": about.chat_connection_id,
            "conversations": about.id,
            "kinds": kind,
            "effects": f"{kind.replace('_', '-')}:{row_id}",
            "streams": f"{about.id}:{about.chat}:{self.stream}",
            "threads": f"{about.id}:{about.chat}:{_THREAD}",
            "order_keys": row_id.int >> 80,
            "payloads": _ANY.dump_json(payload).decode(),
            "traceparents": handed_on(self.traceparent),
        }


async def _redraw(session: AsyncSession, stale: Sequence[_Redrawing], gap_seconds: float) -> None:
    rows = [one.row() for one in stale if one.conversation.chat_connection_id is not None]
    if rows:
        await session.execute(_REDRAW, {name: [row[name] for row in rows] for name in rows[0]} | {"gap": gap_seconds})
