"""OAuth scopes that a token of Nexus may carry."""

from typing import Literal

Scope = Literal["agent", "admin:read", "admin:operate", "admin:write", "delegate"]

AGENT: Scope = "agent"
ADMIN_READ: Scope = "admin:read"
ADMIN_OPERATE: Scope = "admin:operate"
ADMIN_WRITE: Scope = "admin:write"
DELEGATE: Scope = "delegate"
"""May ask for tokens of people, RFC 8693; gives no right of its own."""

ADMIN_SCOPES: tuple[Scope, ...] = (ADMIN_READ, ADMIN_OPERATE, ADMIN_WRITE)
"""From the weakest to the strongest: each includes those before it."""

ALL_SCOPES: tuple[Scope, ...] = (AGENT, *ADMIN_SCOPES, DELEGATE)
