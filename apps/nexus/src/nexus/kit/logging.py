"""Structured logs: an event and its facts, never a story, never a secret."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, cast

import structlog

from nexus.kit.credentials import masked_shapes
from nexus.kit.trace import current_ids

LogFormat = Literal["console", "json"]

_MASK = "[redacted]"


def redact(value: Any) -> Any:
    """The same value with everything that looks like a credential masked, at any depth."""
    if isinstance(value, str):
        return masked_shapes(value, _MASK)
    if isinstance(value, Mapping):
        return {key: redact(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in cast("list[Any]", value)]
    if isinstance(value, BaseException):
        return masked_shapes(f"{type(value).__name__}: {value}", _MASK)
    return value


def _redactor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: redact(value) for key, value in event.items()}


def _traced(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Says of which span the event is a part, if of any."""
    event.update(current_ids())
    return event


def configure_logging(log_format: LogFormat, *, level: str = "INFO", process: str = "") -> None:
    """Sends structlog and the standard library's loggers to stderr in one format."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _traced,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    tail: list[Any] = [structlog.processors.format_exc_info, _redactor]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries write at DEBUG what they send and receive, tokens and bodies: that level is for our own events alone.
    root.setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
    logging.getLogger(__name__.partition(".")[0]).setLevel(level.upper())
    # Their chatter repeats what our own events say, and may quote bodies.
    for noisy in ("httpx", "httpcore", "uvicorn.access", "socketio", "engineio", "slack_sdk", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if process:
        structlog.contextvars.bind_contextvars(process=process)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose events are past facts: `log.info("delivery.done", sink="slack")`."""
    return structlog.stdlib.get_logger(name)
