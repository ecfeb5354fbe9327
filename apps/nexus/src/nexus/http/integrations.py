"""Which vendors can be connected, and what each needs for it."""

from fastapi import APIRouter

from nexus.http.access import CanReadAdmin
from nexus.http.paging import whole
from nexus.http.parts import Parts
from oblivion_protocol.operating import IntegrationResource
from oblivion_protocol.resources import Page

router = APIRouter(prefix="/v1/integrations", tags=["connections"])


@router.get("")
async def list_integrations(principal: CanReadAdmin, parts: Parts) -> Page[IntegrationResource]:
    """Every integration, as it describes itself: what to do at the vendor and what to enter here."""
    return whole(parts.connector.integrations())
