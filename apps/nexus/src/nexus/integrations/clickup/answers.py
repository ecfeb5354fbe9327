"""What ClickUp's API v2 answers, as far as we need it (https://developer.clickup.com/reference)."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr

from nexus.integrations.clickup.payloads import Id, Many, Millis, Part, Payload, Text, User


class ErrorAnswer(Payload):
    """https://developer.clickup.com/docs/common_errors; both may be missing, decide on the status first."""

    err: Text = ""
    code: Text = Field(default="", alias="ECODE")


class UserAnswer(Payload):
    """GET /user."""

    user: User


class Named(Payload):
    """A workspace (ClickUp says team), a space or a list."""

    id: Id
    name: Text = ""


class TeamsAnswer(Payload):
    """GET /team."""

    teams: Many[Named] = ()


class SpacesAnswer(Payload):
    """GET /team/{id}/space."""

    spaces: Many[Named] = ()


class Folder(Payload):
    """A folder, which may or may not bring its lists along."""

    id: Id
    name: Text = ""
    lists: Many[Named] = ()


class FoldersAnswer(Payload):
    """GET /space/{id}/folder."""

    folders: Many[Folder] = ()


class ListsAnswer(Payload):
    """GET /folder/{id}/list and GET /space/{id}/list."""

    lists: Many[Named] = ()


class Status(Payload):
    """`type` is open, custom, done or closed; a workspace names `status` as it likes."""

    status: Text = ""
    type: Text = ""


class Priority(Payload):
    """urgent, high, normal or low."""

    priority: Text = ""


class Tag(Payload):
    """A tag of a task."""

    name: Text = ""


class Task(Payload):
    """GET /task/{id}."""

    id: Id
    name: Text = ""
    markdown_description: Text = ""
    text_content: Text = ""
    description: Text = ""
    status: Status = Status()
    priority: Priority | None = None
    creator: User | None = None
    assignees: Many[User] = ()
    tags: Many[Tag] = ()
    url: Text = ""
    list: Named
    date_created: Millis = None
    date_updated: Millis = None


def _to_count(value: object) -> object:
    return value if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else 0


class ReadComment(Payload):
    """A comment as GET /task/{id}/comment shows it."""

    id: Id
    comment_text: Text = ""
    parts: Many[Part] = Field(default=(), alias="comment")
    user: User | None = None
    date: Millis = None
    reply_count: Annotated[int, BeforeValidator(_to_count)] = 0

    def readable(self) -> str:
        """The comment as plain text."""
        return self.comment_text.strip() or "".join(part.readable() for part in self.parts).strip()


class CommentsAnswer(Payload):
    """GET /task/{id}/comment: newest first."""

    comments: Many[ReadComment] = ()


class CommentCreated(Payload):
    """POST /task/{id}/comment. The documentation shows `id` as a string; a number has been seen in 2025."""

    id: Id


class TasksAnswer(Payload):
    """GET /team/{id}/task: 100 tasks, or fewer at the end."""

    tasks: Many[Task] = ()


class Health(Payload):
    """https://developer.clickup.com/docs/webhookhealth: active, failing or suspended."""

    status: Text = ""
    fail_count: Annotated[int, BeforeValidator(_to_count)] = 0


def _events(value: object) -> object:
    return (value,) if isinstance(value, str) else value


class Hook(Payload):
    """A webhook of ours. `secret` is only sure to be there in the answer to its creation."""

    id: Id
    endpoint: Text = ""
    events: Annotated[Many[str], BeforeValidator(_events)] = ()
    health: Health | None = None
    secret: SecretStr | None = None
    task_id: Any = None
    list_id: Any = None
    folder_id: Any = None
    space_id: Any = None

    @property
    def whole_workspace(self) -> bool:
        """Whether it hears of every task, and not just of those in one place."""
        return not (self.task_id or self.list_id or self.folder_id or self.space_id)


class HooksAnswer(Payload):
    """GET /team/{id}/webhook: only those that the token's user has made."""

    webhooks: Many[Hook] = ()


class HookCreated(Payload):
    """POST /team/{id}/webhook."""

    webhook: Hook
