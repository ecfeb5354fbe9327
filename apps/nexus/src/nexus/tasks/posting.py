"""What agents say: into the thread, or held while they are silenced. Nothing that was accepted is lost by a mute.

Whoever says something locks its agent's row, and so does whoever lets go what was held: of several processes at
once each counts after the other, and what is said later is never posted earlier.
"""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.auth.roster import USUAL_MESSAGES_PER_MINUTE
from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.pipeline.facts import AddNote, PostMute, PostQuestion, PostReply
from nexus.pipeline.meter import UNMETERED, Meter
from nexus.pipeline.mutes import notice_key
from nexus.pipeline.outbox import dump_intent, enqueue, micros, refresh_mute
from nexus.store.tables import Agent, Delivery, HeldPost, Mute, Task, TaskMapping
from nexus.tasks import breaker
from nexus.tasks.mutes import begin_mute, open_mute

MAX_HELD = 10_000
"""How much one mute holds; an agent that says still more is told to send it again later."""


class TooMuchHeld(Exception):
    """More waits than is kept for one agent."""


class Posts:
    """Posts for agents, within the caller's transaction."""

    def __init__(self, clock: Clock, meter: Meter = UNMETERED) -> None:
        self._clock = clock
        self._meter = meter

    async def say(
        self,
        session: AsyncSession,
        task: Task,
        conversation: TaskMapping,
        agent: Agent,
        post: PostReply | PostQuestion,
        *,
        effect_key: str,
        is_outcome: bool = False,
    ) -> bool:
        """Says something once, and returns whether it is held. Needs a conversation that is mapped.

        An outcome, the result or the failure of a task, is not counted, as people have asked for each; and it
        outlives a Stop that comes after it. Raises TooMuchHeld.
        """
        agent = await session.get_one(Agent, agent.id, with_for_update={"key_share": True}, populate_existing=True)
        before = await session.scalar(select(HeldPost.state).where(HeldPost.effect_key == effect_key))
        if before is not None:
            return before == "held"
        if await session.scalar(
            select(exists().where(Delivery.effect_key == effect_key, Delivery.sink == conversation.chat))
        ):
            return False
        mute = await self._mute_of(session, agent, counted=not is_outcome)
        if mute is None and not await _something_waits(session, agent, conversation):
            await send(session, self._clock, task, conversation, post, effect_key, outlives_stop=is_outcome)
            return False
        await self._hold(session, task, conversation, mute or await _last_mute(session, agent), post, effect_key)
        return True

    async def _mute_of(self, session: AsyncSession, agent: Agent, *, counted: bool) -> Mute | None:
        """The mute that the agent is under; this very message may be the one too many."""
        if agent.muted_at is not None:
            return await open_mute(session, agent)
        if not counted:
            return None
        now = self._clock.now()
        limit = agent.messages_per_minute or USUAL_MESSAGES_PER_MINUTE
        too_much = breaker.is_too_much(agent.posted_at, now, limit)
        agent.posted_at = breaker.remembered(agent.posted_at, now, limit)
        if not too_much:
            return None
        self._meter.muted()
        return await begin_mute(
            session, agent, now, breaker.why(limit), by="system", automatic=True, messages_per_minute=limit
        )

    async def _hold(
        self,
        session: AsyncSession,
        task: Task,
        conversation: TaskMapping,
        mute: Mute,
        post: PostReply | PostQuestion,
        effect_key: str,
    ) -> None:
        if mute.held >= MAX_HELD:
            raise TooMuchHeld
        mute.held += 1
        kind, payload = dump_intent(post)
        session.add(
            HeldPost(
                id=new_id(),
                tenant_id=mute.tenant_id,
                mute_id=mute.id,
                agent_id=mute.agent_id,
                conversation_id=conversation.id,
                task_id=task.id,
                effect_key=effect_key,
                kind=kind,
                payload=payload,
                traceparent=task.traceparent,
            )
        )
        await session.flush()
        is_first = await enqueue(
            session,
            conversation,
            PostMute(post.channel_id, str(mute.id)),
            effect_key=notice_key(mute.id, conversation.id),
            order_key=micros(self._clock.now()),
        )
        if not is_first:
            await refresh_mute(session, conversation, mute.id)


async def send(
    session: AsyncSession,
    clock: Clock,
    task: Task,
    conversation: TaskMapping,
    post: PostReply | PostQuestion,
    effect_key: str,
    *,
    outlives_stop: bool = False,
) -> None:
    """Owes what an agent says; a question stands under the item, too."""
    order_key = micros(clock.now())
    intents = [post] if isinstance(post, PostReply) else [post, AddNote(conversation.item_id, post.question_id)]
    for intent in intents:
        await enqueue(
            session,
            conversation,
            intent,
            effect_key=effect_key,
            order_key=order_key,
            task_id=None if outlives_stop else task.id,
            traceparent=task.traceparent,
        )


async def _something_waits(session: AsyncSession, agent: Agent, conversation: TaskMapping) -> bool:
    """Whether what was held is yet to be posted: the agent may speak again, and this comes after that."""
    waits = exists().where(
        HeldPost.agent_id == agent.id, HeldPost.conversation_id == conversation.id, HeldPost.state == "held"
    )
    return bool(await session.scalar(select(waits)))


async def _last_mute(session: AsyncSession, agent: Agent) -> Mute:
    latest = select(Mute).where(Mute.agent_id == agent.id).order_by(Mute.created_at.desc(), Mute.id.desc()).limit(1)
    return (await session.scalars(latest)).one()
