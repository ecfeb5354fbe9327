"""The hops of a task's story: how each reads, how bad it is and how long it took. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from nexus.kit.trace import trace_id_of
from oblivion_protocol.resources import Attempt, TimelineEntry

Level = Literal["info", "warning", "error"]

_LEVELS: Mapping[str, Level] = {
    "task.fail": "error",
    "task.failed": "error",
    "task.expired": "error",
    "task.requeued": "warning",
    "task.reject": "warning",
    "task.rejected": "warning",
    "task.stale": "warning",
    "task.secret_removed": "warning",
    "task.canceled": "warning",
    "question.expired": "warning",
}
MILESTONES = ("task.submitted", "task.offered", "task.accept", "task.requeued", "task.reassigned")
"""Events from which the time that others took is counted."""
_FRUITLESS = frozenset({"retry", "unsure", "crash", "dead"})
"""Ends of tries that did not do what was wanted."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One entry, with the id that orders it among those of the same instant."""

    at: datetime
    id: UUID
    kind: str
    summary: str
    data: dict[str, Any]
    level: Level = "info"
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: Sequence[Attempt] = field(default_factory=tuple)
    traceparent: str | None = None

    def entry(self) -> TimelineEntry:
        """As the API shows it."""
        took = None
        if self.started_at is not None and self.ended_at is not None:
            took = max((self.ended_at - self.started_at).total_seconds() * 1000, 0.0)
        return TimelineEntry(
            id=str(self.id),
            at=self.at,
            started_at=self.started_at,
            duration_ms=None if took is None else round(took, 3),
            level=self.level,
            kind=self.kind,
            summary=self.summary,
            attempts=list(self.attempts),
            trace_id=trace_id_of(self.traceparent),
            data=self.data,
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """A line of a task's history, as far as durations are told by it."""

    at: datetime
    id: UUID
    task_id: UUID
    epoch: int | None
    kind: str


def beginnings(moments: Iterable[Moment]) -> dict[UUID, datetime]:
    """When that began which each line ends, for the lines that end something.

    An offer ends a wait, an acceptance ends an offer, and an outcome ends the work. `moments` are those of one or
    several tasks, oldest first.
    """
    waiting: dict[UUID, datetime] = {}
    offered: dict[tuple[UUID, int | None], datetime] = {}
    accepted: dict[tuple[UUID, int | None], datetime] = {}
    found: dict[UUID, datetime] = {}
    for one in moments:
        turn = (one.task_id, one.epoch)
        began: datetime | None = None
        match one.kind:
            case "task.submitted" | "task.reassigned":
                waiting.setdefault(one.task_id, one.at)
            case "task.requeued":
                began = accepted.get(turn) or offered.get(turn)
                waiting[one.task_id] = one.at
            case "task.offered":
                began = waiting.pop(one.task_id, None)
                offered[turn] = one.at
            case "task.accept":
                began = offered.get(turn)
                accepted[turn] = one.at
            case "task.completed" | "task.failed" | "task.canceled" | "task.expired":
                began = accepted.get(turn)
            case _:
                pass
        if began is not None:
            found[one.id] = began
    return found


def level_of_event(kind: str) -> Level:
    """How bad it is that this happened to a task."""
    return _LEVELS.get(kind, "info")


def level_of_row(state: str, attempts: Sequence[Attempt]) -> Level:
    """How bad it is where an inbox row or a delivery stands, and how it came there."""
    if state == "dead":
        return "error"
    return "warning" if any(attempt.outcome in _FRUITLESS for attempt in attempts) else "info"


def attempts_of(history: Sequence[Mapping[str, Any]]) -> list[Attempt]:
    """What became of each try, from the column of that name."""
    return [Attempt(at=each["at"], outcome=each["outcome"], reason=each.get("reason")) for each in history]


def event_summary(kind: str, data: Mapping[str, Any]) -> str:
    """`task.canceled` and a reason → `Task canceled (the item was deleted)`."""
    text = kind.replace(".", " ").replace("_", " ")
    match kind:
        case "task.offered" if data.get("agent"):
            text = f"task offered to {data['agent']}"
        case "task.accept" if data.get("agent"):
            text = f"{data['agent']} took the task"
        case "task.requeued" if data.get("agent"):
            text = f"task taken back from {data['agent']}"
        case "task.secret_removed":
            text = f"credential removed from {data.get('within')} ({str(data.get('kind')).replace('_', ' ')})"
        case "task.reassigned":
            text = f"task given to {data.get('to') or 'whoever is free'} by {data.get('by')}"
        case _:
            pass
    reason = data.get("reason")
    return sentence(text, reason if isinstance(reason, str) else None)


def sentence(text: str, reason: str | None) -> str:
    """With a capital letter, and the reason in brackets."""
    return text[:1].upper() + text[1:] + (f" ({reason})" if reason else "")
