"""What was said about a task, in both tools, by people, agents and Oblivion."""

from sqlalchemy.ext.asyncio import AsyncSession

from nexus.http.paging import Position
from nexus.store.tables import TaskMapping
from oblivion_protocol.operating import ConversationEntry


async def read_conversation(
    session: AsyncSession, conversation: TaskMapping, after: Position | None, limit: int
) -> list[ConversationEntry]:
    """The oldest `limit` entries after a position."""
    return []
