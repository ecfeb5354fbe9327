"""No credential leaves in what agents say: it is taken out before anything is kept or posted."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast
from uuid import UUID

from nexus.kit.credentials import without_credentials
from oblivion_protocol import PlanStep, TaskCommand

_NOT_SAID = frozenset({"task_id", "epoch", "event_id", "key", "approvers"})
"""Fields that nobody reads, or by which somebody is found."""

Secrets = Callable[[UUID], Awaitable[Iterable[str]]]
"""The secrets that Oblivion holds for a tenant."""


async def no_secrets(_tenant_id: UUID) -> Iterable[str]:
    """For who holds none."""
    return ()


class Censor:
    """Takes credentials out of commands: those with a known shape, and those that Oblivion holds for the tenant."""

    def __init__(self, secrets: Secrets = no_secrets) -> None:
        self._secrets = secrets

    async def censored(self, tenant_id: UUID, command: TaskCommand) -> tuple[TaskCommand, list[str]]:
        """The same command without credentials, and the kind of each that was in it."""
        said: dict[str, Any] = {
            name: value
            for name in type(command).model_fields
            if name not in _NOT_SAID and isinstance(value := getattr(command, name), str | list) and value
        }
        if not said:
            return command, []
        known = tuple(await self._secrets(tenant_id))
        kinds: list[str] = []

        def clean(value: Any) -> Any:
            match value:
                case str():
                    text, found = without_credentials(value, known)
                    kinds.extend(found)
                    return text
                case PlanStep():
                    return value.model_copy(update={"title": clean(value.title)})
                case list():
                    return [clean(each) for each in cast("list[Any]", value)]
                case _:
                    return value

        changed = {name: clean(value) for name, value in said.items()}
        return (command.model_copy(update=changed), kinds) if kinds else (command, kinds)
