"""OAuth scopes that a token of Nexus may carry."""

from typing import Literal

Scope = Literal["agent", "admin:read", "admin:write"]

AGENT: Scope = "agent"
ADMIN_READ: Scope = "admin:read"
ADMIN_WRITE: Scope = "admin:write"
ALL_SCOPES: tuple[Scope, ...] = (AGENT, ADMIN_READ, ADMIN_WRITE)
