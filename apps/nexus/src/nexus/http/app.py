"""Assembles the HTTP API of the parts that it is given."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.routing import Route

from nexus.http import (
    agents,
    aliases,
    audit,
    connections,
    deliveries,
    explain,
    health,
    integrations,
    keys,
    mappings,
    me,
    members,
    oauth,
    overview,
    search,
    tasks,
    tenants,
    vendors,
)
from nexus.http.boundary import Boundary
from nexus.http.parts import HealthParts, HttpParts
from nexus.http.problems import answer_problem, problem_docs

DESCRIPTION = """
The backend of Oblivion: what is asked for in a tracker reaches an agent, and everything said about it is seen in
the chat. Get a token from `POST /auth/token`; the tenant is in the token and nowhere else. Errors are
`application/problem+json` (RFC 9457); lists are paged with `cursor` and `limit`.
"""

_PROBES = frozenset({"/livez", "/readyz", "/metrics"})


def _is_probe(scope: Mapping[str, Any]) -> bool:
    return scope.get("path") in _PROBES


SPANS: TelemetryConfig = {
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,  # it would export past our guard
    "exclude": _is_probe,
}
"""FastAPI makes a span of each request once a tracer is set up; not of those that come every few seconds."""

_RESOURCES = (
    tenants,
    overview,
    integrations,
    connections,
    agents,
    aliases,
    mappings,
    tasks,
    deliveries,
    explain,
    search,
    me,
    members,
    keys,
    audit,
)


def create_app(parts: HttpParts) -> FastAPI:
    """The application; webhooks and the gateway are mounted in front of it."""
    app = create_routes(parts.health.version)
    app.state.parts = parts
    app.state.health = parts.health
    app.add_exception_handler(HTTPException, answer_problem)
    app.add_exception_handler(RequestValidationError, answer_problem)
    if parts.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(parts.cors_origins),
            allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
            expose_headers=["X-Request-Id", "RateLimit", "RateLimit-Policy", "Retry-After"],
        )
    app.add_middleware(Boundary, cors=bool(parts.cors_origins))
    return app


def create_routes(version: str) -> FastAPI:
    """The routes with no parts behind them: enough to describe the API, not to answer."""
    app = FastAPI(
        title="Nexus",
        description=DESCRIPTION,
        version=version,
        generate_unique_id_function=_operation_id,
        redirect_slashes=False,
        telemetry=SPANS,
    )
    app.include_router(health.router)
    app.include_router(oauth.router)
    for resource in _RESOURCES:
        app.include_router(resource.router, responses=problem_docs())
    app.include_router(vendors.router, responses=problem_docs())  # last: its first segment is any name
    _describe_once(app)
    return app


def _describe_once(app: FastAPI) -> None:
    """Writes `/openapi.json` once. FastAPI writes it for every request, which costs more than any other answer, and
    it is for everybody."""
    written = b""

    async def openapi(_request: Request) -> Response:
        nonlocal written
        written = written or bytes(JSONResponse(app.openapi()).body)
        return Response(written, media_type="application/json")

    routes = app.router.routes
    routes[:] = [route for route in routes if not (isinstance(route, Route) and route.path == app.openapi_url)]
    app.add_route("/openapi.json", openapi, include_in_schema=False)


def create_health_app(parts: HealthParts) -> FastAPI:
    """Health and metrics alone, for a process that serves nothing else."""
    app = FastAPI(version=parts.version, openapi_url=None, redirect_slashes=False, telemetry=SPANS)
    app.state.health = parts
    app.add_exception_handler(HTTPException, answer_problem)
    app.include_router(health.router)
    app.add_middleware(Boundary)
    return app


def _operation_id(route: APIRoute) -> str:
    """The name of the function, so that generated clients keep their names."""
    return route.name
