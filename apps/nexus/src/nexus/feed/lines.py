"""Rows as lines of the feed: one sentence for each thing that happened. Pure.

A line's id is made of what it is about and of when it happened, so that the same line is the same whoever reads it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nexus.feed.figures import words
from nexus.pipeline.outbox import QUIET_KINDS
from oblivion_protocol.admin import FeedLine, Level
from oblivion_protocol.commands import TASK_COMMANDS

MAX_TITLE_CHARS = 120

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OUTCOMES: dict[str, tuple[Level, str]] = {
    "retry": ("warning", "tried again"),
    "unsure": ("warning", "nobody knows whether it arrived, so it is looked up"),
    "deferred": ("debug", "waits"),
    "crash": ("warning", "interrupted"),
    "superseded": ("debug", "not wanted any more"),
    "dead": ("error", "given up"),
    "replayed": ("info", "tried anew, as an operator asked"),
    "ignored": ("debug", "nothing to do"),
}
_WAIT = {"retry": "in", "deferred": "for"}
_SENT: tuple[Level, str] = ("info", "sent")
_HANDLED: tuple[Level, str] = ("info", "handled")

_TASK: dict[str, tuple[Level, str]] = {
    "task.submitted": ("info", "{by} asked @{alias} for {type}"),
    "task.offered": ("info", "Offered to {agent}"),
    "task.accept": ("info", "{agent} accepted"),
    "task.reject": ("warning", "{agent} declined"),
    "task.plan": ("debug", "{agent} changed its plan"),
    "task.progress": ("debug", "{agent} is making progress"),
    "task.message": ("info", "{agent} wrote into the thread"),
    "task.ask": ("info", "{agent} asked a question"),
    "task.approve": ("info", "{agent} asked for an approval"),
    "task.artifact": ("info", "{agent} produced something"),
    "task.complete": ("info", "{agent} completed it"),
    "task.fail": ("error", "{agent} could not do it"),
    "task.requeued": ("warning", "Back in the queue"),
    "task.reassigned": ("info", "Given to somebody else"),
    "task.secret_removed": ("warning", "A credential was taken out of what {agent} said"),
    "task.stale": ("warning", "{agent} gives no sign any more"),
    "task.canceled": ("warning", "Stopped"),
    "task.expired": ("warning", "Expired"),
    "question.answered": ("info", "{by} answered a question"),
    "question.expired": ("warning", "A question expired without an answer"),
    "question.withdrawn": ("debug", "A question was withdrawn"),
}
_BY_PEOPLE = frozenset({"task.submitted", "question.answered"})
_OWN_REASONS = frozenset({"task.requeued", "task.stale", "task.canceled", "task.expired", "task.reassigned"})
"""Kinds whose reason is in our words; others may hold what an agent or a person wrote."""
_TASK_FACTS = ("epoch", "instance", "type", "alias", "hops", "kind", "question_id", "retryable", "seconds")
"""What a line shows of an event: never a text that an agent or a person wrote."""

_ACTS = {
    "add": "added", "cancel": "stopped", "change": "changed", "connect": "connected", "create": "created",
    "disconnect": "disconnected", "link": "linked", "mute": "muted", "reassign": "reassigned", "remove": "removed",
    "replay": "replayed", "revoke": "revoked", "rotate": "rotated the secret of", "unlink": "unlinked",
    "unmute": "unmuted",
}  # fmt: skip


def webhook_lines(row: Any, labels: Mapping[str, str]) -> Iterator[FeedLine]:
    """Of an inbox row: that it came, and what became of each try."""
    what, subject = f"Webhook from {labels.get(row.source, row.source)}", f"in:{row.id}"

    def line(at: datetime, level: Level, kind: str, told: str, data: Mapping[str, Any]) -> FeedLine:
        kind, message = f"webhook.{kind}", f"{what}: {told}"
        return _line(row, subject, at, level, kind, message, data, source=row.source, delivery_id=str(row.id))

    yield line(row.created_at, "debug", "received", "received", {})
    for entry in row.history:
        yield line(*_try(entry, _HANDLED))


def delivery_lines(row: Any, labels: Mapping[str, str]) -> Iterator[FeedLine]:
    """Of a delivery: that it is owed, and what became of each try. A card that is redrawn makes no noise."""
    what, subject = f"{words(row.kind).capitalize()} to {labels.get(row.sink, row.sink)}", f"out:{row.id}"

    def line(at: datetime, level: Level, kind: str, told: str, data: Mapping[str, Any]) -> FeedLine:
        kind, message, data = f"delivery.{kind}", f"{what}: {told}", {"kind": row.kind, **data}
        return _line(row, subject, at, level, kind, message, data, source=row.sink, delivery_id=str(row.id))

    yield line(row.created_at, "debug", "queued", "queued", {})
    for entry in row.history:
        yield line(*_try(entry, ("debug", "sent") if row.kind in QUIET_KINDS else _SENT))


def task_line(row: Any) -> FeedLine:
    """Of an event of a task."""
    level, sentence = _TASK.get(row.kind, ("info", words(row.kind.replace(".", " ")).capitalize()))
    message = sentence.format(
        agent=row.agent or "An agent",
        by=row.data.get("by") or "Somebody",
        alias=row.data.get("alias") or "",
        type=row.data.get("type") or "",
    )
    reason = row.data.get("reason") if row.kind in _OWN_REASONS else None
    source = "agent" if row.kind in TASK_COMMANDS else "people" if row.kind in _BY_PEOPLE else "oblivion"
    facts = {name: row.data[name] for name in _TASK_FACTS if row.data.get(name) not in (None, "")}
    if row.title:
        message += f": {_short(row.title)}"
    return _line(
        row,
        f"task:{row.id}",
        row.changed_at,
        level,
        row.kind,
        message + (f" ({reason})" if reason else ""),
        facts | ({"reason": reason} if reason else {}),
        source=source,
        agent=row.agent,
    )


def audit_line(row: Any) -> FeedLine:
    """Of an administrative act."""
    noun, _, verb = row.action.partition(".")
    what = f"{_ACTS.get(verb, words(verb))} {'the ' if noun in ('mapping', 'alias', 'task') else ''}{noun} {row.object}"
    return FeedLine(
        id=f"audit:{row.id}",
        ts=row.changed_at,
        level="info",
        kind=f"audit.{row.action}",
        source="oblivion" if row.actor == "system" else "people",
        tenant_id=str(row.tenant_id),
        task_id=row.object if noun == "task" else None,
        delivery_id=row.object if noun == "delivery" else None,
        agent=row.object if noun == "agent" else None,
        message=f"{row.actor} {what}",
        data={**row.data, "actor": row.actor, "action": row.action, "object": row.object},
    )


def session_lines(row: Any, now: datetime, online_within: timedelta) -> Iterator[FeedLine]:
    """Of a process of an agent: that it came, and that it went or was lost."""
    about = {"instance": row.instance, "session_epoch": row.session_epoch, "version": row.version}

    def line(at: datetime, level: Level, kind: str, what: str) -> FeedLine:
        return FeedLine(
            id=f"session:{row.id}:{row.session_epoch}:{kind}:{_micros(at)}",
            ts=at,
            level=level,
            kind=f"agent.{kind}",
            source="agent",
            tenant_id=str(row.tenant_id),
            agent=row.agent,
            message=f"{row.agent} {what} ({row.instance})",
            data=about,
        )

    yield line(row.connected_at, "info", "online", "connected")
    if row.closed_at is not None:
        yield line(row.closed_at, "info", "offline", "disconnected")
    elif row.last_seen_at + online_within <= now:
        yield line(row.last_seen_at + online_within, "warning", "lost", "has not been heard of any more")


def _try(entry: Mapping[str, Any], done: tuple[Level, str]) -> tuple[datetime, Level, str, str, Mapping[str, Any]]:
    """(when, level, outcome, what is told, data) of one entry of a row's history."""
    outcome, reason, after = entry["outcome"], entry["reason"], entry.get("after_seconds")
    level, told = done if outcome == "done" else _OUTCOMES.get(outcome, ("info", outcome))
    if after and outcome in _WAIT:
        told += f" {_WAIT[outcome]} {after:g} s"
    told += f" ({reason})" if reason else ""
    data = {"reason": reason} | ({} if after is None else {"after_seconds": after})
    return datetime.fromisoformat(entry["at"]), level, outcome, told, data


def _line(
    row: Any,
    subject: str,
    at: datetime,
    level: Level,
    kind: str,
    message: str,
    data: Mapping[str, Any],
    *,
    source: str,
    delivery_id: str | None = None,
    agent: str | None = None,
) -> FeedLine:
    facts = dict(data)
    if row.conversation_id is not None:
        facts["conversation_id"] = str(row.conversation_id)
    if row.title:
        facts["title"] = _short(row.title)
    task_id: UUID | None = row.task_id or row.conversation_id
    return FeedLine(
        id=f"{subject}:{kind.rpartition('.')[2]}:{_micros(at)}",
        ts=at,
        level=level,
        kind=kind,
        source=source,
        tenant_id=str(row.tenant_id),
        task_id=str(task_id) if task_id else None,
        delivery_id=delivery_id,
        agent=agent,
        message=message,
        data=facts,
    )


def _short(title: str) -> str:
    return title if len(title) <= MAX_TITLE_CHARS else title[: MAX_TITLE_CHARS - 1] + "…"


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)
