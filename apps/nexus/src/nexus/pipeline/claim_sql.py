"""The statements behind `claims.py`, one text for both tables."""

from functools import cache
from typing import Literal

from sqlalchemy import TextClause, text

from nexus.pipeline.tries import longer_history_sql, told_sql

Table = Literal["inbox", "deliveries"]

LARGE_COMPANY = 8
"""How many suspects are claimed together that took two workers down in company."""
SMALL_COMPANY = 3
"""The same after three; after four each is claimed alone."""
MOST_SUSPECTS = 10_000
"""How many of them, the ones due first, a claim looks at."""

_OPEN = {"inbox": "{0}.state = 'pending'", "deliveries": "{0}.state IN ('pending', 'sending')"}
_ORDER = {"inbox": "occurred_at", "deliveries": "order_key"}
_CHANGES = {
    "inbox": "",
    "deliveries": ", state = 'sending', attempted_at = coalesce(deliveries.attempted_at, clock_timestamp())",
}
_COMMON = (
    "id, tenant_id, connection_id, stream_key, attempts, created_at, traceparent, claimed_by, claimed_alone, "
    "shared_crashes"
)
_RETURNED = {
    "inbox": f"{_COMMON}, source, occurred_at, content_type, body",
    "deliveries": f"{_COMMON}, conversation_id, task_id, message_id, kind, payload, order_key, sink, attempted_at, "
    "external_id, slot_at, source_stream",
}

# Whether more of the stream waits behind it: most events come alone, and need not look for others.
_SEEN = {
    "inbox": ", EXISTS (SELECT FROM inbox behind WHERE behind.stream_key = inbox.stream_key "
    "AND behind.state = 'pending' AND behind.id <> inbox.id OFFSET 0) AS followed",
    "deliveries": "",
}

# A tenant's heads of streams, in the order in which they are taken.
_BY_TIME = """
                SELECT r.id, r.available_at, 1 AS rank FROM {table} r
                WHERE r.tenant_id = w.tenant_id AND {due_r} AND r.shared_crashes < 2
                ORDER BY r.available_at LIMIT {room}
"""
# What is in doubt comes before what is new: it was begun already, and it holds up its stream.
_IN_DOUBT_FIRST = """
                (SELECT r.id, r.available_at, 0 AS rank FROM {table} r
                 WHERE r.tenant_id = w.tenant_id AND r.state = 'sending' AND {due_r} AND r.shared_crashes < 2
                 ORDER BY r.available_at LIMIT {room})
                UNION ALL
                (SELECT r.id, r.available_at, 1 FROM {table} r
                 WHERE r.tenant_id = w.tenant_id AND r.state = 'pending' AND {due_r} AND r.shared_crashes < 2
                 ORDER BY r.available_at LIMIT {room})
                ORDER BY rank, available_at LIMIT {room}
"""
_HEADS = {"inbox": _BY_TIME, "deliveries": _IN_DOUBT_FIRST}
_ROOM = "least(CAST(:limit AS bigint), greatest(CAST(:share AS bigint) - coalesce(held.rows, 0), 0))"

# Which tenants wait is found by jumping from one to the next in the index, so that it costs the same however
# long the queue of one of them is. Each tenant's rows are numbered after those that this worker holds already,
# and lower numbers go first: a flood of one tenant delays nobody else.
_CLAIM = """
    WITH RECURSIVE waiting AS (
        (SELECT n.tenant_id FROM {table} n WHERE {open_n} AND n.claimed_by IS NULL ORDER BY n.tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT n.tenant_id FROM {table} n WHERE {open_n} AND n.claimed_by IS NULL
                AND n.tenant_id > w.tenant_id ORDER BY n.tenant_id LIMIT 1)
        FROM waiting w WHERE w.tenant_id IS NOT NULL
    ), fair AS (
        SELECT ready.id, ready.available_at, ready.number + coalesce(held.rows, 0) AS turn
        FROM waiting w
        LEFT JOIN unnest(CAST(:tenants AS uuid[]), CAST(:counts AS bigint[])) AS held(tenant_id, rows)
            ON held.tenant_id = w.tenant_id
        CROSS JOIN LATERAL (
            SELECT head.id, head.available_at, row_number() OVER (ORDER BY head.rank, head.available_at) AS number
            FROM ({heads}) head
        ) ready
        WHERE w.tenant_id IS NOT NULL
    ), suspected AS (
        SELECT alike.id FROM (
            SELECT r.id, r.shared_crashes,
                first_value(r.shared_crashes) OVER (ORDER BY r.available_at, r.id) AS level,
                row_number() OVER (PARTITION BY r.shared_crashes ORDER BY r.available_at, r.id) AS number
            FROM (
                SELECT * FROM {table} s WHERE CAST(:may_suspect AS boolean) AND s.shared_crashes >= 2 AND {open_s}
                ORDER BY s.available_at LIMIT {most_suspects}
            ) r WHERE {due_r}
        ) alike
        WHERE alike.shared_crashes = alike.level
          AND alike.number <= CASE alike.level WHEN 2 THEN {large} WHEN 3 THEN {small} ELSE 1 END
    ), picked AS (
        SELECT either.id FROM (
            SELECT id, turn, available_at FROM fair UNION ALL SELECT id, 0, '-infinity' FROM suspected
        ) either ORDER BY either.turn, either.available_at LIMIT CAST(:limit AS bigint)
    ), due AS (
        SELECT r.id, r.shared_crashes >= 2 AS suspect, r.state AS prior
        FROM picked CROSS JOIN LATERAL (
            SELECT * FROM {table} p WHERE p.id = picked.id OFFSET 0 FOR UPDATE SKIP LOCKED
        ) r
        WHERE r.claimed_by IS NULL AND {open_r}
    )
    UPDATE {table} SET claimed_by = :worker, claimed_until = clock_timestamp() + make_interval(secs => :lease),
                       claimed_alone = (due.suspect AND (SELECT count(*) FROM due WHERE due.suspect) = 1)
                           OR (CAST(:busy AS bigint) = 0 AND (SELECT count(*) FROM due) = 1),
                       attempts = {table}.attempts + 1 {changes}
    FROM due WHERE {table}.id = due.id
    RETURNING {returned}, due.prior, due.suspect {seen}
"""

