"""Administrative acts."""

from typing import Any

from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from nexus.store.tables.base import Base, Identified, TenantOwned


class AuditEntry(Base, Identified, TenantOwned):
    """An administrative act: who did what to which object."""

    __tablename__ = "audit_log"
    actor: Mapped[str]
    action: Mapped[str]
    object: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(server_default=sql("'{}'::jsonb"))
