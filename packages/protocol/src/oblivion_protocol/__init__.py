"""The wire of Oblivion: one definition for Nexus, the SDK and Observer."""

from oblivion_protocol.base import MAX_MESSAGE_BYTES, MAX_TEXT_CHARS, Wire
from oblivion_protocol.commands import (
    COMMANDS,
    TASK_COMMANDS,
    Accepted,
    Ack,
    Answer,
    AuthRefresh,
    Hello,
    HelloAnswer,
    Holding,
    PlanStep,
    Refused,
    TaskAccept,
    TaskApprove,
    TaskArtifact,
    TaskAsk,
    TaskCommand,
    TaskComplete,
    TaskFail,
    TaskHeartbeat,
    TaskMessage,
    TaskPlan,
    TaskProgress,
    TaskReject,
)
from oblivion_protocol.errors import HandshakeCode, OAuthErrorCode, RefusalCode
from oblivion_protocol.events import (
    EVENTS,
    AgentMuted,
    AgentUnmuted,
    AuthRefreshRequested,
    ContextEntry,
    ContextKind,
    ContextUpdate,
    Durable,
    Link,
    ServerDraining,
    TaskAssigned,
    TaskCanceled,
    UntrustedText,
)
from oblivion_protocol.frames import FeedLine, PresenceChanged, Resume, Stats, Subscribe, TaskChanged
from oblivion_protocol.resources import (
    AgentResource,
    AgentSession,
    AliasResource,
    DeliveryResource,
    MappingResource,
    OAuthError,
    Page,
    Problem,
    SearchHit,
    SyncRule,
    TaskResource,
    TimelineEntry,
    TokenResponse,
)
from oblivion_protocol.scopes import ADMIN_READ, ADMIN_WRITE, AGENT, ALL_SCOPES, Scope
from oblivion_protocol.states import HELD_STATES, TERMINAL_STATES, TaskState, WaitReason

__all__ = [
    "ADMIN_READ", "ADMIN_WRITE", "AGENT", "ALL_SCOPES", "COMMANDS", "EVENTS", "HELD_STATES", "MAX_MESSAGE_BYTES",
    "MAX_TEXT_CHARS", "TASK_COMMANDS", "TERMINAL_STATES", "Accepted", "Ack", "AgentMuted", "AgentResource",
    "AgentSession", "AgentUnmuted", "AliasResource", "Answer", "AuthRefresh", "AuthRefreshRequested", "ContextEntry",
    "ContextKind", "ContextUpdate", "DeliveryResource", "Durable", "FeedLine", "HandshakeCode", "Hello",
    "HelloAnswer", "Holding", "Link", "MappingResource", "OAuthError", "OAuthErrorCode", "Page", "PlanStep",
    "PresenceChanged", "Problem", "Refused", "RefusalCode", "Resume", "Scope", "SearchHit", "ServerDraining",
    "Stats", "Subscribe", "SyncRule", "TaskAccept", "TaskApprove", "TaskArtifact", "TaskAsk", "TaskAssigned",
    "TaskCanceled", "TaskChanged", "TaskCommand", "TaskComplete", "TaskFail", "TaskHeartbeat", "TaskMessage",
    "TaskPlan", "TaskProgress", "TaskReject", "TaskResource", "TaskState", "TimelineEntry", "TokenResponse",
    "UntrustedText", "WaitReason", "Wire",
]  # fmt: skip
