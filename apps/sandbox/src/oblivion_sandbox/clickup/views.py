"""How ClickUp shows things: answers to reads, key for key."""

from oblivion_sandbox import seed
from oblivion_sandbox.clickup.state import LISTS, MEMBERS, STATUSES, Comment, Member, TaskList, Webhook
from oblivion_sandbox.jsontypes import JsonObject


def history_user(member: Member) -> JsonObject:
    """A user as webhooks and comments show it."""
    return {
        "id": member.id,
        "username": member.username,
        "email": member.email,
        "color": member.color,
        "initials": member.initials,
        "profilePicture": None,
    }


def me(member: Member) -> JsonObject:
    """GET /user."""
    return {
        "user": history_user(member)
        | {"week_start_day": 0, "global_font_support": False, "timezone": "America/Los_Angeles"}
    }


def creator(member: Member) -> JsonObject:
    """`creator` of a task: no initials there."""
    shown = history_user(member)
    del shown["initials"]
    return shown


def teams() -> JsonObject:
    """GET /team."""
    members = [
        {"user": {"id": each.id, "username": each.username, "color": each.color, "profilePicture": None}}
        for each in MEMBERS.values()
    ]
    team = {"id": seed.CLICKUP_TEAM_ID, "name": seed.CLICKUP_TEAM_NAME, "color": "#000000", "avatar": None}
    return {"teams": [team | {"members": members}]}


def statuses(with_ids: bool) -> list[JsonObject]:
    """The statuses of the space and so of every list."""
    shown = [
        {"status": each.status, "type": each.type, "orderindex": each.orderindex, "color": each.color}
        for each in STATUSES.values()
    ]
    return [{"id": each.id} | view for each, view in zip(STATUSES.values(), shown, strict=True)] if with_ids else shown


def space() -> JsonObject:
    """GET /space/{id}."""
    off = {"enabled": False}
    on = {"enabled": True}
    due_dates = {
        "enabled": True,
        "start_date": False,
        "remap_due_dates": False,
        "remap_closed_due_date": False,
    }
    members = [
        {
            "user": {
                "id": each.id,
                "username": each.username,
                "color": each.color,
                "profilePicture": None,
                "initials": each.initials,
            }
        }
        for each in MEMBERS.values()
    ]
    return {
        "id": seed.CLICKUP_SPACE_ID,
        "name": seed.CLICKUP_SPACE_NAME,
        "private": False,
        "color": None,
        "avatar": None,
        "admin_can_manage": True,
        "archived": False,
        "members": members,
        "statuses": statuses(with_ids=False),
        "multiple_assignees": True,
        "features": {
            "due_dates": due_dates,
            "time_tracking": off,
            "tags": on,
            "time_estimates": off,
            "checklists": on,
            "custom_fields": on,
            "remap_dependencies": off,
            "dependency_warning": off,
            "portfolios": off,
        },
    }


def folder_name(folder_id: str) -> str:
    """Folderless lists live in a folder called hidden."""
    return seed.CLICKUP_FOLDER_NAME if folder_id == seed.CLICKUP_FOLDER_ID else "hidden"


def folder_ref(folder_id: str) -> JsonObject:
    """A folder as lists and tasks name it."""
    hidden = folder_id == seed.CLICKUP_HIDDEN_FOLDER_ID
    return {"id": folder_id, "name": folder_name(folder_id), "hidden": hidden, "access": True}


def space_ref() -> JsonObject:
    """The space as lists and folders name it."""
    return {"id": seed.CLICKUP_SPACE_ID, "name": seed.CLICKUP_SPACE_NAME, "access": True}


def folders() -> JsonObject:
    """GET /space/{id}/folder: the hidden folder is not listed."""
    lists = [listed(each, 0) for each in LISTS.values() if each.folder_id == seed.CLICKUP_FOLDER_ID]
    folder: JsonObject = {
        "id": seed.CLICKUP_FOLDER_ID,
        "name": seed.CLICKUP_FOLDER_NAME,
        "orderindex": 0,
        "override_statuses": False,
        "hidden": False,
        "space": space_ref(),
        "task_count": "0",
        "lists": lists,
    }
    return {"folders": [folder]}


def listed(entry: TaskList, task_count: int) -> JsonObject:
    """A list as GET /folder/{id}/list and GET /space/{id}/list show it."""
    return {
        "id": entry.id,
        "name": entry.name,
        "orderindex": entry.orderindex,
        "content": "",
        "status": None,
        "priority": None,
        "assignee": None,
        "task_count": task_count,
        "due_date": None,
        "start_date": None,
        "folder": folder_ref(entry.folder_id),
        "space": space_ref(),
        "archived": False,
        "override_statuses": False,
        "permission_level": "create",
    }


def one_list(entry: TaskList, task_count: int) -> JsonObject:
    """GET /list/{id}: the only place with the list's own statuses."""
    return listed(entry, task_count) | {"statuses": statuses(with_ids=True), "inbound_address": ""}


def task(document: JsonObject, markdown: bool) -> JsonObject:
    """GET /task/{id}: the markdown description only when asked for."""
    return {key: value for key, value in document.items() if markdown or key != "markdown_description"}


def listed_task(document: JsonObject) -> JsonObject:
    """A task in a list of tasks: without `sharing` and `attachments`."""
    hidden = ("markdown_description", "sharing", "attachments")
    return {key: value for key, value in document.items() if key not in hidden}


def comment(entry: Comment, reply_count: int) -> JsonObject:
    """A comment as GET /task/{id}/comment shows it; `reply_count` is a string there."""
    author = history_user(MEMBERS[entry.user_id])
    assignee = None if entry.assignee_id is None else history_user(MEMBERS[entry.assignee_id])
    return {
        "id": entry.id,
        "comment": entry.parts,
        "comment_text": entry.text,
        "user": author,
        "resolved": False,
        "assignee": assignee,
        "assigned_by": None if assignee is None else author,
        "reactions": [],
        "date": str(entry.date_ms),
        "reply_count": str(reply_count),
    }


def webhook(hook: Webhook) -> JsonObject:
    """A webhook as every answer shows it."""
    return {
        "id": hook.id,
        "userid": hook.user_id,
        "team_id": int(seed.CLICKUP_TEAM_ID),
        "endpoint": hook.endpoint,
        "client_id": seed.CLICKUP_CLIENT_ID,
        "events": hook.events,
        "task_id": hook.task_id,
        "list_id": None if hook.list_id is None else int(hook.list_id),
        "folder_id": None if hook.folder_id is None else int(hook.folder_id),
        "space_id": None if hook.space_id is None else int(hook.space_id),
        "health": {"status": hook.health, "fail_count": hook.fail_count},
        "secret": hook.secret,
    }
