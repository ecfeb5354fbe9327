"""Tasks: what can be done to them, and the events each deed causes."""

from collections.abc import Iterable
from dataclasses import replace

from pydantic import BaseModel, Field

from oblivion_sandbox import seed
from oblivion_sandbox.clickup import views
from oblivion_sandbox.clickup.errors import invalid_input, not_authorized
from oblivion_sandbox.clickup.history import Change, status_item
from oblivion_sandbox.clickup.hooks import Hooks
from oblivion_sandbox.clickup.markdown import to_delta, to_plain
from oblivion_sandbox.clickup.state import LISTS, MEMBERS, PRIORITIES, STATUSES, ClickUpState, Status
from oblivion_sandbox.core import Core
from oblivion_sandbox.ids import now_ms
from oblivion_sandbox.jsontypes import JsonObject, as_object

PUBLIC_FIELDS = [
    "assignees",
    "priority",
    "due_date",
    "content",
    "comments",
    "attachments",
    "customFields",
    "subtasks",
    "tags",
    "checklists",
    "coverimage",
]
TAG_COLOR = "#EA80FC"


class NewTask(BaseModel):
    """Body of POST /list/{id}/task."""

    name: str = Field(min_length=1)
    description: str | None = None
    markdown_description: str | None = None
    markdown_content: str | None = None
    status: str | None = None
    priority: int | None = Field(default=None, ge=1, le=4)
    assignees: list[int] = Field(default_factory=list[int])
    tags: list[str] = Field(default_factory=list[str])
    due_date: int | None = None
    parent: str | None = None


class AssigneePatch(BaseModel):
    """`assignees` of PUT /task/{id}."""

    add: list[int] = Field(default_factory=list[int])
    rem: list[int] = Field(default_factory=list[int])


class TaskPatch(BaseModel):
    """Body of PUT /task/{id}; only what is named changes."""

    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    markdown_description: str | None = None
    markdown_content: str | None = None
    status: str | None = None
    priority: int | None = Field(default=None, ge=1, le=4)
    assignees: AssigneePatch | None = None
    due_date: int | None = None


def _status_named(name: str) -> Status:
    status = STATUSES.get(name.strip().lower())
    if status is None:
        raise invalid_input("Status not found", "ITEM_114")
    return status


def _member_view(user_id: int) -> JsonObject:
    if user_id not in MEMBERS:
        raise invalid_input("Assignee is not a member of the workspace", "ITEM_057")
    return views.history_user(MEMBERS[user_id])


def _status_view(status: Status) -> JsonObject:
    return {
        "id": status.id,
        "status": status.status,
        "color": status.color,
        "orderindex": status.orderindex,
        "type": status.type,
    }


def _markdown_of(body: NewTask | TaskPatch) -> str | None:
    for text in (body.markdown_content, body.markdown_description, body.description):
        if text is not None:
            return text if text.strip() else ""
    return None


def _priority_id(priority: JsonObject | None) -> object:
    return None if priority is None else priority["id"]


def tag_view(name: str, user_id: int) -> JsonObject:
    """A tag as tasks and history show it; ClickUp keeps tag names in lower case."""
    return {"name": name.lower(), "tag_fg": TAG_COLOR, "tag_bg": TAG_COLOR, "creator": user_id}


