"""The routes of ClickUp API v2: who calls, what they want, and the answer in ClickUp's words."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oblivion_sandbox import seed
from oblivion_sandbox.clickup import views
from oblivion_sandbox.clickup.comments import CommentBody
from oblivion_sandbox.clickup.errors import (
    ClickUpError,
    header_missing,
    invalid_input,
    not_authorized,
    rate_limited,
    token_invalid,
)
from oblivion_sandbox.clickup.hooks import NewWebhook, WebhookPatch
from oblivion_sandbox.clickup.listing import TaskQuery, find_tasks
from oblivion_sandbox.clickup.service import ClickUp
from oblivion_sandbox.clickup.state import LISTS, MEMBERS, Comment, TaskList
from oblivion_sandbox.clickup.tasks import NewTask, TaskPatch
from oblivion_sandbox.jsontypes import JsonObject, decode_object, encode

Body = TypeVar("Body", bound=BaseModel)
Deed = Callable[[ClickUp, int, Request], Awaitable[JsonObject]]
Current = Callable[[], ClickUp]
"""ClickUp as it is now: a reset puts a new one in its place."""


async def _parse(request: Request, model: type[Body]) -> Body:
    document = decode_object(await request.body())
    if document is None:
        raise invalid_input("Unexpected token in JSON", "INPUT_002")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise invalid_input(f"{'.'.join(map(str, first['loc']))} invalid: {first['msg']}") from error


def _known(request: Request, name: str, *known: str) -> str:
    value = str(request.path_params[name])
    if value not in known:
        raise not_authorized()
    return value


def _task_id(request: Request) -> str:
    return str(request.path_params["task_id"])


def _count(clickup: ClickUp, list_id: str) -> int:
    return sum(task["list"]["id"] == list_id for task in clickup.state.tasks.values())


def _shown(clickup: ClickUp, comments: list[Comment]) -> JsonObject:
    every = clickup.state.comments.values()
    return {"comments": [views.comment(each, sum(other.parent_id == each.id for other in every)) for each in comments]}


async def _get_user(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    return views.me(MEMBERS[user_id])


async def _get_teams(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    return views.teams()


async def _get_spaces(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    _known(request, "team_id", seed.CLICKUP_TEAM_ID)
    return {"spaces": [views.space()]}


async def _get_space(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    _known(request, "space_id", seed.CLICKUP_SPACE_ID)
    return views.space()


async def _get_folders(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    _known(request, "space_id", seed.CLICKUP_SPACE_ID)
    return views.folders()


def _lists(clickup: ClickUp, folder_id: str) -> JsonObject:
    wanted: list[TaskList] = [each for each in LISTS.values() if each.folder_id == folder_id]
    return {"lists": [views.listed(each, _count(clickup, each.id)) for each in wanted]}


async def _get_folder_lists(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    return _lists(clickup, _known(request, "folder_id", seed.CLICKUP_FOLDER_ID, seed.CLICKUP_HIDDEN_FOLDER_ID))


async def _get_folderless_lists(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    _known(request, "space_id", seed.CLICKUP_SPACE_ID)
    return _lists(clickup, seed.CLICKUP_HIDDEN_FOLDER_ID)


async def _get_list(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    list_id = _known(request, "list_id", *LISTS)
    return views.one_list(LISTS[list_id], _count(clickup, list_id))


async def _create_task(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    body = await _parse(request, NewTask)
    return views.task(clickup.tasks.create(user_id, request.path_params["list_id"], body), markdown=False)


async def _list_tasks(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    list_id = _known(request, "list_id", *LISTS)
    tasks, last_page = find_tasks(clickup.state.tasks.values(), TaskQuery.read(request.query_params, {list_id}))
    return {"tasks": [views.listed_task(task) for task in tasks], "last_page": last_page}


async def _team_tasks(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    _known(request, "team_id", seed.CLICKUP_TEAM_ID)
    pairs = parse_qsl(str(request.url.query), keep_blank_values=True)
    wanted = {value for key, value in pairs if key in ("list_ids[]", "list_ids")}
    tasks, _ = find_tasks(clickup.state.tasks.values(), TaskQuery.read(request.query_params, wanted or set(LISTS)))
    return {"tasks": [views.listed_task(task) for task in tasks]}


async def _get_task(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    markdown = request.query_params.get("include_markdown_description") == "true"
    return views.task(clickup.tasks.get(_task_id(request)), markdown)


async def _put_task(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    patch = await _parse(request, TaskPatch)
    return views.task(clickup.tasks.update(user_id, _task_id(request), patch), markdown=False)


async def _delete_task(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    clickup.tasks.delete(_task_id(request))
    return {}


async def _add_tag(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    clickup.tasks.tag(user_id, _task_id(request), request.path_params["tag"])
    return {}


async def _remove_tag(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    clickup.tasks.untag(user_id, _task_id(request), request.path_params["tag"])
    return {}


async def _get_comments(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    start, start_id = request.query_params.get("start", ""), request.query_params.get("start_id", "")
    both = start.isdigit() and start_id.isdigit()
    found = clickup.comments.page(_task_id(request), int(start) if both else None, start_id if both else None)
    return _shown(clickup, found)


async def _post_comment(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    made = clickup.comments.post(user_id, _task_id(request), await _parse(request, CommentBody))
    # Here alone the id and the date are numbers.
    return {"id": int(made.id), "hist_id": made.history_id, "date": made.date_ms}


async def _put_comment(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    clickup.comments.edit(user_id, request.path_params["comment_id"], await _parse(request, CommentBody))
    return {}


async def _delete_comment(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    clickup.comments.delete(request.path_params["comment_id"])
    return {}


async def _get_replies(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    return _shown(clickup, clickup.comments.replies(request.path_params["comment_id"]))


async def _post_reply(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    clickup.comments.reply(user_id, request.path_params["comment_id"], await _parse(request, CommentBody))
    return {}


async def _get_webhooks(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    _known(request, "team_id", seed.CLICKUP_TEAM_ID)
    return {"webhooks": [views.webhook(hook) for hook in clickup.hooks.of_user(user_id)]}


async def _post_webhook(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    _known(request, "team_id", seed.CLICKUP_TEAM_ID)
    hook = clickup.hooks.register(user_id, await _parse(request, NewWebhook))
    return {"id": hook.id, "webhook": views.webhook(hook)}


async def _put_webhook(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    patch = await _parse(request, WebhookPatch)
    hook = clickup.hooks.update(user_id, request.path_params["webhook_id"], patch)
    return {"id": hook.id, "webhook": views.webhook(hook)}


async def _delete_webhook(clickup: ClickUp, user_id: int, request: Request) -> JsonObject:
    clickup.hooks.delete(user_id, request.path_params["webhook_id"])
    return {}


DEEDS: tuple[tuple[str, str, Deed], ...] = (
    ("GET", "/user", _get_user),
    ("GET", "/team", _get_teams),
    ("GET", "/team/{team_id}/space", _get_spaces),
    ("GET", "/team/{team_id}/task", _team_tasks),
    ("GET", "/team/{team_id}/webhook", _get_webhooks),
    ("POST", "/team/{team_id}/webhook", _post_webhook),
    ("PUT", "/webhook/{webhook_id}", _put_webhook),
    ("DELETE", "/webhook/{webhook_id}", _delete_webhook),
    ("GET", "/space/{space_id}", _get_space),
    ("GET", "/space/{space_id}/folder", _get_folders),
    ("GET", "/space/{space_id}/list", _get_folderless_lists),
    ("GET", "/folder/{folder_id}/list", _get_folder_lists),
    ("GET", "/list/{list_id}", _get_list),
    ("GET", "/list/{list_id}/task", _list_tasks),
    ("POST", "/list/{list_id}/task", _create_task),
    ("GET", "/task/{task_id}", _get_task),
    ("PUT", "/task/{task_id}", _put_task),
    ("DELETE", "/task/{task_id}", _delete_task),
    ("POST", "/task/{task_id}/tag/{tag}", _add_tag),
    ("DELETE", "/task/{task_id}/tag/{tag}", _remove_tag),
    ("GET", "/task/{task_id}/comment", _get_comments),
    ("POST", "/task/{task_id}/comment", _post_comment),
    ("PUT", "/comment/{comment_id}", _put_comment),
    ("DELETE", "/comment/{comment_id}", _delete_comment),
    ("GET", "/comment/{comment_id}/reply", _get_replies),
    ("POST", "/comment/{comment_id}/reply", _post_reply),
)


def _route(verb: str, path: str, deed: Deed, current: Current) -> Route:
    async def answer(request: Request) -> Response:
        clickup = current()
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        headers: dict[str, str] = {}
        try:
            if not token:
                raise header_missing()
            limit = clickup.core.settings.clickup_requests_per_minute
            if limit:
                window = clickup.limiter.take(token, limit)
                headers = {
                    "X-RateLimit-Limit": str(window.limit),
                    "X-RateLimit-Remaining": str(window.remaining),
                    "X-RateLimit-Reset": str(window.reset_at),
                }
                if not window.allowed:
                    raise rate_limited()
            if token not in seed.CLICKUP_TOKENS:
                raise token_invalid()
            status, body = 200, await deed(clickup, seed.CLICKUP_TOKENS[token], request)
        except ClickUpError as error:
            status, body = error.status, error.body()
        return Response(encode(body), status, headers, "application/json; charset=utf-8")

    return Route(path, answer, methods=[verb])


def clickup_routes(current: Current) -> list[BaseRoute]:
    """All routes, to be mounted at `/clickup/api/v2`."""
    return [_route(verb, path, deed, current) for verb, path, deed in DEEDS]
