"""Lists and channels are read from the vendor when it is time, once for all who ask, and said how old they are."""

import asyncio
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from support.standins import HeldClock

from nexus.auth.errors import NotFound
from nexus.pipeline.catalog import KEEP_SECONDS, REFRESH_SECONDS, Catalog
from nexus.pipeline.connections import Connections
from nexus.pipeline.errors import Rejected, Retryable
from oblivion_protocol.operating import TrackerList


class Vendor:
    """A tracker with one list, and the connection to it; `broken` is raised instead of an answer."""

    def __init__(self) -> None:
        self.id, self.vendor = uuid4(), "clickup"
        self.integrations = {"clickup": None}
        self.reads = 0
        self.broken: Exception | None = None
        self.connected = True
        self.answering = asyncio.Event()
        self.answering.set()

    async def of_role(self, tenant_id: UUID, role: str) -> list[Any]:
        return [self] if self.connected and role == "tracker" else []

    async def tracker(self, connection_id: UUID) -> Any:
        return self

    async def lists(self) -> list[TrackerList]:
        self.reads += 1
        await self.answering.wait()
        if self.broken is not None:
            raise self.broken
        return [TrackerList(id=str(self.reads), name="Inbox", group="")]


TENANT = UUID(int=1)


class Shop:
    """A catalog of one vendor, with a clock that stands still until told."""

    def __init__(self) -> None:
        self.vendor, self.clock, self.now = Vendor(), HeldClock(), 1000.0
        self.catalog = Catalog(cast("Connections", self.vendor), self.clock, lambda: self.now)

    async def seen(self, tenant: UUID = TENANT, **more: bool) -> str:
        """Which reading is shown."""
        return (await self.catalog.lists(tenant, "clickup", **more)).items[0].id

    def later(self, seconds: float) -> None:
        self.now += seconds
        self.clock.advance(seconds)


@pytest.fixture
async def shop() -> Shop:
    return Shop()


async def test_what_was_read_is_kept_for_a_while_and_each_tenant_has_its_own(shop: Shop) -> None:
    first = await shop.catalog.lists(TENANT, "clickup")
    shop.later(KEEP_SECONDS - 1)
    assert await shop.catalog.lists(TENANT, "clickup") == first
    assert await shop.seen(UUID(int=2)) == "2"
    shop.later(1)
    again = await shop.catalog.lists(TENANT, "clickup")
    assert (again.items[0].id, again.synced_at) == ("3", shop.clock.now())


async def test_a_refresh_reads_anew_but_not_again_and_again(shop: Shop) -> None:
    assert await shop.seen() == "1"
    assert await shop.seen(refresh=True) == "1"
    shop.later(REFRESH_SECONDS)
    assert await shop.seen(refresh=True) == "2"
    assert await shop.seen(refresh=True) == "2"
    assert await shop.seen() == "2"


async def test_many_who_ask_at_once_are_one_request_to_the_vendor(shop: Shop) -> None:
    shop.vendor.answering.clear()
    asking = [asyncio.create_task(shop.seen()) for _ in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
    shop.vendor.answering.set()
    assert await asyncio.gather(*asking) == ["1"] * 20


async def test_while_the_vendor_is_away_what_was_read_before_is_shown_with_its_age(shop: Shop) -> None:
    first = await shop.catalog.lists(TENANT, "clickup")
    shop.later(10 * KEEP_SECONDS)
    shop.vendor.broken = Retryable("away")
    assert await shop.catalog.lists(TENANT, "clickup") == first
    with pytest.raises(Retryable):
        await shop.seen(refresh=True)
    shop.vendor.broken = Rejected("the token is revoked")
    with pytest.raises(Rejected):
        await shop.seen()
    shop.vendor.broken = None
    assert await shop.seen() == "5"


async def test_without_anything_read_before_the_failure_is_told(shop: Shop) -> None:
    shop.vendor.broken = Retryable("away")
    with pytest.raises(Retryable):
        await shop.seen()


async def test_what_is_not_connected_is_not_found(shop: Shop) -> None:
    for vendor, method in (("jira", shop.catalog.lists), ("clickup", shop.catalog.channels)):
        with pytest.raises(NotFound):
            await method(TENANT, vendor)
    assert await shop.seen() == "1"
    shop.later(KEEP_SECONDS)
    shop.vendor.connected = False
    with pytest.raises(NotFound):
        await shop.seen()
