"""Mirror: what is said and deleted in the tracker, to the chat and to the agent (1-product.md, Mirror).

What changes is in `items.py`.
"""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.pipeline.connections import Connections
from nexus.pipeline.desk import Desk, Said
from nexus.pipeline.facts import CommentPosted, EditReply, Person, PostReply, Speaker
from nexus.pipeline.followups import ask_again
from nexus.pipeline.outbox import enqueue, micros, refresh_card
from nexus.pipeline.ports import Connected
from nexus.store.tables import Message, TaskMapping


class Mirror:
    """Decides about tracker facts, within the transaction that settles their event."""

    def __init__(self, connections: Connections, desk: Desk, clock: Clock) -> None:
        self._connections = connections
        self._desk = desk
        self._clock = clock

    async def item_deleted(self, session: AsyncSession, tracker: Connected, item_id: str) -> UUID | None:
        """Closes the conversation with a tombstone and stops the agent."""
        conversation = await find_conversation(session, tracker.id, item_id)
        if conversation is None or conversation.closed_at is not None:
            return conversation.id if conversation else None
        conversation.closed_at = self._clock.now()
        conversation.closed_reason = "This task was deleted."
        await self._desk.stop(session, conversation, "the task was deleted")
        await refresh_card(session, conversation)
        return conversation.id

    async def commented(
        self, session: AsyncSession, tracker: Connected, fact: CommentPosted, traceparent: str | None
    ) -> tuple[UUID | None, str | None]:
        """Brings a person's comment, or its edit, into the thread and to the agent."""
        conversation = await find_conversation(session, tracker.id, fact.item_id)
        if conversation is None:
            return None, "a comment on a task that is not mirrored"
        author = fact.author.name or fact.author.id
        posted_at = fact.posted_at or fact.at
        message, known = await remember(
            session, conversation, tracker.vendor, fact.comment_id, fact.author.id, author, fact.text, posted_at
        )
        if known and (not fact.edited or message.text == fact.text):
            return conversation.id, "this comment is in the thread already"
        # Some events tell of an edit with the time of the comment: those say nothing about which is newer.
        says_when = fact.posted_at is None or fact.at > fact.posted_at
        if known and says_when and message.edited_at is not None and message.edited_at > fact.at:
            return conversation.id, "a newer edit is known already"
        if known:
            message.text = fact.text
        if fact.edited:
            message.edited_at = max(message.edited_at or fact.at, fact.at)
        speaker = Speaker(name=f"{author} (in {self._connections.integrations[tracker.vendor].label})")
        if conversation.channel_id is not None:
            if known:
                await enqueue(
                    session,
                    conversation,
                    EditReply(conversation.channel_id, fact.text, speaker),
                    effect_key=f"comment-edit:{message.id}:{_fingerprint(fact.text, fact.at)}",
                    order_key=micros(self._clock.now()),
                    message_id=message.id,
                    traceparent=traceparent,
                )
            else:
                await enqueue(
                    session,
                    conversation,
                    PostReply(conversation.channel_id, fact.text, speaker),
                    effect_key=f"comment:{message.id}",
                    order_key=micros(posted_at),
                    message_id=message.id,
                    traceparent=traceparent,
                )
        await self._tell(session, tracker, conversation, message, fact, traceparent, known=known)
        return conversation.id, None if conversation.channel_id else "addressed, not mapped"

    async def _tell(
        self,
        session: AsyncSession,
        tracker: Connected,
        conversation: TaskMapping,
        message: Message,
        fact: CommentPosted,
        traceparent: str | None,
        *,
        known: bool,
    ) -> None:
        """A comment may answer a question, is told to the agent at work, or asks for more."""
        person = Person(fact.author.id, message.author_name)
        if not known:
            verdict = await self._desk.answer(session, conversation, fact.text.strip(), person, tracker.vendor, None)
            if verdict == "answered":
                return
        kind = "edit" if known else "comment"
        said = Said(kind, message.author_name, tracker.vendor, fact.text, fact.comment_id, fact.at)
        if not await self._desk.inform(session, conversation, said) and not known:
            await ask_again(session, self._desk, conversation, message, person, traceparent)


async def find_conversation(session: AsyncSession, tracker_id: UUID, item_id: str) -> TaskMapping | None:
    """The conversation about an item, locked for the rest of the transaction."""
    return await session.scalar(
        select(TaskMapping)
        .where(TaskMapping.tracker_connection_id == tracker_id, TaskMapping.item_id == item_id)
        .with_for_update(key_share=True)
    )


async def remember(
    session: AsyncSession,
    conversation: TaskMapping,
    source: str,
    external_id: str,
    author_id: str,
    author_name: str,
    said: str,
    at: datetime,
) -> tuple[Message, bool]:
    """The stored message of this id, and whether it was known before."""
    inserted = await session.scalar(
        insert(Message)
        .values(
            id=new_id(),
            tenant_id=conversation.tenant_id,
            conversation_id=conversation.id,
            source=source,
            external_id=external_id,
            author_id=author_id,
            author_name=author_name,
            text=said,
            occurred_at=at,
        )
        .on_conflict_do_nothing(index_elements=["conversation_id", "source", "external_id"])
        .returning(Message)
    )
    if inserted is not None:
        return inserted, False
    message = await session.scalar(
        select(Message).where(
            Message.conversation_id == conversation.id,
            Message.source == source,
            Message.external_id == external_id,
        )
    )
    assert message is not None
    return message, True


def _fingerprint(said: str, at: datetime) -> str:
    return f"{micros(at)}:{hash_text(said)}"


def hash_text(said: str) -> str:
    """A short stable fingerprint of a text."""
    return hashlib.sha256(said.encode()).hexdigest()[:16]
