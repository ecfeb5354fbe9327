"""Refusals, with what a client should do next."""

from typing import Any, Literal

from nexus.mcp.reading import NotHeld
from oblivion_protocol import RefusalCode

Code = RefusalCode | Literal["unavailable"]

_ADVICE: dict[Code, str] = {
    "stale_epoch": "The task is not yours any more: stop working on it, and call next_task.",
    "muted": "You wrote too much too fast: what you said is held until somebody unmutes you. Go on without posting.",
    "rate_limited": "Wait some seconds, then make the same call again.",
    "invalid": "Correct the call; the same call will be refused again.",
    "not_found": "Use task_id, epoch and question_id exactly as they were given to you; call next_task if in doubt.",
    "unavailable": "Wait some seconds, then make the same call again: it has one effect, however often it is made.",
}


class ToolRefused(Exception):
    """A call had no effect."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code: Code = code
        self.detail = detail
        self.news: list[dict[str, Any]] = []
        """What the client has not been told about the task."""

    def told(self) -> dict[str, Any]:
        """What the client is told."""
        news = {"news": self.news} if self.news else {}
        return {"ok": False, "code": self.code, "detail": self.detail, **news, "next": advice(self.code)}


def advice(code: Code) -> str:
    """What to do about a refusal."""
    return _ADVICE[code]


def not_held(error: NotHeld) -> ToolRefused:
    """The refusal of a call about a task that the caller does not hold."""
    return ToolRefused("stale_epoch" if error.known else "not_found", str(error))
