"""What the fake Nexus remembers of tasks, and how a task may move; the rules of the real one."""

from dataclasses import dataclass, field
from typing import Literal

from oblivion_protocol import HELD_STATES, TERMINAL_STATES, Accepted, AnswerOutcome, PlanStep, TaskState

LEASE_SECONDS = 60
HEARTBEAT_SECONDS = 20
ACCEPT_SECONDS = 10
RESEND_SECONDS = 5.0
REFUSAL_PAUSE_SECONDS = 60.0
TASK_TTL_SECONDS = 86_400.0

AT_WORK: frozenset[TaskState] = HELD_STATES - {"offered"}


@dataclass
class Question:
    """Something that a handler asked."""

    id: str
    kind: Literal["ask", "approve"]
    text: str
    """The question, or the action that needs approval."""
    options: list[str]
    approvers: list[str]
    expires_at: float | None = None
    outcome: AnswerOutcome | None = None
    """None while it is open."""
    answer: str = ""
    author: str = ""


@dataclass(frozen=True)
class Artifact:
    """Something that a handler made."""

    name: str
    url: str | None = None
    text: str | None = None


@dataclass
class TaskRecord:
    """One task, as Nexus keeps it."""

    id: str
    type: str
    title: str
    text: str
    author: str
    expires_at: float
    state: TaskState = "submitted"
    reason: str | None = None
    epoch: int = 0
    holder: str | None = None
    """The instance that was offered the task last, while it holds it."""
    lease_until: float | None = None
    next_offer_at: float = 0.0
    plan: list[PlanStep] = field(default_factory=list[PlanStep])
    progress: str = ""
    result: str | None = None
    error: str | None = None
    said: list[str] = field(default_factory=list[str])
    held: list[str] = field(default_factory=list[str])
    """Said while the agent was muted."""
    posts: list[str] = field(default_factory=list[str])
    artifacts: list[Artifact] = field(default_factory=list[Artifact])
    questions: list[Question] = field(default_factory=list[Question])
    context: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    answered: dict[tuple[int, str], Accepted] = field(default_factory=dict[tuple[int, str], Accepted])
    """By epoch and `event_id`."""
    keys: dict[str, Question | None] = field(default_factory=dict[str, Question | None])
    """What went out or was asked under a key."""

    @property
    def over(self) -> bool:
        """Whether nothing can change any more."""
        return self.state in TERMINAL_STATES

    @property
    def open_questions(self) -> list[Question]:
        """Those that wait for somebody, oldest first."""
        return [question for question in self.questions if question.outcome is None]

    def work_state(self) -> TaskState:
        """What a task at work is doing: working, or waiting for people."""
        kinds = {question.kind for question in self.open_questions}
        return "approval_required" if "approve" in kinds else "input_required" if kinds else "working"

    def finish(self, state: TaskState, reason: str | None) -> None:
        """The task is over; open questions go away."""
        self.state, self.reason, self.holder, self.lease_until = state, reason, None, None
        for question in self.open_questions:
            question.outcome = "withdrawn"

    def requeue(self, reason: str, next_offer_at: float) -> None:
        """Nobody holds it any more; what its last holder still sends is stale. Questions stay open."""
        self.state, self.reason, self.holder, self.lease_until = "submitted", reason, None, None
        self.progress = ""
        self.next_offer_at = next_offer_at
