"""Reads back what happened while no webhook told of it.

ClickUp drops an event after five tries and never sends it again (https://developer.clickup.com/docs/webhookhealth).
Sources: GET /team/{id}/task and https://developer.clickup.com/docs/task-comments-pagination.
"""

import json
from datetime import UTC, datetime
from typing import Any

from nexus.integrations.clickup.answers import ReadComment, Task
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.payloads import OUR_WEBHOOK_ID
from nexus.integrations.clickup.sink import item_of
from nexus.pipeline.errors import Deferred, Retryable
from nexus.pipeline.facts import CommentPosted, Item, ItemDeleted, Person
from nexus.pipeline.ports import RawRequest

TASKS_PER_PAGE = 100
COMMENTS_PER_PAGE = 25
_MAX_TASK_PAGES = 500
_MAX_COMMENT_PAGES = 40


class ClickUpHistory:
    """One workspace; implements `nexus.pipeline.ports.TrackerHistory`."""

    def __init__(self, client: ClickUpClient, *, team_id: str, own_user_id: str) -> None:
        self._client = client
        self._team_id = team_id
        self._own_user_id = own_user_id

    def rest_seconds(self) -> float:
        """How long to leave what is left of the minute's requests to webhooks and deliveries."""
        return self._client.rest_seconds()

    async def items_since(self, since: datetime) -> list[Item]:
        """Every task of the workspace that changed after `since`, the oldest change first."""
        found: dict[str, Task] = {}
        after_ms, page = _millis(since), 0
        for _ in range(_MAX_TASK_PAGES):
            tasks = await self._client.tasks(self._team_id, after_ms, page)
            found.update((task.id, task) for task in tasks)
            if len(tasks) < TASKS_PER_PAGE:
                return sorted(map(item_of, found.values()), key=lambda item: (item.updated_ms, item.id))
            first, last = tasks[0].date_updated or 0, tasks[-1].date_updated or 0
            # A task that changes meanwhile moves to the end, and what stood behind it moves up by one: the next
            # page would begin too late. So the next one begins at the time where this one ended.
            if first <= last and last - 1 > after_ms:
                after_ms, page = last - 1, 0
            else:
                # All of one millisecond, or the newest first, where what moves can only come twice.
                page += 1
            self._leave_some()
        raise Retryable(f"more than {_MAX_TASK_PAGES} pages of changed tasks")

    async def comments(self, item_id: str, since: datetime) -> list[CommentPosted]:
        """Comments of people and replies to them, the oldest first: those since then, at least the last 25."""
        found: list[ReadComment] = []
        oldest: ReadComment | None = None
        for _ in range(_MAX_COMMENT_PAGES):
            page = await self._client.comments(item_id, oldest)
            found += page
            oldest = page[-1] if page else None
            if oldest is None or len(page) < COMMENTS_PER_PAGE or (oldest.date or 0) < _millis(since):
                break
            self._leave_some()
        for comment in [each for each in found if each.reply_count]:
            self._leave_some()
            found += await self._client.comment_replies(comment.id)
        people = [_posted(item_id, each) for each in found if each.user and each.user.id != self._own_user_id]
        return sorted((each for each in people if each is not None), key=lambda each: each.at)

    def event_of(self, fact: CommentPosted | ItemDeleted) -> RawRequest:
        """As https://developer.clickup.com/docs/webhooktaskpayloads has it, from a webhook that cannot exist."""
        match fact:
            case ItemDeleted(item_id):
                return _request({"event": "taskDeleted", "task_id": item_id})
            case CommentPosted():
                user = {"id": fact.author.id, "username": fact.author.name}
                date = str(_millis(fact.at))
                comment = {"id": fact.comment_id, "date": date, "text_content": fact.text, "user": user}
                about = {"id": f"comment:{fact.comment_id}", "date": date, "field": "comment", "user": user}
                event = "taskCommentUpdated" if fact.edited else "taskCommentPosted"
                items = [about | {"comment": comment}]
                return _request({"event": event, "task_id": fact.item_id, "history_items": items})

    def _leave_some(self) -> None:
        rest_seconds = self.rest_seconds()
        if rest_seconds > 0:
            raise Deferred("what is left of the ClickUp token's minute is for others", after_seconds=rest_seconds)


def _posted(item_id: str, comment: ReadComment) -> CommentPosted | None:
    text = comment.readable()
    if comment.user is None or comment.date is None or not text:
        return None
    at = datetime.fromtimestamp(comment.date / 1000, UTC)
    return CommentPosted(item_id, comment.id, Person(comment.user.id, comment.user.username), text, at)


def _request(body: dict[str, Any]) -> RawRequest:
    document = json.dumps(body | {"webhook_id": OUR_WEBHOOK_ID}, sort_keys=True)
    return RawRequest(document.encode(), {"content-type": "application/json"}, "")


def _millis(at: datetime) -> int:
    # Rounded: a float's microseconds may lie a hair below the millisecond that they came from.
    return round(at.timestamp() * 1000)
