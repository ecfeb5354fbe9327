"""What may go wrong with one event or one delivery, by what the worker should do about it.

    PipelineError
    ├── Retryable       did not happen; try again later
    │   └── Deferred    did not happen because it is not its turn yet; not counted as a try
    ├── Unsure          may have happened; look it up before trying again
    ├── Rejected        will never happen like this; a person must change something first
    └── Superseded      need not happen any more: something else covers it

Anything else is our bug; the worker loop treats it as `Retryable` (inbox) or `Unsure` (deliveries).
"""


class PipelineError(Exception):
    """Base of the outcomes that a handler, a source or a sink may raise."""


class Retryable(PipelineError):
    """It did not happen; try again, not sooner than `after_seconds` when given."""

    def __init__(self, reason: str, *, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_seconds = after_seconds


class Deferred(Retryable):
    """Not its turn yet (a rate limit, a root message not posted): waits without counting as a try."""

    def __init__(self, reason: str, *, after_seconds: float, whole_connection: bool = False) -> None:
        super().__init__(reason, after_seconds=after_seconds)
        self.after_seconds: float = after_seconds
        self.whole_connection = whole_connection
        """Nothing else need be tried on this connection before, either."""


class Unsure(PipelineError):
    """The other side may have done it: no answer, a cut connection, a 5xx."""

    def __init__(self, reason: str, *, counts: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.counts = counts
        """False while the whole vendor is away: it says nothing about this one try."""


class Rejected(PipelineError):
    """It will never work like this; `reason` tells the operator what happened and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Superseded(PipelineError):
    """It need not happen any more; `reason` says what covers it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
