"""Questions of agents and requests for approval: asked once, answered once, kept until the task is over.

A question belongs to the task and not to an epoch of it: an agent that is lost and works on the task anew asks under
the same `key`, and finds the answer that was given meanwhile. Nobody answering in time is not a "no".
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.ids import new_id
from nexus.pipeline.desk import AnswerVerdict
from nexus.pipeline.facts import EditNote, Person, PostQuestion, Speaker, UpdateQuestion
from nexus.pipeline.outbox import enqueue, micros, refresh_card
from nexus.pipeline.questions import effect_key
from nexus.store.tables import Agent, Question, Task, TaskMapping
from nexus.tasks import mailbox
from nexus.tasks.history import note
from nexus.tasks.posting import Posts
from nexus.tasks.rules import AT_WORK, LEASE_SECONDS, may_approve
from oblivion_protocol import (
    HELD_STATES,
    Accepted,
    AnswerOutcome,
    QuestionAnswer,
    Refused,
    TaskApprove,
    TaskAsk,
)

MAX_OPEN = 20
"""Questions of one task that wait at a time; an agent that asks more has lost its way."""
APPROVAL_OPTIONS = ["Approve", "Deny"]


async def ask(
    session: AsyncSession,
    clock: Clock,
    posts: Posts,
    task: Task,
    conversation: TaskMapping,
    agent: Agent,
    command: TaskAsk | TaskApprove,
) -> Accepted | Refused:
    """Puts a question to the people, or finds the one that an earlier epoch has put under the same key."""
    held = False
    question = await _asked_before(session, task, command)
    if question is not None and question.state != "open":
        return Accepted(lease_seconds=LEASE_SECONDS, question_id=str(question.id), answer=_outcome(question))
    if question is None:
        waiting = await open_questions(session, task.id)
        if len(waiting) >= MAX_OPEN:
            return Refused(code="invalid", detail=f"{MAX_OPEN} questions of this task wait already.")
        question = await _put(session, clock, task, command)
        held = await _post(session, posts, task, conversation, agent, question)
    task.state = "approval_required" if command_kind(command) == "approve" else "input_required"
    return Accepted(lease_seconds=LEASE_SECONDS, question_id=str(question.id), held=held)


def command_kind(command: TaskAsk | TaskApprove) -> str:
    """`ask` or `approve`."""
    return "ask" if isinstance(command, TaskAsk) else "approve"


async def answer(
    session: AsyncSession,
    clock: Clock,
    task: Task,
    conversation: TaskMapping,
    text: str,
    author: Person,
    source: str,
    question_id: UUID | None,
) -> AnswerVerdict:
    """What a person's words, or a pressed button (`question_id`), do to the open questions of a task.

    Words answer the oldest question that they can be an answer to, never a request for approval.
    """
    waiting = [one for one in await open_questions(session, task.id) if _is_meant(one, question_id)]
    for question in waiting:
        if question.expires_at is not None and question.expires_at < clock.now():
            continue  # the sweep says so in a moment
        chosen = _chosen(question, text)
        if chosen is None:
            continue
        if question.approvers and not may_approve(question.approvers, author):
            return "not_allowed"
        question.answer, question.answered_by = chosen, author.name or author.id
        await _settle(session, clock, task, conversation, question, "answered", source)
        return "answered"
    return "nothing"


async def expire_due(session: AsyncSession, clock: Clock, limit: int) -> int:
    """Ends questions of the session's tenant that nobody has answered in time; returns how many."""
    due = await session.execute(
        select(Question.id, Question.task_id)
        .where(Question.state == "open", Question.expires_at < clock.now())
        .order_by(Question.expires_at)
        .limit(limit)
    )
    count = 0
    for question_id, task_id in due.all():
        # In the order in which everybody locks: the conversation, the task, the question.
        conversation = await session.scalar(
            select(TaskMapping)
            .join(Task, Task.conversation_id == TaskMapping.id)
            .where(Task.id == task_id)
            .with_for_update(of=TaskMapping, key_share=True)
        )
        task = await session.get(Task, task_id, with_for_update=True)
        question = await session.get(Question, question_id, with_for_update=True, populate_existing=True)
        if conversation is None or task is None or question is None or question.state != "open":
            continue
        await _settle(session, clock, task, conversation, question, "expired", "oblivion")
        count += 1
    return count


