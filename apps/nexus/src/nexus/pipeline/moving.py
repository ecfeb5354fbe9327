"""What becomes of conversations when their list is linked to another channel: they stay, unless they never arrived."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.tries import KEPT_TRIES
from nexus.store.tables import Delivery, ProjectMapping, TaskMapping

_WITHOUT_EFFECT = frozenset({"retry", "deferred", "dead", "replayed"})
"""Ends of tries after which nothing stands at the vendor."""


async def take_along(session: AsyncSession, mapping: ProjectMapping) -> int:
    """Has conversations of a list whose card certainly was never posted go to the list's new channel.

    Their dead letters can then be replayed: a channel that is gone is mended by linking another one. Where a card
    may stand in the old channel, nothing changes (I3). Returns how many conversations go along.
    """
    rows = await session.execute(
        select(TaskMapping, Delivery)
        .join(Delivery, (Delivery.conversation_id == TaskMapping.id) & (Delivery.kind == "card"))
        .where(
            TaskMapping.project_mapping_id == mapping.id,
            TaskMapping.root_ts.is_(None),
            TaskMapping.closed_at.is_(None),
            TaskMapping.chat == mapping.chat,
            TaskMapping.channel_id != mapping.channel_id,
            Delivery.state.in_(("pending", "dead")),
            Delivery.claimed_by.is_(None),
        )
        .with_for_update(of=(TaskMapping, Delivery), skip_locked=True)
    )
    moved = 0
    for conversation, card in rows.all():
        if not was_never_posted(card.attempted_at is not None, card.history):
            continue
        await session.execute(
            update(Delivery)
            .where(Delivery.conversation_id == conversation.id, Delivery.sink == conversation.chat)
            .where(Delivery.state.in_(("pending", "dead")), Delivery.claimed_by.is_(None))
            .values(
                connection_id=mapping.chat_connection_id,
                payload=Delivery.payload.op("||")(
                    func.jsonb_build_object("channel_id", mapping.channel_id, type_=JSONB)
                ),
            )
            .execution_options(synchronize_session=False)
        )
        conversation.chat_connection_id = mapping.chat_connection_id
        conversation.channel_id, conversation.channel_name = mapping.channel_id, mapping.channel_name
        moved += 1
    return moved


def was_never_posted(attempted: bool, history: Sequence[dict[str, Any]]) -> bool:
    """Whether no try of a delivery can have had an effect, by what is remembered of each."""
    if not attempted:
        return True
    remembered = 0 < len(history) < KEPT_TRIES
    return remembered and all(one["outcome"] in _WITHOUT_EFFECT for one in history)
