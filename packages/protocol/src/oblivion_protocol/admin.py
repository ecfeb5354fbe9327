"""Namespace `/admin`: what Observer, or any program of an operator, streams.

The feed is a view of what Nexus has stored, not a second log: a line that is sent again has the same `id`, and a
client drops those that it knows.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from oblivion_protocol.base import Identifier, Wire
from oblivion_protocol.states import TaskState

Level = Literal["debug", "info", "warning", "error"]
Mirror = Literal["mirrored", "addressed, not mapped", "closed"]
"""Whether people see a task in the chat."""

MAX_TAIL_LINES = 500
"""How many lines from before may be asked for at `subscribe`."""
MAX_RESUMED_LINES = 5000
"""How many lines `resume` brings at most; of more, the newest."""
MAX_FEED_LINES = 200
"""How many lines one `feed` has at most."""

Cursor = Annotated[str, Field(min_length=1, max_length=200)]
"""Opaque. Everything up to it has been sent."""


class FeedLine(Wire):
    """One line of the live feed: something that happened, in a sentence. Never a body, a token or a secret."""

    id: Identifier = Field(description="Stable: the same line, sent again, has the same.")
    ts: datetime
    level: Level
    kind: str = Field(description="`webhook.done`, `delivery.retry`, `task.accepted`, `agent.online`, …")
    source: str = Field(description="`agent`, `oblivion`, `people`, or an integration's name, such as `clickup`.")
    tenant_id: str
    task_id: str | None = None
    delivery_id: str | None = None
    agent: str | None = Field(default=None, description="Its name.")
    message: str
    data: dict[str, Any] = Field(default_factory=dict[str, Any])


class Feed(Wire):
    """Lines in the order of (`ts`, `id`). One that was committed late may be older than what was sent before."""

    lines: list[FeedLine]
    cursor: Cursor


class AgentPresence(Wire):
    """How one agent is at this moment."""

    id: str
    name: str
    online: bool
    load: int = Field(description="Tasks that it holds.")
    capacity: int = Field(description="Tasks that its connected processes would hold.")
    muted: bool
    last_seen_at: datetime | None = None


class Presence(Wire):
    """All agents that are not revoked, whenever one of them came, went or changed."""

    agents: list[AgentPresence]


class TaskChanged(Wire):
    """A task, or a conversation that nobody works on yet, is not what it was. The id is the task's, if there is one."""

    id: str
    state: TaskState | None = Field(description="Null when nobody was asked yet.")
    mirror: Mirror
    reason: str | None = None
    agent: str | None = Field(default=None, description="The name of the agent that has it.")
    updated_at: datetime


class Stats(Wire):
    """Figures that are seen on every page."""

    unanswered: int = Field(description="What people did and wait for: no outcome yet, or one that they cannot see.")
    waiting_tasks: int
    dead: int
    agents_online: int
    at: datetime


class FeedFilters(Wire):
    """Which lines the client wants; what is empty or absent lets everything through."""

    levels: list[Level] = Field(default_factory=list[Level])
    kinds: list[str] = Field(default_factory=list[str], max_length=50, description="`task` takes `task.accepted`, too.")
    sources: list[str] = Field(default_factory=list[str], max_length=50)
    task_id: str | None = Field(default=None, max_length=64)
    q: str | None = Field(default=None, max_length=200, description="Part of the message, in any case.")


class Subscribe(Wire):
    """Which lines the client wants from now on, and how many from before."""

    filters: FeedFilters = Field(default_factory=FeedFilters)
    tail: int = Field(default=0, ge=0, le=MAX_TAIL_LINES)


class Resume(Wire):
    """After a reconnect, instead of or after `subscribe`: everything since a cursor, so that there is no gap."""

    since: Cursor
    filters: FeedFilters | None = Field(default=None, description="Absent: those of this socket's `subscribe`.")


class FeedAnswer(Wire):
    """Answer to `subscribe` and `resume`; the lines come as `feed`."""

    ok: Literal[True] = True
    cursor: Cursor
    truncated: bool = Field(default=False, description="There were more lines than are sent: the oldest are missing.")


FRAMES: dict[str, type[Wire]] = {
    "feed": Feed,
    "presence": Presence,
    "task": TaskChanged,
    "stats": Stats,
    "subscribe": Subscribe,
    "resume": Resume,
}
"""Event name on the wire → its model. `auth.refresh` and `server.draining` are as in namespace `/agents`."""
