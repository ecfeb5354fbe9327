"""What was accepted against what stands in the outside world: lost, doubled, out of order. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Accepted:
    """One event that was answered 200. Times are Unix seconds."""

    key: str
    conversation: str
    """Where its effect belongs. Two places that are ordered apart from each other have two names, so the thread
    and the comments of one task are two conversations."""
    at_source: float
    """When it happened, by the source's clock: what order is judged by."""
    accepted_at: float
    """When the 200 came."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One effect that stands in the outside world."""

    key: str
    conversation: str
    position: float
    """Its place among the effects of its conversation."""
    late: bool = False
    """Whether it is marked as older than what stands above it."""
    call_at: float = 0.0
    """When the call that made it came in, Unix seconds; 0 when nobody knows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong, by key; everything empty when nothing is."""

    lost: tuple[str, ...] = ()
    """Accepted, and neither seen nor dead."""
    doubled: tuple[str, ...] = ()
    """Seen more than once."""
    inversions: tuple[tuple[str, str], ...] = ()
    """(older, younger): the older one stands after the younger one and does not say why."""
    stale_commits: tuple[str, ...] = ()
    """Written by somebody whose turn was over."""
    dead: tuple[str, ...] = ()
    """Accepted and given up with a reason: listed, and can be replayed, so nothing is lost."""
    unexpected: tuple[str, ...] = ()
    """Seen, and never sent at all, or seen in a place where it does not belong."""
    late: tuple[str, ...] = ()
    """Seen with the mark of being late: allowed, and worth a look."""

    @property
    def ok(self) -> bool:
        """Whether the promise was kept. Dead letters keep it; whoever expects none looks at `dead`, too."""
        return not (self.lost or self.doubled or self.inversions or self.stale_commits or self.unexpected)


def check(
    accepted: Iterable[Accepted],
    seen: Iterable[Seen],
    *,
    dead: Collection[str] = frozenset(),
    stale: Iterable[str] = (),
    unacknowledged: Collection[str] = frozenset(),
    reorder_window_seconds: float | None = None,
) -> Verdict:
    """Judges one run. Of an event that was accepted several times, the first time counts.

    `unacknowledged` are keys that were sent and never answered 200: their effect may stand there, or not.
    With `reorder_window_seconds` the mark of being late is no excuse any more for what had been accepted longer
    than that before the younger effect left.
    """
    events: dict[str, Accepted] = {}
    for event in sorted(accepted, key=attrgetter("accepted_at")):
        events.setdefault(event.key, event)
    effects: dict[str, list[Seen]] = {}
    for effect in sorted(seen, key=attrgetter("position")):
        effects.setdefault(effect.key, []).append(effect)
    unexpected = {key for key in effects if key not in events and key not in unacknowledged}
    unexpected |= {
        key
        for key, event in events.items()
        if any(effect.conversation != event.conversation for effect in effects.get(key, ()))
    }
    return Verdict(
        lost=tuple(sorted(key for key in events if key not in effects and key not in dead)),
        doubled=tuple(sorted(key for key, places in effects.items() if len(places) > 1)),
        inversions=_inversions(events, effects, reorder_window_seconds),
        stale_commits=tuple(stale),
        dead=tuple(sorted(key for key in events if key in dead)),
        unexpected=tuple(sorted(unexpected)),
        late=tuple(sorted(key for key, places in effects.items() if any(place.late for place in places))),
    )


def _inversions(
    events: dict[str, Accepted], effects: dict[str, list[Seen]], window_seconds: float | None
) -> tuple[tuple[str, str], ...]:
    conversations: dict[str, list[Seen]] = {}
    for key, places in effects.items():
        if key in events:
            conversations.setdefault(places[0].conversation, []).append(places[0])
    found: list[tuple[str, str]] = []
    for thread in conversations.values():
        youngest: Seen | None = None
        for effect in sorted(thread, key=attrgetter("position")):
            event = events[effect.key]
            if youngest is None or event.at_source >= events[youngest.key].at_source:
                youngest = effect
            elif not _excused(event, effect, youngest, window_seconds):
                found.append((effect.key, youngest.key))
    return tuple(sorted(found))


def _excused(event: Accepted, effect: Seen, younger: Seen, window_seconds: float | None) -> bool:
    if not effect.late:
        return False
    if window_seconds is None or not younger.call_at:
        return True
    return event.accepted_at + window_seconds > younger.call_at