class Tasks:
    """Creates, changes and deletes tasks; tells the webhooks."""

    def __init__(self, core: Core, state: ClickUpState, hooks: Hooks) -> None:
        self._core = core
        self._state = state
        self._hooks = hooks

    def get(self, task_id: str) -> JsonObject:
        """The task's document. Raises OAUTH_027 for an id nobody knows, deleted ones included."""
        document = self._state.tasks.get(task_id)
        if document is None:
            raise not_authorized()
        return document

    def create(self, user_id: int, list_id: str, body: NewTask) -> JsonObject:
        """Fires taskCreated (two history items) and taskStatusUpdated with the same status item."""
        if list_id not in LISTS:
            raise not_authorized()
        status = _status_named(body.status or "to do")
        now = now_ms()
        task_id = self._core.ids.task(self._state.tasks)
        document = self._document(task_id, user_id, LISTS[list_id].id, body, status, now)
        self._state.tasks[task_id] = document
        change = Change(self._core.ids.history(), user_id, now, list_id)
        moved = status_item(change, None, status)
        created = replace(change, id=self._core.ids.history()).item("task_creation", {"before": None, "after": None})
        self._emit(document, ("taskCreated",), [moved, created])
        self._emit(document, ("taskStatusUpdated",), [moved])
        return document

    def update(self, user_id: int, task_id: str, patch: TaskPatch) -> JsonObject:
        """Each field that really changes makes a history item, and fires taskUpdated and its own event."""
        document = self.get(task_id)
        status = None if patch.status is None else _status_named(patch.status)
        if patch.assignees is not None:
            for user in patch.assignees.add:
                _member_view(user)
        if patch.name is not None and patch.name != document["name"]:
            values = {"before": document["name"], "after": patch.name}
            document["name"] = patch.name
            self._happened(user_id, document, ("taskUpdated",), "name", values)
        markdown = _markdown_of(patch)
        if markdown is not None and markdown != document.get("markdown_description"):
            self._describe(document, markdown)
            delta = to_delta(document["text_content"], f"block-{self._core.ids.token(12).lower()}")
            self._happened(user_id, document, ("taskUpdated",), "content", {"before": None, "after": delta})
        if status is not None and status.status != document["status"]["status"]:
            self._move(user_id, document, status)
        if "priority" in patch.model_fields_set:
            self._prioritise(user_id, document, patch.priority)
        if "due_date" in patch.model_fields_set:
            due = None if patch.due_date is None else str(patch.due_date)
            if due != document["due_date"]:
                values = {"before": document["due_date"], "after": due}
                document["due_date"] = due
                data = {"due_date_time": True, "old_due_date_time": False}
                self._happened(user_id, document, ("taskDueDateUpdated", "taskUpdated"), "due_date", values, data)
        if patch.assignees is not None:
            self._assign(user_id, document, patch.assignees)
        return document

    def tag(self, user_id: int, task_id: str, name: str) -> None:
        """Adds a tag once; the second time nothing happens."""
        document = self.get(task_id)
        tag = tag_view(name, user_id)
        if tag["name"] in (each["name"] for each in document["tags"]):
            return
        document["tags"].append(tag)
        values = {"before": None, "after": [tag]}
        self._happened(user_id, document, ("taskTagUpdated", "taskUpdated"), "tag", values)

    def untag(self, user_id: int, task_id: str, name: str) -> None:
        """Removes a tag if it is there."""
        document = self.get(task_id)
        gone = [each for each in document["tags"] if each["name"] == name.lower()]
        if not gone:
            return
        document["tags"] = [each for each in document["tags"] if each not in gone]
        values = {"before": gone, "after": None}
        self._happened(user_id, document, ("taskTagUpdated", "taskUpdated"), "tag_removed", values)

    def delete(self, task_id: str) -> None:
        """Takes its comments along; the event has no history items."""
        document = self.get(task_id)
        del self._state.tasks[task_id]
        for comment in [each for each in self._state.comments.values() if each.task_id == task_id]:
            del self._state.comments[comment.id]
        self._emit(document, ("taskDeleted",), [])

    def touch(self, document: JsonObject) -> int:
        """Move `date_updated` forward, always past its last value; returns it in ms."""
        now = max(now_ms(), int(document["date_updated"]) + 1)
        document["date_updated"] = str(now)
        return now

    def put_verbatim(self, document: JsonObject) -> None:
        """Take over a recorded task as it is, without any event."""
        self._state.tasks[str(document["id"])] = document
        self._core.changed()

    def _happened(
        self,
        user_id: int,
        document: JsonObject,
        events: Iterable[str],
        field: str,
        values: JsonObject,
        data: JsonObject | None = None,
    ) -> None:
        now = self.touch(document)
        change = Change(self._core.ids.history(), user_id, now, document["list"]["id"])
        self._emit(document, events, [change.item(field, values, data)])

    def _emit(self, document: JsonObject, events: Iterable[str], items: list[JsonObject]) -> None:
        for event in events:
            self._hooks.emit(event, document["id"], document["list"]["id"], items)
        self._core.changed()

    def _move(self, user_id: int, document: JsonObject, status: Status) -> None:
        before = STATUSES.get(document["status"]["status"])
        document["status"] = _status_view(status)
        now = self.touch(document)
        document["date_closed"] = document["date_done"] = str(now) if status.type == "closed" else None
        change = Change(self._core.ids.history(), user_id, now, document["list"]["id"])
        self._emit(document, ("taskStatusUpdated", "taskUpdated"), [status_item(change, before, status)])

    def _prioritise(self, user_id: int, document: JsonObject, level: int | None) -> None:
        wanted = None if level is None else PRIORITIES[level]
        before = as_object(document["priority"])
        if _priority_id(before) != _priority_id(wanted):
            document["priority"] = wanted
            values = {"before": before, "after": wanted}
            self._happened(user_id, document, ("taskPriorityUpdated", "taskUpdated"), "priority", values)

    def _assign(self, user_id: int, document: JsonObject, patch: AssigneePatch) -> None:
        events = ("taskAssigneeUpdated", "taskUpdated")
        for user in patch.add:
            if user not in (each["id"] for each in document["assignees"]):
                document["assignees"].append(_member_view(user))
                self._happened(user_id, document, events, "assignee_add", {"after": _member_view(user)})
        for user in patch.rem:
            if user in (each["id"] for each in document["assignees"]):
                document["assignees"] = [each for each in document["assignees"] if each["id"] != user]
                self._happened(user_id, document, events, "assignee_rem", {"after": _member_view(user)})

    def _describe(self, document: JsonObject, markdown: str) -> None:
        plain = to_plain(markdown)
        document.update(text_content=plain, description=plain, markdown_description=markdown)

    def _document(
        self, task_id: str, user_id: int, list_id: str, body: NewTask, status: Status, now: int
    ) -> JsonObject:
        folder = views.folder_ref(LISTS[list_id].folder_id)
        base = self._core.public_base
        parent = None if body.parent is None else self.get(body.parent)
        document: JsonObject = {
            "id": task_id,
            "custom_id": None,
            "custom_item_id": 0,
            "name": body.name,
            "text_content": "",
            "description": "",
            "markdown_description": "",
            "status": _status_view(status),
            "orderindex": f"{len(self._state.tasks) + 1}.00000000000000000000000000000000",
            "date_created": str(now),
            "date_updated": str(now),
            "date_closed": str(now) if status.type == "closed" else None,
            "date_done": str(now) if status.type == "closed" else None,
            "archived": False,
            "creator": views.creator(MEMBERS[user_id]),
            "assignees": [_member_view(user) for user in body.assignees],
            "group_assignees": [],
            "watchers": [_member_view(user_id)],
            "checklists": [],
            "tags": [tag_view(name, user_id) for name in dict.fromkeys(body.tags)],
            "parent": body.parent,
            "top_level_parent": None if parent is None else parent["top_level_parent"] or parent["id"],
            "priority": None if body.priority is None else PRIORITIES[body.priority],
            "due_date": None if body.due_date is None else str(body.due_date),
            "start_date": None,
            "points": None,
            "time_estimate": None,
            "time_spent": 0,
            "custom_fields": [],
            "dependencies": [],
            "linked_tasks": [],
            "locations": [],
            "team_id": seed.CLICKUP_TEAM_ID,
            "url": f"https://app.clickup.com/t/{task_id}" if base is None else f"{base}/t/{task_id}",
            "sharing": {
                "public": False,
                "public_share_expires_on": None,
                "public_fields": PUBLIC_FIELDS,
                "token": None,
                "seo_optimized": False,
            },
            "permission_level": "create",
            "list": {"id": list_id, "name": LISTS[list_id].name, "access": True},
            "project": folder,
            "folder": folder,
            "space": {"id": seed.CLICKUP_SPACE_ID},
            "attachments": [],
        }
        self._describe(document, _markdown_of(body) or "")
        return document
