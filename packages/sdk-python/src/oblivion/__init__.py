"""Write an Oblivion agent: `from oblivion import Agent, Context, TaskAssigned`."""

from oblivion._handlers import CallNext, Middleware
from oblivion.agent import Agent, Lifespan
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
    "CallNext",
    "CommandRefused",
    "ConfigurationError",
    "Context",
    "ContextEntry",
    "ContextUpdate",
    "CredentialsRefused",
    "Fatal",
    "InvalidCommand",
    "Lifespan",
    "Link",
    "MessageTooLarge",
    "Middleware",
    "NotFound",
    "OblivionError",
    "Retryable",
    "SearchHit",
    "StaleEpoch",
    "TaskAssigned",
    "Unreachable",
    "UntrustedText",
]
