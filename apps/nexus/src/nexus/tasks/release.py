"""What becomes of what was held: posted once its agent may speak again, or dropped when somebody stops its task."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.pipeline.facts import PostQuestion, PostReply
from nexus.pipeline.outbox import load_intent, refresh_mute
from nexus.store.database import Database
from nexus.store.tables import Agent, HeldPost, Mute, Question, Task, TaskMapping
from nexus.tasks.posting import send

MAX_JOINED_CHARS = 8_000
"""Held messages are posted together up to this length: a flood that is let go is no flood any more."""
_BATCH = 50


async def release_held(db: Database, clock: Clock) -> int:
    """Posts what waits although its agent may speak again, and redraws the notices; returns in how many conversations.

    Safe to run in several processes at once.
    """
    async with db.system() as session:
        held = await session.execute(
            select(HeldPost.tenant_id, HeldPost.agent_id, HeldPost.conversation_id)
            .join(Agent, Agent.id == HeldPost.agent_id)
            .where(HeldPost.state == "held", Agent.muted_at.is_(None))
            .distinct()
            .limit(_BATCH)
        )
        waiting = held.all()
        ended = await session.execute(
            select(Mute.tenant_id, Mute.id).where(Mute.ended_at.is_not(None), Mute.settled_at.is_(None)).limit(_BATCH)
        )
        mutes = ended.all()
    for tenant_id, agent_id, conversation_id in waiting:
        async with db.tenant(tenant_id) as session:
            await _release(session, clock, agent_id, conversation_id)
    for tenant_id, mute_id in mutes:
        async with db.tenant(tenant_id) as session:
            await _redraw(session, clock, mute_id)
    return len(waiting) + len(mutes)


async def _redraw(session: AsyncSession, clock: Clock, mute_id: UUID) -> None:
    """Shows in each thread that saw it that a mute is over; there are few, and each is locked for a moment."""
    seen_in = select(HeldPost.conversation_id).where(HeldPost.mute_id == mute_id)
    conversations = await session.scalars(
        select(TaskMapping).where(TaskMapping.id.in_(seen_in)).order_by(TaskMapping.id)
    )
    for conversation in conversations.all():
        await refresh_mute(session, conversation, mute_id)
    await session.execute(update(Mute).where(Mute.id == mute_id).values(settled_at=clock.now()))


async def drop_held(session: AsyncSession, conversation: TaskMapping, task: Task, now: datetime) -> None:
    """Nothing of a stopped task has an effect any more, not even what was said before."""
    dropped = await session.execute(
        update(HeldPost)
        .where(HeldPost.task_id == task.id, HeldPost.state == "held")
        .values(state="dropped", settled_at=now)
        .returning(HeldPost.mute_id)
    )
    for mute_id in set(dropped.scalars()):
        await refresh_mute(session, conversation, mute_id)


async def _release(session: AsyncSession, clock: Clock, agent_id: UUID, conversation_id: UUID) -> None:
    # In the order in which everybody locks: the conversation, then the agent.
    conversation = await session.get_one(TaskMapping, conversation_id, with_for_update={"key_share": True})
    agent = await session.get_one(Agent, agent_id, with_for_update={"key_share": True})
    if agent.muted_at is not None:
        return
    found = await session.scalars(
        select(HeldPost)
        .where(HeldPost.agent_id == agent_id, HeldPost.conversation_id == conversation_id, HeldPost.state == "held")
        .order_by(HeldPost.created_at, HeldPost.id)
        .with_for_update()
    )
    rows = found.all()
    for together, post in _joined(rows):
        first = together[0]
        wanted = isinstance(post, PostReply) or await _is_open(session, post.question_id)
        if wanted:
            task = await session.get_one(Task, first.task_id)
            # One message alone keeps its key; several have one of their own.
            key = first.effect_key if len(together) == 1 else f"held:{first.id}"
            await send(session, clock, task, conversation, post, key, outlives_stop=task.finished_at is not None)
        for row in together:
            row.state, row.settled_at = "posted" if wanted else "dropped", clock.now()
    await session.flush()
    for mute_id in {row.mute_id for row in rows}:
        await refresh_mute(session, conversation, mute_id)


def _joined(rows: Sequence[HeldPost]) -> Iterator[tuple[list[HeldPost], PostReply | PostQuestion]]:
    """Rows that go out together, and as what: replies of one task that follow one another, up to the length."""
    together: list[HeldPost] = []
    joined: PostReply | None = None
    for row in rows:
        post = load_intent(row.kind, row.payload)
        assert isinstance(post, PostReply | PostQuestion)
        if joined is not None and not _fits(together[0], joined, row, post):
            yield together, joined
            together, joined = [], None
        if isinstance(post, PostQuestion):
            yield [row], post
            continue
        together.append(row)
        joined = post if joined is None else replace(joined, text=f"{joined.text}\n{post.text}")
    if joined is not None:
        yield together, joined


def _fits(first: HeldPost, joined: PostReply, row: HeldPost, post: PostReply | PostQuestion) -> bool:
    return (
        isinstance(post, PostReply)
        and row.task_id == first.task_id
        and len(joined.text) + len(post.text) < MAX_JOINED_CHARS
    )


async def _is_open(session: AsyncSession, question_id: str) -> bool:
    return await session.scalar(select(Question.state).where(Question.id == UUID(question_id))) == "open"
