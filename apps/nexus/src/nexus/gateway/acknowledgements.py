"""What agents have taken over, written down: many acknowledgements in one statement and one commit.

Each is answered when it is committed, and each is valid only from the current connection of its process.
"""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from nexus.kit.batching import NaturalBatcher
from nexus.kit.clock import Clock
from nexus.store.database import Database
from nexus.tasks.commands import Caller, SessionReplaced

_ACKNOWLEDGE = text("""
    WITH given AS (
        SELECT * FROM unnest(CAST(:agents AS uuid[]), CAST(:instances AS text[]), CAST(:epochs AS bigint[]),
                             CAST(:seqs AS bigint[])) AS one (agent_id, instance, session_epoch, seq)
    ), current AS (
        SELECT given.* FROM given JOIN agent_sessions open
        ON open.agent_id = given.agent_id AND open.instance = given.instance
           AND open.session_epoch = given.session_epoch AND open.closed_at IS NULL
    ), taken AS (
        UPDATE agent_messages SET acked_at = :now FROM current
        WHERE agent_messages.agent_id = current.agent_id AND agent_messages.acked_at IS NULL
          AND agent_messages.seq <= current.seq
          AND (agent_messages.instance = current.instance OR agent_messages.instance IS NULL)
    )
    SELECT agent_id, instance, session_epoch FROM current
""")

_Given = tuple[Caller, int]


class Acknowledgements:
    """Writes them by natural batching."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._batcher: NaturalBatcher[_Given, bool | Exception] = NaturalBatcher(self._write)

    async def note(self, caller: Caller, seq: int) -> None:
        """Marks everything up to `seq` as taken over by this process; returns when it is committed.

        Raises SessionReplaced when another connection speaks for the process, and what the database raises.
        """
        outcome = await self._batcher.submit((caller, seq))
        if isinstance(outcome, Exception):
            raise outcome
        if not outcome:
            raise SessionReplaced

    async def _write(self, given: Sequence[_Given]) -> Sequence[bool | Exception]:
        of_tenant: dict[UUID, list[_Given]] = defaultdict(list)
        for one in given:
            of_tenant[one[0].tenant_id].append(one)
        failed: dict[UUID, Exception] = {}
        current: set[tuple[UUID, str, int]] = set()
        for tenant_id, those in of_tenant.items():
            try:
                current |= await self._write_tenant(tenant_id, those)
            except Exception as error:
                failed[tenant_id] = error  # the others' are none the worse for it
        return [failed.get(caller.tenant_id) or _key(caller) in current for caller, _ in given]

    async def _write_tenant(self, tenant_id: UUID, those: Sequence[_Given]) -> set[tuple[UUID, str, int]]:
        async with self._db.tenant(tenant_id) as session:
            found = await session.execute(
                _ACKNOWLEDGE,
                {
                    "agents": [caller.agent_id for caller, _ in those],
                    "instances": [caller.instance for caller, _ in those],
                    "epochs": [caller.session_epoch for caller, _ in those],
                    "seqs": [seq for _, seq in those],
                    "now": self._clock.now(),
                },
            )
            return {(row.agent_id, row.instance, row.session_epoch) for row in found}


def _key(caller: Caller) -> tuple[UUID, str, int]:
    return caller.agent_id, caller.instance, caller.session_epoch
