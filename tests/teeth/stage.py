"""Where the scenarios play: a whole Oblivion, people and vendors from the sandbox, and workers led by hand."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from gateway.agent_sockets import Account, AgentSocket
from sqlalchemy import text
from support.waiting import eventually
from support.world import CHANNEL_ID, LIST_ID, World

from nexus.drill.checker import Accepted, Seen, check
from nexus.drill.load import ClickUpHook, Sender, SlackHook, Webhook, in_comments, in_thread, key_in
from nexus.pipeline.claims import LOCK_CLASS, Claims
from nexus.pipeline.delivery import Deliverer
from nexus.pipeline.items import Items
from nexus.pipeline.mirror import Mirror
from nexus.pipeline.routing import Router
from nexus.pipeline.sync import Sync
from oblivion_sandbox import FaultRule, seed
from oblivion_sandbox.effects import clickup_effect, slack_effect
from oblivion_sandbox.record import Call

SQUAD = "AI_Squad"
STUCK_SECONDS = 5.0
"""What has not happened by then is stuck: work of a dead worker is taken over within 5 s (I7)."""
_SETTLE_SECONDS = 15.0

Findings = Mapping[str, tuple[Any, ...]]
"""What is wrong, by kind; empty when nothing is."""


@dataclass(frozen=True)
class Conversation:
    """A task, and the card of its thread."""

    item_id: str
    root_ts: str


@dataclass
class Hand:
    """A worker that does one thing when it is told to, so that it can be stopped between any two."""

    claims: Claims
    router: Router
    deliverer: Deliverer

    async def handle_all(self) -> None:
        """Handles every event that is due."""
        for row in await self.claims.inbox(50):
            await self.router.handle(row)

    async def deliver_all(self) -> None:
        """Delivers what is due now."""
        for row in await self.claims.deliveries(50):
            await self.deliverer.deliver(row)


@dataclass
class Stage:
    """One world for all guards; each run has keys, tasks and workers of its own."""

    world: World
    hook: ClickUpHook
    slack_hook: SlackHook
    control: httpx.AsyncClient
    run_id: str = ""
    sender: Sender = field(default_factory=lambda: Sender(()))
    _number: int = 0
    _items: dict[str, str] = field(default_factory=dict[str, str])
    _began_at: float = 0.0

    # --- a run ---

    async def run(self, scenario: Callable[["Stage"], Awaitable[Findings]]) -> Findings:
        """Plays a scenario and leaves nothing behind that is still under way."""
        self.run_id = f"K{secrets.token_hex(4)}"
        self.sender = Sender((self.world.url,), concurrency=1)
        self._number, self._items = 0, {}
        # A little off the full millisecond, where no message has the ts of another.
        self._began_at = int(time.time()) - 5 + 0.000137
        await self.world.start_worker()
        try:
            return await scenario(self)
        finally:
            await self._clear()

    async def _clear(self) -> None:
        core = self.world.box.sandbox.core
        core.faults.remove(None)
        await self.world.stop_worker()
        await eventually(lambda: core.outgoing.under_way == 0, "the vendors have said everything")
        gone = "claimed_by = NULL, claimed_until = NULL, claimed_alone = false"
        await self.change(f"UPDATE inbox SET state = 'dead', {gone} WHERE state = 'pending'")
        await self.change(f"UPDATE deliveries SET state = 'dead', {gone} WHERE state IN ('pending', 'sending')")
        await self.change(
            "UPDATE tasks SET state = 'canceled', finished_at = clock_timestamp(), lease_until = NULL "
            "WHERE finished_at IS NULL"
        )

    # --- what happens ---

    def key(self) -> str:
        """The next key of this run."""
        self._number += 1
        return self.last_key

    @property
    def last_key(self) -> str:
        """The key that was made last."""
        return f"{self.run_id}-{self._number:06}"

    def moment(self, key: str) -> float:
        """When the event of a key happened at its source: later keys, later times."""
        return self._began_at + int(key.rpartition("-")[2]) * 0.01

    async def conversations(self, count: int = 1, alias: str = SQUAD) -> list[Conversation]:
        """So many tasks, each with a card that everybody knows about."""
        made = [await self.world.create_task(f"Task {self.run_id}", f"@{alias} fix_bug") for _ in range(count)]

        async def cards() -> list[Any]:
            found = await self.world.rows(
                "SELECT item_id, root_ts FROM task_mappings WHERE item_id = ANY(:items) AND root_ts IS NOT NULL",
                items=made,
            )
            return found if len(found) == count else []

        known = {row.item_id: row.root_ts for row in await eventually(cards, "every task has its card")}
        self._items |= {root_ts: item_id for item_id, root_ts in known.items()}
        await self.quiet()
        return [Conversation(item_id, known[item_id]) for item_id in made]

    def comment(self, conversation: Conversation, key: str) -> Webhook:
        """Somebody commented in ClickUp."""
        return self.hook.comment(key, conversation.item_id, self.moment(key))

    def edit(self, posted: Webhook, conversation: Conversation, key: str) -> Webhook:
        """The comment that was posted says something else now."""
        body = json.loads(posted.body)
        newer = json.loads(self.comment(conversation, key).body)["history_items"][0]
        (item,) = body["history_items"]
        item["date"] = newer["date"]
        item["comment"] |= {name: newer["comment"][name] for name in ("date", "comment", "text_content")}
        body["event"] = "taskCommentUpdated"
        return replace(posted, key=key, at_source=self.moment(key), body=json.dumps(body).encode())

    async def sync(self, conversation: Conversation, key: str) -> Webhook:
        """Somebody wrote `!sync` below the card; the message stands in Slack, its event is still to be sent."""
        webhook = self.slack_hook.reply(key, conversation.item_id, CHANNEL_ID, conversation.root_ts, self.moment(key))
        event = json.loads(webhook.body)["event"]
        message = {name: event[name] for name in ("type", "channel", "ts", "thread_ts", "user", "text")}
        (await self.control.post("/_control/slack/messages", json=message)).raise_for_status()
        return webhook

    async def send(self, *webhooks: Webhook) -> None:
        """Sends them one after another, each until it is answered 200."""
        await self.sender.send(webhooks)

    def fault(self, vendor: Any, match: str, fault: Any, **more: Any) -> None:
        """Has the vendor spoil what matches, until the end of the run."""
        self.world.box.sandbox.core.faults.add(FaultRule(vendor=vendor, match=match, fault=fault, **more))

    def without_echoes(self) -> None:
        """No vendor tells us of our own messages, as happens to events: nothing heals by itself."""
        self.fault("slack", "webhook:message*", "drop")
        self.fault("clickup", "webhook:taskCommentPosted", "drop")

    def spoil_post(self, fault: Any, **more: Any) -> None:
        """The next message of ours to Slack meets this fault."""
        self.fault("slack", "chat.postMessage", fault, token="bot", **({"count": 1} | more))

    # --- workers ---

    @asynccontextmanager
    async def hand(self) -> AsyncGenerator[Hand]:
        """A worker led by hand, while no other one works. It lives until the end, unless it is killed."""
        await self.world.stop_worker()
        nexus = self.world.nexus
        claims = Claims(nexus.db)
        await claims.live()
        mirror = Mirror(nexus.connections, nexus.desk, nexus.clock)
        sync = Sync(nexus.connections, nexus.desk, nexus.clock)
        router = Router(nexus.db, nexus.connections, Items(nexus.desk), mirror, sync, claims, nexus.clock)
        try:
            yield Hand(claims, router, Deliverer(nexus.db, nexus.connections, claims))
        finally:
            await claims.die()

    async def killed(self, claims: Claims) -> None:
        """A worker is dead, and PostgreSQL has noticed: its lock is gone."""
        worker = claims.worker
        await claims.die()

        async def unlocked() -> bool:
            query = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND classid = :class AND objid = :worker"
            return not await self.world.rows(query, **{"class": LOCK_CLASS, "worker": worker})

        await eventually(unlocked, "the dead worker's lock is gone")

    async def end_lease(self, table: str) -> None:
        """Lets the leases of all claims end."""
        await self.change(
            f"UPDATE {table} SET claimed_until = clock_timestamp() - interval '1 second' WHERE claimed_by IS NOT NULL"
        )

    async def reaped(self, table: str, claims: Claims) -> None:
        """What a worker held has been taken from it, and is due at once."""
        worker = claims.worker

        async def free() -> bool:
            return not await self.world.rows(f"SELECT 1 FROM {table} WHERE claimed_by = :worker", worker=worker)

        await eventually(free, "somebody took the claims over")
        await self.make_due(table)

    async def make_due(self, table: str = "deliveries") -> None:
        """Lets the time until the next try pass."""
        await self.change(f"UPDATE {table} SET available_at = clock_timestamp() WHERE claimed_by IS NULL")

    # --- what can be seen ---

    async def change(self, statement: str, **parameters: Any) -> None:
        """Reaches into the database, for what would otherwise take time or a fault."""
        async with self.world.nexus.db.engine.begin() as connection:
            await connection.execute(text(statement), parameters)

    async def delivery(self, key: str) -> Any:
        """The delivery that says a key, as soon as there is one."""
        query = "SELECT * FROM deliveries WHERE payload::text LIKE :key"
        return (await eventually(lambda: self.world.rows(query, key=f"%{key}%"), f"a delivery of {key}"))[0]

    async def delivery_is(self, key: str, *states: str, claimed: bool = False) -> None:
        """Returns when the delivery of a key is in one of these states."""

        async def look() -> bool:
            row = await self.delivery(key)
            return row.state in states and (row.claimed_by is not None) == claimed

        await eventually(look, f"{key} is {states}")

    def calls(self, key: str) -> list[Call]:
        """Calls of ours to the vendors that say a key."""
        return [
            call for call in self.world.box.sandbox.core.recorder.calls if key.encode() in (call.raw_body or b"")
        ]  # fmt: skip

    async def taken(self, key: str) -> None:
        """Returns when a vendor has done what a call asked for, whatever it answered."""
        await eventually(lambda: any(call.effect for call in self.calls(key)), f"{key} is out")

    async def quiet(self, seconds: float = _SETTLE_SECONDS) -> bool:
        """Whether, within the bound, nothing is on its way any more in either direction."""
        try:
            await eventually(self._idle, "", seconds)
        except AssertionError:
            return False
        return True

    async def _idle(self) -> bool:
        outgoing = self.world.box.sandbox.core.outgoing
        if outgoing.under_way:
            return False
        ((waiting,),) = await self.world.rows(
            "SELECT (SELECT count(*) FROM inbox WHERE state = 'pending') + "
            "(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending'))"
        )
        return not waiting and not outgoing.under_way

    def seen(self) -> list[Seen]:
        """What this run has put before people's eyes, and what still stands there."""
        core = self.world.box.sandbox.core
        called_at = {call.n: call for call in core.recorder.calls if call.method == "chat.postMessage" and call.effect}
        times = {_delivery_id(call): call.time for call in called_at.values()}
        found: list[Seen] = []
        for message in map(slack_effect, core.slack_messages.since(0)):
            key = self._ours(message)
            if key is not None:
                thread = in_thread(self._items.get(str(message["thread_ts"]), "elsewhere"))
                late = "delivered late" in str(message["first_block"])
                call_at = times.get(message["delivery_id"], 0.0)
                found.append(Seen(key, thread, float(message["ts"]), late, call_at))
        for comment in map(clickup_effect, core.clickup_comments.since(0)):
            key = self._ours(comment)
            if key is not None:
                found.append(Seen(key, in_comments(comment["task_id"]), float(comment["n"])))
        return found

    def _ours(self, effect: Mapping[str, Any]) -> str | None:
        key = key_in(str(effect["text"]))
        shown = effect["bot"] and not effect["deleted"] and key is not None and key.startswith(self.run_id)
        return key if shown else None

    async def dead(self) -> set[str]:
        """Keys of this run that were given up."""
        bodies = await self.world.rows(
            "SELECT convert_from(body, 'UTF8') AS said FROM inbox WHERE state = 'dead' "
            "AND strpos(convert_from(body, 'UTF8'), 'bot_id') = 0 "  # people's events, not echoes of ours
            "UNION ALL SELECT payload::text FROM deliveries WHERE state = 'dead'"
        )
        return {key for row in bodies if (key := key_in(row.said)) and key.startswith(self.run_id)}

    async def judge(self, accepted: Iterable[Accepted] | None = None, **more: Any) -> Findings:
        """The checker's word on what was answered 200 and what stands there now."""
        events = self.sender.accepted if accepted is None else accepted
        return found_by_checker(events, self.seen(), dead=await self.dead(), **more)


