"""What a question of an agent shows at this moment, and the mark by which it is found again under an item."""

import re
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.pipeline.errors import Superseded
from nexus.pipeline.facts import QuestionView
from nexus.store.tables import Agent, Question, Task

_MARK = re.compile(r"#question-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


async def question_view(session: AsyncSession, question_id: UUID) -> QuestionView:
    """Reads a question and who asks it. Raises Superseded when it is gone."""
    row = (
        await session.execute(
            select(Question, Agent.name)
            .join(Task, Task.id == Question.task_id)
            .outerjoin(Agent, Agent.id == Task.agent_id)
            .where(Question.id == question_id)
        )
    ).first()
    if row is None:
        raise Superseded("the question is gone")
    question, agent = row[0], cast("str | None", row[1])
    return QuestionView(
        id=str(question.id),
        kind="ask" if question.kind == "ask" else "approve",
        prompt=question.prompt,
        options=tuple(question.options),
        approvers=tuple(question.approvers),
        state=question.state,  # pyright: ignore[reportArgumentType] - a CHECK constraint guards the column
        answer=question.answer,
        answered_by=question.answered_by,
        expires_at=question.expires_at,
        agent=agent or "The agent",
    )


def effect_key(question_id: UUID | str) -> str:
    """The one message in the chat, and the one note under the item, that ask a question."""
    return f"question:{question_id}"


def marked(permalink: str, question_id: UUID | str) -> str:
    """The address of the thread, for people, with the mark of a question, for us."""
    return f"{permalink}#question-{question_id}"


def question_in(text: str) -> str | None:
    """The id of the question that a note of ours is about."""
    found = _MARK.search(text)
    return found.group(1) if found else None
