"""States of a task. Nexus derives them from facts; agents never set them. Names follow A2A 1.0."""

from typing import Literal

TaskState = Literal[
    "submitted",
    "offered",
    "working",
    "input_required",
    "approval_required",
    "completed",
    "failed",
    "canceled",
    "rejected",
    "expired",
]

TERMINAL_STATES: frozenset[TaskState] = frozenset({"completed", "failed", "canceled", "rejected", "expired"})
HELD_STATES: frozenset[TaskState] = frozenset({"offered", "working", "input_required", "approval_required"})
"""States in which exactly one agent holds the task, under the current epoch."""

WaitReason = Literal[
    "agent_offline", "agent_busy", "muted", "no_agent", "no_skill", "not_accepted", "lease_lost", "rejected"
]
"""Why a submitted task is waiting."""

AnswerOutcome = Literal["answered", "expired", "withdrawn"]
"""What became of a question or a request for approval; nobody answering in time is not a "no"."""
