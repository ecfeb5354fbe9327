"""What the pipeline asks of whoever runs the tasks; implemented by `nexus.tasks`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.facts import Item, Person
from nexus.store.tables import TaskMapping


@dataclass(frozen=True, slots=True)
class Said:
    """Something new in a conversation, for the agent at work."""

    kind: str
    """As the protocol's `ContextKind`."""
    author: str
    source: str
    text: str
    message_id: str
    at: datetime


class Desk(Protocol):
    """Every method writes within the caller's transaction, and nothing else."""

    async def request(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        item: Item,
        task_type: str,
        traceparent: str | None,
    ) -> UUID:
        """Wants an agent to work on the conversation's item. At most one open task a conversation."""
        ...

    async def inform(self, session: AsyncSession, conversation: TaskMapping, said: Said) -> None:
        """Tells the agent at work, if there is one."""
        ...

    async def stop(self, session: AsyncSession, conversation: TaskMapping, reason: str) -> bool:
        """Cancels the open task: nothing of it has an effect any more. False when there is none."""
        ...

    async def answer(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        text: str,
        author: Person,
        question_id: UUID | None,
    ) -> bool:
        """Offers an answer to an open question; False when nobody waits for it."""
        ...
