"""A company whose people talk, and everything that remembers it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from nexus.kit.ids import new_id
from nexus.search.history import History
from nexus.search.indexer import Indexer
from nexus.search.memory import Memory
from nexus.store.database import Database
from nexus.store.tables import Message, Task, TaskMapping

SAID_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Company:
    """A tenant whose people talk."""

    id: UUID
    db: Database
    connection: UUID = field(default_factory=new_id)

    async def conversation(self, title: str) -> UUID:
        row = TaskMapping(
            id=new_id(), tenant_id=self.id, tracker="clickup", tracker_connection_id=self.connection,
            item_id=uuid4().hex, list_id="L", title=title, url="https://tracker/1", snapshot={}, alias="squad",
        )  # fmt: skip
        return await self._add(row)

    async def say(self, conversation: UUID, said: str, author: str = "Dana") -> UUID:
        row = Message(
            id=new_id(), tenant_id=self.id, conversation_id=conversation, source="slack", external_id=uuid4().hex,
            author_id="U1", author_name=author, text=said, occurred_at=SAID_AT,
        )  # fmt: skip
        return await self._add(row)

    async def task(self, conversation: UUID, result: str) -> UUID:
        row = Task(
            id=new_id(), tenant_id=self.id, conversation_id=conversation, alias="squad", type="fix_bug", title="Task",
            instructions="do", state="completed", result=result, expires_at=SAID_AT, finished_at=SAID_AT,
        )  # fmt: skip
        return await self._add(row)

    async def change(self, statement: str, **values: Any) -> None:
        async with self.db.tenant(self.id) as session:
            await session.execute(text(statement), values)

    async def waiting(self) -> int:
        async with self.db.tenant(self.id) as session:
            return (await session.execute(text("SELECT count(*) FROM search_changes"))).scalar_one()

    async def _add(self, row: Any) -> UUID:
        async with self.db.tenant(self.id) as session:
            session.add(row)
            await session.flush()
            return row.id


@dataclass
class Recall:
    """Everything that remembers, as one process has it."""

    memory: Memory
    indexer: Indexer
    history: History

    async def catch_up(self) -> None:
        """Opens the index and works off what there is."""
        await self.indexer.prepare()
        while await self.indexer.run_once():
            pass

    async def texts(self, company: Company, query: str) -> list[str]:
        return [hit.text for hit in await self.history.search(company.id, query, 10)]
