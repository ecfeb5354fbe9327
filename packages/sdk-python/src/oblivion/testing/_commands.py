"""What an agent's commands do to a task, and how they are refused."""

from oblivion.testing._records import AT_WORK, LEASE_SECONDS, REFUSAL_PAUSE_SECONDS, Artifact, Question, TaskRecord
from oblivion_protocol import (
    HELD_STATES,
    Accepted,
    Answer,
    QuestionAnswer,
    Refused,
    Repeatable,
    TaskAccept,
    TaskApprove,
    TaskArtifact,
    TaskAsk,
    TaskCommand,
    TaskComplete,
    TaskFail,
    TaskHeartbeat,
    TaskMessage,
    TaskPlan,
    TaskProgress,
    TaskReject,
)


def carry_out(task: TaskRecord | None, command: TaskCommand, instance: str, now: float, *, muted: bool) -> Answer:
    """One command of the process `instance`: fenced by its epoch, once per `event_id`."""
    if task is None or task.epoch == 0:
        return Refused(code="not_found", detail="There is no such task.")
    repeated = task.answered.get((command.epoch, command.event_id))
    if repeated is not None:
        return repeated
    if (task.holder, task.epoch) != (instance, command.epoch) or task.over:
        detail = f"The task is at epoch {task.epoch} and {task.state}; stop working on it."
        return Refused(code="stale_epoch", detail=detail)
    if task.state not in (HELD_STATES if isinstance(command, TaskAccept | TaskReject) else AT_WORK):
        return Refused(code="invalid", detail=f"Not allowed while the task is {task.state}: accept it first.")
    answer = _do(task, command, now, muted=muted)
    if task.holder is not None:
        task.lease_until = now + LEASE_SECONDS
    if not isinstance(command, TaskHeartbeat):
        task.answered[command.epoch, command.event_id] = answer
    return answer


def _do(task: TaskRecord, command: TaskCommand, now: float, *, muted: bool) -> Accepted:
    if isinstance(command, Repeatable) and command.key is not None and command.key in task.keys:
        return _again(task, task.keys[command.key])
    asked: Question | None = None
    match command:
        case TaskAccept():
            task.state, task.reason = task.work_state(), None
        case TaskReject():
            task.requeue("rejected", now + REFUSAL_PAUSE_SECONDS)
        case TaskPlan():
            task.plan = list(command.steps)
        case TaskProgress():
            task.progress = command.text
        case TaskMessage():
            (task.held if muted else task.said).append(command.text)
            if not muted:
                task.posts.append(command.text)
        case TaskArtifact():
            task.artifacts.append(Artifact(command.name, command.url, command.text))
            task.posts.append("\n".join(part for part in (command.name, command.url, command.text) if part))
        case TaskAsk() | TaskApprove():
            asked = _ask(task, command, now)
        case TaskComplete():
            task.result = command.result
            if command.result.strip():
                task.posts.append(command.result)
            task.finish("completed", None)
        case TaskFail():
            task.error = command.error
            if command.retryable:
                task.requeue("rejected", now + REFUSAL_PAUSE_SECONDS)
            else:
                task.posts.append(f"This failed: {command.error}")
                task.finish("failed", command.error)
        case _:
            pass
    if isinstance(command, Repeatable) and command.key is not None:
        task.keys[command.key] = asked
    held = muted and isinstance(command, TaskMessage)
    return Accepted(lease_seconds=LEASE_SECONDS, question_id=asked.id if asked else None, held=held)


def _ask(task: TaskRecord, command: TaskAsk | TaskApprove, now: float) -> Question:
    number = f"{task.id}-q{len(task.questions) + 1}"
    expires_at = now + command.timeout_seconds if command.timeout_seconds else None
    if isinstance(command, TaskAsk):
        question = Question(number, "ask", command.question, list(command.options), [], expires_at)
        task.posts.append(command.question)
    else:
        approvers = list(command.approvers)
        question = Question(number, "approve", command.action, ["Approve", "Deny"], approvers, expires_at)
        task.posts.append(f"May I: {command.action}?")
    task.questions.append(question)
    task.state = task.work_state()
    return question


def _again(task: TaskRecord, question: Question | None) -> Accepted:
    """It went out, or was asked, in an earlier epoch."""
    if question is None:
        return Accepted(lease_seconds=LEASE_SECONDS)
    answer = None
    if question.outcome is not None:
        answer = QuestionAnswer(outcome=question.outcome, text=question.answer, author=question.author)
    task.state = task.work_state()
    return Accepted(lease_seconds=LEASE_SECONDS, question_id=question.id, answer=answer)
