"""Everything that this package raises.

    OblivionError
    ├── ConfigurationError      a setting is missing or wrong: fix it, then start again
    ├── CredentialsRefused      Nexus refuses this agent: check AGENT_ID and AGENT_SECRET
    ├── Unreachable             Nexus cannot be reached now: try again later
    ├── ApiError                an HTTP request was answered with an error
    ├── MessageTooLarge         a message is over the wire's limit; nothing was sent
    ├── AnswerExpired           nobody answered `ctx.ask` or `ctx.approve` in time; this is not a "no"
    ├── CommandRefused          Nexus refused what the agent sent
    │   ├── StaleEpoch          the task is no longer this agent's: stop working on it
    │   ├── InvalidCommand      the message does not fit the wire or the state of the task: do not retry
    │   └── NotFound            no such task for this agent
    ├── Retryable               raised by a handler: this attempt failed, another one may work
    └── Fatal                   raised by a handler: no further attempt will work

A muted agent and a rate limit raise nothing: Nexus holds the messages of a muted agent, and one over the
rate limit is sent again later.
"""

from oblivion_protocol import RefusalCode


class OblivionError(Exception):
    """Base of every error of this package."""


class ConfigurationError(OblivionError):
    """A setting is missing or wrong. The text says which one, and what to do."""


class CredentialsRefused(OblivionError):
    """Nexus refuses this agent's credentials. Trying again with the same ones is useless."""


class Unreachable(OblivionError):
    """Nexus could not be reached, or did not answer in time."""


class ApiError(OblivionError):
    """An HTTP request was answered with an error.

    `status` is the HTTP status, `code` the stable word for programs, `detail` the sentence for people.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


class MessageTooLarge(OblivionError):
    """A message is larger than the wire allows. Shorten it, or put it behind a link with `ctx.artifact`."""


class AnswerExpired(OblivionError):
    """Nobody answered in time. An expired approval is not a denied one."""


class CommandRefused(OblivionError):
    """Nexus refused what the agent sent; it had no effect."""

    def __init__(self, code: RefusalCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code: RefusalCode = code
        self.detail = detail


class StaleEpoch(CommandRefused):
    """The task was canceled, finished, or given to somebody else. Stop working on it."""


class InvalidCommand(CommandRefused):
    """The message does not fit the wire, or is not allowed in the state the task is in."""


class NotFound(CommandRefused):
    """No such task for this agent."""


class Retryable(OblivionError):
    """Raise it in a handler when another attempt may work: the task goes back into the queue."""


class Fatal(OblivionError):
    """Raise it in a handler when no further attempt will work: the task fails with this text."""
