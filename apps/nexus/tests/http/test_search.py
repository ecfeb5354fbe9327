"""`GET /v1/search`: who may ask, whose history is searched, and what is said when it cannot be."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from nexus.http.problems import MEDIA_TYPE
from nexus.search.errors import SearchUnavailable
from oblivion_protocol import Page, SearchHit

HIT = SearchHit(
    task_id="1", title="Export", text="a row is lost", source="slack", url="https://x", score=0.5,
    at=datetime(2026, 5, 1, tzinfo=UTC),
)  # fmt: skip


class Library:
    """Remembers what it was asked."""

    def __init__(self, broken: Exception | None = None) -> None:
        self.asked: list[tuple[UUID, str, int]] = []
        self.broken = broken

    async def search(self, tenant_id: UUID, query: str, limit: int) -> list[SearchHit]:
        self.asked.append((tenant_id, query, limit))
        if self.broken:
            raise self.broken
        return [HIT]


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def api(serve, parts, library):
    return serve(replace(parts, searcher=library))


async def test_agents_and_administrators_search_the_history_of_their_own_tenant(api, parts, library, acme, rival):
    for member, scopes in ((acme, ["agent"]), (rival, ["admin:read"])):
        token = await parts.tokens.issue(member.client_id, member.id, scopes)
        answer = await api.get(
            "/v1/search",
            params={"q": "row", "limit": 3, "tenant_id": str(acme.id)},
            headers={"Authorization": f"Bearer {token.access_token}"},
        )
        assert answer.status_code == 200
        page = Page[SearchHit].model_validate_json(answer.content)
        assert (page.items, page.next_cursor) == ([HIT], None)
    assert library.asked == [(acme.id, "row", 3), (rival.id, "row", 3)]


@pytest.mark.parametrize(("scopes", "status"), [(None, 401), (["delegate"], 403)])
async def test_others_may_not(api, parts, library, acme, scopes, status):
    headers = {}
    if scopes:
        token = await parts.tokens.issue(acme.client_id, acme.id, scopes)
        headers = {"Authorization": f"Bearer {token.access_token}"}
    answer = await api.get("/v1/search", params={"q": "row"}, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert library.asked == []


@pytest.mark.parametrize(
    "params",
    [{}, {"q": ""}, {"q": "  "}, {"q": "\x00"}, {"q": "x" * 1001}, {"q": "x", "limit": 0}, {"q": "x", "limit": 51}],
)
async def test_a_question_that_is_none_is_refused(api, library, acme, params):
    answer = await api.get("/v1/search", params=params, headers=acme.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert library.asked == []


async def test_a_broken_index_is_a_problem_that_says_what_to_do_and_all_else_works(serve, parts, acme):
    api = serve(replace(parts, searcher=Library(SearchUnavailable("Check OBLIVION_QDRANT_URL.", after_seconds=7))))
    answer = await api.get("/v1/search", params={"q": "row"}, headers=acme.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.json()["detail"] == "Check OBLIVION_QDRANT_URL."
    assert answer.headers["retry-after"] == "7"
    assert (await api.get("/v1/tasks", headers=acme.headers)).status_code == 200
    assert (await api.get("/readyz")).status_code == 200


async def test_a_process_without_an_index_says_so(serve, parts, acme):
    answer = await serve(parts).get("/v1/search", params={"q": "row"}, headers=acme.headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
