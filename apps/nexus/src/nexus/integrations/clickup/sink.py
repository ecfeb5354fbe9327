"""The way out: an open connection to one ClickUp workspace."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from nexus.integrations.clickup.answers import Named, ReadComment, Task
from nexus.integrations.clickup.client import ClickUpClient
from nexus.integrations.clickup.payloads import OUR_WEBHOOK_ID
from nexus.integrations.clickup.text import (
    deleted_comment,
    description_of,
    mirrored_comment,
    mirrors,
    question_note,
)
from nexus.pipeline.errors import Rejected
from nexus.pipeline.facts import AddComment, AddNote, EditComment, EditNote, Intent, Item, Person, QuestionView
from nexus.pipeline.ports import Outgoing, RateLimit, RawRequest, Receipt
from oblivion_protocol.operating import TrackerList

_CLOSED_TYPES = frozenset({"closed", "done"})
_COMMENTS_PER_PAGE = 25
_MAX_PAGES = 20
_CLOCK_SKEW = timedelta(minutes=5)


class ClickUpTracker:
    """Reads tasks and lists, writes comments."""

    def __init__(self, client: ClickUpClient, *, team_id: str, own_user_id: str) -> None:
        self._client = client
        self._team_id = team_id
        self._own_user_id = own_user_id

    async def fetch_item(self, item_id: str) -> Item | None:
        """The task as it is now; None when it is gone. Raises Rejected when it is our access that is gone."""
        task = await self._client.task(item_id)
        if task is not None:
            return item_of(task)
        # Somebody who left the workspace is told of every task that it is unknown.
        if all(team.id != self._team_id for team in await self._client.teams()):
            raise Rejected("Oblivion's ClickUp user is no longer a member of the workspace: invite it again")
        return None

    def hint(self, item_id: str, token: str, at: datetime | None = None) -> RawRequest:
        """What ClickUp would send if the task had changed, from a webhook that ClickUp cannot have.

        `token` stands where the id of the change would, so the source takes it in once. Without a date the
        source gives it the present.
        """
        date = {} if at is None else {"date": str(int(at.timestamp() * 1000))}
        body = {
            "event": "taskUpdated",
            "history_items": [{"id": token, "field": "hint", **date}],
            "task_id": item_id,
            "webhook_id": OUR_WEBHOOK_ID,
        }
        return RawRequest(json.dumps(body).encode(), {"content-type": "application/json"}, "")

    async def list_name(self, list_id: str) -> str | None:
        """The name of a list."""
        found = await self._client.list(list_id)
        return None if found is None else found.name

    async def lists(self) -> list[TrackerList]:
        """Every list of the workspace; its group is "Space / Folder", or "Space" where there is no folder."""
        found: list[TrackerList] = []
        for space in await self._client.spaces(self._team_id):
            for folder in await self._client.folders(space.id):
                # Documentation and practice differ in whether a folder brings its lists along.
                lists = folder.lists or await self._client.folder_lists(folder.id)
                found += _grouped(lists, f"{space.name} / {folder.name}")
            found += _grouped(await self._client.folderless_lists(space.id), space.name)
        return found

    async def send(self, outgoing: Outgoing) -> Receipt:
        """Writes or changes a comment."""
        intent = outgoing.intent
        match intent:
            case AddComment():
                text = mirrored_comment(intent.author, intent.text, _permalink(outgoing), intent.late_at)
                return Receipt(await self._client.add_comment(intent.item_id, text))
            case EditComment():
                if outgoing.twin_id is None:
                    raise Rejected("The comment that should change was never written to ClickUp")
                permalink = _permalink(outgoing)
                changed = mirrored_comment(intent.author, intent.text, permalink, intent.late_at)
                text = deleted_comment(intent.author, permalink) if intent.deleted else changed
                # Where somebody removed the comment itself, nothing is left to be marked as deleted.
                if not await self._client.edit_comment(outgoing.twin_id, text) and not intent.deleted:
                    raise Rejected("The comment that should change was deleted in ClickUp")
                return Receipt(outgoing.twin_id)
            case AddNote():
                text = question_note(_question(outgoing), _permalink(outgoing))
                return Receipt(await self._client.add_comment(intent.item_id, text))
            case EditNote() if outgoing.twin_id is not None:
                # Where somebody removed it, nothing is left that waits for an answer.
                await self._client.edit_comment(
                    outgoing.twin_id, question_note(_question(outgoing), _permalink(outgoing))
                )
                return Receipt(outgoing.twin_id)
            case _:
                raise Rejected(f"ClickUp cannot do {type(intent).__name__}")

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        """Looks for our comment, back to the first try. An edit may be done twice, so it needs no search."""
        if not isinstance(outgoing.intent, AddComment | AddNote):
            return None
        permalink = _permalink(outgoing)
        oldest: ReadComment | None = None
        for _ in range(_MAX_PAGES):
            page = await self._client.comments(outgoing.intent.item_id, oldest)
            for comment in page:
                own = comment.user is not None and comment.user.id == self._own_user_id
                if own and mirrors(comment.comment_text, permalink):
                    return Receipt(comment.id)
            oldest = page[-1] if page else None
            if oldest is None or len(page) < _COMMENTS_PER_PAGE or _before(oldest, outgoing.attempted_at):
                return None
        return None

    def limit(self, intent: Intent) -> RateLimit | None:
        """None: ClickUp tells by its headers how much of the minute's budget is left."""
        del intent
        return None

    async def remove(self, place_id: str, external_id: str) -> None:
        """Deletes a comment of ours."""
        del place_id
        await self._client.delete_comment(external_id)


def _question(outgoing: Outgoing) -> QuestionView:
    if outgoing.question is None:
        raise Rejected("There is nothing to ask: the note came without its question")
    return outgoing.question


def _permalink(outgoing: Outgoing) -> str:
    if not outgoing.permalink:
        raise Rejected("The message has no permalink, so its comment could never be found again")
    return outgoing.permalink


def _before(comment: ReadComment, attempted_at: datetime | None) -> bool:
    """Whether everything from this comment on is too old; without a date one page has to do."""
    if attempted_at is None or comment.date is None:
        return True
    return datetime.fromtimestamp(comment.date / 1000, UTC) < attempted_at - _CLOCK_SKEW


def _grouped(lists: Sequence[Named], group: str) -> list[TrackerList]:
    return [TrackerList(id=each.id, name=each.name, group=group) for each in lists]


def item_of(task: Task) -> Item:
    """The task in words that fit every tracker."""
    creator = Person("") if task.creator is None else Person(task.creator.id, task.creator.username)
    return Item(
        id=task.id,
        list_id=task.list.id,
        list_name=task.list.name,
        title=task.name,
        description=description_of(task),
        url=task.url or f"https://app.clickup.com/t/{task.id}",
        status=task.status.status,
        closed=task.status.type in _CLOSED_TYPES,
        priority=None if task.priority is None else task.priority.priority or None,
        creator=creator,
        assignees=tuple(user.username or user.id for user in task.assignees),
        tags=tuple(tag.name for tag in task.tags),
        updated_ms=task.date_updated or task.date_created or 0,
    )
