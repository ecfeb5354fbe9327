"""An agent hands its task over to another one: a line of its result begins with the other's alias."""

import re

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.addressing import Addressed, find_address
from nexus.pipeline.desk import Desk, FollowUp
from nexus.pipeline.facts import Person, PostReply
from nexus.pipeline.followups import known_words
from nexus.pipeline.outbox import enqueue, micros
from nexus.store.tables import Agent, AgentAlias, Message, Task, TaskMapping
from nexus.tasks.rules import why_not_handed_over

_LINE = re.compile(r"^[ \t]*@", re.MULTILINE)


async def hand_over(
    session: AsyncSession, desk: Desk, task: Task, conversation: TaskMapping, agent: Agent, result: str
) -> None:
    """Opens a task for whom the result calls, within the limits that end loops of agents; says so where it does not.

    Only the beginning of a line counts, since results quote what people wrote; nobody can call themselves.
    """
    if _LINE.search(result) is None or conversation.closed_at is not None:
        return
    addressed = await _called(session, agent, result)
    if addressed is None:
        return
    hops, turns = task.hops + 1, await _turns(session, task, conversation) + 1
    refused = why_not_handed_over(hops, turns)
    if refused is None:
        await session.flush()  # the task that is over must be seen to be
        by = Person(str(agent.id), agent.name)
        follow_up = FollowUp(addressed.alias, addressed.type, result, by, "agent", hops, turns)
        await desk.request_again(session, conversation, follow_up, task.traceparent)
    elif conversation.channel_id is not None:
        said = f"Not handed over to @{addressed.alias}: {refused}. A person has to ask."
        await enqueue(
            session,
            conversation,
            PostReply(conversation.channel_id, said),
            effect_key=f"task:{task.id}:not-handed-over",
            order_key=micros(task.updated_at),
        )


async def _called(session: AsyncSession, agent: Agent, result: str) -> Addressed | None:
    words = await known_words(session)
    own = await session.scalars(select(func.lower(AgentAlias.alias)).where(AgentAlias.agent_id == agent.id))
    mine = set(own.all())
    others = [alias for alias in words.aliases if alias.lower() not in mine]
    for line in result.splitlines():
        if _LINE.match(line):
            addressed = find_address(line.lstrip(), "", (), aliases=others, skills=words.skills)
            if addressed is not None and line.lstrip()[1:].lower().startswith(addressed.alias.lower()):
                return addressed
    return None


async def _turns(session: AsyncSession, task: Task, conversation: TaskMapping) -> int:
    """How many tasks agents have given one another here since a person spoke."""
    spoke = await session.scalar(
        select(Message.id)
        .where(Message.conversation_id == conversation.id, Message.occurred_at > task.created_at)
        .where(Message.source.in_([conversation.tracker, conversation.chat]))
        .limit(1)
    )
    return 0 if spoke is not None else task.turns
