"""Tells Nexus how a task ended, and keeps the result until Nexus has answered."""

import logging

from oblivion._journal import Journal, Outcome
from oblivion._outbox import Outbox
from oblivion.errors import CommandRefused, InvalidCommand, MessageTooLarge, StaleEpoch
from oblivion_protocol import Holding, TaskAccept, TaskComplete, TaskFail

log = logging.getLogger("oblivion")

MAX_ERROR_CHARS = 4000


async def report(outcome: Outcome, journal: Journal, outbox: Outbox) -> None:
    """Sends a result, over reconnects if need be. Raises nothing."""
    await journal.write(outcome)
    try:
        await outbox.post(outcome)
    except (MessageTooLarge, InvalidCommand) as error:
        log.error("task.report_refused task=%s error=%s", outcome.task_id, error)
        await journal.settle(outcome)
        if isinstance(outcome, TaskComplete):
            await report(failure(outcome, f"The result could not be sent: {error}"), journal, outbox)
        return
    except StaleEpoch as refused:
        log.warning("task.report_late task=%s error=%s", outcome.task_id, refused)
        # Its lease may have ended during a cut, and it may come back. An attempt that failed may as well be made.
        if isinstance(outcome, TaskFail) and outcome.retryable:
            await journal.settle(outcome)
        else:
            await journal.late(outcome)
        return
    except CommandRefused as refused:
        log.warning("task.report_refused task=%s error=%s", outcome.task_id, refused)
    else:
        log.info("task.%s task=%s", "completed" if isinstance(outcome, TaskComplete) else "failed", outcome.task_id)
    await journal.settle(outcome)


def failure(of: Outcome, text: str) -> TaskFail:
    """What to report instead of a result that cannot be sent."""
    event_id = f"{of.event_id[:100]}-unsent"
    return TaskFail(task_id=of.task_id, epoch=of.epoch, event_id=event_id, error=text[:MAX_ERROR_CHARS])


class Replay:
    """A task whose result is known already: from before a restart, or from an earlier epoch."""

    def __init__(self, outcome: Outcome, journal: Journal, outbox: Outbox, *, accept: bool) -> None:
        self.key = Holding(task_id=outcome.task_id, epoch=outcome.epoch)
        self._outcome = outcome
        self._journal = journal
        self._outbox = outbox
        self._accept = accept

    async def go(self) -> None:
        """Accepts if need be, and sends the result under the `event_id` it always had. Raises nothing."""
        log.info("task.result_replayed task=%s epoch=%d", self.key.task_id, self.key.epoch)
        if self._accept:
            # Before anything is sent: a crash from here on finds the result under its new epoch.
            await self._journal.write(self._outcome)
            try:
                await self._outbox.post(
                    TaskAccept(**self.key.model_dump(), event_id=f"accept-{self._outcome.event_id[:100]}")
                )
            except CommandRefused as refused:
                log.info("task.offer_gone task=%s error=%s", self.key.task_id, refused)
                await self._journal.late(self._outcome)
                return
        await report(self._outcome, self._journal, self._outbox)
