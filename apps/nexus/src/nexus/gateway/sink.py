"""The agent sink: sends what agents have not acknowledged, in order, and again until they have.

Nothing rides on Socket.IO's own delivery: an event is a row in `agent_messages` before it is sent, and stays due
until its `seq` is acknowledged.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from sqlalchemy import ARRAY, Uuid, any_, cast, select

from nexus.gateway.sessions import LiveSession, LiveSessions
from nexus.store.database import Database
from nexus.store.tables import AgentMessage

RESEND_SECONDS = 5.0
MAX_UNACKED = 64
MAX_UNACKED_BYTES = 1024 * 1024
"""A process that takes nothing over is sent nothing more."""

Emit = Callable[[str, str, dict[str, Any]], Awaitable[None]]
"""(sid, event, payload)"""


class AgentSink:
    """Sends durable events to the sockets of this process."""

    def __init__(self, db: Database, emit: Emit) -> None:
        self._db = db
        self._emit = emit

    async def pump(self, live: LiveSessions) -> int:
        """One round over all sessions; returns how many events were sent."""
        if not live:
            return 0
        async with self._db.system() as transaction:
            rows = await transaction.execute(
                select(
                    AgentMessage.agent_id,
                    AgentMessage.instance,
                    AgentMessage.seq,
                    AgentMessage.event,
                    AgentMessage.payload,
                )
                .where(AgentMessage.acked_at.is_(None))
                .where(AgentMessage.agent_id == any_(cast(live.agents(), ARRAY(Uuid))))
                .order_by(AgentMessage.agent_id, AgentMessage.seq)
            )
            due = rows.all()
        now, count = time.monotonic(), 0
        full: set[str] = set()
        """Sockets that take nothing more in this round: what is behind must not overtake, since one acknowledgement
        says that everything before it was read."""
        of_agent = {agent_id: live.of_agent(agent_id) for agent_id in {row.agent_id for row in due}}
        for agent_id, instance, seq, event, payload in due:
            for session in of_agent[agent_id]:
                if instance not in (None, session.caller.instance):
                    continue
                # Sending waits for the socket, and an acknowledgement may come in meanwhile.
                if seq <= session.read_up_to or session.sid in full or _is_on_its_way(session, seq, now):
                    continue
                size = len(orjson.dumps(payload))
                if not _has_room(session, seq, size):
                    full.add(session.sid)
                    continue
                session.sent[seq] = (now, size)
                await self._emit(session.sid, event, payload)
                count += 1
        return count

    @staticmethod
    def acknowledged(session: LiveSession, seq: int) -> None:
        """Forgets what was on its way up to `seq`."""
        session.read_up_to = max(session.read_up_to, seq)
        for sent in [one for one in session.sent if one <= seq]:
            del session.sent[sent]


def _is_on_its_way(session: LiveSession, seq: int, now: float) -> bool:
    before = session.sent.get(seq)
    return before is not None and now - before[0] < RESEND_SECONDS


def _has_room(session: LiveSession, seq: int, size: int) -> bool:
    others = [sent for one, (_, sent) in session.sent.items() if one != seq]
    return len(others) < MAX_UNACKED and sum(others) + size <= MAX_UNACKED_BYTES
