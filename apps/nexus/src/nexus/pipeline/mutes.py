"""What the notice of a silenced agent shows at this moment in one conversation."""

from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.errors import Superseded
from nexus.pipeline.facts import MuteView
from nexus.store.tables import Agent, HeldPost, Mute, Task


async def mute_view(session: AsyncSession, mute_id: UUID, conversation_id: UUID) -> MuteView:
    """Reads one time that an agent was silenced, as one conversation sees it. Raises Superseded when it is gone."""
    row = (
        await session.execute(select(Mute, Agent.name).join(Agent, Agent.id == Mute.agent_id).where(Mute.id == mute_id))
    ).first()
    if row is None:
        raise Superseded("the agent is gone")
    mute, agent = row[0], row[1]
    here = (HeldPost.mute_id == mute_id, HeldPost.conversation_id == conversation_id)
    counted = await session.execute(select(HeldPost.state, func.count()).where(*here).group_by(HeldPost.state))
    counts: dict[str, int] = dict(iter(counted))  # pyright: ignore[reportAssignmentType] - a row of two
    last_said = await session.scalar(
        select(HeldPost.payload["text"].astext)
        .where(*here, HeldPost.state == "held", HeldPost.kind == "reply")
        .order_by(HeldPost.created_at.desc(), HeldPost.id.desc())
        .limit(1)
    )
    is_open = exists().where(
        Task.conversation_id == conversation_id, Task.agent_id == mute.agent_id, Task.finished_at.is_(None)
    )
    return MuteView(
        id=str(mute.id),
        conversation_id=str(conversation_id),
        agent=agent,
        reason=mute.reason,
        waiting=counts.get("held", 0),
        posted=counts.get("posted", 0),
        dropped=counts.get("dropped", 0),
        last_said=last_said or "",
        muted=mute.ended_at is None,
        may_unmute=mute.automatic,
        stoppable=bool(await session.scalar(select(is_open))),
        ended_by=mute.ended_by,
    )


def notice_key(mute_id: UUID | str, conversation_id: UUID | str) -> str:
    """The one message in a thread that says so."""
    return f"mute:{mute_id}:{conversation_id}"
