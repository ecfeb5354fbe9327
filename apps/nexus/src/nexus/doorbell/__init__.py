"""Redis as a doorbell: rings that wake others, and nothing that anybody relies on.

Inbox rows ring through the BullMQ queue `webhook-processing` (a job carries inbox ids, so that every BullMQ
dashboard shows what comes in); everything else rings through one pub/sub channel. A lost ring costs at most the
second until the next sweep.
"""

from nexus.kit.lean import without

# Wherever it is installed, redis-py imports OpenTelemetry's SDK of metrics, and never uses it unless told to: a tenth
# of a second of every command.
with without("opentelemetry.sdk.metrics"):
    from nexus.doorbell.bells import Bells
    from nexus.doorbell.connections import RedisAway, redis_client

__all__ = ["Bells", "RedisAway", "redis_client"]
