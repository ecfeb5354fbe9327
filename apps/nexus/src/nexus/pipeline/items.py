"""What looks at items lead to: conversations are opened, redrawn or closed (1-product.md, Mirror).

Looks of one tenant that come together are decided in one transaction: what each would ask is asked once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from nexus.kit.ids import new_id
from nexus.pipeline.addressing import Addressed, find_address
from nexus.pipeline.desk import Desk
from nexus.pipeline.facts import Item, PostCard
from nexus.pipeline.followups import known_words
from nexus.pipeline.outbox import Owed, delivery_row, refresh_cards
from nexus.pipeline.ports import Connected
from nexus.store.bulk import Row, insert_new, one_of, write
from nexus.store.tables import Delivery, ProjectMapping, TaskMapping

CARD_ORDER = 0
"""The root message comes before everything else in its thread, whenever that was said."""

Outcome = tuple[UUID | None, str | None]
"""The conversation that a fact is about, if there is one, and why it had no effect, if it had none."""
Key = tuple[UUID, str]
"""A connection to a tracker, and the id of an item or of a list there."""


@dataclass(frozen=True, slots=True)
class Look:
    """An item as its tracker shows it now, and the event that asked for the look."""

    tracker: Connected
    item: Item
    source_stream: str | None = None
    traceparent: str | None = None

    @property
    def key(self) -> Key:
        return self.tracker.id, self.item.id

    @property
    def list_key(self) -> Key:
        return self.tracker.id, self.item.list_id


@dataclass(slots=True)
class _Changes:
    """What looks have led to, written together at the end."""

    rows: list[Row] = field(default_factory=list[Row])
    stale: list[tuple[TaskMapping, str | None]] = field(default_factory=list[tuple[TaskMapping, str | None]])
    """Conversations whose cards show what is not so any more, each with the trace of what has changed it."""


class Items:
    """Decides about looks, within the transaction that settles their events."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def changed(self, session: AsyncSession, looks: Sequence[Look]) -> list[Outcome]:
        """Posts, updates or closes; returns for each look its conversation, or why there is none."""
        words = await known_words(session)
        known = await _locked(session, looks)
        addressed = [
            find_address(item.title, item.description, item.tags, aliases=words.aliases, skills=words.skills)
            for item in (look.item for look in looks)
        ]
        to_open = {
            look.key: (look, address)
            for look, address in zip(looks, addressed, strict=True)
            if address is not None and look.key not in known and not look.item.closed
        }
        unmapped = [look for look in looks if look.key in to_open or _is_unmapped(known.get(look.key))]
        links = await _links(session, unmapped)
        opened = await _open(session, to_open, links)
        if len(opened) < len(to_open):
            # Somebody else has opened them a moment ago.
            known |= await _locked(session, [look for key, (look, _) in to_open.items() if key not in opened])
        changes = _Changes()
        outcomes: list[Outcome] = []
        for look, address in zip(looks, addressed, strict=True):
            conversation = known.get(look.key)
            if conversation is not None:
                outcomes.append(await self._seen_again(session, look, conversation, address, links, changes))
            elif address is None:
                outcomes.append((None, "not addressed: no known alias in the name, the description or the tags"))
            elif look.item.closed:
                outcomes.append((None, "addressed, but the task is closed"))
            else:
                outcomes.append(self._seen_first(look, opened[look.key], address, links, changes))
        await write(session, changes.rows, unless_there={Delivery})
        await refresh_cards(session, changes.stale)
        return outcomes

    def _seen_first(
        self,
        look: Look,
        conversation: TaskMapping,
        addressed: Addressed,
        links: Mapping[Key, ProjectMapping],
        changes: _Changes,
    ) -> Outcome:
        mapping = links.get(look.list_key)
        if mapping is None:
            return conversation.id, _not_linked(look.item)
        changes.rows.append((Delivery, delivery_row(_card(look, conversation))))
        changes.rows += self._desk.opening(
            conversation, look.item, addressed.type, mapping.instructions, look.traceparent
        )
        return conversation.id, None

    async def _seen_again(
        self,
        session: AsyncSession,
        look: Look,
        conversation: TaskMapping,
        addressed: Addressed | None,
        links: Mapping[Key, ProjectMapping],
        changes: _Changes,
    ) -> Outcome:
        item = look.item
        if item.updated_ms < conversation.item_updated_ms:
            return conversation.id, "a newer state of the task is shown already"
        changed = conversation.snapshot != snapshot_of(item) or conversation.title != item.title
        conversation.snapshot, conversation.title, conversation.url = snapshot_of(item), item.title, item.url
        conversation.item_updated_ms = item.updated_ms
        if _is_unmapped(conversation):
            conversation.list_id = item.list_id
            mapping = links.get(look.list_key)
            if mapping is None:
                return conversation.id, _not_linked(item)
            for name, value in _place(mapping).items():
                setattr(conversation, name, value)
            changes.rows.append((Delivery, delivery_row(_card(look, conversation))))
            if addressed is not None and not item.closed:
                await self._desk.request(session, conversation, item, addressed.type, look.traceparent)
        elif item.closed:
            await self._desk.stop(session, conversation, f"the task was set to {item.status!r}")
        if changed:
            changes.stale.append((conversation, look.traceparent))
        return conversation.id, None


