"""Identifiers in the vendors' shapes, unique across restarts: they come from the clock or from chance."""

import secrets
import string
import time
from collections.abc import Callable, Container

BASE36 = string.digits + string.ascii_lowercase


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


class Sequence:
    """Strictly increasing integers that follow the clock."""

    def __init__(self, read_clock: Callable[[], int]) -> None:
        self._read_clock = read_clock
        self._last = 0

    def next(self) -> int:
        """The clock's value, or one more than the last value when the clock has not moved."""
        self._last = max(self._last + 1, self._read_clock())
        return self._last


def _history_clock() -> int:
    return 4_000_000_000_000_000_000 + time.time_ns() // 10


def _comment_clock() -> int:
    return 90_110_000_000_000 + time.time_ns() // 1_000_000 % 10_000_000_000


class IdSource:
    """ClickUp ids (task: 9 characters, history: 19 digits, comment: 14 digits) and Slack timestamps."""

    def __init__(self) -> None:
        self._history = Sequence(_history_clock)
        self._comment = Sequence(_comment_clock)
        self._micros = Sequence(lambda: time.time_ns() // 1000)

    def task(self, taken: Container[str]) -> str:
        """A task id such as `86cx1ab2c`, not in `taken`."""
        while (made := "86" + "".join(secrets.choice(BASE36) for _ in range(7))) in taken:
            pass
        return made

    def history(self) -> str:
        """A history item id."""
        return str(self._history.next())

    def comment(self) -> str:
        """A comment id."""
        return str(self._comment.next())

    def slack_ts(self) -> str:
        """A message timestamp `seconds.micros`; never twice, always increasing."""
        micros = self._micros.next()
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    def event(self) -> str:
        """A Slack event id."""
        return "Ev0" + "".join(secrets.choice(BASE36) for _ in range(9)).upper()

    def token(self, length: int) -> str:
        """Random upper-case letters and digits, as in a ClickUp webhook secret."""
        return "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(length))
