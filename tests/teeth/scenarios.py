"""What goes wrong on the way from a webhook to its effect, each with the guard against it in mind.

The first line of a docstring is what `make teeth` prints. A scenario returns what is wrong, by kind.
"""

import asyncio
import contextlib
import json
import secrets
from dataclasses import replace
from types import SimpleNamespace

import pytest
from stage import STUCK_SECONDS, Findings, Hand, Stage, at_once, never, paced, unheard
from support.waiting import eventually

from nexus.cli.admin import tenant_named
from nexus.drill.load import Sender, Webhook
from nexus.pipeline import claims, delivery
from nexus.pipeline.claims import LostClaim
from nexus.pipeline.inbox import StoreUnavailable
from nexus.pipeline.ports import RawRequest

_HANG_SECONDS = 1.5
_NEVER_SECONDS = 600.0

# Fires within COMMIT, and takes the server's end of the connection away; once.
_CUT_IN_COMMIT = """
    CREATE SEQUENCE teeth_commits;
    CREATE FUNCTION teeth_cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
        IF nextval('teeth_commits') = 1 THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
            PERFORM pg_sleep(1);
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER teeth_cut AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION teeth_cut()
"""
_MEND_COMMIT = "DROP TRIGGER teeth_cut ON inbox; DROP FUNCTION teeth_cut; DROP SEQUENCE teeth_commits"


async def _each(stage: Stage, statements: str) -> None:
    body: list[str] = []
    for part in statements.split(";"):
        body.append(part)
        whole = ";".join(body)
        if whole.count("$$") % 2 == 0:  # a function's body holds semicolons of its own
            await stage.change(whole)
            body = []


# --- the way in ---


async def commit_is_cut(stage: Stage) -> Findings:
    """PostgreSQL ends the connection within the COMMIT of a webhook"""
    (conversation,) = await stage.conversations()
    await _each(stage, _CUT_IN_COMMIT)
    try:
        await stage.send(stage.comment(conversation, stage.key()))
        await stage.quiet()
    finally:
        await _each(stage, _MEND_COMMIT)
    return await stage.judge()


async def forged_webhook(stage: Stage) -> Findings:
    """somebody who does not know the secret sends a ClickUp webhook"""
    (conversation,) = await stage.conversations()
    await _forge(stage, stage.comment(conversation, stage.key()))
    await stage.send(stage.comment(conversation, stage.key()))
    await stage.quiet()
    return await stage.judge()


async def forged_slack_event(stage: Stage) -> Findings:
    """somebody who does not know the secret sends a Slack event"""
    (conversation,) = await stage.conversations()
    await _forge(stage, await stage.sync(conversation, stage.key()))
    await stage.send(await stage.sync(conversation, stage.key()))
    await stage.quiet()
    return await stage.judge()


async def _forge(stage: Stage, webhook: Webhook) -> None:
    await Sender((stage.world.url,), max_tries=1).send([replace(webhook, secret="guessed")])


async def webhooks_in_a_row(stage: Stage) -> Findings:
    """each webhook comes the moment the one before it is answered"""
    (conversation,) = await stage.conversations()
    hung: list[str] = []
    for _ in range(5):
        webhook = stage.comment(conversation, stage.key())
        headers = {name.lower(): value for name, value in webhook.headers(0).items()}
        try:
            await stage.world.nexus.inbox.receive("clickup", RawRequest(webhook.body, headers, ""))
        except StoreUnavailable:
            hung.append(webhook.key)
            break
    return {"hung": tuple(hung)} if hung else {}


