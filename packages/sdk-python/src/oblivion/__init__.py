"""Write an Oblivion agent: `from oblivion import Agent, Context, TaskAssigned`."""

from oblivion.agent import Agent
from oblivion.context import Context
from oblivion.errors import (
    AnswerExpired,
    ApiError,
    CommandRefused,
    ConfigurationError,
    CredentialsRefused,
    Fatal,
    InvalidCommand,
    MessageTooLarge,
    NotFound,
    OblivionError,
    Retryable,
    StaleEpoch,
    Unreachable,
)
from oblivion_protocol import ContextEntry, ContextUpdate, Link, SearchHit, TaskAssigned, UntrustedText

__all__ = [
    "Agent",
    "AnswerExpired",
    "ApiError",
    "CommandRefused",
    "ConfigurationError",
    "Context",
    "ContextEntry",
    "ContextUpdate",
    "CredentialsRefused",
    "Fatal",
    "InvalidCommand",
    "Link",
    "MessageTooLarge",
    "NotFound",
    "OblivionError",
    "Retryable",
    "SearchHit",
    "StaleEpoch",
    "TaskAssigned",
    "Unreachable",
    "UntrustedText",
]
