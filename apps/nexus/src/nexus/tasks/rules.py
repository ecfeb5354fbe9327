"""The life of a task: pure rules, no I/O (1-product.md, Agents and tasks).

submitted ─ offer → offered ─ accept → working ⇄ input_required / approval_required
   ▲                   │                  │
   └───────────────────┴── not accepted, rejected, lease lost
terminal: completed · failed · canceled · rejected · expired
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nexus.pipeline.facts import Person
from oblivion_protocol import HELD_STATES, TERMINAL_STATES, TaskState, WaitReason

LEASE_SECONDS = 60
HEARTBEAT_SECONDS = 20
ACCEPT_SECONDS = 10
ONLINE_SECONDS = 30
POLLING = "mcp"
"""The gateway of processes that ask from time to time, and whose leases are longer."""
STALE_SECONDS = 30 * 60
STALE = "stale"
"""The reason that is shown on a task whose holder renews its lease and gives no other sign."""
TASK_TTL_SECONDS = 24 * 3600
REASSIGNED = "reassigned"
"""The reason with which a task is taken from an agent for another one."""
REFUSAL_PAUSE_SECONDS = 60
"""How long an agent that did not take an offer is not offered the same task again."""

MAX_HOPS = 6
"""How many agents may pass a matter on, each to the next, before a person has to ask anew."""
MAX_TURNS = 4
"""How many tasks agents may give one another in a conversation in which no person speaks."""

AT_WORK: frozenset[TaskState] = HELD_STATES - {"offered"}
"""States in which the holder may write."""

_NEXT: dict[TaskState, frozenset[TaskState]] = {
    "submitted": frozenset({"offered", "canceled", "expired", "rejected"}),
    "offered": frozenset({"working", "submitted", "canceled", "expired"}),
    "working": frozenset(
        {"input_required", "approval_required", "completed", "failed", "submitted", "canceled", "expired"}
    ),
    "input_required": frozenset({"working", "completed", "failed", "submitted", "canceled", "expired"}),
    "approval_required": frozenset({"working", "completed", "failed", "submitted", "canceled", "expired"}),
    "completed": frozenset(),
    "failed": frozenset(),
    "canceled": frozenset(),
    "rejected": frozenset(),
    "expired": frozenset(),
}


def may_become(state: TaskState, following: TaskState) -> bool:
    """Whether a task may go from one state to another; terminal states are immutable."""
    return following in _NEXT[state]


def is_over(state: TaskState) -> bool:
    """Whether the state is terminal."""
    return state in TERMINAL_STATES


@dataclass(frozen=True, slots=True)
class Candidate:
    """A connected process of an agent that stands behind the alias of a task."""

    agent_id: str
    instance: str
    skills: frozenset[str]
    capacity: int
    load: int
    online: bool
    muted: bool
    paused: bool
    """It did not take this very task a moment ago."""
    connected_at: datetime
    set_aside: bool = False
    """An operator has chosen another agent for this very task."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What an agent is good for, whether or not it is connected."""

    name: str
    aliases: frozenset[str]
    """Lower case, without the @."""
    skills: frozenset[str]
    revoked: bool


def choose(candidates: Sequence[Candidate], task_type: str) -> Candidate | WaitReason:
    """Who is offered a task: skilled, online, not muted, with a free slot; least busy first.

    Between equals the process that connected last is chosen: somebody has just started it and waits to see it
    work. Without a candidate the reason says what would have to change.
    """
    if not candidates:
        return "agent_offline"
    narrowing: tuple[tuple[WaitReason, list[Candidate]], ...] = (
        ("agent_offline", wanted := [one for one in candidates if not one.set_aside]),
        ("agent_offline", online := [one for one in wanted if one.online]),
        ("no_skill", skilled := [one for one in online if task_type in one.skills]),
        ("muted", speaking := [one for one in skilled if not one.muted]),
        ("agent_busy", free := [one for one in speaking if one.load < one.capacity]),
        ("not_accepted", willing := [one for one in free if not one.paused]),
    )
    for reason, left in narrowing:
        if not left:
            return reason
    return min(willing, key=lambda one: (one.load, -one.connected_at.timestamp(), one.instance))


def why_not(candidate: Candidate, task_type: str) -> str | None:
    """What keeps this process from being offered a task, in words; None when nothing does."""
    if candidate.set_aside:
        return "another agent was chosen for it"
    if not candidate.online:
        return "not online"
    if task_type not in candidate.skills:
        return f"cannot do {task_type}"
    if candidate.muted:
        return "muted"
    if candidate.load >= candidate.capacity:
        return f"busy: {candidate.load} of {candidate.capacity} slots taken"
    if candidate.paused:
        return f"did not take it a moment ago; is asked again {REFUSAL_PAUSE_SECONDS} s later"
    return None


def why_not_capable(agent: Capability, alias: str, task_type: str) -> str | None:
    """Why an agent cannot be given a task by name, in a sentence; None when nothing speaks against it."""
    if agent.revoked:
        return f"{agent.name} is revoked."
    if alias.lower() not in agent.aliases:
        return f"{agent.name} does not stand behind @{alias}: put it there first."
    if task_type not in agent.skills:
        return f"{agent.name} cannot do {task_type}: it is not registered for it and has never announced it."
    return None


def may_approve(approvers: Sequence[str], person: Person) -> bool:
    """Whether somebody is among those who were listed: by id, e-mail address, or group, never by a name that people
    can give themselves."""
    known = {person.id.casefold(), *person.handles}
    return any(_plain_handle(one) in known for one in approvers)


def _plain_handle(listed: str) -> str:
    """`<@U123>` and `<!subteam^S123|@oncall>`, as a chat writes its mentions, are the ids within."""
    handle = listed.strip().casefold()
    if handle.startswith("<") and handle.endswith(">"):
        handle = handle[1:-1].partition("|")[0]
        return handle.removeprefix("!subteam^").removeprefix("@")
    return handle


def why_not_handed_over(hops: int, turns: int) -> str | None:
    """Why a task that an agent asks of another one is not opened; None when it is. Stops loops."""
    if hops > MAX_HOPS:
        return f"it has been passed on {MAX_HOPS} times already"
    if turns > MAX_TURNS:
        return f"agents have asked one another {MAX_TURNS} times in a row"
    return None


def lease_end(now: datetime) -> datetime:
    """Until when a holder that has just given a sign keeps its task."""
    return now + timedelta(seconds=LEASE_SECONDS)
