"""What one held task may say to Nexus."""

import asyncio
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from oblivion._keys import Keys
from oblivion._outbox import Outbox
from oblivion.errors import InvalidCommand, StaleEpoch
from oblivion_protocol import Accepted, Holding, Repeatable, TaskCommand


class Commands:
    """Fills in the task, its epoch, an `event_id` and the `key` of what may be said again, and queues the command."""

    def __init__(self, key: Holding, outbox: Outbox) -> None:
        self._key = key
        self._outbox = outbox
        self._keys = Keys()
        self.canceled: str | None = None
        """Why the task is not ours any more; from then on nothing is sent."""

    async def send(self, model: type[TaskCommand], **fields: Any) -> Accepted:
        """Sends a command and waits for its answer, over reconnects if need be. Raises `CommandRefused`."""
        # Shielded: a caller who stops waiting does not take back what is said.
        return await asyncio.shield(self._post(model, fields, latest_only=False))

    def note(self, model: type[TaskCommand], **fields: Any) -> None:
        """Queues a command of which only the latest counts, and does not wait."""
        self._post(model, fields, latest_only=True)

    async def online(self) -> None:
        """Returns when there is a connection to Nexus."""
        await self._outbox.online()

    def _post(self, model: type[TaskCommand], fields: dict[str, Any], *, latest_only: bool) -> asyncio.Future[Accepted]:
        if self.canceled is not None:
            raise StaleEpoch("stale_epoch", self.canceled)
        if issubclass(model, Repeatable):
            fields = {**fields, "key": self._keys.next(model.__name__, fields)}
        try:
            command = model(task_id=self._key.task_id, epoch=self._key.epoch, event_id=str(uuid4()), **fields)
        except ValidationError as error:
            problem = error.errors()[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise InvalidCommand("invalid", f"{model.__name__}: {where}: {problem['msg']}") from error
        return self._outbox.post(command, latest_only=latest_only)