# OFFSET 0 keeps PostgreSQL from turning these into joins with all that waits: a claim looks at few rows, and into an
# index for each, however long the queue is and whatever was last counted of it.
_DUE = """
    {open} AND {0}.claimed_by IS NULL AND {0}.available_at <= statement_timestamp()
    AND {0}.connection_id <> ALL(CAST(:blocked AS uuid[]))
    AND NOT EXISTS (SELECT FROM {table} earlier WHERE earlier.stream_key = {0}.stream_key AND {open_earlier}
                    AND (earlier.{order}, earlier.id) < ({0}.{order}, {0}.id) OFFSET 0)
    AND NOT EXISTS (SELECT FROM {table} busy WHERE busy.stream_key = {0}.stream_key AND busy.claimed_by IS NOT NULL
                    OFFSET 0)
"""

HOLDS = """
    (older.created_at > clock_timestamp() - make_interval(secs => :hold)
     OR (older.reason IS NULL AND older.shared_crashes < 2 AND older.crashes = 0))
"""
"""Whether an event `older` still holds up what is younger: as long as nobody could look at it, however long the queue
is; one that was tried and has to wait, or that may be poison, for some seconds only. It will be marked as late."""

# What is accepted before an effect leaves and is older goes first, even if its own delivery does not exist yet. What
# is in doubt is looked up meanwhile; if it is not there, the deliverer asks the same before it sends.
_OLDER_EVENTS_FIRST = f"""
    AND ({{0}}.state = 'sending'
         OR NOT EXISTS (SELECT FROM inbox older WHERE older.stream_key = {{0}}.source_stream
                        AND older.state = 'pending' AND older.occurred_at < to_timestamp({{0}}.order_key / 1000000.0)
                        AND {HOLDS} OFFSET 0))
"""

_UNSURE_WAIT = (
    "available_at = CASE WHEN state = 'sending' THEN "
    "greatest(available_at, clock_timestamp() + make_interval(secs => :unsure_wait)) ELSE available_at END"
)

_QUARANTINED = "'quarantined: ' || (crashes + 1) || ' workers died while holding it; look at it before a replay'"

LIVE_WORKERS = """
    FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = CAST(:lock_class AS oid) AND objsubid = 2
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""A row for each worker that lives; `objid` is its identity (docs/decisions/0005)."""

_REAP = """
    UPDATE {table} SET
        claimed_by = NULL, claimed_until = NULL, claimed_alone = false,
        shared_crashes = shared_crashes + (NOT claimed_alone)::int,
        crashes = crashes + claimed_alone::int, {unsure_wait},
        state = CASE WHEN crashes + claimed_alone::int >= :max_crashes THEN 'dead' ELSE state END,
        reason = CASE WHEN crashes + claimed_alone::int >= :max_crashes
            THEN {quarantined} ELSE reason END,
        settled_at = CASE WHEN crashes + claimed_alone::int >= :max_crashes THEN clock_timestamp() ELSE settled_at END,
        {told}
    WHERE claimed_by IS NOT NULL AND (
        claimed_until < clock_timestamp()
        OR NOT EXISTS (SELECT {live_workers} AND objid = CAST({table}.claimed_by AS oid)))
    RETURNING id
"""

_FREE = """
    UPDATE {table} SET claimed_by = NULL, claimed_until = NULL, claimed_alone = false, attempts = attempts - 1,
                       {unsure_wait}
    WHERE claimed_by = :worker RETURNING id
"""

# A row that waits on for the same thing says so once, with the time at which that began.
_WAITS_ON = (
    "(:uncount = 1 AND history -> -1 ->> 'outcome' = 'deferred' "
    "AND history -> -1 ->> 'reason' = CAST(:reason AS text)) IS TRUE"
)