async def message_told_of_twice(stage: Stage) -> Findings:
    """one `!sync` message comes under two event ids, as after an outage"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    first = await stage.sync(conversation, stage.key())
    body = json.loads(first.body) | {"event_id": "Ev" + secrets.token_hex(6).upper()}
    await stage.send(first)
    await stage.quiet()
    await stage.send(replace(first, body=json.dumps(body).encode()))
    await stage.quiet()
    return await stage.judge()


# --- claims ---


async def rings_are_lost(stage: Stage) -> Findings:
    """every ring is lost while Redis is away"""
    (conversation,) = await stage.conversations()
    bells = stage.world.nexus.bells
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bells, "ring_inbox", unheard)
        patch.setattr(bells, "ring", unheard)
        await stage.send(stage.comment(conversation, stage.key()))
        await stage.quiet(STUCK_SECONDS)
        return await stage.judge()


async def worker_dies_with_an_event(stage: Stage) -> Findings:
    """a worker dies right after it has claimed an event"""
    (conversation,) = await stage.conversations()
    async with stage.hand() as victim:
        await stage.send(stage.comment(conversation, stage.key()))
        assert await victim.claims.inbox(1)
        await stage.killed(victim.claims)
        await stage.world.start_worker()
        await stage.quiet(STUCK_SECONDS)
        return await stage.judge()


async def worker_hangs_with_an_event(stage: Stage) -> Findings:
    """a worker hangs with an event: its lock stands, its lease ends"""
    (conversation,) = await stage.conversations()
    async with stage.hand() as hanging:
        await stage.send(stage.comment(conversation, stage.key()))
        assert await hanging.claims.inbox(1)
        await stage.end_lease("inbox")
        await stage.world.start_worker()
        await stage.quiet(STUCK_SECONDS)
        return await stage.judge()


async def poison_in_company(stage: Stage) -> Findings:
    """one event kills whoever holds it, and three others are claimed with it"""
    poisoned, *others = await stage.conversations(4)
    async with stage.hand():  # nobody else works meanwhile
        poison = stage.key()
        innocents = [stage.comment(conversation, stage.key()) for conversation in others]
        await stage.send(stage.comment(poisoned, poison), *innocents)
        for _ in range(12):
            await stage.make_due("inbox")
            async with stage.hand() as worker, stage.hand() as heir:
                rows = await worker.claims.inbox(50)
                if any(poison.encode() in row.body for row in rows):
                    await stage.killed(worker.claims)
                    await heir.claims.reap("inbox")
                    continue
                for row in rows:
                    await worker.router.handle(row)
        await stage.world.start_worker()
        await stage.quiet()
    return await stage.judge(event for event in stage.sender.accepted if event.key != poison)


# --- the way out ---


async def worker_dies_after_the_vendor_took_it(stage: Stage) -> Findings:
    """a worker dies after Slack took its post and before the answer"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    async with stage.hand() as victim, stage.hand() as heir:
        key = stage.key()
        await stage.send(stage.comment(conversation, key))
        await victim.handle_all()
        await _cut_short(stage, victim, await _sends_without_answer(stage, victim, key), heir)
        await stage.make_due()
        await stage.world.start_worker()
        await stage.quiet()
    return await stage.judge()


async def post_happens_after_its_worker_died(stage: Stage) -> Findings:
    """a worker dies, and Slack carries out its post only 1.8 s later"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    async with stage.hand() as victim, stage.hand() as heir:
        key = stage.key()
        await stage.send(stage.comment(conversation, key))
        await victim.handle_all()
        stage.spoil_post("delay", seconds=1.8)
        (row,) = await victim.claims.deliveries(1)
        sending = asyncio.create_task(victim.deliverer.deliver(row))
        await eventually(lambda: stage.calls(key), "the call is under way")
        await _cut_short(stage, victim, sending, heir)
        await heir.deliver_all()
        await stage.world.start_worker()
        await stage.quiet()
        await eventually(lambda: all(call.effect for call in stage.calls(key)), "the delayed post is out")
    return await stage.judge()


async def answer_of_a_post_is_cut(stage: Stage) -> Findings:
    """Slack takes a post and the connection is cut"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    stage.spoil_post("accept_then_cut")
    await stage.send(stage.comment(conversation, stage.key()))
    await stage.quiet()
    return await stage.judge()


