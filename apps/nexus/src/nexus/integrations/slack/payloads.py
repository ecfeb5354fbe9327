"""What Slack sends us, parsed once at the door: unknown keys are ignored, wrong shapes are `Unreadable`.

Shapes: docs.slack.dev/apis/events-api, docs.slack.dev/reference/events, docs.slack.dev/interactivity.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar, cast
from urllib.parse import parse_qs
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from nexus.kit.nesting import is_too_deep
from nexus.pipeline.ports import Unreadable

DELIVERY_TYPE = "oblivion_delivery"
"""Type of the metadata that names the delivery which made a message."""
MARKER = "obl:"
"""What the id of a block begins with that names it likewise."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _storable(value: Any) -> Any:
    """PostgreSQL stores neither NUL nor lone surrogates; a message is worth more than they are."""
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]
"""An id of Slack's: printable ASCII, so that it is safe in keys, logs and the database."""
Ts = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}\.[0-9]{1,6}$")]
"""Seconds and microseconds since 1970, which also names a message in its channel: text, never a float."""
Text = Annotated[str, BeforeValidator(_storable)]


class Payload(BaseModel):
    """Base of everything parsed here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Authorization(Payload):
    """One of the installations that may see an event."""

    team_id: Id | None = None


class Envelope(Payload):
    """The outside of every JSON request: an event, the URL challenge, or word of a rate limit."""

    type: Id
    api_app_id: Id | None = None
    team_id: Id | None = None
    authorizations: tuple[Authorization, ...] | None = None
    event_id: Id | None = None
    event_time: Annotated[int, Field(ge=0, lt=10**10)] | None = None
    event: dict[str, Any] | None = None
    challenge: Text | None = None
    minute_rate_limited: Annotated[int, Field(ge=0, lt=10**10)] | None = None

    @property
    def workspace_id(self) -> str | None:
        """Where the app is installed, which in a shared channel is not where the event happened.

        Source: bolt-python, slack_bolt/request/internals.py (authorizations[0].team_id before team_id).
        """
        first = self.authorizations[0].team_id if self.authorizations else None
        return first or self.team_id


class Metadata(Payload):
    """Message metadata: any app's, so nothing is known of what it holds."""

    event_type: Text = ""
    event_payload: dict[str, Any] = Field(default_factory=dict[str, Any])

    @property
    def delivery_id(self) -> str | None:
        """The delivery that a message of ours belongs to."""
        named: Any = self.event_payload.get("delivery_id") if self.event_type == DELIVERY_TYPE else None
        return named if isinstance(named, str) else None


class Edited(Payload):
    """When a message was last edited by its author."""

    ts: Ts


class File(Payload):
    """A shared file, as a link for people."""

    permalink: Text | None = None


class Block(Payload):
    """A block of a message; of ours, the id of the first is our marker."""

    block_id: Text | None = None


class Message(Payload):
    """A message, in an event, inside another event, or read from the history."""

    ts: Ts
    subtype: Id | None = None
    user: Id | None = None
    bot_id: Id | None = None
    app_id: Id | None = None
    thread_ts: Ts | None = None
    text: Text = ""
    edited: Edited | None = None
    files: tuple[File, ...] | None = None
    metadata: Metadata | None = None
    blocks: tuple[Block, ...] | None = None

    @property
    def delivery_ids(self) -> set[UUID]:
        """The deliveries that it claims to be the effect of, by its metadata or by a block's id.

        Any app can claim that: ask `Identity.wrote`, too.
        """
        named = [self.metadata.delivery_id or ""] if self.metadata else []
        ids = [block.block_id or "" for block in self.blocks or ()]
        named += [each.removeprefix(MARKER) for each in ids if each.startswith(MARKER)]
        return {UUID(each) for each in named if _UUID.fullmatch(each)}


class MessageEvent(Message):
    """An event of type `message`; a change or deletion carries the message itself inside."""

    channel: Id
    event_ts: Ts | None = None
    deleted_ts: Ts | None = None
    message: Message | None = None
    previous_message: Message | None = None

    @property
    def subject(self) -> Message:
        """The message that this is about."""
        match self.subtype:
            case "message_changed":
                return self.message or self
            case "message_deleted":
                return self.previous_message or self
            case _:
                return self

    @property
    def root_ts(self) -> str:
        """The first message of the thread that this belongs to."""
        return self.subject.thread_ts or self.deleted_ts or self.subject.ts


class ReactionItem(Payload):
    """What a reaction stands on."""

    type: Id
    channel: Id | None = None
    ts: Ts | None = None


