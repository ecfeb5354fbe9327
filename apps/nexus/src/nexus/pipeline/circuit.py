"""A circuit breaker around each connection to a vendor: while the vendor is away, nothing is tried in vain.

What waits because of it does not count as tried, so an outage of hours ends in no dead letters. Kept in each process:
a few tries of each are no harm, and nothing has to be agreed upon while things are down. The pattern: Michael Nygard,
"Release It!"; learn.microsoft.com/azure/architecture/patterns/circuit-breaker.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any
from uuid import UUID

from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure

OPENS_AFTER = 5
"""Failures in a row that open a circuit…"""
OF_DIFFERENT = 3
"""…if so many different things failed: one that always fails says nothing about the vendor."""
PROBES = 3
"""How many different things may try at once whether the vendor is back: one that always fails must not be the only."""
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 120.0

asking: ContextVar[str] = ContextVar("asking", default="")
"""On whose behalf a vendor is asked: the id of an event or a delivery."""

Changed = Callable[[str, bool], None]
"""Told a vendor, and whether a circuit to it has opened (or closed)."""


def _untold(_vendor: str, _is_open: bool) -> None:
    pass


@dataclass
class Circuit:
    """What one connection has done lately. Pure but for the clock that it is given."""

    now: Callable[[], float] = time.monotonic
    announced: bool = False
    """Whether it was told that it is open: several calls may see it change."""
    _failed: list[str] = field(default_factory=list[str])
    _open_until: float | None = None
    _pause_seconds: float = FIRST_PAUSE_SECONDS
    _probing: set[str] = field(default_factory=set[str])

    @property
    def is_open(self) -> bool:
        """Whether the vendor counts as away."""
        return self._open_until is not None

    @property
    def rest_seconds(self) -> float:
        """How long nothing need be tried; 0 when somebody may."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self.now())

    def may_try(self, who: str) -> bool:
        """Whether this one may ask the vendor; it then has to say what came of it."""
        if self._open_until is None:
            return True
        if self.rest_seconds > 0 or (len(self._probing) >= PROBES and who not in self._probing):
            return False
        self._probing.add(who)
        return True

    def succeeded(self) -> None:
        """The vendor answers."""
        self._failed.clear()
        self._probing.clear()
        self._open_until, self._pause_seconds = None, FIRST_PAUSE_SECONDS

    def failed(self, who: str) -> None:
        """The vendor cannot be reached, or cannot do anything."""
        if self._open_until is not None:
            self._probing.discard(who)
            if not self._probing and self.rest_seconds == 0:
                self._pause_seconds = min(LONGEST_PAUSE_SECONDS, 2 * self._pause_seconds)
                self._open_until = self.now() + self._pause_seconds
            return
        self._failed.append(who)
        if len(self._failed) >= OPENS_AFTER and len(set(self._failed)) >= OF_DIFFERENT:
            self._open_until = self.now() + self._pause_seconds
        del self._failed[:-50]

    def undecided(self, who: str) -> None:
        """Nothing came of it that would say how the vendor is."""
        self._probing.discard(who)


class Circuits:
    """The circuits of this process, by connection."""

    def __init__(self, changed: Changed = _untold) -> None:
        self._changed = changed
        self._circuits: dict[UUID, Circuit] = {}

    def resting(self) -> Iterator[UUID]:
        """Connections on which nothing need be tried at this moment."""
        return (connection for connection, one in self._circuits.items() if one.rest_seconds > 0)

    def guard(self, connection_id: UUID, vendor: str, opened: Any) -> Any:
        """The same live end of a vendor, asked only while its circuit lets it.

        Its coroutines raise Deferred while the circuit is open; what fails meanwhile is not counted as a try.
        """
        return _Guarded(opened, self._circuits.setdefault(connection_id, Circuit()), vendor, self._changed)


class _Guarded:
    def __init__(self, opened: Any, circuit: Circuit, vendor: str, changed: Changed) -> None:
        self._opened, self._circuit, self._vendor, self._changed = opened, circuit, vendor, changed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._opened, name)
        if not iscoroutinefunction(found):
            return found

        @wraps(found)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            with self._asked(asking.get() or name):
                return await found(*args, **kwargs)

        return guarded

    @contextmanager
    def _asked(self, who: str) -> Generator[None]:
        circuit = self._circuit
        if not circuit.may_try(who):
            raise self._away("it is asked again in a moment")
        try:
            yield
        except Deferred:
            circuit.undecided(who)
            raise
        except Rejected:
            circuit.succeeded()
            raise
        except Retryable as error:
            circuit.failed(who)
            if circuit.is_open:
                raise self._away(error.reason) from error
            raise
        except Unsure as error:
            circuit.failed(who)
            raise Unsure(error.reason, counts=not circuit.is_open) from error
        except BaseException:
            circuit.undecided(who)
            raise
        else:
            circuit.succeeded()
        finally:
            if circuit.is_open != circuit.announced:
                circuit.announced = circuit.is_open
                self._changed(self._vendor, circuit.is_open)

    def _away(self, why: str) -> Deferred:
        rest_seconds = max(1.0, self._circuit.rest_seconds)
        return Deferred(f"{self._vendor} does not work at the moment: {why}", after_seconds=rest_seconds,
                        whole_connection=True)  # fmt: skip