async def answer_of_a_comment_is_cut(stage: Stage) -> Findings:
    """ClickUp takes a comment and the connection is cut"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    stage.fault("clickup", "POST /task/*/comment", "accept_then_cut", token="bot", count=1)
    await stage.send(await stage.sync(conversation, stage.key()))
    await stage.quiet()
    return await stage.judge()


async def post_happens_late(stage: Stage) -> Findings:
    """Slack cuts the connection and carries the post out 1.5 s later"""
    (conversation,) = await stage.conversations()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "full_jitter_seconds", at_once)
        stage.spoil_post("accept_late", seconds=1.5)
        await stage.send(stage.comment(conversation, stage.key()))
        await stage.quiet()
    return await stage.judge()


async def worker_sleeps_through_its_lease(stage: Stage) -> Findings:
    """a worker sleeps between its claim and its post, and wakes when another has posted"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    async with stage.hand() as sleeper:
        await stage.send(stage.comment(conversation, stage.key()))
        await sleeper.handle_all()
        (row,) = await sleeper.claims.deliveries(1)
        with pytest.MonkeyPatch.context() as patch:
            monotonic = claims.time.monotonic
            slept = SimpleNamespace(monotonic=lambda: monotonic() + claims.LEASE_SECONDS)
            patch.setattr(claims, "time", slept)
            await stage.end_lease("deliveries")
            await stage.world.start_worker()
            await stage.reaped("deliveries", sleeper.claims)
            await stage.quiet()
            with contextlib.suppress(LostClaim):
                await sleeper.deliverer.deliver(row)
    return await stage.judge()


async def late_refusal(stage: Stage) -> Findings:
    """Slack's 429 to a worker comes when another already sends the same"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    key = stage.key()
    async with stage.hand() as slow, stage.hand() as quick, stage.hand() as third:
        await stage.send(stage.comment(conversation, key))
        await slow.handle_all()
        (row,) = await slow.claims.deliveries(1)
        await stage.end_lease("deliveries")
        await quick.claims.reap("deliveries")
        await stage.make_due()
        sending = await _sends_without_answer(stage, quick, key)
        await slow.claims.release("deliveries", row, state="pending", after_seconds=0, reason="Slack answered 429")
        await third.deliver_all()
        await _cut_short(stage, quick, sending, third)
        await stage.make_due()
        await stage.world.start_worker()
        await stage.quiet()
    return await stage.judge()


async def _sends_without_answer(stage: Stage, worker: Hand, key: str) -> asyncio.Task[str]:
    """A worker posts what is due; Slack takes it and says nothing."""
    stage.spoil_post("accept_then_hang", seconds=_NEVER_SECONDS)
    (row,) = await worker.claims.deliveries(1)
    sending = asyncio.create_task(worker.deliverer.deliver(row))
    await stage.taken(key)
    return sending


async def _cut_short(stage: Stage, worker: Hand, sending: asyncio.Task[str], heir: Hand) -> None:
    """The worker dies in the middle of its post, and another one takes its claims away."""
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await stage.killed(worker.claims)
    await heir.claims.reap("deliveries")


async def late_no(stage: Stage) -> Findings:
    """Slack refuses a worker's post for good when another has posted it already"""
    (conversation,) = await stage.conversations()
    key = stage.key()
    async with stage.hand() as slow, stage.hand() as quick:
        await stage.send(stage.comment(conversation, key))
        await slow.handle_all()
        (row,) = await slow.claims.deliveries(1)
        await stage.end_lease("deliveries")
        await quick.claims.reap("deliveries")
        await stage.make_due()
        await quick.deliver_all()
        stage.spoil_post("reject_error", error="is_archived")
        with contextlib.suppress(LostClaim):
            await slow.deliverer.deliver(row)
        await stage.world.start_worker()
        await stage.quiet()
    return await stage.judge()


# --- order ---


async def first_of_a_thread_fails(stage: Stage) -> Findings:
    """the first reply of a thread fails and waits; the second one is ready"""
    (conversation,) = await stage.conversations()
    first, second = stage.key(), stage.key()
    async with stage.hand() as worker:
        for key in (first, second):
            await stage.send(stage.comment(conversation, key))
            await worker.handle_all()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery, "full_jitter_seconds", never)
            stage.spoil_post("5xx")
            (row,) = await worker.claims.deliveries(1)
            assert await worker.deliverer.deliver(row) == "retry"
        await worker.deliver_all()
        await stage.make_due()
        await stage.world.start_worker()
        await stage.quiet()
    # Both had been accepted before either left: being marked as late is no excuse.
    return await stage.judge(reorder_window_seconds=0)


