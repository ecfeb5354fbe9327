"""`GET /v1/overview`: is everything all right?"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from oblivion_protocol.base import Wire
from oblivion_protocol.operating import Check

Health = Literal["ok", "degraded", "down"]


class UnansweredItem(Wire):
    """Something a person did that has no visible outcome yet, and why."""

    id: str
    kind: Literal["event", "delivery", "task"]
    title: str
    why: str
    since: datetime
    task_id: str | None = None


class Unanswered(Wire):
    """The headline figure."""

    count: int
    oldest_seconds: float | None
    items: list[UnansweredItem] = Field(description="The oldest, at most 10.")


class Waiting(Wire):
    """What is under way or waits for its turn."""

    tasks: int
    events: int
    deliveries: int
    oldest_seconds: float | None


class Dead(Wire):
    """Dead letters."""

    count: int


class AgentsNow(Wire):
    """The agents that are not revoked."""

    online: int
    total: int
    muted: int
    busy: int = Field(description="Agents that hold a task.")
    capacity: int = Field(description="Tasks that all connected processes would hold.")


class Throughput(Wire):
    """Sums over the window."""

    received: int = Field(description="Events that came in.")
    delivered: int = Field(description="Effects that are out.")
    failed: int = Field(description="Events and effects that became dead letters.")


class Bucket(Wire):
    """One part of the window; `at` is its beginning."""

    at: datetime
    received: int
    delivered: int
    failed: int
    p95_ms: float | None = Field(description="From being owed to being out, in milliseconds; null when nothing was.")


class VendorHealth(Wire):
    """A connection to a vendor, as it was when it was looked at last."""

    connection_id: str
    vendor: str
    name: str
    state: Health
    checks: list[Check]
    checked_at: datetime | None


class Dependency(Wire):
    """A server that Nexus needs."""

    state: Health
    detail: str


class FirstRun(Wire):
    """What has been done of the way from nothing to the first mirrored task."""

    clickup: bool
    slack: bool
    mapping: bool
    agent: bool
    agent_online: bool
    mirrored: bool
    mirrored_task_id: str | None = None


class Overview(Wire):
    """Everything on one page, as of `generated_at`."""

    generated_at: datetime
    unanswered: Unanswered
    waiting: Waiting
    dead: Dead
    agents: AgentsNow
    error_rate: float = Field(
        ge=0, le=1, description="Failed, of all that came in and was to go out within the window."
    )
    throughput: Throughput
    series: list[Bucket] = Field(description="Oldest first; empty buckets included; the last one is still filling.")
    p95_ms: float | None
    vendors: list[VendorHealth]
    postgres: Dependency
    redis: Dependency
    first_run: FirstRun
