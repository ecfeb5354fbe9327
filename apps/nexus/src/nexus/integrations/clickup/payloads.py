"""What ClickUp's webhooks say, parsed at the door.

Source: https://developer.clickup.com/docs/webhooktaskpayloads. ClickUp writes the same id as a number
here and as a string there, and leaves out or nulls what it has no value for: all of that is tolerated.
"""

import re
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from nexus.kit.nesting import is_too_deep
from nexus.pipeline.ports import Unreadable

OUR_WEBHOOK_ID = "oblivion"
"""Of events that we make ourselves: ClickUp's own ids are UUIDs."""

_ID = re.compile(r"-?[A-Za-z0-9][A-Za-z0-9_.:-]{0,126}")
_EARLIEST_MS = 946_684_800_000
"""The year 2000: an older date is not a date in milliseconds."""
_LATEST_MS = 4_102_444_800_000
"""The year 2100: a later one would come last in its stream for ever."""


def _to_id(value: object) -> object:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or _ID.fullmatch(text) is None:
        raise ValueError("not an id")
    return text


def _to_mark(value: object) -> str | None:
    match value:
        case bool() | None:
            return None
        case int() | str():
            return str(value).replace("\0", "") or None
        case _:
            return None


def _to_text(value: object) -> object:
    return "" if value is None else value.replace("\0", "") if isinstance(value, str) else value


def _to_words(value: object) -> str:
    return value.replace("\0", "") if isinstance(value, str) else ""


def _or_none(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    try:
        return validate(value)
    except ValidationError:
        return None


def _to_millis(value: object) -> int | None:
    try:
        millis = int(value) if isinstance(value, int | float | str) else 0
    except (ValueError, OverflowError):
        return None
    return millis if _EARLIEST_MS <= millis <= _LATEST_MS else None


def _to_items(value: object) -> object:
    return () if value is None else value


Id = Annotated[str, BeforeValidator(_to_id)]
"""An id, which may arrive as a number; safe in a path, in a key and in a database."""
Mark = Annotated[str | None, BeforeValidator(_to_mark)]
"""An id that is only ever compared; None when there is none that can be."""
Text = Annotated[str, BeforeValidator(_to_text)]
"""Text without NUL, which PostgreSQL cannot hold; null is the empty text."""
Words = Annotated[str, BeforeValidator(_to_words)]
"""Text, or nothing where ClickUp has something else."""
Millis = Annotated[int | None, BeforeValidator(_to_millis)]
"""Unix time in milliseconds, which mostly arrives as a string; None when absent or absurd."""

ItemT = TypeVar("ItemT")
Many = Annotated[tuple[ItemT, ...], BeforeValidator(_to_items)]
"""A list, or null for an empty one."""


class Payload(BaseModel):
    """Base of everything that ClickUp sends: what we do not know is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class User(Payload):
    """A person, a bot or an automation of the workspace."""

    id: Id
    username: Text = ""


class Part(Payload):
    """A piece of a comment: a run of text, a mention, an image, and whatever ClickUp adds to these."""

    text: Words = ""
    type: Words = ""
    user: Annotated[User | None, WrapValidator(_or_none)] = None

    def readable(self) -> str:
        """The piece as plain text, never nothing when there was something to see."""
        mention = f"@{self.user.username}" if self.user is not None and self.user.username else ""
        return self.text or mention or (f"[{self.type}]" if self.type else "")


class Comment(Payload):
    """The comment of a history item."""

    id: Id
    date: Millis = None
    parts: Many[Part] = Field(default=(), alias="comment")
    text_content: Text = ""
    user: User | None = None

    def readable(self) -> str:
        """The comment as plain text."""
        return self.text_content.strip() or "".join(part.readable() for part in self.parts).strip()


class Written(Payload):
    """A comment as a history item tells of it."""

    date: Millis = None
    user: User | None = None
    comment: Comment | None = None


class CommentEvent(Payload):
    """A webhook about comments, read in full."""

    history_items: Many[Written] = ()


class Change(Payload):
    """A history item, read just deep enough to tell it from others, and from its own edits."""

    id: Mark = None
    date: Millis = None
    field: Mark = None
    comment: Any = None


class Envelope(Payload):
    """A webhook's body, read just deep enough to store it."""

    webhook_id: Id | None = None
    event: Text = ""
    task_id: Id | None = None
    history_items: Many[Change] = ()
    auto_id: Any = None
    trigger_id: Any = None


PayloadT = TypeVar("PayloadT", bound=Payload)


def parse(model: type[PayloadT], body: bytes) -> PayloadT:
    """The body as a model. Raises Unreadable with a sentence that quotes nothing of the body."""
    if is_too_deep(body):
        raise Unreadable("The JSON is nested too deeply, or cut off.")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        match first["type"], place:
            case "json_invalid", _:
                raise Unreadable("The body is not JSON.") from None
            case _, "":
                raise Unreadable("The body is not a JSON object.") from None
            case _:
                raise Unreadable(f"The field {place} is not what ClickUp sends: {first['msg']}.") from None
