"""Reading back what happened while events did not reach us, one step at a time.

A sweep is a list of steps that lives in the database: any process can carry it on, and it stops wherever the
vendor's budget of requests is used up. Whatever is found goes into the same inbox as the events that were missed,
with keys that are the same each time; what came by webhook as well has one effect (`messages` are unique by their
id at the vendor, and a task is only ever fetched).
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, Self
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.clock import Clock
from nexus.kit.logging import get_logger
from nexus.pipeline.addressing import find_address
from nexus.pipeline.facts import CommentPosted, ItemDeleted, MessageDeleted
from nexus.pipeline.inbox import Inbox
from nexus.pipeline.ports import (
    Chat,
    ChatHistory,
    Connected,
    PastMessage,
    RawRequest,
    Tracker,
    TrackerHistory,
    Unreadable,
)
from nexus.pipeline.sync_rules import SYNC_REACTION
from nexus.store.database import Database
from nexus.store.tables import AgentAlias, Message, ProjectMapping, TaskMapping

log = get_logger(__name__)

ITEMS_CHECKED = 20
"""How many open tasks a periodic sweep looks at, to find those that were deleted unseen."""
THREADS_CHECKED = 10
"""How many threads a periodic sweep reads though nothing new is known of them, to find edits and deletions."""
THOROUGH = 20
"""So many times as many when events are known to be missing."""
RECENT_THREADS = 25
RECENT = timedelta(days=3)
LOOK_BACK = timedelta(hours=24)
"""How far back a thread is read though nothing new is known of it."""
HISTORY_PAGES = 2
THOROUGH_HISTORY_PAGES = 20

Step = list[str]
"""What to do, and to what."""


@dataclass
class Sweep:
    """One reading back: of what happened after `since`. Once it is done, everything before `until` is seen."""

    since: datetime
    until: datetime
    thorough: bool
    after: str = ""
    """The last conversation that was looked at for no special reason; the next sweep goes on behind it."""
    problem: str = ""
    """Why the last step that was left out will never be possible."""
    todo: list[Step] = field(default_factory=list[Step])

    def as_json(self) -> dict[str, Any]:
        """To be kept in the database."""
        times = {"since": self.since.isoformat(), "until": self.until.isoformat()}
        rest = {"thorough": self.thorough, "after": self.after, "problem": self.problem, "todo": self.todo}
        return times | rest

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Self:
        """What `as_json` made."""
        since, until = datetime.fromisoformat(kept["since"]), datetime.fromisoformat(kept["until"])
        return cls(since, until, kept["thorough"], kept["after"], kept["problem"], kept["todo"])


class Reader(Protocol):
    """How one kind of vendor is read back."""

    def rest_seconds(self) -> float:
        """As the history's."""
        ...

    async def begin(self, sweep: Sweep) -> None:
        """Decides on the first steps."""
        ...

    async def do(self, sweep: Sweep, step: Step) -> list[Step]:
        """Carries out a step; returns what has to be done next because of it. Raises as a sink's `find` does."""
        ...

    def may_skip(self, step: Step) -> bool:
        """Whether the rest of the sweep is worth something without this step."""
        ...


class _Feeding:
    """What both kinds of readers need."""

    def __init__(self, db: Database, inbox: Inbox, connected: Connected) -> None:
        self._db = db
        self._inbox = inbox
        self._connected = connected

    async def _feed(self, request: RawRequest) -> None:
        try:
            await self._inbox.accept(self._connected.id, request)
        except Unreadable as error:
            log.error("reconcile.unreadable", connection_id=str(self._connected.id), error=error)

    async def _next_in_turn(
        self, session: AsyncSession, after: str, limit: int, *conditions: Any
    ) -> list[tuple[UUID, str, str]]:
        """(id, item, root) of conversations in the order of their ids, from `after` on and round again."""
        query = select(TaskMapping.id, TaskMapping.item_id, TaskMapping.root_ts).where(*conditions)
        query = query.order_by(TaskMapping.id).limit(limit)
        found = (await session.execute(query.where(TaskMapping.id > UUID(after)) if after else query)).all()
        if after and len(found) < limit:
            rest = query.where(TaskMapping.id <= UUID(after)).limit(limit - len(found))
            found = [*found, *(await session.execute(rest)).all()]
        return [(row.id, row.item_id, row.root_ts or "") for row in found]