async def older_one_waits_for_its_worker(stage: Stage) -> Findings:
    """an older comment is accepted and held up when a younger one is ready to leave"""
    (conversation,) = await stage.conversations()
    older, younger = stage.key(), stage.key()
    async with stage.hand() as slow, stage.hand() as quick:
        await stage.send(stage.comment(conversation, younger))
        await quick.handle_all()
        await stage.send(stage.comment(conversation, older))
        (row,) = await slow.claims.inbox(1)
        await quick.deliver_all()
        await slow.router.handle(row)
        await stage.world.start_worker()
        await stage.quiet()
    # Both had been accepted before either left: being marked as late is no excuse.
    return await stage.judge(reorder_window_seconds=0)


async def older_one_comes_while_a_younger_is_in_doubt(stage: Stage) -> Findings:
    """an older comment comes when nobody knows whether a younger one is out"""
    (conversation,) = await stage.conversations()
    stage.without_echoes()
    older, younger = stage.key(), stage.key()
    async with stage.hand() as victim, stage.hand() as heir:
        await stage.send(stage.comment(conversation, younger))
        await victim.handle_all()
        await _cut_short(stage, victim, await _sends_without_answer(stage, victim, younger), heir)
        await stage.send(stage.comment(conversation, older))
        await heir.handle_all()
        await heir.deliver_all()
        await stage.world.start_worker()
        await stage.quiet()
    return await stage.judge()


async def older_one_comes_afterwards(stage: Stage) -> Findings:
    """an older comment comes after a younger one is out"""
    (conversation,) = await stage.conversations()
    older, younger = stage.key(), stage.key()
    await stage.send(stage.comment(conversation, younger))
    await stage.quiet()
    await stage.send(stage.comment(conversation, older))
    await stage.quiet()
    return await stage.judge()


async def younger_one_is_handled_first(stage: Stage) -> Findings:
    """two comments come in the wrong order while the thread is busy"""
    (conversation,) = await stage.conversations()
    busy, older, younger = stage.key(), stage.key(), stage.key()
    stage.spoil_post("accept_then_hang", seconds=_HANG_SECONDS)
    await stage.send(stage.comment(conversation, busy))
    await stage.taken(busy)
    for key in (younger, older):
        await stage.send(stage.comment(conversation, key))
        await stage.delivery(key)
    await stage.quiet()
    return await stage.judge()


# --- limits and tenants ---


async def five_replies_at_once(stage: Stage) -> Findings:
    """five replies at once, and Slack takes one each two seconds after a burst of four"""
    conversations = await stage.conversations(5)
    await stage.world.stop_worker()
    await paced(stage, 0.5, slack_post_per_second=0.5, slack_post_burst=4)
    try:
        await stage.send(*(stage.comment(conversation, stage.key()) for conversation in conversations))
        await stage.world.start_worker()
        await stage.quiet()
        wrong = await stage.judge()
    finally:
        await paced(stage, 1000, slack_post_per_second=0)
    refused = [call for call in stage.world.box.sandbox.core.recorder.calls if call.error == "ratelimited"]
    throttled = tuple(call.n for call in refused if stage.run_id.encode() in (call.raw_body or b""))
    return {**wrong, "throttled": throttled} if throttled else wrong


async def another_tenant_looks(stage: Stage) -> Findings:
    """an administrator of another tenant asks for tasks"""
    await stage.conversations()
    other = await tenant_named(stage.world.nexus, f"other {stage.run_id}", create=True)
    async with await replace(stage.world, tenant_id=other).admin() as client:
        answer = (await client.get("/v1/tasks")).raise_for_status()
    leaked = tuple(task["title"] for task in answer.json()["items"])
    return {"leaked": leaked} if leaked else {}
