"""History items and webhook bodies, key for key as ClickUp sends them."""

from dataclasses import dataclass

from oblivion_sandbox.clickup.state import MEMBERS, Comment, Status
from oblivion_sandbox.clickup.views import history_user
from oblivion_sandbox.jsontypes import JsonObject


@dataclass(frozen=True, slots=True)
class Change:
    """Who changed something, when and in which list: what every history item carries."""

    id: str
    user_id: int
    date_ms: int
    list_id: str

    def item(self, field: str, values: JsonObject, data: JsonObject | None = None) -> JsonObject:
        """One history item; `values` are its `before`/`after` keys, which differ by field."""
        return {
            "id": self.id,
            "type": 1,
            "date": str(self.date_ms),
            "field": field,
            "parent_id": self.list_id,
            "data": data or {},
            "source": None,
            "user": history_user(MEMBERS[self.user_id]),
            **values,
        }


def status_item(change: Change, before: Status | None, after: Status) -> JsonObject:
    """A status change; a new task comes from the status `removed`."""
    came_from: JsonObject = {"status": None, "color": "#000000", "type": "removed", "orderindex": -1}
    if before is not None:
        came_from = _status(before)
    return change.item("status", {"before": came_from, "after": _status(after)}, {"status_type": after.type})


def _status(status: Status) -> JsonObject:
    return {
        "status": status.status,
        "color": status.color,
        "orderindex": status.orderindex,
        "type": status.type,
    }


def comment_item(change: Change, comment: Comment) -> JsonObject:
    """A posted or edited comment; ClickUp reuses the id of the first post for edits."""
    author = history_user(MEMBERS[comment.user_id])
    plain: JsonObject = {"attributes": {}}
    parts = [plain | part for part in comment.parts]
    shown: JsonObject = {
        "id": comment.id,
        "date": str(comment.date_ms),
        "parent": comment.task_id,
        "type": 1,
        "comment": [*parts, {"text": "\n", "attributes": {"block-id": comment.block_id}}],
        "text_content": comment.text + "\n",
        **dict.fromkeys(
            (
                "x",
                "y",
                "image_y",
                "image_x",
                "page",
                "comment_number",
                "page_id",
                "page_name",
                "view_id",
                "view_name",
                "team",
            )
        ),
        "user": author,
        "new_thread_count": 0,
        "new_mentioned_thread_count": 0,
        "email_attachments": [],
        "threaded_users": [],
        "threaded_replies": 0,
        "threaded_assignees": 0,
        "threaded_assignees_members": [],
        "threaded_unresolved_count": 0,
        "thread_followers": [author],
        "group_thread_followers": [],
        "reactions": [],
        "emails": [],
    }
    return change.item("comment", {"before": None, "after": comment.id, "comment": shown})


def event_body(event: str, task_id: str, webhook_id: str, items: list[JsonObject]) -> JsonObject:
    """The body of one delivery; `taskDeleted` has no `history_items`."""
    history: JsonObject = {"history_items": items} if items else {}
    return {"event": event, **history, "task_id": task_id, "webhook_id": webhook_id}
