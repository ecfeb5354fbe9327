"""What an agent tells Nexus, namespace `/agents`, and what it is answered.

Every command about a task names the `epoch` under which the agent holds it and an `event_id` of its own: the
same `event_id` twice gets the same answer and has one effect.
"""

from typing import Annotated, Literal

from pydantic import Field

from oblivion_protocol.base import Identifier, ShortText, Skill, Text, Wire
from oblivion_protocol.errors import RefusalCode
from oblivion_protocol.states import AnswerOutcome


class Holding(Wire):
    """A task that the agent believes it holds."""

    task_id: Identifier
    epoch: int = Field(ge=1)


class Hello(Wire):
    """First message after connecting: who I am, what I can do, where I stopped reading."""

    last_seq: int = Field(default=0, ge=0)
    instance: Identifier = Field(description="Stable id of this process; a second one with it takes over.")
    skills: list[Skill] = Field(default_factory=list[Skill], max_length=100)
    capacity: int = Field(default=1, ge=0, le=1000, description="Tasks at a time; 0 takes no new ones.")
    holding: list[Holding] = Field(default_factory=list[Holding], max_length=1000)
    version: str = Field(default="", max_length=64)


class HelloAnswer(Wire):
    """What Nexus confirms: keep `confirmed`, drop `revoked`; `replayed` events follow."""

    ok: Literal[True] = True
    agent_id: Identifier
    session_epoch: int
    confirmed: list[Holding]
    revoked: list[Holding]
    replayed: int
    lease_seconds: int
    heartbeat_seconds: int


class Ack(Wire):
    """Everything up to and including `seq` has been taken over by the agent."""

    seq: int = Field(ge=0)


class AuthRefresh(Wire):
    """A fresh access token for this connection."""

    token: Annotated[str, Field(min_length=1, max_length=8192)]


class TaskCommand(Wire):
    """A write about one task, fenced by `epoch` and made idempotent by `event_id`."""

    task_id: Identifier
    epoch: int = Field(ge=1)
    event_id: Identifier


class Repeatable(TaskCommand):
    """Something that a task which is worked on anew would say or ask again.

    Unlike `event_id`, which is one command's, `key` is the same each time the work is done: what went out or was asked
    under it in an earlier epoch of the task is neither posted nor asked again, and its answer is kept.
    """

    key: Identifier | None = Field(
        default=None, description="Stable over epochs; absent means said for the first time."
    )


class TaskAccept(TaskCommand):
    """Takes the offer; the lease starts now."""


class TaskReject(TaskCommand):
    """Gives the offer back."""

    reason: Annotated[str, Field(max_length=1000)] = ""


class TaskHeartbeat(TaskCommand):
    """Renews the lease."""


StepState = Literal["pending", "running", "done", "failed"]


class PlanStep(Wire):
    """One line of the plan shown on the card."""

    title: ShortText
    state: StepState = "pending"


class TaskPlan(TaskCommand):
    """Replaces the plan shown on the card."""

    steps: Annotated[list[PlanStep], Field(max_length=20)]


class TaskProgress(TaskCommand):
    """What the agent is doing now; shown on the card, not posted."""

    text: Annotated[str, Field(max_length=300)]


class TaskMessage(Repeatable):
    """Something that people must read: posted into the thread."""

    text: Annotated[Text, Field(min_length=1)]


class TaskAsk(Repeatable):
    """Asks the people in the thread; the answer comes as `context.updated` of kind `answer`."""

    question: Annotated[str, Field(min_length=1, max_length=3000)]
    options: Annotated[list[ShortText], Field(max_length=20)] = Field(default_factory=list[str])
    timeout_seconds: int | None = Field(default=None, ge=1)


class TaskApprove(Repeatable):
    """Asks for permission; only listed approvers may give it, an expired request is not a denial."""

    action: Annotated[str, Field(min_length=1, max_length=3000)]
    approvers: Annotated[list[ShortText], Field(max_length=50)] = Field(default_factory=list[str])
    timeout_seconds: int | None = Field(default=None, ge=1)


class TaskArtifact(Repeatable):
    """Something produced: a link, or a short text."""

    name: ShortText
    url: Annotated[str, Field(max_length=3000)] | None = None
    text: Text | None = None


class TaskComplete(TaskCommand):
    """Done; the result is posted into the thread and the task is over."""

    result: Text = ""


class TaskFail(TaskCommand):
    """Could not be done. `retryable` puts it back in the queue for another try."""

    error: Annotated[str, Field(min_length=1, max_length=4000)]
    retryable: bool = False


class QuestionAnswer(Wire):
    """What became of a question. `expired` is not a denial."""

    outcome: AnswerOutcome
    text: str = ""
    author: str = ""


class Accepted(Wire):
    """The command was carried out, or had been already."""

    ok: Literal[True] = True
    lease_seconds: int | None = None
    question_id: Identifier | None = None
    answer: QuestionAnswer | None = Field(
        default=None, description="Of a question that was settled in an earlier epoch."
    )
    held: bool = Field(default=False, description="True when the agent is muted and the message waits.")


class Refused(Wire):
    """The command had no effect."""

    ok: Literal[False] = False
    code: RefusalCode
    detail: str


Answer = Accepted | Refused

COMMANDS: dict[str, type[Wire]] = {
    "hello": Hello,
    "ack": Ack,
    "auth.refresh": AuthRefresh,
    "task.accept": TaskAccept,
    "task.reject": TaskReject,
    "task.heartbeat": TaskHeartbeat,
    "task.plan": TaskPlan,
    "task.progress": TaskProgress,
    "task.message": TaskMessage,
    "task.ask": TaskAsk,
    "task.approve": TaskApprove,
    "task.artifact": TaskArtifact,
    "task.complete": TaskComplete,
    "task.fail": TaskFail,
}
"""Event name on the wire → its model."""

TASK_COMMANDS: dict[str, type[TaskCommand]] = {
    name: model for name, model in COMMANDS.items() if issubclass(model, TaskCommand)
}
