"""Durations as people write them."""

import re

from oblivion.errors import ConfigurationError

Duration = str | float
"""Seconds as a number, or a text such as `"90s"`, `"30m"`, `"2h"`, `"1d"`."""

_UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def seconds_of(duration: Duration | None) -> float | None:
    """Seconds of a duration; `None` means no limit."""
    if duration is None:
        return None
    if isinstance(duration, str):
        match = _PATTERN.fullmatch(duration.strip())
        if match is None:
            raise ConfigurationError(f'{duration!r} is no duration. Write "90s", "30m", "2h" or "1d".')
        seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    else:
        seconds = float(duration)
    if seconds <= 0:
        raise ConfigurationError(f"A duration must be longer than zero, not {duration!r}.")
    return seconds
