"""Identifiers that sort by the time they were made."""

from uuid import UUID

import uuid_utils.compat as uuid_utils


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562 §5.7): unique, and increasing within a process."""
    return uuid_utils.uuid7()
