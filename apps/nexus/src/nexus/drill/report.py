"""What a drill found, as a small table for people and as JSON for files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nexus.drill.checker import Verdict

_SHOWN_KEYS = 5


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least this share (0 to 1) of them does not exceed; NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True)
class Report:
    """One run of one drill."""

    name: str
    seed: int
    faults: Mapping[str, int]
    """What was done to the system → how often."""
    load: Mapping[str, float | str]
    """What was sent, and how fast."""
    counts: Mapping[str, int]
    """What came of it."""
    recovery: Sequence[float]
    """Seconds from each fault to the moment its damage was undone."""
    verdict: Verdict
    figures: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    """Whatever else was measured; units are in the names."""

    @property
    def recovery_p50_seconds(self) -> float:
        """Half of the recoveries took no longer; NaN when nothing was measured."""
        return percentile(self.recovery, 0.50)

    @property
    def recovery_p99_seconds(self) -> float:
        """99 % of the recoveries took no longer; NaN when nothing was measured."""
        return percentile(self.recovery, 0.99)

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for `json.dumps`; recovery is null when nothing was measured."""
        recovery: dict[str, float | int] | None = None
        if self.recovery:
            recovery = {
                "count": len(self.recovery),
                "p50_seconds": round(self.recovery_p50_seconds, 3),
                "p99_seconds": round(self.recovery_p99_seconds, 3),
                "max_seconds": round(max(self.recovery), 3),
            }
        return {
            "name": self.name,
            "seed": self.seed,
            "faults": dict(self.faults),
            "load": dict(self.load),
            "counts": dict(self.counts),
            "recovery": recovery,
            "verdict": {"ok": self.verdict.ok, **asdict(self.verdict)},
            "figures": dict(self.figures),
        }

    def __str__(self) -> str:
        lines = [
            f"{self.name} (seed {self.seed})",
            _line("faults", self.faults),
            _line("load", self.load),
            _line("counts", self.counts),
        ]
        if self.recovery:
            p50, p99 = self.recovery_p50_seconds, self.recovery_p99_seconds
            lines.append(_line("recovery", {"p50 s": p50, "p99 s": p99, "max s": max(self.recovery)}))
        if self.figures:
            lines.append(_line("figures", self.figures))
        wrong: dict[str, tuple[Any, ...]] = asdict(self.verdict)
        lines.append(_line("verdict", {name.replace("_", " "): len(keys) for name, keys in wrong.items()}))
        lines.append(f"  {'':<9} {'OK: the promise was kept' if self.verdict.ok else 'BROKEN'}")
        for name, keys in wrong.items():
            if keys:
                more = f" … and {len(keys) - _SHOWN_KEYS} more" if len(keys) > _SHOWN_KEYS else ""
                lines.append(f"  {'':<9} {name.replace('_', ' ')}: {', '.join(map(str, keys[:_SHOWN_KEYS]))}{more}")
        return "\n".join(lines)


def _line(title: str, values: Mapping[str, Any]) -> str:
    shown = [f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items()]
    return f"  {title:<9} {' · '.join(shown) or '—'}"
