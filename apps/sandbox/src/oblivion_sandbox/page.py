"""The page: its files, its data, and the links people click (`/t/<task>`, `/archives/<channel>/p<ts>`)."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from oblivion_sandbox import seed
from oblivion_sandbox.clickup import views
from oblivion_sandbox.clickup.state import LISTS
from oblivion_sandbox.jsontypes import JsonObject, encode
from oblivion_sandbox.sandbox import Sandbox
from oblivion_sandbox.slack.people import user_view
from oblivion_sandbox.slack.state import USERS

SHOWN_TASKS = 300
SHOWN_MESSAGES = 500
"""A channel, threads included; the page shows the newest only."""
STATIC = Path(__file__).parent / "static"
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self'; base-uri 'none'",
    "Cache-Control": "no-store",
}


def _everything(sandbox: Sandbox) -> JsonObject:
    clickup, slack = sandbox.clickup.state, sandbox.slack
    return {
        "lists": [{"id": each.id, "name": each.name} for each in LISTS.values()],
        "statuses": views.statuses(with_ids=False),
        "tasks": list(clickup.tasks.values())[-SHOWN_TASKS:],
        "comments": [
            views.comment(each, 0) | {"task_id": each.task_id, "parent_id": each.parent_id}
            for each in clickup.comments.values()
        ],
        "users": {user.id: user_view(user) for user in USERS.values()},
        "channels": [
            {"id": channel.id, "name": channel.name, "is_archived": channel.is_archived}
            | {"is_private": channel.is_private, "bot_is_member": seed.SLACK_BOT_USER in channel.members}
            for channel in slack.state.channels.values()
        ],
        "messages": {
            channel: [
                slack.messages.shown(channel, messages[ts]) for ts in slack.messages.timeline(channel)[-SHOWN_MESSAGES:]
            ]
            for channel, messages in slack.state.messages.items()
        },
        "ephemeral": slack.state.ephemeral,
        "thread_statuses": slack.state.statuses,
        "connected": bool(slack.state.app.events_url) or slack.sockets.is_open,
        "webhooks": [{"endpoint": hook.endpoint, "health": hook.health} for hook in clickup.webhooks.values()],
    }


def page_routes(sandbox: Sandbox) -> list[BaseRoute]:
    """The page and its data."""

    async def index(request: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=PAGE_HEADERS)

    async def state(request: Request) -> Response:
        version = f"{sandbox.core.run_id}-{sandbox.core.version}"
        known = request.query_params.get("since") == version
        body = {"version": version} | ({} if known else _everything(sandbox))
        return Response(encode(body), media_type="application/json", headers={"Cache-Control": "no-store"})

    async def task(request: Request) -> Response:
        return RedirectResponse(f"/#task={request.path_params['task_id']}")

    async def message(request: Request) -> Response:
        return RedirectResponse(f"/#message={request.path_params['channel']}/{request.path_params['link']}")

    return [
        Route("/", index),
        Route("/_page/state", state),
        Route("/t/{task_id}", task),
        Route("/archives/{channel}/{link}", message),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
