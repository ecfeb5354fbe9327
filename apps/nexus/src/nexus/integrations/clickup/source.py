"""The way in: ClickUp's webhooks, https://developer.clickup.com/docs/webhooks."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

from nexus.integrations.clickup.payloads import Change, CommentEvent, Envelope, Written, parse
from nexus.integrations.clickup.settings import own_user_id
from nexus.kit.clock import Clock
from nexus.pipeline.facts import CommentPosted, Echo, Fact, Ignored, ItemChanged, ItemDeleted, Person
from nexus.pipeline.ports import Connected, Drop, Incoming, RawRequest, Reply, Unreadable

CHANGE_EVENTS = frozenset({
    "taskCreated", "taskUpdated", "taskStatusUpdated", "taskAssigneeUpdated", "taskPriorityUpdated",
    "taskTagUpdated", "taskMoved", "taskDueDateUpdated",
})  # fmt: skip
COMMENT_EVENTS = frozenset({"taskCommentPosted", "taskCommentUpdated"})
DELETE_EVENT = "taskDeleted"
_KNOWN_EVENTS = CHANGE_EVENTS | COMMENT_EVENTS | {DELETE_EVENT}
_LONGEST_PLAIN_IDS = 200
"""Longer lists of ids go into the key as a hash: a database index holds short keys only."""


class ClickUpSource:
    """Turns ClickUp's webhooks into facts. Pure, apart from the clock for events that carry no time."""

    name = "clickup"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def key_of(self, request: RawRequest) -> str:
        """The webhook's id: each webhook has a secret of its own."""
        return _webhook_id(_envelope(request))

    def verify(self, request: RawRequest, secret: str, now: datetime) -> bool:
        """Hex HMAC-SHA256 of the raw body (https://developer.clickup.com/docs/webhooksignature).

        There is no time in it, so a replay is caught by the dedup key and not here.
        """
        digest = hmac.digest(secret.encode(errors="replace"), request.body, "sha256").hex()
        given = request.headers.get("x-signature", "")
        return hmac.compare_digest(digest.encode(), given.encode(errors="replace")) and secret != ""

    def read(self, request: RawRequest) -> Incoming | Reply | Drop:
        """What is needed to store the event. Raises Unreadable."""
        envelope = _envelope(request)
        webhook_id = _webhook_id(envelope)
        if not envelope.event:
            raise Unreadable("The body names no event.")
        if envelope.event not in _KNOWN_EVENTS:
            return Drop(f"ClickUp's event {envelope.event[:60]!r} is of no interest")
        if envelope.task_id is None:
            raise Unreadable(f"The {envelope.event} event has no task_id.")
        times = [item.date for item in envelope.history_items if item.date is not None]
        return Incoming(
            dedup_key=_dedup_key(webhook_id, envelope, request.body),
            stream_key=f"clickup:task:{envelope.task_id}",
            occurred_at=_instant(max(times)) if times else self._clock.now(),
        )

    def facts(self, body: bytes, content_type: str, connection: Connected) -> list[Fact]:
        """What happened. Raises Unreadable."""
        event = parse(Envelope, body)
        if event.task_id is None:
            raise Unreadable(f"The {event.event[:60]} event has no task_id.")
        if event.event == DELETE_EVENT:
            return [ItemDeleted(event.task_id)]
        if event.event in COMMENT_EVENTS:
            edited = event.event == "taskCommentUpdated"
            return self._comments(parse(CommentEvent, body), event.task_id, own_user_id(connection), edited)
        if event.event not in CHANGE_EVENTS:
            return [Ignored(f"ClickUp's event {event.event[:60]!r} is of no interest")]
        if event.history_items and all(item.field == "comment" for item in event.history_items):
            return [Ignored("a comment, which comes with an event of its own")]
        return [ItemChanged(event.task_id)]

    def _comments(self, event: CommentEvent, task_id: str, own_id: str, edited: bool) -> list[Fact]:
        if not event.history_items:
            raise Unreadable("The comment event carries no comment.")
        return [self._comment(item, task_id, own_id, edited) for item in event.history_items]

    def _comment(self, item: Written, task_id: str, own_id: str, edited: bool) -> Fact:
        comment = item.comment
        if comment is None:
            raise Unreadable("A history item of the comment event carries no comment.")
        author = item.user or comment.user
        if author is None:
            raise Unreadable("The comment has no author, so it cannot be told from one of our own.")
        # Somebody else may "update" a comment of ours, by resolving it for example: it stays ours.
        if own_id in (author.id, comment.user.id if comment.user is not None else author.id):
            if edited:
                return Ignored("our own comment")
            last_line = comment.readable().strip().rpartition("\n")[2]
            return Echo(task_id, comment.id, None, mark=last_line)
        text = comment.readable()
        if not text:
            return Ignored("a comment without text")
        at = item.date or comment.date
        return CommentPosted(
            item_id=task_id,
            comment_id=comment.id,
            author=Person(author.id, author.username),
            text=text,
            at=self._clock.now() if at is None else _instant(at),
            edited=edited,
            posted_at=_instant(comment.date) if edited and comment.date is not None else None,
        )


def _envelope(request: RawRequest) -> Envelope:
    found = request.parsed.get(Envelope)
    if found is None:
        found = request.parsed[Envelope] = parse(Envelope, request.body)
    return found


def _webhook_id(envelope: Envelope) -> str:
    if envelope.webhook_id is not None:
        return envelope.webhook_id
    if envelope.auto_id is not None or envelope.trigger_id is not None:
        raise Unreadable(
            'This is the payload of a ClickUp Automation ("Call webhook"). Oblivion needs a webhook of the '
            "ClickUp API, which it registers itself when ClickUp is connected: remove that action."
        )
    raise Unreadable("The body has no webhook_id.")


def _dedup_key(webhook_id: str, envelope: Envelope, body: bytes) -> str:
    """ClickUp's documented key is webhook and history item (https://developer.clickup.com/docs/webhooks).

    The event's name belongs to it, because one history item arrives under several. An edit of a comment
    reuses the history item of the comment, so what the comment looks like belongs to it, too.
    """
    ids = ",".join(sorted({item.id for item in envelope.history_items if item.id is not None}))
    if not ids:
        ids = f"sha256:{hashlib.sha256(body).hexdigest()}"
    elif envelope.event == "taskCommentUpdated":
        ids = f"{ids}|{_edit_hash(envelope.history_items)}"
    if len(ids) > _LONGEST_PLAIN_IDS:
        ids = f"sha256:{hashlib.sha256(ids.encode()).hexdigest()}"
    return f"{webhook_id}|{envelope.event}|{ids}"


def _edit_hash(items: tuple[Change, ...]) -> str:
    seen = json.dumps([(item.date, item.comment) for item in items], sort_keys=True)
    return hashlib.sha256(seen.encode()).hexdigest()[:32]


def _instant(millis: int) -> datetime:
    return datetime.fromtimestamp(millis / 1000, UTC)
