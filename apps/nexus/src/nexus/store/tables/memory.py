"""What the search index has yet to take in."""

from uuid import UUID

from sqlalchemy.orm import Mapped

from nexus.store.tables.base import Base, Identified, TenantOwned


class SearchChange(Base, Identified, TenantOwned):
    """A row whose text changed, or `reindex` for everything of the tenant; gone once the index has taken it in.

    Written by triggers of the tables that hold text, in the transaction of the change: no writer can forget it, a
    crash cannot lose it. It says where to look, not what is there, so a second one for the same row does no harm.
    """

    __tablename__ = "search_changes"
    kind: Mapped[str]
    """`message`, `task`, `conversation` or `reindex`."""
    row_id: Mapped[UUID]
