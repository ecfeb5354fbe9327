"""Somebody asks for more in a conversation whose task is over."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
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


async def known_words(session: AsyncSession) -> Words:
    """Every alias, and every skill that an agent is registered with or has announced."""
    aliases = (await session.scalars(select(AgentAlias.alias).distinct())).all()
    registered = (await session.scalars(select(func.unnest(Agent.skills)).distinct())).all()
    announced = (await session.scalars(select(func.unnest(AgentSession.skills)).distinct())).all()
    return Words(aliases, {*registered, *announced})


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
