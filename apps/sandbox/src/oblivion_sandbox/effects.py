"""What stands in the outside world, message by message: what a checker compares with what it had sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from oblivion_sandbox import seed
from oblivion_sandbox.clickup.state import Comment
from oblivion_sandbox.jsontypes import JsonObject, as_object

DocumentT = TypeVar("DocumentT")


@dataclass(frozen=True, slots=True)
class Standing(Generic[DocumentT]):
    """A message or comment as it was after its last change."""

    n: int
    """Number of that change, from the counter that calls and deliveries share."""
    place: str
    """Slack channel, ClickUp task."""
    document: DocumentT
    edited: bool = False
    deleted: bool = False


class Ledger(Generic[DocumentT]):
    """One vendor's messages in the order of their last change. What was deleted stays, marked."""

    def __init__(self, next_n: Callable[[], int]) -> None:
        self._next_n = next_n
        self._standing: dict[tuple[str, str], Standing[DocumentT]] = {}

    def put(self, place: str, key: str, document: DocumentT) -> None:
        """Something was written, or changed."""
        known = self._standing.pop((place, key), None)
        self._standing[place, key] = Standing(self._next_n(), place, document, edited=known is not None)

    def delete(self, place: str, key: str) -> None:
        """Something was deleted."""
        known = self._standing.pop((place, key))
        self._standing[place, key] = Standing(self._next_n(), place, known.document, known.edited, deleted=True)

    def since(self, n: int) -> list[Standing[DocumentT]]:
        """What changed after entry `n`, in its newest state, oldest change first."""
        found: list[Standing[DocumentT]] = []
        for standing in reversed(self._standing.values()):
            if standing.n <= n:
                break
            found.append(standing)
        return found[::-1]

    def clear(self) -> None:
        """Forgets everything."""
        self._standing.clear()


def slack_effect(standing: Standing[JsonObject]) -> JsonObject:
    """A message as `/_control/slack/effects` shows it."""
    message = standing.document
    payload = as_object((as_object(message.get("metadata")) or {}).get("event_payload")) or {}
    return {
        "n": standing.n,
        "channel": standing.place,
        "ts": message["ts"],
        "thread_ts": message.get("thread_ts"),
        "text": message.get("text", ""),
        "first_block": next(iter(message.get("blocks", ())), None),
        "username": message.get("username"),
        "bot": "bot_id" in message,
        "edited": standing.edited,
        "deleted": standing.deleted,
        "delivery_id": payload.get("delivery_id"),
    }


def clickup_effect(standing: Standing[Comment]) -> JsonObject:
    """A comment as `/_control/clickup/effects` shows it."""
    comment = standing.document
    return {
        "n": standing.n,
        "task_id": standing.place,
        "id": comment.id,
        "parent_id": comment.parent_id,
        "date": comment.date_ms,
        "text": comment.text,
        "bot": comment.user_id == seed.CLICKUP_USER_BOT,
        "edited": standing.edited,
        "deleted": standing.deleted,
    }
