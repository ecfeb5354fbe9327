"""The list of what the index has yet to take in: table `search_changes`, written by triggers."""

from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, func, insert, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.search.store import Kind
from nexus.store.database import Database
from nexus.store.tables import Message, SearchChange, Task, TaskMapping, Tenant

REINDEX = "reindex"
_LOCK_CLASS = 0x0B11_5EA7
"""Advisory locks of this class: one process at a time indexes a tenant, or an older text could replace a newer."""

_SOURCES: tuple[tuple[Kind, type[Message] | type[Task] | type[TaskMapping]], ...] = (
    ("conversation", TaskMapping),
    ("task", Task),
    ("message", Message),
)


async def tenants_waiting(db: Database) -> list[UUID]:
    """Tenants of whom something is to be indexed."""
    async with db.system() as session:
        return list(await session.scalars(select(SearchChange.tenant_id).distinct()))


async def request_all(db: Database, tenant_id: UUID | None = None) -> None:
    """Has everything indexed anew, of one tenant or of all."""
    async with db.system() as session:
        tenants = [tenant_id] if tenant_id else list(await session.scalars(select(Tenant.id)))
        for each in tenants:
            session.add(SearchChange(tenant_id=each, kind=REINDEX, row_id=each))


async def lock(session: AsyncSession, tenant_id: UUID) -> bool:
    """Whether this transaction alone may index the tenant."""
    taken = await session.execute(
        text("SELECT pg_try_advisory_xact_lock(:class, hashtext(:tenant))"),
        {"class": _LOCK_CLASS, "tenant": str(tenant_id)},
    )
    return bool(taken.scalar_one())


async def oldest(session: AsyncSession, limit: int) -> list[SearchChange]:
    """The next changes of the transaction's tenant."""
    query = select(SearchChange).order_by(SearchChange.created_at, SearchChange.id).limit(limit)
    return list(await session.scalars(query))


async def done(session: AsyncSession, changes: list[SearchChange]) -> None:
    """They are in the index now."""
    await session.execute(delete(SearchChange).where(SearchChange.id.in_([change.id for change in changes])))


async def list_everything(session: AsyncSession, tenant_id: UUID) -> None:
    """Adds every row of the transaction's tenant."""
    for kind, source in _SOURCES:
        table: Table = source.__table__  # pyright: ignore[reportAssignmentType]
        columns: list[ColumnElement[object]] = [func.gen_random_uuid(), literal(tenant_id), literal(kind), table.c.id]
        await session.execute(insert(SearchChange).from_select(["id", "tenant_id", "kind", "row_id"], select(*columns)))


async def waiting(session: AsyncSession) -> int:
    """How many changes of the transaction's tenant are not in the index yet."""
    return await session.scalar(select(func.count()).select_from(SearchChange)) or 0


def new_change(tenant_id: UUID, kind: Kind, row_id: UUID) -> SearchChange:
    """A change as a trigger would note it."""
    return SearchChange(id=new_id(), tenant_id=tenant_id, kind=kind, row_id=row_id)
