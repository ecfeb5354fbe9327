"""What is worth counting, told to whoever counts it: the pipeline and the tasks know no metrics library."""

from datetime import datetime
from typing import Literal, Protocol

from oblivion_protocol import TaskState

DeliveryOutcome = Literal["done", "retry", "superseded", "dead"]


class Meter(Protocol):
    """Told what happens, as it happens: what is rolled back afterwards was counted all the same. Never raises."""

    def delivered(self, sink: str, kind: str, outcome: DeliveryOutcome, created_at: datetime) -> None:
        """A try of a delivery is over; `created_at` is when the delivery became owed."""
        ...

    def accepted(self, waited_seconds: float) -> None:
        """An agent has taken a task for the first time, so long after somebody asked for it."""
        ...

    def finished(self, state: TaskState) -> None:
        """A task has come to a terminal state."""
        ...

    def muted(self) -> None:
        """An agent was silenced that had not been."""
        ...

    def secret_removed(self, kind: str) -> None:
        """A credential was taken out of what an agent said; `kind` is one of `kit.credentials.KINDS`."""
        ...


class Unmetered:
    """Counts nothing."""

    def delivered(self, sink: str, kind: str, outcome: DeliveryOutcome, created_at: datetime) -> None:
        """Nothing."""

    def accepted(self, waited_seconds: float) -> None:
        """Nothing."""

    def finished(self, state: TaskState) -> None:
        """Nothing."""

    def muted(self) -> None:
        """Nothing."""

    def secret_removed(self, kind: str) -> None:
        """Nothing."""


UNMETERED: Meter = Unmetered()
