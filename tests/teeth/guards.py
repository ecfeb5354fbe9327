"""The guards of the promise, each with its removal, the scenario that needs it, and the harm without it.

Do the tests of the promise have teeth? A scenario injects a fault into a whole Oblivion and is judged by
`nexus.drill.checker`, or by what the sandbox and the database show. It is played twice: with the guard nothing may
be wrong, and without that one guard exactly the expected kind of harm must be found. `make teeth` prints the table.

To add one: write the scenario (`scenarios.py`, `agent_scenarios.py`) and see it pass, then name the guard, its
removal (`removals.py`) and the harm here. A removal that goes unnoticed says that the scenario is too weak, or that
the guard does nothing that another one does not do as well.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import agent_scenarios as agents
import scenarios
from removals import (
    BlindInsert,
    Removal,
    answering_first,
    blind_insert_sql,
    by_arrival,
    false,
    idle_a_moment_later,
    no_objection,
    nothing,
    rewritten,
    statements,
    swapped,
    together,
    unmarked,
    until_rung,
    whoever_holds_it,
    without,
    without_unique,
    yes,
)
from stage import Findings, Stage

from nexus.gateway import acknowledgements
from nexus.integrations.clickup.sink import ClickUpTracker
from nexus.integrations.clickup.source import ClickUpSource
from nexus.integrations.slack import blocks
from nexus.integrations.slack.sink import SlackChat
from nexus.integrations.slack.source import SlackSource
from nexus.kit.batching import NaturalBatcher
from nexus.pipeline import claim_sql, claims, clearance, inbox, loading, mirror
from nexus.pipeline.claims import Claims
from nexus.pipeline.echoes import Echoes
from nexus.store import bulk
from nexus.tasks import commands
from nexus.tasks.commands import AgentCommands
from nexus.tasks.dispatch import Dispatcher
from nexus.worker import Wake


@dataclass(frozen=True)
class Guard:
    """One thing that keeps the promise, and the promise that is broken without it."""

    name: str
    removed: str
    scenario: Callable[[Stage], Awaitable[Findings]]
    caught_as: str
    removal: Removal


TRIES = 3
"""Harm needs its moment, which a machine that stands still may miss; a guard that stands must hold each time."""


async def bite(guard: Guard, stage: Stage, record_property: Callable[[str, Any], None]) -> None:
    """Fails unless the scenario is fine with the guard and shows the expected harm without it."""
    told = (guard.scenario.__doc__ or "").splitlines()[0]
    row = {"guard": guard.name, "removed": guard.removed, "scenario": told, "caught": "-", "verdict": "FAILED"}
    record_property("teeth", row)
    wrong = await stage.run(guard.scenario)
    assert wrong == {}, f"{guard.name!r} stands, and yet something is wrong: {wrong}"
    async with guard.removal(stage):
        for _ in range(TRIES):
            if wrong := await stage.run(guard.scenario):
                break
    row["caught"] = ", ".join(wrong) or "nothing"
    assert set(wrong) == {guard.caught_as}, f"without {guard.name!r} it should be {guard.caught_as}: {dict(wrong)}"
    row["verdict"] = "caught"


WAY_IN = (
    Guard(
        "inbox dedup",
        "unique (connection, dedup_key), ON CONFLICT",
        agents.edit_sent_thrice,
        "doubled",
        together(
            without_unique("inbox", "connection_id", "dedup_key"),
            without(inbox, "_INSERT", "ON CONFLICT (connection_id, dedup_key) DO NOTHING"),
        ),
    ),
    Guard(
        "commit before answer",
        "the 200 waits for the COMMIT",
        scenarios.commit_is_cut,
        "lost",
        answering_first,
    ),
    Guard(
        "idle with the empty queue",
        "no await between the batcher's last look and idle",
        scenarios.webhooks_in_a_row,
        "hung",
        swapped(NaturalBatcher, "_run", idle_a_moment_later),
    ),
    Guard(
        "ClickUp signature",
        "HMAC over the body",
        scenarios.forged_webhook,
        "unexpected",
        swapped(ClickUpSource, "verify", yes),
    ),
    Guard(
        "Slack signature",
        "HMAC over time and body",
        scenarios.forged_slack_event,
        "unexpected",
        swapped(SlackSource, "verify", yes),
    ),
    Guard(
        "message once",
        "unique (conversation, source, external_id), ON CONFLICT",
        agents.comment_told_of_twice,
        "doubled",
        together(
            without_unique("messages", "conversation_id", "source", "external_id"),
            swapped(mirror, "insert", BlindInsert),
        ),
    ),
    Guard(
        "effect key",
        "unique (tenant, sink, effect_key), ON CONFLICT",
        scenarios.message_told_of_twice,
        "doubled",
        together(
            without_unique("deliveries", "tenant_id", "sink", "effect_key"),
            swapped(bulk, "_insert_new_sql", blind_insert_sql),
        ),
    ),
    Guard(
        "sweep",
        "loops look each second, rung or not",
        scenarios.rings_are_lost,
        "lost",
        swapped(Wake, "wait", until_rung),
    ),
    Guard(
        "reaping the dead",
        "a claim without its worker's lock is free",
        scenarios.worker_dies_with_an_event,
        "lost",
        without(
            claim_sql,
            "_REAP",
            "OR NOT EXISTS (SELECT {live_workers} AND objid = CAST({table}.claimed_by AS oid))",
        ),
    ),
    Guard(
        "lease of a claim",
        "a claim whose lease is over is free",
        scenarios.worker_hangs_with_an_event,
        "lost",
        rewritten(claim_sql, "_REAP", ("claimed_until < clock_timestamp()", "false")),
    ),
    Guard(
        "solitary suspects",
        "a crash counts against what was held alone; suspects are held alone",
        scenarios.poison_in_company,
        "dead",
        rewritten(claim_sql, "_REAP", ("(NOT claimed_alone)::int", "0"), ("claimed_alone::int", "1")),
    ),
    Guard(
        "row-level security",
        "policies on task_mappings",
        scenarios.another_tenant_looks,
        "leaked",
        statements(
            ("ALTER TABLE task_mappings DISABLE ROW LEVEL SECURITY",),
            ("ALTER TABLE task_mappings ENABLE ROW LEVEL SECURITY",),
        ),
    ),
)
WAY_OUT = (
    Guard(
        "claim fence, settling",
        "worker and attempt in the UPDATE that settles",
        scenarios.late_no,
        "dead",
        together(
            without(claim_sql, "_SETTLE", "AND {table}.claimed_by = told.worker AND {table}.attempts = told.attempts"),
            swapped(clearance, "claim_or_order", no_objection),
        ),
    ),
    Guard(
        "claim fence, giving back",
        "worker and attempt in the UPDATE that gives back",
        scenarios.late_refusal,
        "doubled",
        together(
            without(claim_sql, "_RELEASE", "AND claimed_by = :worker AND attempts = :attempts"),
            swapped(clearance, "claim_or_order", no_objection),
        ),
    ),
    Guard(
        "check before sending",
        "Claims.check, and the same asked of the database",
        scenarios.worker_sleeps_through_its_lease,
        "doubled",
        together(swapped(Claims, "check", no_objection), swapped(clearance, "claim_or_order", no_objection)),
    ),
    Guard(
        "`sending` mark",
        "the claim sets state = 'sending'",
        scenarios.worker_dies_after_the_vendor_took_it,
        "doubled",
        swapped(
            claim_sql,
            "_CHANGES",
            {"inbox": "", "deliveries": ", attempted_at = coalesce(deliveries.attempted_at, clock_timestamp())"},
        ),
    ),
    Guard(
        "wait before a look-up",
        "2 s for what a dead worker's vendor still does",
        scenarios.post_happens_after_its_worker_died,
        "doubled",
        swapped(claims, "UNSURE_WAIT_SECONDS", 0),
    ),
    Guard(
        "look-up in Slack",
        "SlackChat.find",
        scenarios.answer_of_a_post_is_cut,
        "doubled",
        swapped(SlackChat, "find", nothing),
    ),
    Guard(
        "look-up in ClickUp",
        "ClickUpTracker.find",
        scenarios.answer_of_a_comment_is_cut,
        "doubled",
        swapped(ClickUpTracker, "find", nothing),
    ),
    Guard(
        "echo",
        "a second effect is taken back",
        scenarios.post_happens_late,
        "doubled",
        swapped(Echoes, "take_back_if_doubled", false),
    ),
    Guard(
        "head of the stream",
        "a claim takes the first of a stream only",
        scenarios.first_of_a_thread_fails,
        "inversions",
        together(
            without(
                claim_sql,
                "_DUE",
                """
    AND NOT EXISTS (SELECT FROM {table} earlier WHERE earlier.stream_key = {0}.stream_key AND {open_earlier}
                    AND (earlier.{order}, earlier.id) < ({0}.{order}, {0}.id) OFFSET 0)""",
            ),
            swapped(clearance, "claim_or_order", no_objection),
        ),
    ),
    Guard(
        "older events first",
        "a claim waits for older events that are accepted",
        scenarios.older_one_waits_for_its_worker,
        "inversions",
        together(
            swapped(claim_sql, "_OLDER_EVENTS_FIRST", ""),
            swapped(clearance, "claim_or_order", no_objection),
        ),
    ),
    Guard(
        "doubt counts as out",
        "a younger reply in doubt makes an older one late",
        scenarios.older_one_comes_while_a_younger_is_in_doubt,
        "inversions",
        swapped(loading, "_OUT", "('done')"),
    ),
    Guard(
        "order key",
        "deliveries leave by source time",
        scenarios.younger_one_is_handled_first,
        "inversions",
        swapped(mirror, "micros", by_arrival),
    ),
    Guard(
        "late mark",
        "a late reply says when it was written",
        scenarios.older_one_comes_afterwards,
        "inversions",
        swapped(blocks, "reply", unmarked),
    ),
    Guard(
        "turns",
        "posts of all workers share one pace a channel",
        scenarios.five_replies_at_once,
        "throttled",
        swapped(SlackChat, "limit", no_objection),
    ),
)
AGENTS = (
    Guard(
        "wanted until sent",
        "a look at the task right before sending",
        agents.stop_while_a_post_fails,
        "unexpected",
        swapped(clearance, "unwanted", no_objection),
    ),
    Guard(
        "epoch of a task",
        "agent, process and epoch must be the holder's",
        agents.holder_comes_back_late,
        "stale_commits",
        swapped(AgentCommands, "_fence", whoever_holds_it),
    ),
    Guard(
        "event id of a command",
        "commands are known by (task, epoch, event_id)",
        agents.answer_to_an_agent_is_lost,
        "doubled",
        statements(
            (
                "CREATE FUNCTION teeth_forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "NEW.event_id := NEW.event_id || gen_random_uuid(); RETURN NEW; END $$",
                "CREATE TRIGGER teeth_forget BEFORE INSERT ON task_events FOR EACH ROW EXECUTE FUNCTION teeth_forget()",
            ),
            ("DROP TRIGGER teeth_forget ON task_events", "DROP FUNCTION teeth_forget"),
        ),
    ),
    Guard(
        "session epoch",
        "only the newest connection of a process may write",
        agents.old_connection_writes,
        "stale_commits",
        together(
            swapped(commands, "check_session", nothing),
            without(acknowledgements, "_ACKNOWLEDGE", "AND open.session_epoch = given.session_epoch "),
        ),
    ),
    Guard(
        "lease of a task",
        "a task whose lease is over is offered again",
        agents.agent_vanishes,
        "lost",
        swapped(Dispatcher, "_take_back", nothing),
    ),
)
