"""The one table of exception → status and code, and its shape on the wire: RFC 9457."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from nexus.auth.errors import AlreadyExists, AuthError, Invalid, LastAdmin, NotFound, TokenExpired, TokenInvalid
from nexus.pipeline.errors import Rejected, Retryable, Unsure
from nexus.pipeline.onboarding import InUse
from nexus.store.database import is_unavailable
from nexus.tasks.steering import NotCapable, TaskOver
from oblivion_protocol.resources import Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
"""How long a caller should wait while the database is away."""

_CODES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    503: "unavailable",
}


class Refused(Exception):
    """A request that the API turns down on its own account."""

    def __init__(
        self, status: int, detail: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or _CODES.get(status, "error")
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to answer to an exception."""

    status: int
    code: str
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def outcome_of(error: BaseException) -> Outcome:
    """The table. What it does not know is our bug: 500, and not a word of what it was."""
    match error:
        case Refused():
            return Outcome(error.status, error.code, error.detail, error.headers)
        case RequestValidationError():
            return Outcome(400, "invalid", _validation_detail(error))
        case HTTPException():
            detail = error.detail if error.detail else HTTPStatus(error.status_code).phrase
            code = _CODES.get(error.status_code, "error")
            return Outcome(error.status_code, code, str(detail), error.headers or {})
        case TokenExpired():
            return Outcome(401, "token_expired", error.reason, _bearer(error.reason))
        case TokenInvalid():
            return Outcome(401, "unauthorized", error.reason, _bearer(error.reason))
        case AlreadyExists():
            return Outcome(409, "already_exists", error.reason)
        case LastAdmin():
            return Outcome(409, "last_admin", error.reason)
        case NotFound():
            return Outcome(404, "not_found", error.reason)
        case Invalid() | AuthError():
            return Outcome(400, "invalid", error.reason)
        case TaskOver():
            return Outcome(409, "over", "The task is over already.")
        case NotCapable():
            return Outcome(409, "not_capable", error.reason)
        case InUse():
            return Outcome(409, "in_use", error.reason)
        case Rejected():
            return Outcome(422, "rejected", error.reason)
        case Retryable():
            seconds = str(max(1, round(error.after_seconds or RETRY_AFTER_SECONDS)))
            return Outcome(503, "unavailable", error.reason, {"Retry-After": seconds})
        case Unsure():
            return Outcome(502, "unsure", error.reason)
        case _ if is_unavailable(error):
            detail = "The database is away for the moment; try again."
            return Outcome(503, "unavailable", detail, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        case _:
            return Outcome(500, "internal", "This is a bug of ours; it is in the log under the request id.")


def problem(outcome: Outcome, request_id: str) -> JSONResponse:
    """The answer, RFC 9457 §3."""
    body = Problem(
        title=HTTPStatus(outcome.status).phrase,
        status=outcome.status,
        code=outcome.code,
        detail=outcome.detail,
        request_id=request_id,
    )
    return JSONResponse(
        body.model_dump(mode="json"), outcome.status, headers=dict(outcome.headers), media_type=MEDIA_TYPE
    )


async def answer_problem(request: Request, error: Exception) -> JSONResponse:
    """Exception handler for those that the framework would otherwise answer in its own way."""
    return problem(outcome_of(error), request.state.request_id)


def problem_docs() -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: whatever fails, fails like this."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {"default": {"description": "A problem, RFC 9457", "model": Problem, "content": {MEDIA_TYPE: schema}}}


def _bearer(description: str) -> dict[str, str]:
    """RFC 6750 §3."""
    return {"WWW-Authenticate": f'Bearer realm="nexus", error="invalid_token", error_description="{description}"'}


def _validation_detail(error: RequestValidationError) -> str:
    """Which fields and why; never what was sent, which may be a credential."""
    found = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" if each["loc"] else str(each["msg"])
        for each in error.errors()[:5]
    ]
    return "; ".join(found).encode(errors="replace").decode()
