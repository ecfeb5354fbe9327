"""The agent sink: sends what agents have not acknowledged, in order, and again until they have.

Nothing rides on Socket.IO's own delivery: an event is a row in `agent_messages` before it is sent, and stays due
until its `seq` is acknowledged.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import select

from nexus.gateway.sessions import LiveSession
from nexus.store.database import Database
from nexus.store.tables import AgentMessage

RESEND_SECONDS = 5.0
MAX_UNACKED = 64
"""A process that takes nothing over is sent nothing more."""

Emit = Callable[[str, str, dict[str, Any]], Awaitable[None]]
"""(sid, event, payload)"""


class AgentSink:
    """Sends durable events to the sockets of this process."""

    def __init__(self, db: Database, emit: Emit) -> None:
        self._db = db
        self._emit = emit

    async def pump(self, sessions: Mapping[str, LiveSession]) -> int:
        """One round over all sessions; returns how many events were sent."""
        if not sessions:
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
                .where(AgentMessage.agent_id.in_({one.caller.agent_id for one in sessions.values()}))
                .order_by(AgentMessage.agent_id, AgentMessage.seq)
            )
            due = rows.all()
        now, sent = time.monotonic(), 0
        for agent_id, instance, seq, event, payload in due:
            for session in sessions.values():
                caller = session.caller
                if caller.agent_id != agent_id or instance not in (None, caller.instance):
                    continue
                before = session.sent_at.get(seq)
                if before is None and len(session.sent_at) >= MAX_UNACKED:
                    continue
                if before is not None and now - before < RESEND_SECONDS:
                    continue
                session.sent_at[seq] = now
                await self._emit(session.sid, event, payload)
                sent += 1
        return sent

    @staticmethod
    def acknowledged(session: LiveSession, seq: int) -> None:
        """Forgets what was on its way up to `seq`."""
        for sent in [one for one in session.sent_at if one <= seq]:
            del session.sent_at[sent]
