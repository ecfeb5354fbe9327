"""What may have happened out there, in words that fit every vendor.

A *tracker* holds lists of items with comments (ClickUp). A *chat* holds channels with threaded messages (Slack).
A source turns a raw webhook into facts; routing turns facts into tasks and deliveries.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who wrote or did something."""

    id: str
    name: str = ""
    handles: frozenset[str] = frozenset()
    """By what else they may be listed as an approver, lower case: an e-mail address, groups such as `@oncall`.

    Nothing that people can give themselves, as a display name is.
    """


@dataclass(frozen=True, slots=True)
class ItemChanged:
    """A hint that an item of the tracker was created or changed: fetch it before deciding."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    """An item is gone."""

    item_id: str


@dataclass(frozen=True, slots=True)
class CommentPosted:
    """Somebody commented on an item, or edited the comment (`edited`)."""

    item_id: str
    comment_id: str
    author: Person
    text: str
    at: datetime
    edited: bool = False
    posted_at: datetime | None = None
    """Of an edit: when the comment was written, where the event tells."""


@dataclass(frozen=True, slots=True)
class MessagePosted:
    """A person wrote a message in a channel of the chat. `text` is plain, mentions and links resolved later."""

    channel_id: str
    ts: str
    thread_ts: str | None
    author: Person
    text: str
    at: datetime
    files: tuple[str, ...] = ()
    sync_requested: bool = False
    """The message carries metadata of type `oblivion_sync`."""


@dataclass(frozen=True, slots=True)
class MessageEdited:
    """A person changed a message that was written at `posted_at`."""

    channel_id: str
    ts: str
    thread_ts: str | None
    author: Person
    text: str
    at: datetime
    posted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageDeleted:
    """A person deleted a message."""

    channel_id: str
    ts: str
    thread_ts: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ReactionAdded:
    """A person put an emoji (its name, without colons or skin tone) on a message."""

    channel_id: str
    ts: str
    name: str
    author: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """A person pressed one of our buttons. `action` and `value` are what we put on the button."""

    channel_id: str
    root_ts: str
    action: str
    value: str
    author: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class Echo:
    """A message or comment of our own exists. `place_id` is its channel or item."""

    place_id: str
    external_id: str
    delivery_id: UUID | None
    """Which delivery made it, where it says so itself; else `mark` holds the permalink that it mirrors."""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionBroken:
    """The vendor says that our access is gone; `reason` tells the operator what to do."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Valid, and of no interest; `reason` is shown to whoever asks why nothing happened."""

    reason: str


Fact = (
    ItemChanged
    | ItemDeleted
    | CommentPosted
    | MessagePosted
    | MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ButtonPressed
    | Echo
    | ConnectionBroken
    | Ignored
)


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the tracker as it is now."""

    id: str
    list_id: str
    list_name: str
    title: str
    description: str
    """Markdown if the tracker has it, else plain text; written by people, never trusted."""
    url: str
    status: str
    closed: bool
    priority: str | None
    creator: Person
    assignees: tuple[str, ...]
    tags: tuple[str, ...]
    updated_ms: int
    """When it last changed, Unix time in milliseconds."""


@dataclass(frozen=True, slots=True)
class CardView:
    """Everything that the card of a conversation shows; pure data, drawn by the chat's integration."""

    conversation_id: str
    title: str
    url: str
    list_name: str
    status: str
    priority: str | None
    requested_by: str
    assignees: tuple[str, ...]
    alias: str
    agent: str | None
    task_id: str | None
    state: str
    reason: str | None
    progress: str | None
    plan: tuple[tuple[str, str], ...] = ()
    """(title, state) of each step; states as in the protocol's `PlanStep`."""
    stoppable: bool = False
    tombstone: str | None = None
    """Set when the item is gone: what to say in place of the state."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Under which name something is said in the chat; the default is the app itself."""

    name: str | None = None
    icon: str | None = None


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question of an agent, or its request for approval, as it is now; pure data, drawn by the integrations."""

    id: str
    kind: Literal["ask", "approve"]
    prompt: str
    options: tuple[str, ...]
    approvers: tuple[str, ...]
    """Who alone may approve; empty when everybody in the channel may."""
    state: Literal["open", "answered", "expired", "withdrawn"]
    answer: str | None
    answered_by: str | None
    expires_at: datetime | None
    agent: str


@dataclass(frozen=True, slots=True)
class MuteView:
    """What became of a silenced agent in one conversation, as it is now; pure data, drawn by the integrations."""

    id: str
    conversation_id: str
    agent: str
    reason: str
    waiting: int
    """What it has said here that nobody has seen."""
    posted: int
    dropped: int
    last_said: str
    """The newest of it; written by an agent, never trusted."""
    muted: bool
    may_unmute: bool
    """Whether people in the thread may take it back: not when an operator did it."""
    stoppable: bool
    ended_by: str | None


@dataclass(frozen=True, slots=True)
class PostCard:
    """Post the root message of a conversation, drawn from its state at the moment of sending."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class UpdateCard:
    """Redraw the root message in place."""

    channel_id: str


@dataclass(frozen=True, slots=True)
class PostReply:
    """Say something in the thread. `text` is plain text from anybody: the integration escapes it."""

    channel_id: str
    text: str
    speaker: Speaker = field(default_factory=Speaker)
    late_at: datetime | None = None
    """Set when later things are out already: the reply is marked with its own time."""


@dataclass(frozen=True, slots=True)
class EditReply:
    """Change a reply of ours: the one that mirrors the delivery's message."""

    channel_id: str
    text: str
    speaker: Speaker = field(default_factory=Speaker)
    late_at: datetime | None = None
    """Set when the reply is marked as late: it stays so."""


@dataclass(frozen=True, slots=True)
class AddComment:
    """Comment on the item for a person of the chat; ends with the message's permalink, our proof."""

    item_id: str
    channel_id: str
    ts: str
    author: Person
    text: str
    late_at: datetime | None = None
    """Set when something that was said later stands there already: when it was really written."""


@dataclass(frozen=True, slots=True)
class EditComment:
    """Change (or mark deleted) a comment of ours that mirrors message `ts`."""

    item_id: str
    channel_id: str
    ts: str
    author: Person
    text: str
    deleted: bool = False
    late_at: datetime | None = None
    """Set when the comment is marked as late: it stays so."""


@dataclass(frozen=True, slots=True)
class PostQuestion:
    """Ask in the thread, with buttons; drawn from the question's state at the moment of sending."""

    channel_id: str
    question_id: str
    speaker: Speaker = field(default_factory=Speaker)


@dataclass(frozen=True, slots=True)
class UpdateQuestion:
    """Redraw a question that is settled: its buttons go away."""

    channel_id: str
    question_id: str


@dataclass(frozen=True, slots=True)
class PostMute:
    """Say in the thread that the agent is silenced, with buttons; drawn from its state at the moment of sending."""

    channel_id: str
    mute_id: str


@dataclass(frozen=True, slots=True)
class UpdateMute:
    """Redraw that notice in place."""

    channel_id: str
    mute_id: str


@dataclass(frozen=True, slots=True)
class AddNote:
    """Put a question of an agent under the item; ends with a mark of its own, our proof."""

    item_id: str
    question_id: str


@dataclass(frozen=True, slots=True)
class EditNote:
    """Say under the item what became of the question."""

    item_id: str
    question_id: str


Intent = (
    PostCard
    | UpdateCard
    | PostReply
    | EditReply
    | PostQuestion
    | UpdateQuestion
    | PostMute
    | UpdateMute
    | AddComment
    | EditComment
    | AddNote
    | EditNote
)
"""What a delivery wants done."""
