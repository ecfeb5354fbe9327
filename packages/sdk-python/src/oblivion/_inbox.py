"""Durable events in order and once each. Pure: no I/O, no clock."""

from collections import OrderedDict

from oblivion_protocol import Durable

REMEMBERED = 10_000


class Inbox:
    """Nexus sends an event until it is acknowledged, and again after a reconnect; this hides the repeats.

    On a new connection the replay of what was missed may be overtaken by what happens now. Until as many
    events have come as Nexus announced, they are held back, then handed out in order of `seq`.
    """

    def __init__(self) -> None:
        self.last_seq = 0
        """Everything up to here was handed out: it may be acknowledged."""
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._held: list[Durable] = []
        self._highest = 0
        self._holding = False
        self._announced: int | None = None

    def opening(self) -> None:
        """A new connection: hold back until the replay is complete."""
        # What was held back is not acknowledged, so it will be sent again.
        for event in self._held:
            self._seen.pop(event.delivery_id, None)
        self._held.clear()
        self._highest = self.last_seq
        self._holding = True
        self._announced = None

    def announced(self, replayed: int) -> list[Durable]:
        """Nexus said how many events it replays; returns what can be handled now."""
        self._announced = replayed
        return self._if_complete()

    def take(self, event: Durable) -> list[Durable]:
        """An event arrived; returns what can be handled now, in order. A repeat yields nothing."""
        self._highest = max(self._highest, event.seq)
        if event.delivery_id not in self._seen:
            self._seen[event.delivery_id] = None
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            self._held.append(event)
        if not self._holding:
            return self.release()
        return self._if_complete()

    def release(self) -> list[Durable]:
        """Stops holding back, whatever was announced."""
        self._holding = False
        ready = sorted(self._held, key=lambda event: event.seq)
        self._held.clear()
        self.last_seq = max(self.last_seq, self._highest)
        return ready

    def _if_complete(self) -> list[Durable]:
        if self._announced is None or len(self._held) < self._announced:
            return []
        return self.release()
