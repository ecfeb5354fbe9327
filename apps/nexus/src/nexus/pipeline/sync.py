"""Sync: what people say in the chat, to the agent and, by rule, to the tracker (1-product.md, Sync)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.pipeline.connections import Connections
from nexus.pipeline.desk import Desk, Said
from nexus.pipeline.errors import Deferred
from nexus.pipeline.facts import (
    AddComment,
    ButtonPressed,
    EditComment,
    MessageDeleted,
    MessageEdited,
    MessagePosted,
    Person,
    PostReply,
    ReactionAdded,
)
from nexus.pipeline.followups import ask_again
from nexus.pipeline.items import Outcome
from nexus.pipeline.mirror import hash_text, remember
from nexus.pipeline.outbox import enqueue, micros
from nexus.pipeline.ports import Connected
from nexus.pipeline.sync_rules import SYNC_REACTION, SyncRule, judge, without_keyword
from nexus.store.tables import Delivery, Message, ProjectMapping, TaskMapping

STOP_ACTION = "oblivion_stop"
ANSWER_ACTION = "oblivion_answer"
UNMUTE_ACTION = "oblivion_unmute"
SYNC_ACTION = "oblivion_sync"
_ROOT_WAIT_SECONDS = 0.5
_CLOCK_SKEW_SECONDS = 10


class Sync:
    """Decides about chat facts, within the transaction that settles their event."""

    def __init__(self, connections: Connections, desk: Desk, clock: Clock) -> None:
        self._connections = connections
        self._desk = desk
        self._clock = clock

    async def readable(self, chat: Connected, fact: MessagePosted | MessageEdited) -> MessagePosted | MessageEdited:
        """The fact with its text and author's name as people read them; asks the vendor."""
        live = await self._connections.chat(chat.id)
        name = await live.person_name(fact.author.id)
        text = await live.readable_text(fact.text)
        return replace(fact, text=text, author=replace(fact.author, name=name))

    async def in_a_mirrored_thread(
        self, session: AsyncSession, chat: Connected, channel_id: str, root_ts: str | None, at: datetime
    ) -> bool:
        """Whether `root_ts` is the root of a conversation. Raises Deferred while its card may be on its way.

        A card can only be the root of something said at `at` if it was tried before that; the two clocks may
        differ a little.
        """
        if root_ts is None:
            return False
        found = await session.scalar(
            select(TaskMapping.id).where(
                TaskMapping.chat_connection_id == chat.id,
                TaskMapping.channel_id == channel_id,
                TaskMapping.root_ts == root_ts,
            )
        )
        if found is not None:
            return True
        on_its_way = await session.scalar(
            select(Delivery.id)
            .where(Delivery.connection_id == chat.id, Delivery.kind == "card")
            .where(Delivery.state.in_(("pending", "sending")))
            .where(Delivery.attempted_at <= at + timedelta(seconds=_CLOCK_SKEW_SECONDS))
            .where(Delivery.payload["channel_id"].astext == channel_id)
            .limit(1)
        )
        if on_its_way is not None:
            raise Deferred("the card of this thread may be on its way", after_seconds=_ROOT_WAIT_SECONDS)
        return False

    async def posted(
        self,
        session: AsyncSession,
        chat: Connected,
        fact: MessagePosted,
        traceparent: str | None,
        *,
        sync: bool = False,
    ) -> Outcome:
        """A reply: to the agent always, to the tracker if the mapping's rule (or `sync`) says so."""
        conversation = await self._conversation(session, chat, fact.channel_id, fact.thread_ts)
        if conversation is None:
            return None, "not in a mirrored thread"
        rule, keyword = await self._rule(session, conversation)
        verdict = judge(fact.text, rule=rule, keyword=keyword, sync_requested=fact.sync_requested)
        if verdict.kind == "aside":
            return conversation.id, "an aside: it never leaves the chat"
        said = "\n".join((fact.text, *fact.files)).strip()
        message, known = await remember(
            session, conversation, chat.vendor, fact.ts, fact.author.id, fact.author.name, said, fact.at
        )
        if verdict.kind == "stop":
            stopped = await self._desk.stop(session, conversation, f"stopped by {fact.author.name}")
            return conversation.id, None if stopped else "nothing to stop"
        if not known:
            verdict_on_answer = await self._desk.answer(
                session, conversation, fact.text.strip(), fact.author, chat.vendor, None
            )
            if verdict_on_answer != "answered":
                told = await self._desk.inform(
                    session,
                    conversation,
                    Said("reply", fact.author.name, chat.vendor, said, fact.ts, fact.at),
                )
                if not told:
                    await ask_again(session, self._desk, conversation, message, fact.author, traceparent)
        if verdict.comment is None and not sync:
            return conversation.id, None
        comment = "\n".join((verdict.comment or without_keyword(fact.text, keyword), *fact.files)).strip()
        await self._comment(session, conversation, message, comment, traceparent)
        return conversation.id, None

    async def edited(
        self, session: AsyncSession, chat: Connected, fact: MessageEdited, traceparent: str | None
    ) -> Outcome:
        """An edited reply: the agent is told, and the comment follows, or comes to be."""
        conversation = await self._conversation(session, chat, fact.channel_id, fact.thread_ts)
        if conversation is None:
            return None, "not in a mirrored thread"
        message = await self._message(session, conversation, chat, fact.ts)
        if message is None:
            at = fact.posted_at or fact.at
            posted = MessagePosted(fact.channel_id, fact.ts, fact.thread_ts, fact.author, fact.text, at)
            outcome = await self.posted(session, chat, posted, traceparent)
            message = await self._message(session, conversation, chat, fact.ts)
            if message is not None:
                message.edited_at = fact.at
            return outcome
        if message.text == fact.text or (message.edited_at is not None and message.edited_at > fact.at):
            return conversation.id, "a newer edit is known already"
        message.text, message.edited_at = fact.text, fact.at
        rule, keyword = await self._rule(session, conversation)
        verdict = judge(fact.text, rule=rule, keyword=keyword, sync_requested=False)
        if verdict.kind == "aside":
            return conversation.id, "an aside: it never leaves the chat"
        await self._desk.inform(
            session, conversation, Said("edit", fact.author.name, chat.vendor, fact.text, fact.ts, fact.at)
        )
        if message.synced:
            await self._change(session, conversation, message, without_keyword(fact.text, keyword), traceparent)
        elif verdict.comment is not None:
            await self._comment(session, conversation, message, verdict.comment, traceparent)
        return conversation.id, None

    async def deleted(
        self, session: AsyncSession, chat: Connected, fact: MessageDeleted, traceparent: str | None
    ) -> Outcome:
        """A deleted reply: the agent is told, and the comment says so."""
        # By the message alone: a deletion need not name the thread any more.
        found = await session.execute(
            select(TaskMapping, Message)
            .join(Message, Message.conversation_id == TaskMapping.id)
            .where(TaskMapping.chat_connection_id == chat.id, TaskMapping.channel_id == fact.channel_id)
            .where(Message.source == chat.vendor, Message.external_id == fact.ts)
            .with_for_update(key_share=True)
        )
        row = found.first()
        if row is None:
            return None, "not a mirrored message"
        conversation, message = row
        if message.deleted_at is not None:
            return conversation.id, "known to be deleted already"
        message.deleted_at = fact.at
        await self._desk.inform(
            session, conversation, Said("delete", message.author_name, chat.vendor, "", fact.ts, fact.at)
        )
        if message.synced:
            await self._change(session, conversation, message, "", traceparent, deleted=True)
        return conversation.id, None

    async def reacted(
        self,
        session: AsyncSession,
        chat: Connected,
        fact: ReactionAdded,
        original: MessagePosted | None,
        traceparent: str | None,
    ) -> Outcome:
        """A reaction: the agreed one syncs the message under the `reaction` rule."""
        if fact.name != SYNC_REACTION:
            return None, "a reaction without a meaning here"
        if original is None:
            return None, "a reaction to something that is not a person's message"
        conversation = await self._conversation(session, chat, fact.channel_id, original.thread_ts)
        if conversation is None:
            return None, "not in a mirrored thread"
        rule, _ = await self._rule(session, conversation)
        if rule != "reaction":
            return conversation.id, f"this list syncs by {rule}, not by reaction"
        return await self.posted(session, chat, original, traceparent, sync=True)

    async def pressed(self, session: AsyncSession, chat: Connected, fact: ButtonPressed) -> Outcome:
        """A button: Stop, Unmute, or an answer."""
        conversation = await self._conversation(session, chat, fact.channel_id, fact.root_ts)
        if conversation is None:
            return None, "a button of a message that is not ours"
        match fact.action.split(":")[0]:
            case action if action == STOP_ACTION:
                done = await self._desk.stop(session, conversation, f"stopped by {fact.author.name or fact.author.id}")
            case action if action == ANSWER_ACTION:
                question, _, value = fact.value.partition(":")
                verdict = await self._desk.answer(
                    session, conversation, value, fact.author, chat.vendor, _uuid(question) or UUID(int=0)
                )
                if verdict == "not_allowed":
                    await self._say_who_may(session, conversation, question, fact)
                    return conversation.id, "only listed approvers may decide this"
                done = verdict == "answered"
            case action if action == UNMUTE_ACTION:
                done = await self._desk.unmute(session, conversation, _uuid(fact.value) or UUID(int=0), fact.author)
            case _:
                return conversation.id, "a button without a meaning here"
        return conversation.id, None if done else "too late: there is nothing to stop, answer or unmute any more"

    async def _say_who_may(
        self, session: AsyncSession, conversation: TaskMapping, question: str, fact: ButtonPressed
    ) -> None:
        """A button that did nothing must not be silent; once for each person is enough."""
        who = fact.author.name or fact.author.id
        await enqueue(
            session,
            conversation,
            PostReply(fact.channel_id, f"{who} is not among those who may decide this. It still waits."),
            effect_key=f"not-allowed:{question}:{fact.author.id}",
            order_key=micros(fact.at),
        )

    async def _comment(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        message: Message,
        text: str,
        traceparent: str | None,
    ) -> None:
        message.synced = True
        await enqueue(
            session,
            conversation,
            AddComment(conversation.item_id, cast("str", conversation.channel_id), message.external_id,
                       _author(message), text),
            effect_key=f"message:{message.id}",
            order_key=micros(message.occurred_at),
            message_id=message.id,
            traceparent=traceparent,
        )  # fmt: skip

    async def _change(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        message: Message,
        text: str,
        traceparent: str | None,
        *,
        deleted: bool = False,
    ) -> None:
        at = message.deleted_at if deleted else message.edited_at
        await enqueue(
            session,
            conversation,
            EditComment(conversation.item_id, cast("str", conversation.channel_id), message.external_id,
                        _author(message), text, deleted),
            effect_key=f"message-edit:{message.id}:{hash_text(f'{at} {text} {deleted}')}",
            order_key=micros(self._clock.now()),
            message_id=message.id,
            traceparent=traceparent,
        )  # fmt: skip

    async def _conversation(
        self, session: AsyncSession, chat: Connected, channel_id: str, root_ts: str | None
    ) -> TaskMapping | None:
        if root_ts is None:
            return None
        return await session.scalar(
            select(TaskMapping)
            .where(
                TaskMapping.chat_connection_id == chat.id,
                TaskMapping.channel_id == channel_id,
                TaskMapping.root_ts == root_ts,
            )
            .with_for_update(key_share=True)
        )

    async def _message(
        self, session: AsyncSession, conversation: TaskMapping, chat: Connected, ts: str
    ) -> Message | None:
        return await session.scalar(
            select(Message).where(
                Message.conversation_id == conversation.id,
                Message.source == chat.vendor,
                Message.external_id == ts,
            )
        )

    async def _rule(self, session: AsyncSession, conversation: TaskMapping) -> tuple[SyncRule, str]:
        mapping = await session.get(ProjectMapping, conversation.project_mapping_id)
        if mapping is None:
            return "keyword", "!sync"
        return cast("SyncRule", mapping.sync_rule), mapping.sync_keyword


def _author(message: Message) -> Person:
    return Person(message.author_id, message.author_name)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
