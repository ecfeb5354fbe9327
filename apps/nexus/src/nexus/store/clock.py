"""The time of day on which all processes agree: PostgreSQL's."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from nexus.kit.logging import get_logger
from nexus.store.database import Database

log = get_logger(__name__)

LOOK_SECONDS = 5.0
MAX_ROUND_TRIP_SECONDS = 1.0
"""An answer that took longer says too little about now."""
STEP_SECONDS = 5.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseClock:
    """PostgreSQL's clock, looked at now and then and carried on by this machine's steady clock in between.

    Leases, sessions and tokens are written by one process and judged by another. A process whose own time of day is
    wrong, or is set while it runs, would end everybody's; with this clock its own time of day has no effect.
    Until PostgreSQL has answered once, it is the machine's clock.
    """

    def __init__(self, db: Database, steady: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._steady = steady
        self._ahead_seconds: float | None = None

    def now(self) -> datetime:
        """The current instant in UTC."""
        if self._ahead_seconds is None:
            return datetime.now(UTC)
        return _EPOCH + timedelta(seconds=self._steady() + self._ahead_seconds)

    async def look(self) -> None:
        """Asks PostgreSQL. Raises what its driver raises."""
        async with self._db.engine.connect() as connection:
            began = self._steady()
            told: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
            round_trip = self._steady() - began
        ahead_seconds = (told - _EPOCH).total_seconds() - (began + round_trip / 2)
        if self._ahead_seconds is None:
            self._ahead_seconds = ahead_seconds
        elif round_trip <= MAX_ROUND_TRIP_SECONDS:
            moved = ahead_seconds - self._ahead_seconds
            # A look is as exact as half of its round trip; what is smaller is no news, and would make time go back.
            if abs(moved) > round_trip / 2:
                self._ahead_seconds = ahead_seconds
            if abs(moved) > STEP_SECONDS:
                log.warning("clock.stepped", seconds=round(moved, 3), whose="PostgreSQL's, or this machine slept")

    async def keep(self) -> None:
        """Looks every few seconds; runs until cancelled, and carries on while PostgreSQL is away."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)  # the period; there is no event to wait for
            try:
                await self.look()
            except Exception as error:
                log.debug("clock.not_seen", error=error)
