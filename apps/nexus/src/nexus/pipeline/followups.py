"""Somebody asks for more in a conversation whose task is over."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import false, func, select, true, union
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.addressing import find_address
from nexus.pipeline.desk import Desk, FollowUp
from nexus.pipeline.facts import Person, PostReply
from nexus.pipeline.outbox import enqueue, micros
from nexus.store.tables import Agent, AgentAlias, AgentSession, Message, TaskMapping


@dataclass(frozen=True, slots=True)
class Words:
    """What may follow an @ in this tenant, and what may follow that."""

    aliases: Collection[str]
    skills: Collection[str]


_KNOWN_WORDS = union(
    select(AgentAlias.alias.label("word"), true().label("is_alias")),
    select(func.unnest(Agent.skills), false()),
    select(func.unnest(AgentSession.skills), false()),
)


async def known_words(session: AsyncSession) -> Words:
    """Every alias, and every skill that an agent is registered with or has announced."""
    found = (await session.execute(_KNOWN_WORDS)).all()
    return Words([word for word, is_alias in found if is_alias], {word for word, is_alias in found if not is_alias})


async def ask_again(
    session: AsyncSession,
    desk: Desk,
    conversation: TaskMapping,
    message: Message,
    author: Person,
    traceparent: str | None,
) -> str | None:
    """Opens a task if a person's message calls an alias and no task is open; returns why not."""
    words = await known_words(session)
    addressed = find_address(message.text, "", (), aliases=words.aliases, skills=words.skills)
    if addressed is None:
        return "nobody is at work, and no alias is called"
    if conversation.channel_id is None:
        return "addressed, not mapped"
    if conversation.snapshot.get("closed") or conversation.closed_at is not None:
        await enqueue(
            session,
            conversation,
            PostReply(conversation.channel_id, "This task is closed. Open it again first, then ask once more."),
            effect_key=f"closed:{message.id}",
            order_key=micros(message.occurred_at) + 1,
            traceparent=traceparent,
        )
        return "the task is closed"
    follow_up = FollowUp(addressed.alias, addressed.type, message.text, author, message.source)
    await desk.request_again(session, conversation, follow_up, traceparent)
    return None
