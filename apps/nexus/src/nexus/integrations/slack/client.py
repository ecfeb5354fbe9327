"""Calls to Slack's Web API: a thin wrapper over slack_sdk; every failure is an outcome of the pipeline."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from pydantic import ValidationError
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from nexus.integrations.slack.answers import Answer, ChannelInfo, Failure
from nexus.integrations.slack.refusals import Refused, no_answer, refusal, too_fast
from nexus.pipeline.errors import Deferred, PipelineError, Rejected, Retryable, Unsure
from nexus.pipeline.ports import Answered, uncounted
from nexus.pipeline.steps import answered_step, request_step

Expected = TypeVar("Expected", bound=Answer)
Value = TypeVar("Value")

_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=5)


class SlackClient:
    """One token's way to the Web API; keeps its connections open until `aclose`."""

    def __init__(
        self,
        token: str,
        api_url: str,
        *,
        seconds_now: Callable[[], float] = time.monotonic,
        answered: Answered = uncounted,
    ) -> None:
        # Its own retry would post a message twice after a dropped connection, so there is none.
        self._web: Any = AsyncWebClient(token=token, base_url=api_url, retry_handlers=[])
        self._api_url = api_url
        self._now = seconds_now
        self._answered = answered
        self._wait_until: dict[str, float] = {}

    async def read(self, method: str, expected: type[Expected], **params: str | int | bool) -> Expected:
        """Asks. Raises Retryable, Deferred or Rejected."""
        return await self._call(method, expected, params, write=False)

    async def write(self, method: str, expected: type[Expected], **arguments: Any) -> Expected:
        """Does something, once; arguments that are None are left out. Raises Unsure, too."""
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._call(method, expected, given, write=True)

    async def read_or_none(
        self, method: str, expected: type[Expected], *, missing: tuple[str, ...], **params: str | int | bool
    ) -> Expected | None:
        """Asks; None when Slack says one of the `missing` errors."""
        try:
            return await self.read(method, expected, **params)
        except Refused as refused:
            if refused.error in missing:
                return None
            raise

    async def in_channel(self, channel_id: str, call: Callable[[], Awaitable[Value]]) -> Value:
        """Does something in a channel; if we are not in it, joins it once, which works if it is public."""
        try:
            return await call()
        except Refused as refused:
            if refused.error != "not_in_channel":
                raise
            try:
                await self.write("conversations.join", ChannelInfo, channel=channel_id)
            except Rejected:
                raise refused from None
            except Unsure as unsure:
                # To join twice does no harm, and the thing itself has not happened.
                raise Retryable(unsure.reason) from None
        return await call()

    async def aclose(self) -> None:
        """Closes the connections."""
        if self._web.session is not None:
            await self._web.session.close()

    async def _call(self, method: str, expected: type[Expected], arguments: dict[str, Any], *, write: bool) -> Expected:
        wait_seconds = self._wait_until.get(method, 0.0) - self._now()
        if wait_seconds > 0:
            raise Deferred(f"Slack asked to wait before the next {method}.", after_seconds=wait_seconds)
        if self._web.session is None or self._web.session.closed:
            # Given a session of ours, slack_sdk ignores its own `timeout`: it is set here.
            self._web.session = aiohttp.ClientSession(timeout=_TIMEOUT)
        try:
            body = await self._send(method, arguments, write=write)
            return expected.model_validate(body)
        except Deferred as deferred:
            self._wait_until[method] = self._now() + deferred.after_seconds
            raise
        except ValidationError:
            raise no_answer(method, "Slack gave an answer that cannot be understood", write=write) from None

    async def _send(self, method: str, arguments: dict[str, Any], *, write: bool) -> Any:
        try:
            response = await self._request(method, arguments, write=write)
        except SlackApiError as error:
            status = _status_of(error)
            self._answered("refused" if status < 300 else str(status))
            raise _outcome(method, error, status, write=write) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            self._answered("none")
            raise Retryable(f"Slack cannot be reached for {method}: {type(error).__name__}.") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._answered("none")
            raise no_answer(method, f"No answer ({type(error).__name__})", write=write) from None
        except (SlackClientError, AttributeError, TypeError, ValueError):
            # What slack_sdk raises on an answer that is no JSON object.
            self._answered("none")
            raise no_answer(method, "Slack gave an answer that cannot be understood", write=write) from None
        self._answered(str(response.status_code))
        return response.data

    async def _request(self, method: str, arguments: dict[str, Any], *, write: bool) -> Any:
        with request_step("POST" if write else "GET", f"/{method}", self._api_url) as timed:
            try:
                if write:
                    response = await self._web.api_call(method, json=arguments)
                else:
                    response = await self._web.api_call(method, http_verb="GET", params=arguments)
            except SlackApiError as error:
                status = _status_of(error)
                answered_step(timed, status, "refused" if status < 300 else None)
                raise
            answered_step(timed, response.status_code)
            return response


Connect = Callable[[str, str], SlackClient]
"""(token, api_url) → a client of one's own, to be closed."""


def _answer_of(error: SlackApiError) -> Any:
    """What slack_sdk could parse, or else the answer of aiohttp."""
    return error.response  # pyright: ignore[reportUnknownMemberType]


def _status_of(error: SlackApiError) -> int:
    answer = _answer_of(error)
    return int(answer.status_code if hasattr(answer, "status_code") else answer.status)


def _outcome(method: str, error: SlackApiError, status: int, *, write: bool) -> PipelineError:
    answer = _answer_of(error)
    retry_after = str(answer.headers.get("Retry-After", ""))
    if status == 429:
        return too_fast(method, retry_after)
    if status >= 500:
        return no_answer(method, f"Slack answered HTTP {status}", write=write)
    try:
        failure = Failure.model_validate(getattr(answer, "data", None))
    except ValidationError:
        return no_answer(method, f"Slack gave no JSON, but HTTP {status},", write=write)
    return refusal(
        method,
        failure.error,
        needed=failure.needed,
        details=failure.details,
        retry_after=retry_after,
        write=write,
    )
