"""Namespace `/admin`: what Observer streams."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from oblivion_protocol.base import Wire
from oblivion_protocol.states import TaskState

Level = Literal["debug", "info", "warning", "error"]


class FeedLine(Wire):
    """One line of the live feed."""

    ts: datetime
    level: Level
    kind: str
    tenant_id: str
    task_id: str | None = None
    delivery_id: str | None = None
    message: str
    data: dict[str, Any] = Field(default_factory=dict[str, Any])


class PresenceChanged(Wire):
    """An agent came, went, or changed what it can do."""

    agent_id: str
    online: bool
    instance: str | None = None
    at: datetime


class TaskChanged(Wire):
    """A task moved to another state."""

    task_id: str
    state: TaskState
    reason: str | None = None
    agent_id: str | None = None
    at: datetime


class Stats(Wire):
    """Figures for the overview."""

    inbox_pending: int
    inbox_oldest_seconds: float
    deliveries_pending: int
    dead_letters: int
    agents_online: int


class Subscribe(Wire):
    """Which lines the client wants."""

    filters: dict[str, str] = Field(default_factory=dict[str, str])


class Resume(Wire):
    """Lines after this instant, so that a reconnect leaves no gap."""

    since: datetime


FRAMES: dict[str, type[Wire]] = {
    "feed": FeedLine,
    "presence": PresenceChanged,
    "task": TaskChanged,
    "stats": Stats,
    "subscribe": Subscribe,
    "resume": Resume,
}
