"""A vendor with a memory: a tracker and a chat at once, whose effects stay, come late, or come twice."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Any, Literal
from uuid import UUID

from machines.crashing import current
from pipeline.fakes import CHANNEL, FakeSource

from nexus.pipeline.errors import Deferred, Rejected, Retryable, Unsure
from nexus.pipeline.facts import (
    AddComment,
    CardView,
    CommentPosted,
    Echo,
    EditComment,
    EditReply,
    Fact,
    Ignored,
    Intent,
    Item,
    ItemChanged,
    MessagePosted,
    Person,
    PostCard,
    PostReply,
    UpdateCard,
)
from nexus.pipeline.ports import Connected, HookSecret, Outgoing, Probe, RateLimit, RawRequest, Receipt, Unreadable

Fault = Literal["no", "busy", "later", "refused", "cut before", "cut after", "slow", "late", "bug after"]
"""What becomes of a write. `slow` happens within the seconds that anybody waits before a look-up, `late` whenever."""

DANA = Person("u1", "Dana")


@dataclass
class Effect:
    """Something that stands at the vendor."""

    external_id: str
    position: int
    delivery_id: UUID
    intent: Intent
    place_id: str
    mark: str
    late: bool
    """It came after others could have looked for it in vain."""
    removed: bool = False
    echoed: bool = False


@dataclass
class _Write:
    outgoing: Outgoing
    asked_at: int
    waits: bool
    """Until somebody says that it happens; else until time passes."""


class Vendor:
    """What the outside world remembers."""

    def __init__(self) -> None:
        self.now = 0
        """Logical time: an effect that comes after it moved on is late."""
        self.effects: list[Effect] = []
        self.asked: list[tuple[Literal["send", "find"], Outgoing]] = []
        self.faults: deque[Fault] = deque()
        self.find_faults: deque[Exception] = deque()
        self.limited = False
        self.items: dict[str, Item] = {}
        self.cards: dict[str, CardView] = {}
        self.texts: dict[str, str] = {}
        self.under_way: list[_Write] = []
        self.fetch_faults = 0
        self.on_send: Callable[[], None] | None = None
        """Called once, when the next write is asked for."""
        self._ids = count(1)

    def of(self, delivery_id: UUID) -> list[Effect]:
        """What stands of one delivery."""
        return [each for each in self.effects if each.delivery_id == delivery_id and not each.removed]

    def land(self, *, late: bool) -> None:
        """What was asked for and not done yet happens now; with `late` also what takes as long as it likes."""
        writes, self.under_way = self.under_way, [each for each in self.under_way if each.waits and not late]
        for write in writes:
            if write not in self.under_way:
                self.apply(write)

    def apply(self, write: _Write) -> Receipt:
        """Makes an effect."""
        outgoing, number = write.outgoing, next(self._ids)
        late = write.asked_at < self.now
        match outgoing.intent:
            case UpdateCard():
                assert outgoing.root_ts is not None and outgoing.card is not None
                self.cards[outgoing.root_ts] = outgoing.card
                return Receipt(outgoing.root_ts)
            case (EditReply() | EditComment()) as edit:
                assert outgoing.twin_id is not None
                self.texts[outgoing.twin_id] = edit.text
                return Receipt(outgoing.twin_id)
            case PostCard(channel_id):
                place_id, mark = channel_id, ""
            case PostReply(channel_id) as reply:
                assert outgoing.root_ts is not None
                place_id, mark = channel_id, ""
                self.texts[_ts(number)] = reply.text
            case AddComment() as comment:
                assert outgoing.permalink is not None
                place_id, mark = outgoing.item_id, outgoing.permalink
                self.texts[_ts(number)] = comment.text
        made = Effect(_ts(number), number, outgoing.id, outgoing.intent, place_id, mark, late)
        if outgoing.card is not None:
            self.cards[made.external_id] = outgoing.card
        self.effects.append(made)
        return Receipt(made.external_id)

    async def send(self, outgoing: Outgoing) -> Receipt:
        """One write, with the next fault of the script."""
        self.asked.append(("send", outgoing))
        if self.on_send is not None:
            on_send, self.on_send = self.on_send, None
            on_send()
        fault: Fault = self.faults.popleft() if self.faults else "no"
        process = current()
        # A worker that stood still after it last heard of its claim is as late as a request that did.
        write = _Write(outgoing, process.knows_of if process else self.now, fault == "late")
        if fault in ("slow", "late"):
            if isinstance(outgoing.intent, UpdateCard | EditReply | EditComment):
                fault = "no"  # a change that is overtaken by a newer one is another matter
            else:
                self.under_way.append(write)
        await asyncio.sleep(0)
        match fault:
            case "busy":
                raise Retryable("busy", after_seconds=3600)
            case "later":
                raise Deferred("one a second", after_seconds=5, whole_connection=True)
            case "refused":
                raise Rejected("The channel is archived.")
            case "cut before" | "slow" | "late":
                raise Unsure("no answer")
            case _:
                receipt = self.apply(write)
        await asyncio.sleep(0)
        if fault == "cut after":
            raise Unsure("no answer")
        if fault == "bug after":
            raise KeyError("ts")
        return receipt

    async def find(self, outgoing: Outgoing) -> Receipt | None:
        """Looks at what stands now."""
        self.asked.append(("find", outgoing))
        await asyncio.sleep(0)
        if self.find_faults:
            raise self.find_faults.popleft()
        for each in self.effects:
            same = each.mark == outgoing.permalink if each.mark else each.delivery_id == outgoing.id
            if same and not each.removed and isinstance(outgoing.intent, PostCard | PostReply | AddComment):
                return Receipt(each.external_id)
        return None

    async def remove(self, place_id: str, external_id: str) -> None:
        """Takes an effect back; done as well when it is gone."""
        await asyncio.sleep(0)
        for each in self.effects:
            if (each.place_id, each.external_id) == (place_id, external_id):
                each.removed = True

    def limit(self, intent: Intent) -> RateLimit | None:
        """One reply a second, if there is a limit."""
        return RateLimit("post", 1, burst=2) if self.limited and isinstance(intent, PostReply) else None

    async def fetch_item(self, item_id: str) -> Item | None:
        """The item as it is now."""
        await asyncio.sleep(0)
        if self.fetch_faults:
            self.fetch_faults -= 1
            raise Retryable("busy", after_seconds=3600)
        return self.items.get(item_id)

    async def permalink(self, channel_id: str, ts: str) -> str:
        """Of one length, so that none is the beginning of another."""
        await asyncio.sleep(0)
        return f"https://chat.example/{channel_id}/{ts.rjust(12, '0')}"

    async def handles(self, user_id: str) -> frozenset[str]:
        return frozenset()

    async def person_name(self, user_id: str) -> str:
        """How people call somebody."""
        await asyncio.sleep(0)
        return f"name of {user_id}"

    async def readable_text(self, text: str) -> str:
        """The text."""
        return text

    async def fetch_message(self, channel_id: str, ts: str) -> Fact | None:
        """Nothing is read back here."""
        return None

    def change(self, item_id: str, status: str) -> Item:
        """Somebody changes an item, or makes it."""
        known = self.items.get(item_id)
        if known is None:
            known = Item(
                item_id, "list-1", "Inbox", f"Item {item_id}", "@AI_Squad fix_bug", "https://tracker.example/i",
                status, False, None, DANA, (), (), 0,
            )  # fmt: skip
        self.items[item_id] = replace(known, status=status, updated_ms=known.updated_ms + 1)
        return self.items[item_id]


class ToldSource(FakeSource):
    """Says in its bodies what happened."""

    def facts(self, body: bytes, content_type: str, connection: Connected) -> list[Fact]:
        """The one fact of an event."""
        told: dict[str, Any] = json.loads(body)
        at = datetime.fromisoformat(told["at"]) if "at" in told else None
        match told["is"], at:
            case "echo", _:
                delivery_id = UUID(told["delivery"]) if told["delivery"] else None
                return [Echo(told["place"], told["id"], delivery_id, told["mark"])]
            case "changed", _:
                return [ItemChanged(told["item"])]
            case "commented", datetime():
                return [CommentPosted(told["item"], told["id"], DANA, told["text"], at, told["edited"])]
            case "said", datetime():
                return [MessagePosted(CHANNEL, told["id"], told["thread"], DANA, told["text"], at)]
            case "noise", _:
                return [Ignored("noise")]
            case other, _:
                raise Unreadable(f"no such event: {other}")


class VendorIntegration:
    """The vendor, as one process of ours sees it."""

    name = "faketool"
    label = "Fake"
    role: Literal["tracker", "chat"] = "chat"

    def __init__(self, vendor: Vendor) -> None:
        self.source = ToldSource()
        self.vendor = vendor

    async def probe(self, credentials: Mapping[str, Any]) -> Probe:
        """Unused."""
        raise NotImplementedError

    async def subscribe(self, connection: Connected, public_url: str) -> list[HookSecret]:
        """Unused."""
        raise NotImplementedError

    def open(self, connection: Connected) -> Any:
        """The vendor."""
        return self.vendor

    async def aclose(self) -> None:
        """Nothing is open."""


def echo_of(effect: Effect) -> dict[str, Any]:
    """The event that tells of an effect; a comment tells by its permalink, a message by its delivery."""
    return {
        "is": "echo",
        "place": effect.place_id,
        "id": effect.external_id,
        "delivery": None if effect.mark else str(effect.delivery_id),
        "mark": effect.mark,
    }


def told(request: RawRequest) -> dict[str, Any]:
    """What a request says."""
    return json.loads(request.body)


def _ts(number: int) -> str:
    return f"1700.{number:04}"