def found_by_checker(accepted: Iterable[Accepted], seen: Iterable[Seen], **more: Any) -> Findings:
    """What the checker finds wrong, by kind; given up counts as wrong as well."""
    verdict = check(accepted, seen, **more)
    kinds = ("lost", "doubled", "inversions", "stale_commits", "unexpected", "dead")
    return {kind: found for kind in kinds if (found := getattr(verdict, kind))}


async def heard(stage: Stage, account: Account, agent: AgentSocket) -> list[Seen]:
    """What an agent was told, in the order in which it was, once it has all arrived."""
    owed = "SELECT 1 FROM agent_messages WHERE agent_id = :agent AND event = 'context.updated'"

    def arrived() -> dict[int, str]:
        # What is not acknowledged is sent again, under the same number.
        return {update["seq"]: key_in(update["text"]) or "" for update in agent.of("context.updated")}

    async def complete() -> bool:
        stage.world.nexus.bells.ring("agents")
        return len(arrived()) == len(await stage.world.rows(owed, agent=account.agent_id))

    await eventually(complete, "the agent has heard it all")
    return [Seen(key, f"agent:{account.name}", seq) for seq, key in arrived().items()]


def _delivery_id(call: Call) -> str:
    body: dict[str, Any] = json.loads(call.raw_body or b"{}")
    metadata: dict[str, Any] = body.get("metadata") or {}
    return metadata.get("event_payload", {}).get("delivery_id", "")


