"""The application: both APIs, the control, the page."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from oblivion_sandbox.clickup.routes import clickup_routes
from oblivion_sandbox.control import control_routes
from oblivion_sandbox.door import Door
from oblivion_sandbox.page import page_routes
from oblivion_sandbox.sandbox import Sandbox
from oblivion_sandbox.slack.routes import slack_api_routes, slack_link_routes


async def _livez(request: Request) -> Response:
    return PlainTextResponse("ok")


def create_app(sandbox: Sandbox) -> Starlette:
    """The ASGI application over one sandbox. Cutting connections on demand needs uvicorn below it."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        yield
        await sandbox.close()

    return Starlette(
        routes=[
            Mount("/clickup/api/v2", routes=clickup_routes(lambda: sandbox.clickup)),
            Mount("/slack/api", routes=slack_api_routes(lambda: sandbox.slack)),
            Mount("/slack", routes=slack_link_routes(lambda: sandbox.slack)),
            Mount("/_control", routes=control_routes(sandbox)),
            Route("/livez", _livez),
            *page_routes(sandbox),
        ],
        middleware=[Middleware(Door, sandbox=sandbox)],
        lifespan=lifespan,
    )
