"""What there is at the vendors to link: lists of a tracker, channels of a chat. Knows no vendor by name."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from nexus.http.access import CanReadAdmin
from nexus.http.inputs import VendorName
from nexus.http.parts import Parts
from nexus.pipeline.links import Listing

router = APIRouter(prefix="/v1/{vendor}", tags=["vendors"])


class VendorItem(BaseModel):
    """A list or a channel; a vendor may tell more of it."""

    model_config = ConfigDict(extra="allow")

    id: str
    name: str


class VendorPage(BaseModel):
    """All of them, as they were at `synced_at`."""

    items: list[VendorItem]
    next_cursor: None = None
    synced_at: datetime


@router.get("/lists")
async def list_vendor_lists(vendor: VendorName, principal: CanReadAdmin, parts: Parts) -> VendorPage:
    """The lists of a tracker, from a cache."""
    return _page(await parts.catalog.lists(principal.tenant_id, vendor))


@router.get("/channels")
async def list_vendor_channels(vendor: VendorName, principal: CanReadAdmin, parts: Parts) -> VendorPage:
    """The channels of a chat, from a cache."""
    return _page(await parts.catalog.channels(principal.tenant_id, vendor))


def _page(listing: Listing) -> VendorPage:
    items = [VendorItem.model_validate(item) for item in listing.items]
    return VendorPage(items=items, synced_at=listing.synced_at)