@asynccontextmanager
async def staged(world: World) -> AsyncGenerator[Stage]:
    """A world made ready: the list linked, a squad without agents, no pace unless a scenario wants one."""
    await world.agent_credentials("fixer", skills=("fix_bug",))
    await world.nexus.links.link(world.tenant_id, LIST_ID, CHANNEL_ID, actor="test")
    sandbox = world.box.sandbox
    (webhook,) = sandbox.clickup.state.webhooks.values()
    hook = ClickUpHook(webhook.id, webhook.secret)
    slack_hook = SlackHook(seed.SLACK_APP_ID, seed.SLACK_TEAM_ID, sandbox.signing_secret, seed.SLACK_USER_DANA)
    # A server may close a connection that was idle for some seconds in the very moment in which it is used again.
    one_each = httpx.Limits(max_keepalive_connections=0)
    dana = {"Authorization": seed.CLICKUP_TOKEN_DANA}
    async with (
        httpx.AsyncClient(base_url=world.box.url, timeout=10, limits=one_each) as control,
        httpx.AsyncClient(base_url=world.box.clickup_api_url, headers=dana, timeout=10, limits=one_each) as people,
    ):
        world.people = people
        stage = Stage(world, hook, slack_hook, control)
        await paced(stage, 1000, slack_post_per_second=0)
        await world.stop_worker()
        yield stage


async def paced(stage: Stage, posts_per_second: float, **sandbox_settings: Any) -> None:
    """Sets how fast we post, and how fast Slack lets us."""
    offered = (await stage.control.get("/_control/world")).json()["slack"]
    await stage.world.nexus.onboarding.connect(
        stage.world.tenant_id, "slack", {**offered, "posts_per_second": str(posts_per_second)}, "test"
    )
    (await stage.control.post("/_control/settings", json=sandbox_settings)).raise_for_status()


def never(*_: Any, **__: Any) -> float:
    """A backoff that ends when the scenario says so."""
    return 600.0


def at_once(*_: Any, **__: Any) -> float:
    """No backoff."""
    return 0.0


def unheard(_what: Any) -> None:
    """A ring that nobody hears."""


async def soon(waiting: Awaitable[Any], seconds: float) -> bool:
    """Whether something that is waited for comes within the bound."""
    try:
        await asyncio.wait_for(waiting, seconds)
    except (AssertionError, TimeoutError):
        return False
    return True
