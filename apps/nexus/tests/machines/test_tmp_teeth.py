import asyncio, time, pytest
from hypothesis import settings, Phase
from machines.test_outbox_machine import OutboxMachine
from machines.test_inbox_machine import InboxMachine
from machines.test_lease_machine import LeaseMachine
from machines.vendor import Vendor, ToldSource
from machines import vendor as V
import nexus.pipeline.claims as claims, nexus.pipeline.claim_sql as csql, nexus.pipeline.inbox as inbox, nexus.tasks.commands as commands, nexus.pipeline.echoes as echoes
import nexus.pipeline.delivery as delivery
from nexus.pipeline.ports import Incoming
from dataclasses import replace
from hypothesis.stateful import run_state_machine_as_test
pytestmark = pytest.mark.timeout(900)
async def none(*a, **k): return None
async def false(*a, **k): return False
def unfenced(sql):
    return lambda t: sql(t).replace("claimed_by = :worker AND attempts = :attempts", "(claimed_by = :worker OR true) AND (attempts = :attempts OR true)")
def no_find(m): m.setattr(Vendor, "find", none)
def no_fence(m): m.setattr(claims, "settle_sql", unfenced(csql.settle_sql))
def no_wait(m): m.setattr(claims, "UNSURE_WAIT_SECONDS", 0)
def no_check(m): m.setattr(claims.Claims, "check", lambda *a: None)
def no_order(m):
    old = csql.claim_sql
    m.setattr(claims, "claim_sql", lambda t: old(t).replace("earlier.stream_key = r.stream_key", "false AND earlier.stream_key = r.stream_key"))
def no_takeback(m): m.setattr(echoes.Echoes, "take_back_if_doubled", false)
def no_mark(m):
    old = delivery.replace
    m.setattr(delivery, "replace", lambda x, **k: x)
def no_busy(m):
    old = csql.claim_sql
    m.setattr(claims, "claim_sql", lambda t: old(t).replace("busy.stream_key = r.stream_key", "false AND busy.stream_key = r.stream_key").replace("earlier.stream_key = r.stream_key", "earlier.claimed_by IS NULL AND earlier.stream_key = r.stream_key"))
def no_claim_lock(m):
    m.setattr(claims, "LOCK_CLASS", claims.LOCK_CLASS)
    old = claims.text
    m.setattr(claims, "text", lambda s: old(s.replace("pg_advisory_xact_lock(:class, :table)", "CAST(:class AS int) + CAST(:table AS int)")))
def no_wanted(m): m.setattr(delivery.Deliverer, "_check_wanted", none)
OUT = [no_fence, no_wait, no_check, no_takeback, no_mark, no_wanted, no_find]
def early_yes(m):
    async def insert(self, rows):
        asyncio.get_running_loop().create_task(real(self, rows)); return [True for _ in rows]
    real = inbox.Inbox._insert
    m.setattr(inbox.Inbox, "_insert", insert)
def no_dedup(m):
    real = ToldSource.read; n = iter(range(10**9))
    def read(self, request):
        got = real(self, request)
        return replace(got, dedup_key=f"{got.dedup_key}:{next(n)}") if isinstance(got, Incoming) else got
    m.setattr(ToldSource, "read", read)
def in_no_fence(m): no_fence(m)
def in_no_order(m): no_order(m)
def settle_apart(m):
    import nexus.pipeline.routing as r
    real = claims.Claims.settle
    async def settle(self, session, table, row, **k):
        if table == "inbox": await session.commit()
        if table == "inbox":
            async with self._db.tenant(row.tenant_id) as another: return await real(self, another, table, row, **k)
        return await real(self, session, table, row, **k)
    m.setattr(claims.Claims, "settle", settle)
IN = [early_yes, no_dedup, in_no_fence, in_no_order, settle_apart]
def no_epoch(m): m.setattr(commands.AgentCommands, "_fence", lambda *a: None)
def no_session(m): m.setattr(commands, "check_session", none)
def no_lock(m):
    real = commands.select
    class NoLock:
        def __init__(s, q): s.q = q
        def where(s, *a): return NoLock(s.q.where(*a))
        def with_for_update(s, **k): return s.q
    def select(*a):
        return NoLock(real(*a)) if a == (commands.Task,) else real(*a)
    m.setattr(commands, "select", select)
def no_repeat(m):
    real = commands.note
    m.setattr(commands, "note", lambda *a, event_id=None, answer=None, **k: real(*a, **k))
def no_requeue_reset(m):
    pass
LE = [no_epoch, no_session, no_lock, no_repeat]
@pytest.mark.parametrize("machine,tooth", [(OutboxMachine,t) for t in OUT]+[(InboxMachine,t) for t in IN]+[(LeaseMachine,t) for t in LE], ids=lambda x: x.__name__)
def test_tooth(machine, tooth, plant, runner, monkeypatch):
    if machine is InboxMachine: monkeypatch.setattr("nexus.pipeline.claims.MAX_CRASHES", 1_000_000)
    tooth(monkeypatch)
    n = 0
    def make():
        nonlocal n; n += 1
        return machine(plant, runner)
    began = time.process_time()
    try:
        run_state_machine_as_test(make, settings=settings(max_examples=30, stateful_step_count=25, deadline=None, database=None, phases=(Phase.generate,), report_multiple_bugs=False, suppress_health_check=list(__import__("hypothesis").HealthCheck)))
    except Exception as e:
        with open("/tmp/s/teeth.log","a") as f: f.write(f"{machine.__name__} {tooth.__name__}: caught, example {n}, cpu {time.process_time()-began:.1f}: {type(e).__name__} {str(e)[:150]}\n")
    else:
        with open("/tmp/s/teeth.log","a") as f: f.write(f"{machine.__name__} {tooth.__name__}: NOT CAUGHT {n}\n")