class ReactionEvent(Payload):
    """An event of type `reaction_added`."""

    user: Id
    reaction: Annotated[Text, Field(max_length=255)]
    item: ReactionItem
    event_ts: Ts


class OtherEvent(Payload):
    """Any other event: only its type, and its time if it has one."""

    type: Id
    event_ts: Ts | None = None


class Reference(Payload):
    """A workspace or channel, as interactivity names them."""

    id: Id


class Actor(Payload):
    """Who pressed something."""

    id: Id
    team_id: Id | None = None
    name: Text | None = None
    username: Text | None = None


class Container(Payload):
    """Where a pressed button stands."""

    message_ts: Ts | None = None
    thread_ts: Ts | None = None
    channel_id: Id | None = None


class Option(Payload):
    """The chosen entry of a menu."""

    value: Text = ""


class Action(Payload):
    """One pressed element."""

    action_id: Id
    action_ts: Ts
    value: Text | None = None
    selected_option: Option | None = None


class Interaction(Payload):
    """A button, menu or shortcut that somebody used."""

    type: Id
    user: Actor
    api_app_id: Id | None = None
    team: Reference | None = None
    channel: Reference | None = None
    container: Container | None = None
    message: Message | None = None
    message_ts: Ts | None = None
    actions: tuple[Action, ...] = ()
    callback_id: Id | None = None
    action_ts: Ts | None = None

    @property
    def workspace_id(self) -> str | None:
        """The workspace; `team` is null for an app installed in a whole organisation."""
        return self.team.id if self.team else self.user.team_id

    @property
    def channel_id(self) -> str | None:
        """The channel of the message that it was used on."""
        named = self.channel.id if self.channel else None
        return named or (self.container.channel_id if self.container else None)

    @property
    def subject_ts(self) -> str | None:
        """The message that it was used on."""
        held = self.container.message_ts if self.container else None
        return held or self.message_ts or (self.message.ts if self.message else None)

    @property
    def root_ts(self) -> str | None:
        """The first message of the thread that it was used in."""
        held = self.container.thread_ts if self.container else None
        return (self.message.thread_ts if self.message else None) or held or self.subject_ts


class Identity(Payload):
    """Who we are in a workspace: `Connected.facts` as `probe` left them."""

    bot_user_id: str | None = None
    bot_id: str | None = None
    app_id: str | None = None

    def wrote(self, message: Message) -> bool:
        """Whether a message is ours; under another name it has no `user`, so all three ids count."""
        pairs = (
            (message.bot_id, self.bot_id),
            (message.app_id, self.app_id),
            (message.user, self.bot_user_id),
        )
        return any(theirs is not None and theirs == ours for theirs, ours in pairs)


class Credentials(Payload):
    """What an operator enters for a workspace; spaces that were copied along do not count."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    bot_token: str
    signing_secret: str = ""
    app_token: str = ""
    app_id: str = ""
    api_url: str = "https://slack.com/api/"
    posts_per_second: float = Field(default=1.0, gt=0)
    """Messages a second that Slack takes in one channel: 1, unless it has raised the limit for this workspace."""


Kind = Literal["event", "interaction"]
AnyPayload = TypeVar("AnyPayload", bound=Payload)


def decode(body: bytes, content_type: str) -> tuple[Kind, dict[str, Any]]:
    """The JSON object in a body: plain for events, in the form field `payload` for interactivity."""
    try:
        text = body.decode()
        form = content_type.lower().startswith("application/x-www-form-urlencoded")
        if form:
            text = parse_qs(text, max_num_fields=32).get("payload", [""])[0]
        if is_too_deep(text.encode()):
            raise Unreadable("The JSON is nested too deeply, or cut off.")
        parsed: Any = json.loads(text)
    except ValueError:
        raise Unreadable("This is neither JSON nor a form with JSON in its field `payload`.") from None
    if not isinstance(parsed, dict):
        raise Unreadable("The JSON is not an object.")
    return ("interaction" if form else "event"), cast("dict[str, Any]", parsed)


def parse(model: type[AnyPayload], data: object) -> AnyPayload:
    """The data as a model. Raises Unreadable naming the fields that are wrong, never their values."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in each["loc"]) or "all" for each in error.errors()})
        raise Unreadable(f"Slack's {model.__name__} has unexpected values in: {', '.join(fields[:5])}.") from None


def instant(ts: str) -> datetime:
    """A `ts` as a time, exact to the microsecond."""
    seconds, _, fraction = ts.partition(".")
    return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(fraction.ljust(6, "0")))
