"""Pages: an opaque cursor that names the last row seen, so that new rows never shift a page."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from nexus.http.problems import Refused
from oblivion_protocol.resources import Page

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

Position = tuple[datetime, UUID]
"""Where a row stands in a list: its instant, and its id among those of the same instant."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def encode_cursor(position: Position) -> str:
    """The cursor that continues after this row."""
    instant, row_id = position
    micros = (instant - _EPOCH) // _MICROSECOND
    raw = micros.to_bytes(8, "big", signed=True) + row_id.bytes
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode_cursor(cursor: str) -> Position:
    """What `encode_cursor` made. Raises Refused (400) on anything else."""
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if len(raw) != 24:
            raise ValueError("wrong length")
        instant = _EPOCH + int.from_bytes(raw[:8], "big", signed=True) * _MICROSECOND
    except (binascii.Error, ValueError, OverflowError) as error:
        raise Refused(400, "The cursor is not one of ours; start again without it.") from error
    return instant, UUID(bytes=raw[8:])


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted."""

    after: Position | None
    limit: int

    def page(self, rows: Sequence[T], position_of: Callable[[T], Position]) -> "tuple[Sequence[T], str | None]":
        """Of `limit + 1` rows read: those of this page, and the cursor of the next one."""
        shown = rows[: self.limit]
        return shown, encode_cursor(position_of(shown[-1])) if len(rows) > self.limit else None


def _page_request(
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> PageRequest:
    return PageRequest(decode_cursor(cursor) if cursor else None, limit)


Paging = Annotated[PageRequest, Depends(_page_request)]


def whole(items: Sequence[T]) -> Page[T]:
    """A list that is never long enough for a second page."""
    return Page(items=list(items))
