"""What processes cost: CPU seconds and memory, read from /proc (proc(5)); Linux only."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 11, 12, 13, 14
"""Places in /proc/PID/stat, counted from after the name, which may hold spaces."""


@dataclass(frozen=True, slots=True)
class Meter:
    """CPU seconds of a process and of all that it has started, since the meter was made."""

    pids: tuple[int, ...]
    began: float

    @classmethod
    def of(cls, pids: Iterable[int]) -> "Meter":
        """Starts measuring."""
        pids = tuple(pids)
        return cls(pids, sum(_cpu_seconds(pid) for pid in pids))

    def seconds(self) -> float:
        """CPU seconds until now, user and system."""
        return sum(_cpu_seconds(pid) for pid in self.pids) - self.began


def memory_mb(pid: int) -> float:
    """Resident memory of one process in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu_seconds(pid: int) -> float:
    """Of a process, of its living children, and of those that it has outlived."""
    return sum(_ticks(each) for each in (pid, *_descendants(pid))) / _TICKS


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(fields[place]) for place in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM))


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:
            continue
        for child in children:
            yield child
            yield from _descendants(child)