_RELEASE = """
    UPDATE {table} SET state = :state, reason = :reason, claimed_by = NULL, claimed_until = NULL,
                       claimed_alone = false, shared_crashes = 0, attempts = attempts - :uncount {slot},
                       available_at = clock_timestamp() + make_interval(secs => :after),
                       changed_at = CASE WHEN {waits_on} THEN changed_at ELSE clock_timestamp() END,
                       history = CASE WHEN {waits_on} THEN history ELSE {longer} END
    WHERE id = :id AND claimed_by = :worker AND attempts = :attempts
"""

_SETTLE = """
    UPDATE {table} SET state = told.state, reason = told.reason, claimed_by = NULL, claimed_until = NULL,
                       claimed_alone = false, shared_crashes = 0, settled_at = clock_timestamp(), {told} {extra}
    FROM unnest(CAST(:ids AS uuid[]), CAST(:workers AS int[]), CAST(:attempts AS int[]), CAST(:states AS text[]),
                CAST(:reasons AS text[]), {arrays}) AS told(id, worker, attempts, state, reason, {names})
    WHERE {table}.id = ANY(CAST(:ids AS uuid[]))
      AND {table}.id = told.id AND {table}.claimed_by = told.worker AND {table}.attempts = told.attempts
    RETURNING {returned}
"""
_SETTLED = {
    "inbox": {
        "arrays": "CAST(:conversations AS uuid[])",
        "names": "conversation_id",
        "extra": ", conversation_id = told.conversation_id",
        "returned": "inbox.id",
    },
    # An echo may have told of the effect of an earlier try: that one counts, and ours is taken back when its own echo
    # comes.
    "deliveries": {
        "arrays": "CAST(:externals AS text[]), CAST(:lates AS text[])",
        "names": "external_id, late_at",
        "extra": ", external_id = CASE WHEN told.external_id IS NULL THEN NULL "
        "ELSE coalesce(deliveries.external_id, told.external_id) END, "
        "payload = CASE WHEN told.late_at IS NULL THEN payload "
        "ELSE payload || jsonb_build_object('late_at', told.late_at) END",
        "returned": "deliveries.id, deliveries.external_id",
    },
}


@cache
def claim_sql(table: Table) -> TextClause:
    """Claims due rows, the first of each stream, and none of a stream that is being worked on."""
    is_open = _OPEN[table]
    conditions = _DUE + (_OLDER_EVENTS_FIRST if table == "deliveries" else "")
    due = conditions.format(
        "r", table=table, open=is_open.format("r"), open_earlier=is_open.format("earlier"), order=_ORDER[table]
    )
    returned = ", ".join(f"{table}.{name.strip()}" for name in _RETURNED[table].split(","))
    return text(
        _CLAIM.format(
            table=table,
            open_n=is_open.format("n"),
            open_r=is_open.format("r"),
            open_s=is_open.format("s"),
            most_suspects=MOST_SUSPECTS,
            due_r=due,
            heads=_HEADS[table].format(table=table, due_r=due, room=_ROOM),
            changes=_CHANGES[table],
            seen=_SEEN[table],
            returned=returned,
            large=LARGE_COMPANY,
            small=SMALL_COMPANY,
        )
    )


@cache
def reap_sql(table: Table) -> TextClause:
    """Frees rows whose worker is gone, and counts it against those that it held alone."""
    dead = "crashes + claimed_alone::int >= :max_crashes"
    told = told_sql(
        f"CASE WHEN {dead} THEN 'dead' ELSE 'crash' END",
        f"CASE WHEN {dead} THEN {_QUARANTINED} ELSE 'its worker was lost while holding it' END",
    )
    return text(
        _REAP.format(
            table=table,
            unsure_wait=_UNSURE_WAIT,
            quarantined=_QUARANTINED,
            told=told,
            live_workers=LIVE_WORKERS,
        )
    )


@cache
def free_sql(table: Table) -> TextClause:
    """Gives back everything that one worker holds, as if it had never claimed it."""
    return text(_FREE.format(table=table, unsure_wait=_UNSURE_WAIT))


@cache
def release_sql(table: Table) -> TextClause:
    """Gives one row back for a later try."""
    outcome = "CASE WHEN :uncount = 1 THEN 'deferred' WHEN :state = 'sending' THEN 'unsure' ELSE 'retry' END"
    return text(
        _RELEASE.format(
            table=table,
            slot=", slot_at = :slot_at" if table == "deliveries" else "",
            waits_on=_WAITS_ON,
            longer=longer_history_sql(outcome, "CAST(:reason AS text)", "round(CAST(:after AS numeric), 1)"),
        )
    )


@cache
def settle_sql(table: Table) -> TextClause:
    """Ends rows, each with a fate of its own; returns those that were still the worker's."""
    told = told_sql("told.state", "told.reason")
    return text(_SETTLE.format(table=table, told=told, **_SETTLED[table]))
