"""Why something is as it is, in words."""

from typing import Annotated

from fastapi import APIRouter, Path

from nexus.auth.errors import NotFound
from nexus.http.access import CanReadAdmin
from nexus.http.parts import Parts
from nexus.tasks.explaining import explain
from oblivion_protocol.resources import Explanation

router = APIRouter(prefix="/v1/explain", tags=["tasks"])


@router.get("/{wanted}")
async def explain_anything(
    wanted: Annotated[
        str,
        Path(
            max_length=128,
            description="Id of a task, conversation, event or delivery, or the vendor's own id of an item or a message",
        ),
    ],
    principal: CanReadAdmin,
    parts: Parts,
) -> Explanation:
    """Why was this routed there, why does it wait, why was it not mirrored."""
    async with parts.db.tenant(principal.tenant_id) as session:
        explanation = await explain(session, parts.clock, wanted)
    if explanation is None:
        raise NotFound("Nothing with this id.")
    return explanation
