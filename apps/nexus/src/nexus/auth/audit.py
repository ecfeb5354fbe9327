"""One line in the audit log, within the transaction of the act itself."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from nexus.store.tables import AuditEntry


def record(
    session: AsyncSession,
    tenant_id: UUID,
    actor: str,
    action: str,
    target: str,
    data: dict[str, Any] | None = None,
) -> None:
    """Notes that `actor` did `action` to `target`. Never pass a secret in `data`.

    `actor` is the e-mail of a person, a client id, or a word such as `system`.
    """
    session.add(AuditEntry(tenant_id=tenant_id, actor=actor, action=action, object=target, data=data or {}))
