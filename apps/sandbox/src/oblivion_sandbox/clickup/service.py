"""ClickUp put together."""

from dataclasses import dataclass
from typing import Self

from oblivion_sandbox.clickup.comments import Comments
from oblivion_sandbox.clickup.hooks import Hooks
from oblivion_sandbox.clickup.state import ClickUpState
from oblivion_sandbox.clickup.tasks import Tasks
from oblivion_sandbox.core import Core
from oblivion_sandbox.ratelimit import WindowLimiter


@dataclass(frozen=True, slots=True)
class ClickUp:
    """The parts of ClickUp over one state."""

    core: Core
    state: ClickUpState
    hooks: Hooks
    tasks: Tasks
    comments: Comments
    limiter: WindowLimiter

    @classmethod
    def over(cls, core: Core, state: ClickUpState) -> Self:
        """Build the parts."""
        hooks = Hooks(core, state)
        tasks = Tasks(core, state, hooks)
        return cls(core, state, hooks, tasks, Comments(core, state, tasks, hooks), WindowLimiter())
