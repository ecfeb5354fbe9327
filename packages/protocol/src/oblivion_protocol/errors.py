"""Codes with which Nexus refuses something. A code is for programs, `detail` is for people."""

from typing import Literal

RefusalCode = Literal["stale_epoch", "muted", "rate_limited", "invalid", "not_found"]
"""Why a command of an agent was refused.

- `stale_epoch`: the task was offered again since, or is over; stop working on it.
- `muted`: the agent is muted; the message is held, not lost.
- `rate_limited`: too fast; try again later with the same `event_id`.
- `invalid`: the frame does not parse or is not allowed in this state; do not retry.
- `not_found`: no such task for this agent.
"""

HandshakeCode = Literal["unauthorized", "token_expired", "forbidden"]
"""Why a Socket.IO handshake was refused."""

OAuthErrorCode = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "server_error",
    "temporarily_unavailable",
]
"""Codes of RFC 6749 §5.2 and §4.1.2.1, and RFC 8693 §2.2.2."""
