"""What ClickUp knows: the seeded hierarchy, and the tasks, comments and webhooks that come and go."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from oblivion_sandbox import seed
from oblivion_sandbox.jsontypes import JsonObject

TASK_EVENTS = (
    "taskCreated",
    "taskUpdated",
    "taskDeleted",
    "taskPriorityUpdated",
    "taskStatusUpdated",
    "taskAssigneeUpdated",
    "taskDueDateUpdated",
    "taskTagUpdated",
    "taskMoved",
    "taskCommentPosted",
    "taskCommentUpdated",
    "taskTimeEstimateUpdated",
    "taskTimeTrackedUpdated",
)
OTHER_EVENTS = (
    "listCreated",
    "listUpdated",
    "listDeleted",
    "folderCreated",
    "folderUpdated",
    "folderDeleted",
    "spaceCreated",
    "spaceUpdated",
    "spaceDeleted",
    "goalCreated",
    "goalUpdated",
    "goalDeleted",
    "keyResultCreated",
    "keyResultUpdated",
    "keyResultDeleted",
)
ALL_EVENTS = TASK_EVENTS + OTHER_EVENTS


@dataclass(frozen=True, slots=True)
class Member:
    """A person or bot of the workspace."""

    id: int
    username: str
    email: str
    color: str
    initials: str


@dataclass(frozen=True, slots=True)
class Status:
    """A status of the space; all its lists inherit them."""

    id: str
    status: str
    color: str
    orderindex: int
    type: Literal["open", "custom", "closed"]


@dataclass(frozen=True, slots=True)
class TaskList:
    """A ClickUp List."""

    id: str
    name: str
    folder_id: str
    orderindex: int


MEMBERS = {
    seed.CLICKUP_USER_DANA: Member(seed.CLICKUP_USER_DANA, "Dana Reyes", "dana@example.com", "#7b68ee", "DR"),
    seed.CLICKUP_USER_SAM: Member(seed.CLICKUP_USER_SAM, "Sam Okafor", "sam@example.com", "#02579b", "SO"),
    seed.CLICKUP_USER_BOT: Member(seed.CLICKUP_USER_BOT, "Oblivion", "oblivion@example.com", "#5f55ee", "O"),
}
STATUSES = {
    status.status: status
    for status in (
        Status("p90110055_FxGmgrnk", "to do", "#d3d3d3", 0, "open"),
        Status("p90110055_HxJmgqni", "in progress", "#7C4DFF", 1, "custom"),
        Status("p90110055_QwRtYuio", "in review", "#f9d900", 2, "custom"),
        Status("p90110055_ZcVbNmas", "complete", "#6bc950", 3, "closed"),
    )
}
LISTS = {
    entry.id: entry
    for entry in (
        TaskList(seed.CLICKUP_LIST_INBOX, "Inbox", seed.CLICKUP_HIDDEN_FOLDER_ID, 0),
        TaskList(seed.CLICKUP_LIST_WEBSITE, "Website", seed.CLICKUP_HIDDEN_FOLDER_ID, 1),
        TaskList(seed.CLICKUP_LIST_RELIABILITY, "Reliability", seed.CLICKUP_FOLDER_ID, 0),
    )
}
PRIORITIES: dict[int, JsonObject] = {
    1: {"id": "1", "priority": "urgent", "color": "#f50000", "orderindex": "1"},
    2: {"id": "2", "priority": "high", "color": "#ffcc00", "orderindex": "2"},
    3: {"id": "3", "priority": "normal", "color": "#f8ae00", "orderindex": "3"},
    4: {"id": "4", "priority": "low", "color": "#d8d8d8", "orderindex": "4"},
}


class Comment(BaseModel):
    """A comment on a task, or a reply to one."""

    id: str
    task_id: str
    parent_id: str | None = None
    """The comment this one replies to."""
    parts: list[JsonObject]
    text: str
    user_id: int
    assignee_id: int | None = None
    date_ms: int
    history_id: str
    block_id: str
    """Of the closing newline in webhook payloads."""


class Webhook(BaseModel):
    """A registration, with its health (https://developer.clickup.com/docs/webhookhealth)."""

    id: str
    user_id: int
    endpoint: str
    events: list[str]
    task_id: str | None = None
    list_id: str | None = None
    folder_id: str | None = None
    space_id: str | None = None
    health: Literal["active", "failing", "suspended"] = "active"
    fail_count: int = 0
    secret: str

    def location(self) -> tuple[str | None, str | None, str | None, str | None]:
        """The part of the hierarchy it listens to; all None = the workspace."""
        return (self.task_id, self.list_id, self.folder_id, self.space_id)


class ClickUpState(BaseModel):
    """Everything that changes. `tasks` holds each task's document in the form GET /task returns it."""

    tasks: dict[str, JsonObject] = Field(default_factory=dict)
    comments: dict[str, Comment] = Field(default_factory=dict)
    webhooks: dict[str, Webhook] = Field(default_factory=dict)