async def withdraw(session: AsyncSession, clock: Clock, task: Task) -> None:
    """The task is over: nobody need answer any more, and the buttons go away."""
    waiting = await open_questions(session, task.id)
    if not waiting:
        return
    conversation = await session.get_one(TaskMapping, task.conversation_id)
    for question in waiting:
        question.state = "withdrawn"
        await _redraw(session, clock, conversation, question)


async def open_questions(session: AsyncSession, task_id: UUID) -> Sequence[Question]:
    """What waits for an answer, oldest first, locked for the rest of the transaction."""
    rows = await session.scalars(
        select(Question)
        .where(Question.task_id == task_id, Question.state == "open")
        .order_by(Question.created_at, Question.id)
        .with_for_update()
    )
    return rows.all()


async def _asked_before(session: AsyncSession, task: Task, command: TaskAsk | TaskApprove) -> Question | None:
    if command.key is None:
        return None
    return await session.scalar(
        select(Question).where(Question.task_id == task.id, Question.key == command.key).with_for_update()
    )


async def _put(session: AsyncSession, clock: Clock, task: Task, command: TaskAsk | TaskApprove) -> Question:
    timeout = command.timeout_seconds
    is_question = isinstance(command, TaskAsk)
    question = Question(
        id=new_id(),
        tenant_id=task.tenant_id,
        task_id=task.id,
        key=command.key,
        kind=command_kind(command),
        prompt=command.question if is_question else command.action,
        options=list(command.options) if is_question else APPROVAL_OPTIONS,
        approvers=[] if is_question else list(command.approvers),
        state="open",
        expires_at=clock.now() + timedelta(seconds=timeout) if timeout else None,
    )
    session.add(question)
    await session.flush()
    return question


async def _post(
    session: AsyncSession, posts: Posts, task: Task, conversation: TaskMapping, agent: Agent, question: Question
) -> bool:
    """Puts a question to the people; whether it is held, as its agent is silenced."""
    if conversation.channel_id is None:
        return False
    asked = PostQuestion(conversation.channel_id, str(question.id), Speaker(agent.name, agent.icon))
    return await posts.say(session, task, conversation, agent, asked, effect_key=effect_key(question.id))


async def _settle(
    session: AsyncSession,
    clock: Clock,
    task: Task,
    conversation: TaskMapping,
    question: Question,
    outcome: AnswerOutcome,
    source: str,
) -> None:
    """Keeps what became of a question, tells whoever works on the task, and takes the buttons away."""
    question.state, question.answered_at = outcome, clock.now()
    await session.flush()
    note(
        session,
        task,
        f"question.{outcome}",
        {"question_id": str(question.id), "kind": question.kind, "by": question.answered_by or ""},
    )
    if task.state in AT_WORK:
        left = await open_questions(session, task.id)
        kinds = {one.kind for one in left}
        task.state = "approval_required" if "approve" in kinds else "input_required" if kinds else "working"
        task.reason = None
    if task.agent_id is not None and task.state in HELD_STATES:
        await mailbox.post(
            session,
            task.agent_id,
            task.tenant_id,
            "context.updated",
            task_id=task.id,
            instance=task.instance,
            kind="answer",
            author=question.answered_by or "",
            text=question.answer or "",
            source=source,
            question_id=str(question.id),
            outcome=outcome,
            at=clock.now(),
            traceparent=task.traceparent,
        )
    await _redraw(session, clock, conversation, question)
    await refresh_card(session, conversation)


async def _redraw(session: AsyncSession, clock: Clock, conversation: TaskMapping, question: Question) -> None:
    if conversation.channel_id is None:
        return
    order_key = micros(clock.now())
    for intent in (
        UpdateQuestion(conversation.channel_id, str(question.id)),
        EditNote(conversation.item_id, str(question.id)),
    ):
        await enqueue(session, conversation, intent, effect_key=f"question-settled:{question.id}", order_key=order_key)


def _is_meant(question: Question, question_id: UUID | None) -> bool:
    return question.id == question_id if question_id is not None else question.kind == "ask"


def _chosen(question: Question, text: str) -> str | None:
    """The option that a text names, or the text itself where every answer is good."""
    if not question.options:
        return text
    return next((option for option in question.options if option.casefold() == text.casefold()), None)


def _outcome(question: Question) -> QuestionAnswer:
    return QuestionAnswer(
        outcome=cast("AnswerOutcome", question.state), text=question.answer or "", author=question.answered_by or ""
    )
