"""What an offer tells the agent: the task, and what was said so far, within the size of one message."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.trace import handed_on
from nexus.store.tables import Message, Task, TaskMapping
from nexus.tasks.rules import ACCEPT_SECONDS, LEASE_SECONDS
from oblivion_protocol import MAX_MESSAGE_BYTES, MAX_TEXT_CHARS

MAX_CONTEXT_MESSAGES = 50
_SPARE_BYTES = 4096
"""For the envelope around the event."""
_CUT = " … (cut)"


def fitting(text: str, limit_bytes: int) -> str:
    """The text, cut so that it takes at most so many bytes as JSON, escapes and all, and is no longer than a text
    may be on the wire."""
    if len(text) > MAX_TEXT_CHARS:
        text = text[: MAX_TEXT_CHARS - len(_CUT)] + _CUT
    if len(text) * 6 <= limit_bytes or _size(text) <= limit_bytes:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if _size(text[:middle] + _CUT) <= limit_bytes:
            low = middle
        else:
            high = middle - 1
    return text[:low] + _CUT


async def offer_fields(session: AsyncSession, task: Task, conversation: TaskMapping) -> dict[str, Any]:
    """The fields of `TaskAssigned`. Of a long history the newest part is kept, of a long text its beginning."""
    newest = (
        await session.scalars(
            select(Message)
            .where(Message.conversation_id == conversation.id, Message.deleted_at.is_(None))
            .order_by(Message.occurred_at.desc(), Message.id.desc())
            .limit(MAX_CONTEXT_MESSAGES)
        )
    ).all()
    fields: dict[str, Any] = {
        "epoch": task.epoch,
        "lease_seconds": LEASE_SECONDS,
        "accept_seconds": ACCEPT_SECONDS,
        "type": task.type,
        "title": fitting(task.title, MAX_MESSAGE_BYTES // 10),
        "instructions": fitting(task.instructions, MAX_MESSAGE_BYTES // 5),
        "untrusted": [],
        "context": [],
        "links": [{"label": conversation.tracker, "url": conversation.url}],
        "traceparent": handed_on(task.traceparent),
    }
    # What this task was asked for comes first, then what the item says; other tasks' requests are said in the thread.
    asked = await _asked_for(session, task, conversation, newest)
    wanted = [one for one in asked if one.external_id == str(task.id) or one.source.endswith(".description")][:2]
    described = [one for one in newest if one.source.endswith((".description", ".request"))]
    fields["untrusted"] = [
        {"author": one.author_name, "source": one.source, "text": fitting(one.text, MAX_MESSAGE_BYTES // 4)}
        for one in wanted
    ]
    left = MAX_MESSAGE_BYTES - _SPARE_BYTES - _size(fields)
    for one in newest:
        if one in described:
            continue
        entry: dict[str, Any] = {
            "kind": "comment" if one.source == conversation.tracker else "reply",
            "author": one.author_name,
            "source": one.source,
            "text": "",
            "message_id": one.external_id,
            "at": one.occurred_at.isoformat(),
        }
        room = left - _size(entry) - 2
        if room < _size(_CUT):
            break
        entry["text"] = fitting(one.text, room)
        left -= _size(entry) + 2
        fields["context"].insert(0, entry)
    return fields


def _size(value: Any) -> int:
    """Bytes as JSON in its longest usual form, every other letter escaped."""
    return len(json.dumps(value))


async def _asked_for(
    session: AsyncSession, task: Task, conversation: TaskMapping, newest: Sequence[Message]
) -> Sequence[Message]:
    """What was asked for in a conversation, this task's own first, then the oldest; `newest` is what was read of it."""
    if len(newest) < MAX_CONTEXT_MESSAGES:
        asked = [one for one in newest if one.source.endswith((".request", ".description"))]
        return sorted(asked, key=lambda one: (one.external_id != str(task.id), one.occurred_at))
    found = await session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.deleted_at.is_(None))
        .where(Message.source.endswith(".request") | Message.source.endswith(".description"))
        .order_by((Message.external_id == str(task.id)).desc(), Message.occurred_at)
    )
    return found.all()
