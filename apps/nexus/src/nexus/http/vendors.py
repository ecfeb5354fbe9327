"""What there is at the vendors to link: lists of a tracker, channels of a chat. Knows no vendor by name."""

from typing import Annotated

from fastapi import APIRouter, Query

from nexus.http.access import CanReadAdmin
from nexus.http.inputs import VendorName
from nexus.http.parts import Parts
from oblivion_protocol.operating import ChannelCatalog, ListCatalog

router = APIRouter(prefix="/v1/{vendor}", tags=["vendors"])

Refresh = Annotated[bool, Query(description="Read anew, though not more often than every 5 s")]


@router.get("/lists")
async def list_vendor_lists(
    vendor: VendorName, principal: CanReadAdmin, parts: Parts, refresh: Refresh = False
) -> ListCatalog:
    """The lists of a tracker, from a cache."""
    return await parts.catalog.lists(principal.tenant_id, vendor, refresh=refresh)


@router.get("/channels")
async def list_vendor_channels(
    vendor: VendorName, principal: CanReadAdmin, parts: Parts, refresh: Refresh = False
) -> ChannelCatalog:
    """The channels of a chat, from a cache."""
    return await parts.catalog.channels(principal.tenant_id, vendor, refresh=refresh)
