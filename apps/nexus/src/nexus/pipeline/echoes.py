"""Our own messages, coming back as events: proof that an effect exists, or that it exists twice (I3)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.logging import get_logger
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Retryable
from nexus.pipeline.facts import Echo
from nexus.pipeline.ports import Connected
from nexus.pipeline.questions import effect_key, question_in
from nexus.store.database import Database
from nexus.store.tables import Delivery, Message, TaskMapping

log = get_logger(__name__)

CREATING_KINDS = ("card", "reply", "comment", "question", "note", "mute")
"""Deliveries that make something new at the vendor; a change may be done twice without harm."""


class Echoes:
    """Confirms deliveries by their echoes, and takes a second effect of one delivery back."""

    def __init__(self, db: Database, connections: Connections) -> None:
        self._db = db
        self._connections = connections

    async def take_back_if_doubled(self, connected: Connected, echo: Echo) -> bool:
        """Whether the echo was of a second effect; it is removed then. Raises as a sink does."""
        async with self._db.tenant(connected.tenant_id) as session:
            found = (await session.execute(_delivery_of(connected, echo))).first()
        if found is None or found.external_id in (None, echo.external_id):
            return False
        sink = await self._connections.sink(connected.id)
        await sink.remove(echo.place_id, echo.external_id)
        log.warning("delivery.double_removed", delivery_id=str(found.id), vendor=connected.vendor)
        return True

    async def note(
        self, session: AsyncSession, connected: Connected, echo: Echo, *, removed: bool
    ) -> tuple[UUID | None, str | None]:
        """Keeps what the echo proves; returns the conversation, and why nothing more happens."""
        found: Any = (await session.execute(_delivery_of(connected, echo).with_for_update(of=Delivery))).first()
        if found is None:
            return None, "a message of our own, of no delivery that we know"
        if removed:
            await session.execute(update(Delivery).where(Delivery.id == found.id).values(healed=Delivery.healed + 1))
            return found.conversation_id, None
        if found.external_id is None:
            # A look-up that waits for its time need not be made any more.
            await session.execute(
                update(Delivery)
                .where(Delivery.id == found.id)
                .values(external_id=echo.external_id, available_at=Delivery.created_at)
            )
            return found.conversation_id, "our own message: it proves that its delivery has happened"
        if found.external_id != echo.external_id:
            raise Retryable("a second effect of one delivery came to light just now", after_seconds=0)
        return found.conversation_id, "our own message, as expected"


def _delivery_of(connected: Connected, echo: Echo) -> Select[UUID, UUID, str | None]:
    query = (
        select(Delivery.id, Delivery.conversation_id, Delivery.external_id)
        .where(Delivery.connection_id == connected.id, Delivery.kind.in_(CREATING_KINDS))
        .limit(1)
    )
    if echo.delivery_id is not None:
        return query.where(Delivery.id == echo.delivery_id)
    question_id = question_in(echo.mark)
    if question_id is not None:
        return query.where(Delivery.effect_key == effect_key(question_id))
    # By the permalink that the effect carries, as a look-up does.
    return (
        query.join(TaskMapping, TaskMapping.id == Delivery.conversation_id)
        .join(Message, Message.id == Delivery.message_id)
        .where(TaskMapping.item_id == echo.place_id, Message.permalink.is_not(None))
        .where(func.strpos(literal(echo.mark), Message.permalink) > 0)
    )
