"""Every table of Nexus. PostgreSQL holds the truth; each row but two belongs to a tenant.

Vendor words appear in this file only as generated columns (`clickup_list_id`, `slack_channel_id`, …): the
pipeline speaks of a tracker's list and item and of a chat's channel and message, so that another vendor is
another value in `connections.vendor` and not another column.
"""

from sqlalchemy import Index

from nexus.store.tables.audit import AuditEntry
from nexus.store.tables.base import Base, Identified, TenantOwned
from nexus.store.tables.connections import Connection, Pace, WebhookKey
from nexus.store.tables.conversations import Message, ProjectMapping, TaskMapping
from nexus.store.tables.identity import (
    Agent,
    AgentAlias,
    ApiKey,
    ApiKeySecret,
    Member,
    RevokedToken,
    SigningKey,
    Tenant,
)
from nexus.store.tables.memory import SearchChange
from nexus.store.tables.mutes import HeldPost, Mute
from nexus.store.tables.queues import Delivery, InboxEvent
from nexus.store.tables.tasks import AgentMessage, AgentSession, Question, Task, TaskEvent

__all__ = [
    "Agent",
    "AgentAlias",
    "AgentMessage",
    "AgentSession",
    "ApiKey",
    "ApiKeySecret",
    "AuditEntry",
    "Base",
    "Connection",
    "Delivery",
    "HeldPost",
    "Identified",
    "InboxEvent",
    "Member",
    "Message",
    "Mute",
    "Pace",
    "ProjectMapping",
    "Question",
    "RevokedToken",
    "SearchChange",
    "SigningKey",
    "Task",
    "TaskEvent",
    "TaskMapping",
    "Tenant",
    "TenantOwned",
    "WebhookKey",
]

for _table in Base.metadata.tables.values():
    if "tenant_id" in _table.c:
        # Every list is one tenant's, by age: the pages of the API, and what a tenant sees of a queue.
        Index(f"ix_{_table.name}_tenant", _table.c.tenant_id, _table.c.created_at, _table.c.id)
