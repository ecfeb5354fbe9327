"""The texts that we write into ClickUp, and what we read out of a task. Pure."""

from datetime import datetime

from nexus.integrations.clickup.answers import Task
from nexus.kit.visible import visible
from nexus.pipeline.facts import Person, QuestionView

MAX_COMMENT_CHARS = 9_000
"""Our own limit: ClickUp documents none for comments."""


def mirrored_comment(author: Person, text: str, permalink: str, late_at: datetime | None = None) -> str:
    """A message of the chat as a comment, in plain text; with `late_at` marked as older than what stands above it.

    Its last line is the permalink of the message: a link for people, and our proof that the comment exists.
    An edited message has the same form.
    """
    late = f" (written {late_at:%Y-%m-%d %H:%M} UTC, delivered late)" if late_at is not None else ""
    head = f"{_name(author)} in Slack{late}: "
    room = MAX_COMMENT_CHARS - len(head) - len(permalink) - 1
    body = visible(text).strip() or "(no text)"
    return f"{head}{_shortened(body, room)}\n{permalink}"


def deleted_comment(author: Person, permalink: str) -> str:
    """What the comment says once its message was deleted."""
    return f"{_name(author)} deleted this message in Slack.\n{permalink}"


def question_note(question: QuestionView, mark: str) -> str:
    """A question of an agent under the task, or what became of it, in plain text.

    Its last line leads to the thread, where the buttons are, and is our proof that the comment exists.
    """
    lead = "asks" if question.kind == "ask" else "asks for an approval"
    head = f"{_line(question.agent, 200)} {lead}: "
    tail = f"{_what_became_of(question)}\n{mark}"
    room = MAX_COMMENT_CHARS - len(head) - len(tail) - 1
    return f"{head}{_shortened(visible(question.prompt).strip(), room)}\n{tail}"


def _what_became_of(question: QuestionView) -> str:
    by = _line(question.answered_by or "somebody", 200)
    match question.state:
        case "answered" if question.kind == "approve":
            return f"{'Approved' if question.answer == question.options[0] else 'Denied'} by {by}."
        case "answered":
            return f"Answered by {by}: {_line(question.answer or '', 1000)}"
        case "expired":
            return "Nobody answered in time. That is not a no."
        case "withdrawn":
            return "Not needed any more."
        case "open" if question.kind == "approve":
            return "Approve or deny it in Slack:"
        case "open" if question.options:
            return f"Comment with one of: {' · '.join(_line(each, 300) for each in question.options)}; or in Slack:"
        case "open":
            return "Comment with the answer, or reply in Slack:"


def mirrors(comment_text: str, permalink: str) -> bool:
    """Whether a comment is the mirror of that message.

    Only its last line counts: the text above may quote the permalink of another message.
    """
    lines = comment_text.strip().splitlines()
    return bool(lines) and permalink in lines[-1]


def description_of(task: Task) -> str:
    """The best description there is; any of them may be empty."""
    return task.markdown_description or task.text_content or task.description


def _name(author: Person) -> str:
    return _line(author.name, 200) or author.id


def _line(text: str, chars: int) -> str:
    return _shortened(" ".join(visible(text).split()), chars)


def _shortened(text: str, chars: int) -> str:
    return text if len(text) <= chars else f"{text[: max(chars - 1, 0)].rstrip()}…"
