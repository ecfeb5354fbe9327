"""Slack's errors: HTTP 200 with `ok: false`, except for rate limits."""

import math

from oblivion_sandbox.jsontypes import JsonObject


class SlackError(Exception):
    """Ends a call with an error code; `extra` is added to the answer."""

    def __init__(self, error: str, **extra: object) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra

    def body(self) -> JsonObject:
        """The body of the answer."""
        return {"ok": False, "error": self.error, **self.extra}


class SlackRateLimited(SlackError):
    """HTTP 429 with `Retry-After` in whole seconds (https://docs.slack.dev/apis/web-api/rate-limits)."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__("ratelimited")
        self.retry_after = max(1, math.ceil(wait_seconds))


def invalid_blocks(messages: list[str]) -> SlackError:
    """Says where each mistake is, by json-pointer."""
    return SlackError(
        "invalid_blocks",
        errors=messages,
        response_metadata={"messages": [f"[ERROR] {text}" for text in messages]},
    )
