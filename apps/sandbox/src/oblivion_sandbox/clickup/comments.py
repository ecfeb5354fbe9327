"""Comments on tasks, and replies to comments (https://developer.clickup.com/docs/comment-formatting)."""

from typing import Self

from pydantic import BaseModel, model_validator

from oblivion_sandbox.clickup.errors import not_authorized
from oblivion_sandbox.clickup.history import Change, comment_item
from oblivion_sandbox.clickup.hooks import Hooks
from oblivion_sandbox.clickup.state import MEMBERS, ClickUpState, Comment
from oblivion_sandbox.clickup.tasks import Tasks
from oblivion_sandbox.core import Core
from oblivion_sandbox.jsontypes import JsonObject, as_object

PAGE_SIZE = 25


class CommentBody(BaseModel):
    """Body of the requests that write a comment: plain text, or an array of parts."""

    comment_text: str | None = None
    comment: list[JsonObject] | None = None
    assignee: int | None = None

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if not (self.comment_text or "").strip() and not self.comment:
            raise ValueError("Comment text is required")
        return self

    def parts(self) -> list[JsonObject]:
        """The parts as stored."""
        return self.comment or [{"text": self.comment_text or ""}]

    def text(self) -> str:
        """The plain text; a mention of a member reads `@name`."""
        return "".join(_part_text(part) for part in self.parts())


def _part_text(part: JsonObject) -> str:
    if part.get("type") == "tag":
        user_id = (as_object(part.get("user")) or {}).get("id")
        member = MEMBERS.get(user_id) if isinstance(user_id, int) else None
        return f"@{member.username}" if member else ""
    return str(part.get("text", ""))


class Comments:
    """Writes and lists comments; tells the webhooks. ClickUp has no event for a deleted comment."""

    def __init__(self, core: Core, state: ClickUpState, tasks: Tasks, hooks: Hooks) -> None:
        self._core = core
        self._state = state
        self._tasks = tasks
        self._hooks = hooks
        for comment in state.comments.values():
            core.clickup_comments.put(comment.task_id, comment.id, comment)

    def post(self, user_id: int, task_id: str, body: CommentBody, parent_id: str | None = None) -> Comment:
        """Fires taskCommentPosted and taskUpdated with one history id."""
        document = self._tasks.get(task_id)
        comment = Comment(
            id=self._core.ids.comment(),
            task_id=task_id,
            parent_id=parent_id,
            parts=body.parts(),
            text=body.text(),
            user_id=user_id,
            assignee_id=body.assignee if body.assignee in MEMBERS else None,
            date_ms=self._tasks.touch(document),
            history_id=self._core.ids.history(),
            block_id=f"block-{self._core.ids.token(12).lower()}",
        )
        self._state.comments[comment.id] = comment
        self._core.clickup_comments.put(task_id, comment.id, comment)
        self._emit(comment, user_id, ("taskCommentPosted", "taskUpdated"))
        return comment

    def reply(self, user_id: int, comment_id: str, body: CommentBody) -> Comment:
        """A threaded reply. That it fires like a comment is unverified."""
        return self.post(user_id, self._get(comment_id).task_id, body, parent_id=comment_id)

    def edit(self, user_id: int, comment_id: str, body: CommentBody) -> None:
        """Fires taskCommentUpdated with the history id of the first post."""
        comment = self._get(comment_id)
        comment.parts, comment.text = body.parts(), body.text()
        self._core.clickup_comments.put(comment.task_id, comment.id, comment)
        self._tasks.touch(self._tasks.get(comment.task_id))
        self._emit(comment, user_id, ("taskCommentUpdated",))

    def delete(self, comment_id: str) -> None:
        """Takes its replies along."""
        comment = self._get(comment_id)
        for reply in [each for each in self._state.comments.values() if each.parent_id == comment.id]:
            self._remove(reply)
        self._remove(comment)
        self._tasks.touch(self._tasks.get(comment.task_id))
        self._core.changed()

    def page(self, task_id: str, start_ms: int | None, start_id: str | None) -> list[Comment]:
        """25 top-level comments, newest first, older than the one named; both parameters are needed."""
        self._tasks.get(task_id)
        found = [each for each in self._state.comments.values() if each.task_id == task_id and each.parent_id is None]
        found.sort(key=_age, reverse=True)
        if start_ms is not None and start_id is not None:
            found = [each for each in found if _age(each) < (start_ms, int(start_id))]
        return found[:PAGE_SIZE]

    def replies(self, comment_id: str) -> list[Comment]:
        """Replies to a comment, newest first."""
        self._get(comment_id)
        found = [each for each in self._state.comments.values() if each.parent_id == comment_id]
        return sorted(found, key=_age, reverse=True)

    def _get(self, comment_id: str) -> Comment:
        comment = self._state.comments.get(comment_id)
        if comment is None:
            raise not_authorized()
        return comment

    def _remove(self, comment: Comment) -> None:
        del self._state.comments[comment.id]
        self._core.clickup_comments.delete(comment.task_id, comment.id)

    def _emit(self, comment: Comment, user_id: int, events: tuple[str, ...]) -> None:
        list_id = str(self._tasks.get(comment.task_id)["list"]["id"])
        item = comment_item(Change(comment.history_id, user_id, comment.date_ms, list_id), comment)
        for event in events:
            self._hooks.emit(event, comment.task_id, list_id, [item])
        self._core.changed()


def _age(comment: Comment) -> tuple[int, int]:
    return (comment.date_ms, int(comment.id))
