"""`oblivion` with a wrong time of day: `agents_stepped.py FILE ARGUMENTS…`.

The first eight bytes of FILE are how many seconds the time of day is wrong, a double; whoever writes there steps
the clock of the running process, as an operator or a broken NTP server would.
"""

import mmap
import struct
import sys
import time
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

import nexus.kit.clock
import nexus.store.clock
from nexus.cli import app


class Steps:
    """The file, and the clocks that follow it."""

    def __init__(self, path: str) -> None:
        with Path(path).open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
        self._time, self._time_ns = time.time, time.time_ns

    @property
    def seconds(self) -> float:
        """How wrong the clock is at this moment."""
        return struct.unpack("d", self._memory[:8])[0]

    def time(self) -> float:
        """As `time.time`."""
        return self._time() + self.seconds

    def time_ns(self) -> int:
        """As `time.time_ns`."""
        return self._time_ns() + int(self.seconds * 1e9)


def install(steps: Steps) -> None:
    """Replaces the machine's time of day wherever Oblivion or a library of it reads it."""

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            told = datetime.now(UTC) + timedelta(seconds=steps.seconds)
            return told.astimezone(tz)  # type: ignore[return-value]

    time.time, time.time_ns = steps.time, steps.time_ns  # type: ignore[assignment]
    for module in (nexus.kit.clock, nexus.store.clock):
        module.datetime = Stepped  # type: ignore[attr-defined]


if __name__ == "__main__":
    install(Steps(sys.argv[1]))
    sys.argv = ["oblivion", *sys.argv[2:]]
    app()
