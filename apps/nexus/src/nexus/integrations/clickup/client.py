"""ClickUp's API v2, as far as we use it: one method per call, typed, with one error table (outcomes.py)."""

from collections.abc import Sequence
from typing import Any, TypeVar

import aiohttp

from nexus.integrations.clickup.answers import (
    CommentCreated,
    CommentsAnswer,
    Folder,
    FoldersAnswer,
    Hook,
    HookCreated,
    HooksAnswer,
    ListsAnswer,
    Named,
    ReadComment,
    SpacesAnswer,
    Task,
    TasksAnswer,
    TeamsAnswer,
    UserAnswer,
)
from nexus.integrations.clickup.budget import Budget
from nexus.integrations.clickup.outcomes import Gone, answer_of, require_success, unanswered
from nexus.integrations.clickup.payloads import Payload, User
from nexus.integrations.clickup.session import Session, Verb
from nexus.integrations.clickup.settings import Credentials
from nexus.kit.clock import Clock
from nexus.pipeline.errors import Deferred, Rejected
from nexus.pipeline.ports import Answered, RequestBudget, uncounted
from nexus.pipeline.steps import answered_step, request_step

AnswerT = TypeVar("AnswerT", bound=Payload)

_LIVE = {"archived": "false"}


class Nothing(Payload):
    """An answer of which we need no word."""