class TrackerReader(_Feeding):
    """Reads a tracker back: changed items, their comments, and whether open ones still exist."""

    def __init__(
        self, db: Database, inbox: Inbox, connected: Connected, tracker: Tracker, history: TrackerHistory
    ) -> None:
        super().__init__(db, inbox, connected)
        self._tracker = tracker
        self._history = history

    def rest_seconds(self) -> float:
        """As the history's."""
        return self._history.rest_seconds()

    async def begin(self, sweep: Sweep) -> None:
        """What has changed, and some open items in turn."""
        limit = ITEMS_CHECKED * (THOROUGH if sweep.thorough else 1)
        is_open = (self._is_ours(), TaskMapping.closed_at.is_(None), TaskMapping.snapshot["closed"].astext == "false")
        async with self._db.tenant(self._connected.tenant_id) as session:
            found = await self._next_in_turn(session, sweep.after, limit, *is_open)
        sweep.after = str(found[-1][0]) if found else ""
        sweep.todo = [["list"], *(["item", item_id] for _, item_id, _ in found)]

    async def do(self, sweep: Sweep, step: Step) -> list[Step]:
        """`list`, `comments <item>` or `item <item>`."""
        match step:
            case ["list"]:
                return await self._list(sweep)
            case ["comments", item_id]:
                await self._comments(sweep, item_id)
            case ["item", item_id]:
                await self._item(sweep, item_id)
            case _:
                log.error("reconcile.unknown_step", step=step)
        return []

    def may_skip(self, step: Step) -> bool:
        """All but the list of changes."""
        return step != ["list"]

    async def _list(self, sweep: Sweep) -> list[Step]:
        items = await self._history.items_since(sweep.since)
        async with self._db.tenant(self._connected.tenant_id) as session:
            known = await self._versions(session, [item.id for item in items])
            aliases = (await session.scalars(select(AgentAlias.alias).distinct())).all()
        steps: list[Step] = []
        for item in items:
            shown_ms = known.get(item.id)
            if shown_ms is None:
                called = find_address(item.title, item.description, item.tags, aliases=aliases, skills=())
                if called is None or item.closed:
                    continue
            if shown_ms is None or shown_ms < item.updated_ms:
                await self._hint(sweep, item.id, item.updated_ms)
            steps.append(["comments", item.id])
        return steps

    async def _comments(self, sweep: Sweep, item_id: str) -> None:
        async with self._db.tenant(self._connected.tenant_id) as session:
            rows = await session.execute(
                select(Message.external_id, Message.text)
                .join(TaskMapping, TaskMapping.id == Message.conversation_id)
                .where(self._is_ours(), TaskMapping.item_id == item_id, Message.source == self._connected.vendor)
            )
            known = {row.external_id: row.text for row in rows}
        # Looked up before it is read: what is edited in between comes as an event, and must not be undone.
        for comment in await self._history.comments(item_id, sweep.since):
            missed = _missed(comment, known.get(comment.comment_id), sweep.since)
            if missed is not None:
                await self._feed(self._history.event_of(missed))

    async def _item(self, sweep: Sweep, item_id: str) -> None:
        async with self._db.tenant(self._connected.tenant_id) as session:
            shown_ms = (await self._versions(session, [item_id])).get(item_id)
        if shown_ms is None:
            return
        item = await self._tracker.fetch_item(item_id)
        if item is None:
            await self._feed(self._history.event_of(ItemDeleted(item_id)))
        elif shown_ms < item.updated_ms:
            await self._hint(sweep, item_id, item.updated_ms)

    async def _hint(self, sweep: Sweep, item_id: str, updated_ms: int) -> None:
        # Before whatever was said since then: a comment on a task that is not known yet would be ignored.
        await self._feed(self._tracker.hint(item_id, f"{item_id}:{updated_ms}", sweep.since))

    async def _versions(self, session: AsyncSession, item_ids: Collection[str]) -> dict[str, int]:
        rows = await session.execute(
            select(TaskMapping.item_id, TaskMapping.item_updated_ms).where(
                self._is_ours(), TaskMapping.item_id == func.any(list(item_ids))
            )
        )
        return {row.item_id: row.item_updated_ms for row in rows}

    def _is_ours(self) -> Any:
        return TaskMapping.tracker_connection_id == self._connected.id