async def _locked(session: AsyncSession, looks: Sequence[Look]) -> dict[Key, TaskMapping]:
    """The conversations about items, locked for the rest of the transaction, in the order in which all lock them."""
    found = await session.scalars(
        select(TaskMapping)
        .where(
            one_of(TaskMapping.tracker_connection_id, {look.tracker.id for look in looks}),
            one_of(TaskMapping.item_id, {look.item.id for look in looks}),
        )
        .order_by(TaskMapping.id)
        .with_for_update(key_share=True)
    )
    return {(one.tracker_connection_id, one.item_id): one for one in found}


async def _links(session: AsyncSession, looks: Sequence[Look]) -> dict[Key, ProjectMapping]:
    """Which channels the lists of items are linked to."""
    if not looks:
        return {}
    found = await session.scalars(
        select(ProjectMapping).where(
            one_of(ProjectMapping.tracker_connection_id, {look.tracker.id for look in looks}),
            one_of(ProjectMapping.list_id, {look.item.list_id for look in looks}),
        )
    )
    return {(one.tracker_connection_id, one.list_id): one for one in found}


async def _open(
    session: AsyncSession, to_open: Mapping[Key, tuple[Look, Addressed]], links: Mapping[Key, ProjectMapping]
) -> dict[Key, TaskMapping]:
    """New conversations, but for those that somebody else has opened meanwhile."""
    rows = {
        key: {
            "id": new_id(),
            "tenant_id": look.tracker.tenant_id,
            "tracker": look.tracker.vendor,
            "tracker_connection_id": look.tracker.id,
            "item_id": look.item.id,
            "list_id": look.item.list_id,
            "title": look.item.title,
            "url": look.item.url,
            "snapshot": snapshot_of(look.item),
            "item_updated_ms": look.item.updated_ms,
            "requested_by": look.item.creator.name or look.item.creator.id,
            "alias": addressed.alias,
            **_place(links.get(look.list_key)),
        }
        for key, (look, addressed) in to_open.items()
    }
    new_ids = await insert_new(session, TaskMapping, [*rows.values()])
    return {key: TaskMapping(**row) for key, row in rows.items() if row["id"] in new_ids}


def _place(mapping: ProjectMapping | None) -> dict[str, Any]:
    """Where a conversation of a list takes place: the columns of it; all empty where the list is not linked."""
    return {
        "project_mapping_id": mapping.id if mapping else None,
        "chat": mapping.chat if mapping else None,
        "chat_connection_id": mapping.chat_connection_id if mapping else None,
        "channel_id": mapping.channel_id if mapping else None,
        "channel_name": mapping.channel_name if mapping else None,
    }


def _is_unmapped(conversation: TaskMapping | None) -> bool:
    return conversation is not None and conversation.project_mapping_id is None and conversation.root_ts is None


def _not_linked(item: Item) -> str:
    return f"addressed, not mapped: list {item.list_name!r} is linked to no channel"


def _card(look: Look, conversation: TaskMapping) -> Owed:
    assert conversation.channel_id is not None
    return Owed(
        conversation,
        PostCard(conversation.channel_id),
        effect_key=f"card:{conversation.id}",
        order_key=CARD_ORDER,
        source_stream=look.source_stream,
        traceparent=look.traceparent,
    )


def snapshot_of(item: Item) -> dict[str, Any]:
    """What a card shows of an item."""
    return {
        "list_name": item.list_name,
        "status": item.status,
        "closed": item.closed,
        "priority": item.priority,
        "assignees": list(item.assignees),
    }
