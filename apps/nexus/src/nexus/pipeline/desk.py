"""What the pipeline asks of whoever runs the tasks; implemented by `nexus.tasks`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.facts import Item, Person
from nexus.store.bulk import Row
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


AnswerVerdict = Literal["answered", "nothing", "not_allowed"]
"""What somebody's words or button did: `nothing` when no question waits that they could answer."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Somebody asks for work in a conversation in which nobody is at work."""

    alias: str
    type: str
    text: str
    author: Person
    source: str
    """Where it was said: a tracker, a chat, or `agent`."""
    hops: int = 0
    turns: int = 0
    """See `Task`: both are 0 when a person asks."""
    asked_in: Literal["request", "description"] = "request"
    """Whether somebody asks for it, or the item does by itself."""


class Desk(Protocol):
    """Every coroutine writes within the caller's transaction, and nothing else."""

    def opening(
        self,
        conversation: TaskMapping,
        item: Item,
        task_type: str,
        instructions: str,
        traceparent: str | None,
    ) -> list[Row]:
        """The same as `request` for a conversation that is being opened: what the caller has to write.

        `instructions` are those of its list, empty when there are none.
        """
        ...

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

    async def request_again(
        self, session: AsyncSession, conversation: TaskMapping, follow_up: FollowUp, traceparent: str | None
    ) -> UUID:
        """Wants more work in a conversation; what is open already goes on."""
        ...

    async def inform(self, session: AsyncSession, conversation: TaskMapping, said: Said) -> bool:
        """Tells the agent at work, if there is one; False when no task is open, so that nobody will ever read it."""
        ...

    async def stop(self, session: AsyncSession, conversation: TaskMapping, reason: str) -> bool:
        """Cancels the open task: nothing of it has an effect any more. False when there is none."""
        ...

    async def unmute(self, session: AsyncSession, conversation: TaskMapping, mute_id: UUID, who: Person) -> bool:
        """Lets an agent speak again. False when it was heard elsewhere, speaks already, or an operator silenced it."""
        ...

    async def answer(
        self,
        session: AsyncSession,
        conversation: TaskMapping,
        text: str,
        author: Person,
        source: str,
        question_id: UUID | None,
    ) -> AnswerVerdict:
        """Offers an answer to an open question."""
        ...
