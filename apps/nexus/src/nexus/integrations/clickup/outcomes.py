"""The one table from ClickUp's answers to what the worker does about them.

Source: https://developer.clickup.com/docs/common_errors. ClickUp answers 401 and a code about the workspace
for a task that it does not know, so a 401 by itself does not say that the token is dead.
"""

from datetime import datetime
from typing import TypeVar

import aiohttp
from pydantic import ValidationError

from nexus.integrations.clickup.answers import ErrorAnswer
from nexus.integrations.clickup.budget import seconds_until_reset
from nexus.integrations.clickup.payloads import Payload
from nexus.integrations.clickup.session import Reply
from nexus.kit.logging import redact
from nexus.pipeline.errors import Deferred, PipelineError, Rejected, Retryable, Unsure

_NOT_VISIBLE = frozenset({"OAUTH_023", "OAUTH_026", "OAUTH_027"} | {f"OAUTH_{n:03}" for n in range(29, 46)})
_HOOK_EXISTS = "OAUTH_171"
_LONGEST_QUOTE = 200

AnswerT = TypeVar("AnswerT", bound=Payload)


class HookExists(Rejected):
    """A webhook for this address exists already."""


class Gone(Exception):
    """ClickUp knows no such thing, or hides it from us."""


def unanswered(error: aiohttp.ClientError | OSError, *, writes: bool) -> PipelineError:
    """What a call without an answer means: Retryable when nothing of it was sent, else it may have arrived."""
    name = type(error.__cause__ or error).__name__
    match error:
        case (
            aiohttp.ClientConnectorError()
            | aiohttp.ConnectionTimeoutError()
            | aiohttp.ClientHttpProxyError()
            | aiohttp.ServerFingerprintMismatch()
            | aiohttp.InvalidURL()
            | aiohttp.NonHttpUrlClientError()
        ):
            return Retryable(f"ClickUp cannot be reached ({name})")
        case _:
            return _unclear(f"ClickUp did not answer ({name})", writes=writes)


def require_success(reply: Reply, now: datetime, *, writes: bool) -> None:
    """Returns when it was done. Raises Gone, Deferred, Retryable, Unsure or Rejected."""
    status = reply.status
    if 200 <= status < 300:
        return
    answer = _error_of(reply)
    said = f"{status} {answer.code}".strip()
    if answer.code == _HOOK_EXISTS:
        raise HookExists("ClickUp has a webhook for this address already")
    match status:
        case 401 if answer.code in _NOT_VISIBLE:
            raise Gone
        case 401:
            raise Rejected(
                f"ClickUp refused the token ({said}): make a new API token for Oblivion's ClickUp user and "
                "reconnect ClickUp"
            )
        case 404 if answer.err or answer.code:
            raise Gone
        case 404:
            # Some proxy's page: no proof that a task is gone.
            raise Retryable("something between us and ClickUp answered 404: check the connection's api_url")
        case 429:
            wait_seconds = seconds_until_reset(reply.headers, now)
            raise Deferred("ClickUp's rate limit is reached", after_seconds=wait_seconds, whole_connection=True)
        case _ if status == 408 or status >= 500:
            raise _unclear(f"ClickUp failed ({said})", writes=writes)
        case _ if 300 <= status < 400:
            raise Rejected(f"ClickUp redirects us ({status}): check the connection's api_url")
        case _:
            quote = str(redact(answer.err))[:_LONGEST_QUOTE] or "no reason given"
            raise Rejected(f"ClickUp refused the request ({said}): {quote}")


def answer_of(model: type[AnswerT], reply: Reply, *, writes: bool) -> AnswerT:
    """The body of a success. A write whose answer makes no sense has happened, with an id nobody knows."""
    try:
        return model.model_validate_json(reply.body)
    except ValidationError:
        raise _unclear("ClickUp's answer makes no sense", writes=writes) from None


def _unclear(reason: str, *, writes: bool) -> PipelineError:
    return Unsure(reason) if writes else Retryable(reason)


def _error_of(reply: Reply) -> ErrorAnswer:
    try:
        return ErrorAnswer.model_validate_json(reply.body)
    except ValidationError:
        return ErrorAnswer()
