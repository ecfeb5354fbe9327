"""Search: what was said and done before, in every conversation of the tenant."""

from typing import Annotated

from fastapi import APIRouter, Query

from nexus.http.access import CanSearch
from nexus.http.paging import whole
from nexus.http.parts import Parts
from nexus.http.problems import Refused
from oblivion_protocol.resources import Page, SearchHit

MAX_QUERY_CHARS = 1_000
MAX_HITS = 50
DEFAULT_HITS = 10

router = APIRouter(prefix="/v1/search", tags=["search"])


@router.get("")
async def search_history(
    principal: CanSearch,
    parts: Parts,
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY_CHARS, description="Words, a question, an identifier")],
    limit: Annotated[int, Query(ge=1, le=MAX_HITS)] = DEFAULT_HITS,
) -> Page[SearchHit]:
    """Passages that fit best by meaning and by word, best first; there is no second page."""
    query = q.replace("\x00", " ").strip()
    if not query:
        raise Refused(400, "q is blank: say what to look for.")
    if parts.searcher is None:
        raise Refused(503, "This process remembers nothing: it was started without a search index.")
    return whole(await parts.searcher.search(principal.tenant_id, query, limit))