class ClickUpClient:
    """Calls with one token. Raises the pipeline's errors; a read of something gone returns None.

    Where nothing can be gone, Gone becomes Rejected: the token's user is not where the connection says.
    """

    def __init__(
        self,
        credentials: Credentials,
        clock: Clock,
        *,
        answered: Answered = uncounted,
    ) -> None:
        self._clock = clock
        self._answered = answered
        self._budget = Budget()
        self._api_url = credentials.api_url
        self._session = Session(credentials.api_url, credentials.authorization)

    async def aclose(self) -> None:
        """Closes the connections, for good."""
        await self._session.aclose()

    async def user(self) -> User:
        """Whose token it is."""
        return (await self._call(UserAnswer, "GET", "user")).user

    async def teams(self) -> tuple[Named, ...]:
        """The workspaces that the user belongs to."""
        return (await self._call(TeamsAnswer, "GET", "team")).teams

    async def spaces(self, team_id: str) -> tuple[Named, ...]:
        """The spaces of a workspace, without archived ones."""
        return (await self._call(SpacesAnswer, "GET", "team", team_id, "space", params=_LIVE)).spaces

    async def folders(self, space_id: str) -> tuple[Folder, ...]:
        """The folders of a space, without archived ones."""
        return (await self._call(FoldersAnswer, "GET", "space", space_id, "folder", params=_LIVE)).folders

    async def folder_lists(self, folder_id: str) -> tuple[Named, ...]:
        """The lists of a folder, without archived ones."""
        return (await self._call(ListsAnswer, "GET", "folder", folder_id, "list", params=_LIVE)).lists

    async def folderless_lists(self, space_id: str) -> tuple[Named, ...]:
        """The lists that stand in a space without a folder, without archived ones."""
        return (await self._call(ListsAnswer, "GET", "space", space_id, "list", params=_LIVE)).lists

    async def list(self, list_id: str) -> Named | None:
        """A list; None when it is gone."""
        return await self._find(Named, "list", list_id)

    async def task(self, task_id: str) -> Task | None:
        """A task with its description in Markdown; None when it is gone."""
        return await self._find(Task, "task", task_id, params={"include_markdown_description": "true"})

    async def comments(self, task_id: str, older_than: ReadComment | None) -> tuple[ReadComment, ...]:
        """25 comments, newest first (https://developer.clickup.com/docs/task-comments-pagination)."""
        start = {} if older_than is None else {"start": str(older_than.date), "start_id": older_than.id}
        answer = await self._find(CommentsAnswer, "task", task_id, "comment", params=start)
        return () if answer is None else answer.comments

    async def comment_replies(self, comment_id: str) -> tuple[ReadComment, ...]:
        """Replies to a comment."""
        answer = await self._find(CommentsAnswer, "comment", comment_id, "reply")
        return () if answer is None else answer.comments

    async def tasks(self, team_id: str, updated_after_ms: int, page: int) -> tuple[Task, ...]:
        """100 tasks of the workspace, or fewer at the end, the oldest change first; closed ones and subtasks, too."""
        params = {"date_updated_gt": str(updated_after_ms), "page": str(page), "order_by": "updated", "reverse": "true"}
        everything = {"include_closed": "true", "subtasks": "true"}
        return (await self._call(TasksAnswer, "GET", "team", team_id, "task", params=params | everything)).tasks

    def budget(self) -> RequestBudget | None:
        """What is left of the minute's requests, as far as ClickUp has told."""
        return self._budget.left(self._clock.now())

    def rest_seconds(self) -> float:
        """How long work that can wait should leave the token alone; 0 when there is enough for everybody."""
        return self._budget.rest_seconds(self._clock.now())

    async def add_comment(self, task_id: str, text: str) -> str:
        """Returns the comment's id."""
        body = {"comment_text": text, "notify_all": False}
        return (await self._call(CommentCreated, "POST", "task", task_id, "comment", json=body)).id

    async def edit_comment(self, comment_id: str, text: str) -> bool:
        """Replaces the text, and nothing else, so that a resolved comment stays so. False when it is gone."""
        try:
            await self._request(Nothing, "PUT", "comment", comment_id, json={"comment_text": text})
        except Gone:
            return False
        return True

    async def delete_comment(self, comment_id: str) -> None:
        """Done as well when it is gone already."""
        try:
            await self._request(Nothing, "DELETE", "comment", comment_id)
        except Gone:
            return

    async def webhooks(self, team_id: str) -> tuple[Hook, ...]:
        """The webhooks that this token's user has made."""
        return (await self._call(HooksAnswer, "GET", "team", team_id, "webhook")).webhooks

    async def create_webhook(self, team_id: str, endpoint: str, events: Sequence[str]) -> Hook:
        """Raises HookExists when there is one for this address."""
        body = {"endpoint": endpoint, "events": events}
        return (await self._call(HookCreated, "POST", "team", team_id, "webhook", json=body)).webhook

    async def update_webhook(self, webhook_id: str, endpoint: str, events: Sequence[str]) -> None:
        """Sets the events and ends a suspension."""
        body = {"endpoint": endpoint, "events": events, "status": "active"}
        await self._call(Nothing, "PUT", "webhook", webhook_id, json=body)

    async def delete_webhook(self, webhook_id: str) -> None:
        """Done as well when it is gone already."""
        try:
            await self._request(Nothing, "DELETE", "webhook", webhook_id)
        except Gone:
            return

    async def _find(self, model: type[AnswerT], *path: str, params: dict[str, str] | None = None) -> AnswerT | None:
        try:
            return await self._request(model, "GET", *path, params=params)
        except Gone:
            return None

    async def _call(
        self,
        model: type[AnswerT],
        verb: Verb,
        *path: str,
        params: dict[str, str] | None = None,
        json: Any = None,
    ) -> AnswerT:
        try:
            return await self._request(model, verb, *path, params=params, json=json)
        except Gone:
            raise Rejected(
                f"ClickUp has no {'/'.join(path)} for the token's user: it is deleted, or access was lost"
            ) from None

    async def _request(
        self,
        model: type[AnswerT],
        verb: Verb,
        *path: str,
        params: dict[str, str] | None = None,
        json: Any = None,
    ) -> AnswerT:
        if any(not step.strip(".") for step in path):
            raise Gone  # Not an id, and it would change where the request goes.
        wait_seconds = self._budget.wait_seconds(self._clock.now())
        if wait_seconds > 0:
            raise Deferred(
                "the ClickUp token's budget of requests is used up", after_seconds=wait_seconds, whole_connection=True
            )
        writes = verb != "GET"
        try:
            with request_step(verb, _template(path), self._api_url) as timed:
                reply = await self._session.request(verb, path, params, json)
                answered_step(timed, reply.status)
        except (aiohttp.ClientError, OSError) as error:
            self._answered("none")
            # Not `from error`: some of aiohttp's show the request's headers, and the token is one.
            raise unanswered(error, writes=writes) from None
        self._answered(str(reply.status))
        now = self._clock.now()
        self._budget.note(reply.status, reply.headers, now)
        require_success(reply, now, writes=writes)
        return answer_of(model, reply, writes=writes)


def _template(path: tuple[str, ...]) -> str:
    """The path without its ids: in this API every second step is one."""
    return "".join(f"/{step if index % 2 == 0 else '{id}'}" for index, step in enumerate(path))