class ChatReader(_Feeding):
    """Reads a chat back: threads of conversations with something new in them, and some in turn."""

    def __init__(
        self, db: Database, inbox: Inbox, connected: Connected, chat: Chat, history: ChatHistory, clock: Clock
    ) -> None:
        super().__init__(db, inbox, connected)
        self._chat = chat
        self._history = history
        self._clock = clock

    def rest_seconds(self) -> float:
        """As the history's."""
        return self._history.rest_seconds()

    async def begin(self, sweep: Sweep) -> None:
        """Every channel with conversations, the threads that were busy lately, and some in turn."""
        limit = THREADS_CHECKED * (THOROUGH if sweep.thorough else 1)
        live = (self._is_ours(), TaskMapping.root_ts.is_not(None), TaskMapping.closed_at.is_(None))
        async with self._db.tenant(self._connected.tenant_id) as session:
            channels = await session.execute(
                select(TaskMapping.channel_id, func.min(TaskMapping.root_ts))
                .where(*live)
                .group_by(TaskMapping.channel_id)
            )
            histories: list[Step] = [["history", channel or "", oldest or "", "", "1"] for channel, oldest in channels]
            last_said = func.max(Message.occurred_at)
            busy = await session.scalars(
                select(TaskMapping.id)
                .join(Message, Message.conversation_id == TaskMapping.id)
                .where(*live, Message.source == self._connected.vendor)
                .group_by(TaskMapping.id)
                .having(last_said > sweep.since - RECENT)
                .order_by(last_said.desc())
                .limit(RECENT_THREADS)
            )
            in_turn = [row[0] for row in await self._next_in_turn(session, sweep.after, limit, *live)]
            chosen = list(dict.fromkeys([*busy, *in_turn]))
        sweep.after = str(in_turn[-1]) if in_turn else ""
        since = (sweep.since - LOOK_BACK).isoformat()
        sweep.todo = [*histories, *(["thread", str(each), since, ""] for each in chosen)]

    async def do(self, sweep: Sweep, step: Step) -> list[Step]:
        """`history <channel> <oldest> <cursor> <page>` or `thread <conversation> <since> <cursor>`."""
        match step:
            case ["history", channel_id, oldest_ts, cursor, page]:
                return await self._channel(sweep, channel_id, oldest_ts, cursor, int(page))
            case ["thread", conversation_id, since, cursor]:
                return await self._thread(UUID(conversation_id), datetime.fromisoformat(since), cursor)
            case _:
                log.error("reconcile.unknown_step", step=step)
        return []

    def may_skip(self, step: Step) -> bool:
        """Anything: a channel may be gone, and the others are none the worse for it."""
        return True

    async def _channel(self, sweep: Sweep, channel_id: str, oldest_ts: str, cursor: str, page: int) -> list[Step]:
        found = await self._history.threads(channel_id, oldest_ts, cursor)
        stirred = [ts for ts, latest_at in found.latest_reply.items() if latest_at > sweep.since]
        async with self._db.tenant(self._connected.tenant_id) as session:
            ours = await session.scalars(
                select(TaskMapping.id).where(
                    self._is_ours(), TaskMapping.channel_id == channel_id, TaskMapping.root_ts.in_(stirred)
                )
            )
            steps: list[Step] = [["thread", str(each), sweep.since.isoformat(), ""] for each in ours]
        # Threads that are older than the last page are read in turn.
        if found.cursor and page < (THOROUGH_HISTORY_PAGES if sweep.thorough else HISTORY_PAGES):
            steps.append(["history", channel_id, oldest_ts, found.cursor, str(page + 1)])
        return steps

    async def _thread(self, conversation_id: UUID, since: datetime, cursor: str) -> list[Step]:
        async with self._db.tenant(self._connected.tenant_id) as session:
            conversation = await session.get(TaskMapping, conversation_id)
            if conversation is None or conversation.channel_id is None or conversation.root_ts is None:
                return []
            mapping = await session.get(ProjectMapping, conversation.project_mapping_id)
            said = await session.scalars(
                select(Message).where(
                    Message.conversation_id == conversation_id, Message.source == self._connected.vendor
                )
            )
            known = {message.external_id: message for message in said}
        by_reaction = mapping is not None and mapping.sync_rule == "reaction"
        page = await self._history.replies(conversation.channel_id, conversation.root_ts, since, cursor)
        for reply in page.replies:
            await self._reply(reply, known.get(reply.posted.ts), by_reaction)
        if page.cursor:
            return [["thread", str(conversation_id), since.isoformat(), page.cursor]]
        if not cursor:
            # Only now is it known what is there: a thread of several pages is not compared.
            there = {reply.posted.ts for reply in page.replies}
            await self._deleted(conversation, [each for ts, each in known.items() if ts not in there], since)
        return []

    async def _reply(self, reply: PastMessage, known: Message | None, by_reaction: bool) -> None:
        edited = reply.edited
        if known is None:
            await self._feed(self._history.event_of(reply.posted))
        elif edited is not None and (known.edited_at is None or known.edited_at < edited.at):
            await self._feed(self._history.event_of(edited))
        if by_reaction and (known is None or not known.synced):
            for reaction in reply.reactions:
                if reaction.name == SYNC_REACTION:
                    await self._feed(self._history.event_of(reaction))

    async def _deleted(self, conversation: TaskMapping, absent: list[Message], since: datetime) -> None:
        channel_id = conversation.channel_id or ""
        for message in absent:
            if message.deleted_at is not None or message.occurred_at <= since:
                continue
            if await self._chat.fetch_message(channel_id, message.external_id) is None:
                at = self._clock.now()
                gone = MessageDeleted(channel_id, message.external_id, conversation.root_ts, at)
                await self._feed(self._history.event_of(gone))

    def _is_ours(self) -> Any:
        return TaskMapping.chat_connection_id == self._connected.id


def _missed(comment: CommentPosted, known: str | None, since: datetime) -> CommentPosted | None:
    """What an event should have told about a comment; None when nothing is missing."""
    if known is None:
        return comment if comment.at > since else None
    # By their words: an event and a list may differ in how they space them.
    return replace(comment, edited=True, posted_at=comment.at) if known.split() != comment.text.split() else None
